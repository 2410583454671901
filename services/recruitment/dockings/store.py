"""Rows of dockings."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.dockings.domain import Docking
from shared.postgres import Tx, load_queries

__all__ = [
    "NamedDocking",
    "add_docking",
    "end_docking",
    "end_dockings",
    "figure",
    "find_docking",
    "has_open",
    "list_dockings",
    "lock_team",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class NamedDocking:
    """A docking with the name of its site."""

    docking: Docking
    site_name: str


async def lock_team(tx: Tx, team_id: UUID) -> bool:
    """Lock a team's row; false when there is none."""
    return await tx.fetchval(_SQL["lock_team"], team_id) is not None


async def list_dockings(tx: Tx, team_id: UUID) -> list[NamedDocking]:
    """A team's dockings, the latest first."""
    return [
        NamedDocking(
            Docking(row["docking_id"], row["team_id"], row["site_id"], row["since"], row["until"]), row["site_name"]
        )
        for row in await tx.fetch(_SQL["list_dockings"], team_id)
    ]


async def find_docking(tx: Tx, docking_id: UUID) -> tuple[Docking, UUID] | None:
    """A docking and its team's home, or none."""
    row = await tx.fetchrow(_SQL["find_docking"], docking_id)
    if row is None:
        return None
    docking = Docking(row["docking_id"], row["team_id"], row["site_id"], row["since"], row["until"])
    return docking, row["home_id"]


async def add_docking(tx: Tx, new: Docking, now: datetime, by: UUID | None) -> None:
    """Insert a docking."""
    await tx.execute(_SQL["add_docking"], new.docking_id, new.team_id, new.site_id, new.since, now, by)


async def end_docking(tx: Tx, ended: Docking, now: datetime, by: UUID) -> bool:
    """Write the end of a docking; false when it has ended meanwhile."""
    return await tx.fetchval(_SQL["end_docking"], ended.docking_id, ended.until, now, by) is not None


async def end_dockings(tx: Tx, team_id: UUID, now: datetime, by: UUID) -> None:
    """End all dockings of a team."""
    await tx.execute(_SQL["end_dockings"], team_id, now, by)


async def has_open(tx: Tx, team_id: UUID) -> bool:
    """Whether a team is docked today."""
    return bool(await tx.fetchval(_SQL["has_open"], team_id))


async def figure(tx: Tx, at: datetime) -> tuple[int, int]:
    """(docked teams, teams) of an instant."""
    row = await tx.fetchrow(_SQL["figure"], at)
    assert row is not None
    return row["docked"], row["teams"]
