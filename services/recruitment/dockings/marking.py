"""The mark of a docked team, kept with its dockings: a marked team is docked with a site, its home by default."""

from datetime import datetime
from uuid import UUID

from services.recruitment.dockings import store
from services.recruitment.dockings.domain import Docking
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["begin_at_home", "end_docking_of", "keep_mark"]


async def begin_at_home(tx: Tx, team_id: UUID, home_id: UUID, by: UUID, now: datetime) -> None:
    """Dock a team with its home from now on."""
    await store.add_docking(tx, Docking(new_id(), team_id, home_id, now), now, by)


async def end_docking_of(tx: Tx, team_id: UUID, by: UUID, now: datetime) -> None:
    """End all dockings of a team, which is closed or docked no more."""
    await store.end_dockings(tx, team_id, now, by)


async def keep_mark(tx: Tx, team_id: UUID, home_id: UUID, docked: bool, by: UUID, now: datetime) -> None:
    """Make the dockings agree with a mark that was changed; those that agree already stay."""
    if not docked:
        await end_docking_of(tx, team_id, by, now)
    elif not await store.has_open(tx, team_id):
        await begin_at_home(tx, team_id, home_id, by, now)
