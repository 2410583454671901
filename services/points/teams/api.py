"""HTTP of teams: badges with progress, and standings.

Open to everybody: no person is named, and teams stand on the district's public page.
"""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.points.badges.api import BadgeAwardOut, award_view
from services.points.badges.domain import BadgeProgress
from services.points.leaders.domain import BoardPeriod, span
from services.points.teams import domain, handlers
from services.points.teams.domain import TeamStanding
from shared.auth.access import public
from shared.clock import district_day
from shared.http import cursors
from shared.http.app import Db, Limit, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["teams"])

Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
FORMULA = "confirmed service records that name the team, one per volunteer and shift, imported ones excepted"


class TeamProgressOut(Output):
    """How far it is to one badge, in services."""

    badge: str
    name: str
    window: str
    sentence: str
    value: int
    at_least: int
    remaining: int
    held: bool


class TeamBadgesOut(Output):
    """``services`` are of all time, ``services_this_year`` of the district's present year, by ``formula``.

    ``next`` is the progress towards the nearest badge that is not held, by share of the way.
    """

    team_id: UUID
    criteria_version: int
    services: int
    services_this_year: int
    formula: str
    held: list[BadgeAwardOut]
    revoked: list[BadgeAwardOut]
    progress: list[TeamProgressOut]
    next: TeamProgressOut | None


class TeamBadgeOut(Output):
    """A badge that a team holds now, the highest of its window."""

    badge: str
    name: str


class TeamStandingOut(Output):
    """A line of the standings; equal services are an equal rank."""

    rank: int
    team_id: UUID
    services: int
    badges: list[TeamBadgeOut]


class TeamStandingsOut(Output):
    """Teams with services in a period, both days included; ``next_cursor`` is absent on the last page."""

    period: BoardPeriod
    first: date
    last: date
    formula: str
    items: list[TeamStandingOut]
    next_cursor: str | None = None


@router.get("/teams/standings", dependencies=[public()])
async def read_standings(
    db: Db,
    period: BoardPeriod = BoardPeriod.YEAR,
    day: Day | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> TeamStandingsOut:
    """Teams by their services in the week, month or year that ``day`` lies in, today's by default."""
    after = None if cursor is None else cursors.decode(cursor, (int, UUID))
    async with db.snapshot() as tx:
        first, last = span(period, day or district_day(await tx.now()))
        found = await handlers.standings(tx, first, last, after=after, limit=limit + 1)
    page = cursors.page_of(found, limit, _standing, lambda line: (line[0].services, line[0].team_id))
    return TeamStandingsOut(
        period=period, first=first, last=last, formula=FORMULA, items=page.items, next_cursor=page.next_cursor
    )


@router.get("/teams/{team_id}/badges", dependencies=[public()])
async def read_badges(db: Db, team_id: UUID) -> TeamBadgesOut:
    """A team's services, its badges held and revoked, and the progress towards all."""
    async with db.snapshot() as tx:
        found = await handlers.badges_of(tx, team_id)
    held = [award_view(award) for award in found.awards if award.revoked_at is None]
    names = {award.badge for award in held}
    progress = [_progress(one, one.badge in names) for one in found.progress]
    open_ = [one for one in progress if not one.held and one.remaining]
    return TeamBadgesOut(
        team_id=team_id,
        criteria_version=found.criteria.version,
        services=domain.total(found.figures),
        services_this_year=domain.total(found.figures, str(found.year)),
        formula=FORMULA,
        held=held,
        revoked=[award_view(award) for award in found.awards if award.revoked_at is not None],
        progress=progress,
        next=max(open_, key=lambda one: one.value / one.at_least, default=None),
    )


def _standing(line: tuple[TeamStanding, list[tuple[str, str]]]) -> TeamStandingOut:
    standing, badges = line
    return TeamStandingOut(
        rank=standing.rank,
        team_id=standing.team_id,
        services=standing.services,
        badges=[TeamBadgeOut(badge=badge, name=name) for badge, name in badges],
    )


def _progress(one: BadgeProgress, held: bool) -> TeamProgressOut:
    item = one.criterion
    return TeamProgressOut(
        badge=one.badge,
        name=one.name,
        window=item.window,
        sentence=domain.sentence(item),
        value=one.value,
        at_least=item.at_least,
        remaining=one.remaining,
        held=held,
    )
