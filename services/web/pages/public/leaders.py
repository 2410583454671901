"""The leaders' board, and the consent to stand on it."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.web.pages.language import _
from services.web.pages.render import page
from services.web.pages.visit import LoginNeeded, Visit, VisitOf
from services.web.pages.wording import day
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

PERIODS = ("week", "month", "year")


@router.get("/leaders")
async def leaders(visit: VisitOf, period: str = "week", site: str = "", team: str = "") -> Response:
    """List those who served most, by period, site and team, of those who agreed to be shown."""
    if not visit.session.claims:
        raise LoginNeeded(visit.target)
    chosen = period if period in PERIODS else PERIODS[0]
    site, team = _known(site), _known(team)
    query = {name: value for name, value in (("site_id", site), ("team_id", team)) if value}
    board, sites, teams, shown = await asyncio.gather(
        visit.ask("points", "/leaders", period=chosen, limit="50", **query),
        visit.site_names(),
        _teams(visit),
        _shown(visit),
    )
    return page(
        "public/leaders.html",
        visit.session,
        path=visit.path,
        board=board,
        period=chosen,
        periods=PERIODS,
        days=_("%(first)s到%(last)s", first=_day(board["first"]), last=_day(board["last"])),
        site=site,
        team=team,
        sites=sorted(sites.items(), key=lambda item: item[1]),
        teams=teams,
        shown=shown,
    )


def _known(text: str) -> str:
    """An id as it is, anything else as nothing: an edited address shows the whole board."""
    try:
        return str(UUID(text))
    except ValueError:
        return ""


async def _teams(visit: Visit) -> list[tuple[str, str]]:
    found = await visit.get_optional("recruitment", "/teams")
    return [(str(team["team_id"]), str(team["name"])) for team in (found or {"items": []})["items"]]


async def _shown(visit: Visit) -> Any | None:
    """Whether the visiting volunteer agreed; None when no volunteer is looking."""
    if visit.session.volunteer_id is None:
        return None
    return await visit.get_optional("points", f"/accounts/{visit.session.volunteer_id}/visibility")


def _day(value: str) -> str:
    return day(f"{value}T12:00:00+08:00")
