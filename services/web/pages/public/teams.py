"""Teams on the pages: the standings with their badges, and each team's own page. For everybody."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.language import N_, _
from services.web.pages.public.credentials import as_download, nearest
from services.web.pages.public.joining import joining_of, needs_of
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.render import finish, page
from services.web.pages.staff.accounts import numbered
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["leading", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

PERIODS = (("year", N_("今年")), ("month", N_("本月")), ("week", N_("本周")))
LEADING = 3
UNNAMED = N_("志愿服务团队")


@router.get("/teams")
async def standings(visit: VisitOf, period: str = "year", cursor: str | None = None) -> Response:
    """Teams by their services in the present year, month or week."""
    if period not in dict(PERIODS):
        raise UpstreamProblem("not-found", "There is no such period.", status=404)
    query = {"cursor": cursor} if cursor else {}
    found, names = await asyncio.gather(
        visit.ask("points", "/teams/standings", period=period, **query), visit.team_names()
    )
    return page(
        "public/teams.html",
        visit.session,
        path=visit.path,
        periods=[(code, _(said)) for code, said in PERIODS],
        period=period,
        lines=_named(found["items"], names),
        next_cursor=found.get("next_cursor"),
    )


@router.get("/teams/find")
async def find(visit: VisitOf, site: str = "", need: str = "") -> Response:
    """Open teams to join: of a site, or that serve a need."""
    query = {name: value for name, value in (("site_id", site), ("tag_id", need)) if value}
    found, needs, sites = await asyncio.gather(
        visit.ask("recruitment", "/teams/directory", **query), needs_of(visit), visit.site_names()
    )
    return page(
        "public/teams_find.html",
        visit.session,
        path=visit.path,
        teams=[{**one, "needs": [needs[tag] for tag in one["tag_ids"] if tag in needs]} for one in found["items"]],
        needs=sorted(needs.items(), key=lambda pair: pair[1]),
        sites=sorted(sites.items(), key=lambda pair: pair[1]),
        site=site,
        need=need,
    )


@router.get("/teams/{team_id}")
async def team(visit: VisitOf, team_id: str) -> Response:
    """One team: its services, its badges with their credentials, how to join it; its members for those who run it."""
    known = _id(team_id)
    found, names, joining = await asyncio.gather(
        visit.ask("points", f"/teams/{known}/badges"), visit.team_names(), joining_of(visit, known)
    )
    if known not in names and not found["services"] and not found["revoked"]:
        raise UpstreamProblem("team-unknown", "There is no such team.", status=404)
    return page(
        "public/team.html",
        visit.session,
        path=visit.path,
        team=found,
        name=names.get(known, _(UNNAMED)),
        **joining,
        progress=nearest(found["progress"]),
    )


class MemberFormIn(Input):
    """The number of a volunteer to add."""

    number: Annotated[str, Field(max_length=200)]


@router.post("/teams/{team_id}/members")
async def add_member(visit: VisitOf, team_id: str, body: MemberFormIn, key: Key, ours: Ours = None) -> Response:
    """Add a volunteer of the caller's sites to the team, by number."""
    require_ours(ours)
    require_staff(visit)
    found = await numbered(visit, body.number.strip())
    if not found:
        raise UpstreamProblem("volunteer-unknown", "There is no such volunteer at your sites.", status=404)
    sent = {"volunteer_id": found[0]["volunteer_id"]}
    await visit.post("recruitment", f"/teams/{_id(team_id)}/members", sent, **{"idempotency-key": key})
    return finish(JSONResponse({}), visit.session)


@router.get("/teams/{team_id}/badges/{award_id}/credential.{form}")
async def download(visit: VisitOf, team_id: str, award_id: str, form: str) -> Response:
    """A team's credential as a file, for everybody."""
    found = await visit.ask("points", f"/teams/{_id(team_id)}/badges/{_id(award_id)}/credential")
    return finish(as_download(found, form), visit.session)


async def leading(visit: Visit) -> list[dict[str, Any]]:
    """The teams that served most this year, for the district's page; none where that cannot be had."""

    async def load() -> Any:
        return (
            await visit.web.upstream.call("GET", "points", "/teams/standings", query={"limit": str(LEADING)})
        ).accepted()

    try:
        found = await visit.web.cache.get("teams", visit.web.settings.figures_age_seconds, load)
    except (UpstreamProblem, UpstreamAway):
        return []
    return _named(found["items"], await visit.team_names())


def _named(lines: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    return [{**line, "name": names.get(line["team_id"], _(UNNAMED))} for line in lines]


def _id(text: str) -> str:
    """An id as the services write it.

    Raises:
        Problem: it is none, so there is no such team.
    """
    try:
        return str(UUID(text))
    except ValueError:
        raise UpstreamProblem("team-unknown", "There is no such team.", status=404) from None
