"""The staff's pages of sites, teams, themes, projects with honours, needs, organisations and trainings."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import N_, _
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.staff.people import colleagues_of
from services.web.pages.staff.schedule import day_bounds
from services.web.pages.staff.structure_forms import CREATES, EDITS, Sight, field_value, label_of, shown_value
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/organisation", include_in_schema=False, dependencies=[public()])

TABS: Mapping[str, str] = {
    "sites": N_("文明实践阵地"),
    "teams": N_("队伍"),
    "themes": N_("服务主题"),
    "projects": N_("项目和荣誉"),
    "tags": N_("需求标签"),
    "organisations": N_("志愿服务组织"),
    "trainings": N_("培训"),
}
_KEYS = {
    "sites": "site_id",
    "teams": "team_id",
    "themes": "theme_id",
    "projects": "project_id",
    "tags": "tag_id",
    "organisations": "organisation_id",
    "trainings": "training_id",
}
_KINDS = {"honours": "honour", **{tab: tab.removesuffix("s") for tab in TABS}}
_CENTRE = frozenset({"themes", "tags"})
_OPERATORS = frozenset({"sites", "teams", "organisations", "trainings"})
"""Tabs whose objects operators create, edit and close; station staff do so with projects and honours."""


@dataclass(frozen=True, slots=True)
class StructureLine:
    """One object of a tab: its name, what is said beside it, its depth in the tree, and what may be done."""

    key: str
    name: str
    said: str
    version: int
    closed: bool
    depth: int
    may: bool
    values: Mapping[str, Any]
    honours: tuple[Mapping[str, Any], ...] = ()


@router.get("")
async def organisation(visit: VisitOf, tab: str = "sites", closed: str = "", on: str = "") -> Response:
    """One tab: its objects with forms to create, edit and close them."""
    visit.staff()
    if tab not in TABS:
        raise UpstreamProblem("not-found", "There is no such tab.", status=404)
    sight, lines = await asyncio.gather(_sight(visit), _LINES.get(tab, _plain)(visit, tab))
    docking = await _docking(visit, on) if tab == "teams" else None
    return page(
        "staff/organisation.html",
        visit.session,
        path=visit.path,
        tab=tab,
        kind=_KINDS[tab],
        tabs=[(f"/staff/organisation?tab={one}", _(said), one == tab) for one, said in TABS.items()],
        lines=[one for one in lines if closed or not one.closed],
        closed=bool(closed),
        creates=CREATES[tab] if _may_create(visit, tab) else (),
        edits=EDITS[tab],
        honour_edits=EDITS["honours"],
        honour_creates=CREATES["honours"],
        sight=sight,
        docking=docking,
        on=on,
        value_of=field_value,
    )


async def _docking(visit: Visit, on: str) -> Mapping[str, Any] | None:
    """The figure of docked teams now, or at the end of a day that is over; what is no day is today."""
    try:
        _start, end = day_bounds(date.fromisoformat(on))
    except ValueError:
        return await visit.get_optional("recruitment", "/dockings/figure")
    at = min(end, await district_now(visit))
    found: Mapping[str, Any] | None = await visit.get_optional("recruitment", "/dockings/figure", on=at.isoformat())
    return found


@router.get("/changes/{kind}/{object_id}")
async def changes(visit: VisitOf, kind: str, object_id: str, cursor: str | None = None) -> Response:
    """The history of one object: who changed what, and when."""
    visit.staff()
    query = {"cursor": cursor} if cursor else {}
    found, said, sight = await asyncio.gather(
        visit.ask("recruitment", f"/changes/{kind}/{object_id}", **query), colleagues_of(visit), _sight(visit)
    )
    return page(
        "staff/organisation_changes.html",
        visit.session,
        path=visit.path,
        changes=found["items"],
        following=found["next_cursor"],
        said=said,
        label_of=label_of,
        value_of=lambda name, value: shown_value(sight, name, value),
    )


def _may_create(visit: Visit, tab: str) -> bool:
    if tab in _CENTRE:
        return visit.session.centre
    return "operator" in visit.session.roles or tab not in _OPERATORS


def _may(visit: Visit, tab: str, site_id: str | None) -> bool:
    """Whether the forms of an object are of use; the service decides."""
    return _may_create(visit, tab) and (tab in _CENTRE or visit.session.owns(site_id))


async def _sight(visit: Visit) -> Sight:
    """Names for choices, as far as they are the visitor's."""
    sites, teams = await asyncio.gather(visit.site_names(), visit.team_names())
    owned = [(key, name) for key, name in sites.items() if visit.session.owns(key)]
    return Sight(tuple(sorted(owned, key=lambda one: one[1])), sites, teams)


async def _plain(visit: Visit, tab: str) -> list[StructureLine]:
    found = await visit.ask("recruitment", f"/{tab}")
    sites = await visit.site_names()
    return [_line(visit, tab, one, sites) for one in found["items"]]


async def _sites(visit: Visit, tab: str) -> list[StructureLine]:
    """Sites as a tree: each below its parent."""
    found = (await visit.ask("recruitment", "/sites"))["items"]
    sites = {str(one["site_id"]): str(one["name"]) for one in found}
    lines: list[StructureLine] = []

    def below(parent: str | None, depth: int) -> None:
        for one in found:
            if one["parent_id"] == parent:
                lines.append(_line(visit, tab, one, sites, depth))
                below(one["site_id"], depth + 1)

    below(None, 0)
    return lines


def _line(visit: Visit, tab: str, one: Mapping[str, Any], sites: Mapping[str, str], depth: int = 0) -> StructureLine:
    home = one.get("parent_id") if tab == "sites" else one.get("site_id")
    site_id = one.get("site_id")
    values = {**one, f"{_KINDS[tab]}_kind": one.get("kind")}
    words = [shown_value(Sight((), sites, {}), name, values.get(name)) for name in _SAID[tab]]
    return StructureLine(
        key=str(one[_KEYS[tab]]),
        name=str(one.get("name") or one.get("title") or one.get("zh")),
        said=" · ".join(word for word in words if word),
        version=int(one["version"]),
        closed=one["closed_at"] is not None,
        depth=depth,
        may=_may(visit, tab, site_id) and (tab != "sites" or home is not None),
        values=one,
        honours=tuple(one.get("honours", ())),
    )


_SAID: Mapping[str, tuple[str, ...]] = {
    "sites": ("site_kind",),
    "teams": ("team_kind", "site_id", "series", "department", "head", "docked"),
    "themes": ("pillar",),
    "projects": ("site_id", "pillar"),
    "tags": ("tag", "en", "teams"),
    "organisations": ("level", "site_id"),
    "trainings": ("starts_at", "mode", "site_id", "people"),
}
_LINES: Mapping[str, Callable[[Visit, str], Awaitable[list[StructureLine]]]] = {"sites": _sites}
