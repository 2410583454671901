"""The operators' pages of manual adjustments: points given or taken back by two of them, with a reason and evidence."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.render import page
from services.web.pages.staff.accounts import numbered, whose
from services.web.pages.staff.people import colleagues_of, numbering_of
from services.web.pages.visit import Visit, VisitOf, operators_only
from services.web.pages.volunteer.explanation import Whose, entry
from shared.auth.access import public

__all__ = ["router", "standing"]

router = APIRouter(prefix="/staff/adjustments", include_in_schema=False, dependencies=[public()])

STATES = ("proposed", "approved", "rejected", "withdrawn", "all")
CORRECTIONS = "200"
"""Corrections of one adjustment that its page counts; there are seldom more than one."""


@router.get("")
async def adjustments(
    visit: VisitOf, status: str = "proposed", volunteer: str = "", number: str = "", cursor: str | None = None
) -> Response:
    """Adjustments, newest first: all, or one volunteer's with a form to propose another."""
    operators_only(visit)
    wanted = number.strip()[:200]
    if wanted and (numbers := await numbered(visit, wanted)):
        return RedirectResponse(f"/staff/adjustments?volunteer={numbers[0]['volunteer_id']}&status=all", 303)
    chosen = status if status in STATES else STATES[0]
    person = await _person(visit, volunteer)
    query = {"cursor": cursor} if cursor else {}
    if chosen != "all":
        query["status"] = chosen
    if person:
        query["volunteer_id"] = person.volunteer_id
    found, account, who = await asyncio.gather(
        visit.ask("points", "/adjustments", limit="30", **query), _account(visit, person), colleagues_of(visit)
    )
    return page(
        "operator/adjustments.html",
        visit.session,
        path=visit.path,
        adjustments=found["items"],
        chosen=chosen,
        states=STATES,
        person=person,
        number=wanted,
        account=account,
        who=who,
        number_of=await numbering_of(visit, (one["volunteer_id"] for one in found["items"])),
        next_cursor=found["next_cursor"],
    )


@router.get("/{adjustment_id}")
async def adjustment(visit: VisitOf, adjustment_id: str) -> Response:
    """One adjustment: what it rests on, who did what, what was posted, and what can be done about it."""
    operators_only(visit)
    found = await visit.ask("points", f"/adjustments/{adjustment_id}")
    corrections, person, who, number_of = await asyncio.gather(
        visit.ask("points", "/adjustments", corrects=found["adjustment_id"], limit=CORRECTIONS),
        visit.get_optional("recruitment", f"/volunteers/{found['volunteer_id']}"),
        colleagues_of(visit),
        numbering_of(visit, [found["volunteer_id"]]),
    )
    bucket = f"life/adjustment/{found['corrects'] or found['adjustment_id']}"
    return page(
        "operator/adjustment.html",
        visit.session,
        path=visit.path,
        adjustment=found,
        corrections=corrections["items"],
        standing=standing(found, corrections["items"]),
        posted=[entry({**line, "bucket": bucket}) for line in found["posted"]],
        person=person,
        who=who,
        number_of=number_of,
        me=str(visit.session.claims.get("sub", "")),
    )


def standing(adjustment: Mapping[str, Any], corrections: Iterable[Mapping[str, Any]]) -> int:
    """Points of an approved adjustment after its approved corrections."""
    approved = [one["points"] for one in (adjustment, *corrections) if one["status"] == "approved"]
    return sum(approved)


async def _account(visit: Visit, person: Whose | None) -> Any | None:
    """The volunteer's balances; None without a volunteer, and for one that has not served yet."""
    return await visit.get_optional("points", f"/accounts/{person.volunteer_id}") if person else None


async def _person(visit: Visit, volunteer: str) -> Whose | None:
    """The volunteer that the address names; an address that names none is refused.

    Raises:
        Problem: it is no id, or not a volunteer's.
    """
    if not volunteer:
        return None
    try:
        return await whose(visit, str(UUID(volunteer)))
    except ValueError:
        raise UpstreamProblem("volunteer-unknown", "There is no such volunteer.", status=404) from None
