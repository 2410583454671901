"""Teams, what is counted of records, criteria and awards between rows and domain."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from services.points.badges.store import BadgeAward, award_of
from services.points.teams.documents import TeamCriteriaDocument
from services.points.teams.domain import Figures, Increments, Said, TeamRecordChange, TeamStanding
from services.points.versions.store import Versions
from shared.postgres import Tx, load_queries

__all__ = [
    "CRITERIA",
    "NewTeamAward",
    "Revoked",
    "TeamRevocation",
    "TeamRow",
    "add_days",
    "awards_of",
    "insert_awards",
    "judged_under_other_criteria",
    "lock_services",
    "lock_teams",
    "open_teams",
    "revoke_awards",
    "services",
    "standings",
    "teams",
    "write_services",
    "write_teams",
]

_SQL = load_queries(__file__)
CRITERIA = Versions(TeamCriteriaDocument, "team criteria", _SQL)


@dataclass(slots=True)
class TeamRow:
    """A team's row: figures, and the badges held now."""

    team_id: UUID
    version: int
    figures: Figures
    badges: tuple[str, ...]
    criteria_version: int


class NewTeamAward(NamedTuple):
    """A badge to be awarded; ``reason`` is JSON."""

    award_id: UUID
    team_id: UUID
    badge: str
    name: str
    criteria_version: int
    reason: str
    cause_event_id: UUID
    correlation_id: str


class TeamRevocation(NamedTuple):
    """A badge to be taken away; ``reason`` is JSON."""

    team_id: UUID
    badge: str
    reason: str


class Revoked(NamedTuple):
    """An award that was closed."""

    award_id: UUID
    team_id: UUID
    badge: str
    name: str


async def open_teams(tx: Tx, team_ids: Collection[UUID], now: datetime) -> None:
    """Make sure that teams have a row."""
    await tx.execute(_SQL["open_teams"], list(team_ids), now)


async def lock_teams(tx: Tx, team_ids: Collection[UUID]) -> None:
    """Lock teams, sorted."""
    await tx.fetch(_SQL["lock_teams"], list(team_ids))


async def lock_services(tx: Tx, record_ids: Collection[UUID]) -> None:
    """Lock what is counted of records, sorted; after the teams."""
    await tx.fetch(_SQL["lock_services"], list(record_ids))


async def services(tx: Tx, record_ids: Collection[UUID]) -> dict[UUID, Said]:
    """Load the counts of known records."""
    return {row[0]: Said(*row) for row in await tx.fetch(_SQL["services"], list(record_ids))}


async def write_services(tx: Tx, changes: Sequence[TeamRecordChange]) -> None:
    """Write what is counted of records from now on.

    Raises:
        asyncpg.UniqueViolationError: a concurrent transaction inserted the same record.
    """
    for name, rows in (
        ("insert_services", [change.new for change in changes if change.old is None]),
        ("update_services", [change.new for change in changes if change.old is not None]),
    ):
        if rows:
            await tx.execute(_SQL[name], *map(list, zip(*rows, strict=True)))


async def add_days(tx: Tx, increments: Increments) -> None:
    """Add to the services of days, or take away from them."""
    if not increments:
        return
    team_ids: list[UUID] = [team_id for team_id, _ in increments]
    days: list[date] = [day for _, day in increments]
    await tx.execute(_SQL["open_days"], team_ids, days)
    credit, honour = zip(*increments.values(), strict=True)
    await tx.execute(_SQL["add_days"], team_ids, days, list(credit), list(honour))


async def teams(tx: Tx, team_ids: Collection[UUID]) -> dict[UUID, TeamRow]:
    """Teams that records have named."""
    found = {}
    for row in await tx.fetch(_SQL["teams"], list(team_ids)):
        figures: Figures = {window: (one[0], one[1]) for window, one in orjson.loads(row["figures"]).items()}
        found[row["team_id"]] = TeamRow(
            row["team_id"], row["version"], figures, tuple(row["badges"]), row["criteria_version"]
        )
    return found


async def write_teams(tx: Tx, changed: Sequence[TeamRow], criteria_version: int, now: datetime) -> None:
    """Write figures and badges of locked teams, judged under a version of the criteria."""
    if changed:
        await tx.execute(
            _SQL["write_teams"],
            [team.team_id for team in changed],
            [team.version for team in changed],
            [orjson.dumps(team.figures).decode() for team in changed],
            [orjson.dumps(team.badges).decode() for team in changed],
            now,
            criteria_version,
        )


async def insert_awards(tx: Tx, awards: Sequence[NewTeamAward], now: datetime) -> None:
    """Write awards in one statement."""
    if awards:
        await tx.execute(_SQL["insert_awards"], *map(list, zip(*awards, strict=True)), now)


async def revoke_awards(tx: Tx, revocations: Sequence[TeamRevocation], now: datetime) -> list[Revoked]:
    """Close awards; returns those that were closed, sorted by team and badge."""
    if not revocations:
        return []
    rows = await tx.fetch(_SQL["revoke_awards"], *map(list, zip(*revocations, strict=True)), now)
    return sorted((Revoked(*row) for row in rows), key=lambda one: (one.team_id, one.badge))


async def judged_under_other_criteria(tx: Tx, version: int, limit: int) -> list[UUID]:
    """Teams whom this version has not judged, not locked."""
    return [row[0] for row in await tx.fetch(_SQL["judged_under_other_criteria"], version, limit)]


async def awards_of(tx: Tx, team_id: UUID) -> list[BadgeAward]:
    """Every award, oldest first."""
    return [award_of(row) for row in await tx.fetch(_SQL["awards_of"], team_id)]


async def standings(
    tx: Tx, first: date, last: date, *, after: tuple[int, UUID] | None, limit: int
) -> list[TeamStanding]:
    """Teams by their services in these days, most first, from behind ``after`` (services, team) on."""
    services_, team_id = after if after is not None else (None, None)
    rows = await tx.fetch(_SQL["standings"], first, last, services_, team_id, limit)
    return [TeamStanding(row["rank"], row["team_id"], row["services"], tuple(row["badges"])) for row in rows]
