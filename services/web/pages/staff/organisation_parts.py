"""The staff's pages of one site's week, one team's needs and dockings, and one training's attendance."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/organisation", include_in_schema=False, dependencies=[public()])

BLANK_DUTIES = 3
"""Empty rows of the rota's form."""


@router.get("/sites/{site_id}")
async def site_week(visit: VisitOf, site_id: str) -> Response:
    """Opening hours and rota of a site, with a form for the whole week."""
    visit.staff()
    known = _id(site_id, "site-unknown")
    sites, week, teams, position = await asyncio.gather(
        visit.ask("recruitment", "/sites"),
        visit.ask("recruitment", f"/sites/{known}/openings"),
        visit.ask("recruitment", "/teams/directory"),
        visit.get_optional("recruitment", f"/sites/{known}/position"),
    )
    site = next((one for one in sites["items"] if one["site_id"] == known), None)
    if site is None:
        raise UpstreamProblem("site-unknown", "There is no such site.", status=404)
    open_days = {one["weekday"] for one in week["hours"]}
    closed = [{"weekday": day, "opens": "", "closes": ""} for day in range(1, 8) if day not in open_days]
    blank = {"weekday": 1, "begins": "", "ends": "", "team_id": ""}
    return page(
        "staff/site_week.html",
        visit.session,
        path=visit.path,
        site=site,
        hours=sorted([*week["hours"], *closed], key=lambda one: (one["weekday"], one["opens"])),
        rota=[*week["rota"], *[blank] * BLANK_DUTIES],
        teams=[(one["team_id"], one["name"]) for one in teams["items"]],
        may=visit.session.owns(known) and site["closed_at"] is None,
        position=position or {"latitude": None, "longitude": None},
        operates="operator" in visit.session.roles,
    )


@router.get("/teams/{team_id}")
async def team_facts(visit: VisitOf, team_id: str) -> Response:
    """The needs that a team serves and its dockings over time."""
    visit.staff()
    known = _id(team_id, "team-unknown")
    team, tags, dockings, sites = await asyncio.gather(
        visit.ask("recruitment", f"/teams/{known}"),
        visit.ask("recruitment", "/tags"),
        visit.ask("recruitment", f"/teams/{known}/dockings"),
        visit.site_names(),
    )
    return page(
        "staff/team_facts.html",
        visit.session,
        path=visit.path,
        team=team,
        tags=[one for one in tags["items"] if one["closed_at"] is None or one["tag_id"] in team["tag_ids"]],
        dockings=dockings["items"],
        sites=sorted(_owned(visit, sites), key=lambda one: one[1]),
        may=visit.session.owns(team["site_id"]) and team["closed_at"] is None,
    )


@router.get("/trainings/{training_id}")
async def training(visit: VisitOf, training_id: str) -> Response:
    """A training with its attendance by organisation."""
    visit.staff()
    found, organisations = await asyncio.gather(
        visit.ask("recruitment", f"/trainings/{_id(training_id, 'training-unknown')}"),
        visit.ask("recruitment", "/organisations", limit="200"),
    )
    may = "operator" in visit.session.roles and visit.session.owns(found["training"]["site_id"])
    return page(
        "staff/training.html",
        visit.session,
        path=visit.path,
        training=found["training"],
        attendances=found["attendances"],
        organisations=[(one["organisation_id"], one["name"]) for one in organisations["items"] if not one["closed_at"]],
        may=may and found["training"]["closed_at"] is None,
    )


def _owned(visit: Visit, sites: dict[str, str]) -> list[tuple[str, Any]]:
    return [(key, name) for key, name in sites.items() if visit.session.owns(key)]


def _id(text: str, slug: str) -> str:
    """An id as the services write it.

    Raises:
        Problem: it is none, so there is nothing of that name.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise UpstreamProblem(slug, "There is nothing with this id.", status=404) from None
