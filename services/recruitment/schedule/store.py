"""Rows of the schedule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["ScheduledShift", "list_schedule"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ScheduledShift:
    """A shift as those see it who run it: what, where, when, and its people in figures.

    ``attended`` are volunteers with a record, ``present`` open records, ``absent`` sign-ups without a record,
    ``to_confirm`` records that were closed automatically, ``overtime`` records with time after the shift's end.
    """

    shift_id: UUID
    activity_id: UUID
    title: str
    kind: str
    place: str
    state: str
    site_id: UUID
    site_name: str
    team_id: UUID
    team_name: str
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    capacity: int
    taken: int
    attended: int
    present: int
    absent: int
    to_confirm: int
    overtime: int


async def list_schedule(
    tx: Tx,
    *,
    start: datetime,
    end: datetime,
    site_id: UUID | None,
    team_id: UUID | None,
    all_sites: bool,
    site_ids: Sequence[UUID],
    team_ids: Sequence[UUID],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ScheduledShift]:
    """A page of the shifts that overlap [start, end), earliest first, within these sites and teams."""
    rows = await tx.fetch(
        _SQL["list_schedule"],
        start,
        end,
        site_id,
        team_id,
        all_sites,
        list(site_ids),
        list(team_ids),
        *(after or (None, None)),
        limit,
    )
    return [ScheduledShift(**row) for row in rows]
