"""Volunteers by their number and colleagues by their account, where other services name them by id."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.language import _
from services.web.pages.visit import Visit

__all__ = ["colleagues_of", "number_said", "numbering_of", "numbers_of", "within_reach"]

AT_ONCE = 500
"""Ids that recruitment answers in one call."""
ASKED = 30
"""Volunteers of a page whom staff of a site may turn out to be allowed to open."""


async def numbers_of(visit: Visit, volunteer_ids: Iterable[object]) -> dict[str, str]:
    """The numbers of volunteers by id; none while recruitment is away, so that the rest of the page stands."""
    wanted = sorted({str(one) for one in volunteer_ids if one})
    found: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        body = {"volunteer_ids": wanted[start : start + AT_ONCE]}
        try:
            answer = await visit.post("recruitment", "/volunteers/numbers", body)
        except (UpstreamAway, UpstreamProblem):
            return found
        found |= {str(one["volunteer_id"]): str(one["volunteer_number"]) for one in answer["items"]}
    return found


async def within_reach(visit: Visit, volunteer_ids: Iterable[object]) -> frozenset[str]:
    """Those of the volunteers whose own pages the caller may open: all for the centre, else what recruitment shows.

    A case at a site is also about volunteers of other sites.
    """
    wanted = sorted({str(one) for one in volunteer_ids if one})
    if visit.session.centre:
        return frozenset(wanted)
    asked = wanted[:ASKED]
    found = await asyncio.gather(*(visit.get_optional("recruitment", f"/volunteers/{one}") for one in asked))
    return frozenset(one for one, person in zip(asked, found, strict=True) if person is not None)


def number_said(numbers: Mapping[str, str], volunteer_id: object) -> str:
    """A volunteer's number, or the end of their id while the number is not known."""
    return numbers.get(str(volunteer_id)) or _("编号暂时取不到（%(end)s）", end=str(volunteer_id)[-8:].upper())


async def numbering_of(visit: Visit, volunteer_ids: Iterable[object]) -> Callable[[object], str]:
    """A function from the id of one of these volunteers to the number that a page shows."""
    numbers = await numbers_of(visit, volunteer_ids)
    return lambda volunteer_id: number_said(numbers, volunteer_id)


async def colleagues_of(visit: Visit) -> Callable[[object], str]:
    """A function from a staff id to words: the visitor, a colleague's account, or the end of the id of another."""
    names: dict[str, str] = {}
    if "operator" in visit.session.roles:
        found = await visit.get_optional("recruitment", "/staff", limit="200", closed="true")
        names = {str(one["staff_id"]): str(one["username"]) for one in (found or {"items": []})["items"]}
    me = str(visit.session.claims.get("sub", ""))

    def said(staff_id: object) -> str:
        if str(staff_id) == me:
            return _("您")
        known = names.get(str(staff_id))
        return known or _("工作人员（%(end)s）", end=str(staff_id)[-6:].upper())

    return said
