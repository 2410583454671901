"""Rows of waitlists, to the domain and back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.activities.domain import Shift
from services.recruitment.signups.waitlist.domain import EntryStatus, SkipReason, WaitlistEntry
from shared.postgres import Tx, load_queries

__all__ = [
    "OwnEntry",
    "WaitingRow",
    "add_taken",
    "busy",
    "due_shifts",
    "find_entry",
    "find_live",
    "forget_skips",
    "insert_entry",
    "insert_promoted",
    "list_live",
    "list_own",
    "list_waiting",
    "lock_idle_shift",
    "lock_idle_volunteers",
    "update_entries",
    "waits_ahead",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """An entry as its volunteer sees it; ``rank`` counts from 1 and is None once the entry has ended."""

    entry_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    status: str
    skipped: str | None
    joined_at: datetime
    offer_until: datetime | None
    signup_id: UUID | None
    ended_at: datetime | None
    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    site_name: str
    starts_at: datetime
    ends_at: datetime
    rank: int | None


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """One volunteer of a waitlist by number."""

    rank: int
    entry_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    status: str
    skipped: str | None
    joined_at: datetime
    offer_until: datetime | None


async def find_live(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> WaitlistEntry | None:
    """The volunteer's live entry, or none."""
    row = await tx.fetchrow(_SQL["find_live"], shift_id, volunteer_id)
    return None if row is None else _entry(row)


async def find_entry(tx: Tx, entry_id: UUID) -> WaitlistEntry | None:
    """One entry, or none."""
    row = await tx.fetchrow(_SQL["find_entry"], entry_id)
    return None if row is None else _entry(row)


async def list_live(tx: Tx, shift_id: UUID) -> list[WaitlistEntry]:
    """The live entries of a shift in order."""
    return [_entry(row) for row in await tx.fetch(_SQL["list_live"], shift_id)]


async def waits_ahead(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> bool:
    """Whether another volunteer waits for a place that this one must not take first."""
    return bool(await tx.fetchval(_SQL["waits_ahead"], shift_id, volunteer_id))


async def insert_entry(tx: Tx, entry: WaitlistEntry) -> int:
    """Write the entry at the end of the list; returns its position."""
    position = await tx.fetchval(
        _SQL["insert_entry"], entry.entry_id, entry.shift_id, entry.volunteer_id, entry.joined_by, entry.joined_at
    )
    return int(position)


async def update_entries(tx: Tx, entries: Sequence[WaitlistEntry]) -> set[UUID]:
    """Write the next versions; returns the ids of those written."""
    rows = await tx.fetch(
        _SQL["update_entries"],
        [entry.entry_id for entry in entries],
        [entry.status for entry in entries],
        [entry.offer_until for entry in entries],
        [entry.signup_id for entry in entries],
        [entry.skipped for entry in entries],
        [entry.ended_at for entry in entries],
        [entry.version for entry in entries],
    )
    return {row["entry_id"] for row in rows}


async def add_taken(tx: Tx, shift_id: UUID, places: int) -> None:
    """Count places as taken that are offered, or, below zero, as free again."""
    await tx.execute(_SQL["add_taken"], shift_id, places)


async def insert_promoted(tx: Tx, shift_id: UUID, entries: Sequence[WaitlistEntry], now: datetime) -> None:
    """Write the sign-ups of placed entries."""
    signups, volunteers = [entry.signup_id for entry in entries], [entry.volunteer_id for entry in entries]
    await tx.execute(_SQL["insert_promoted"], shift_id, signups, volunteers, now)


async def lock_idle_volunteers(tx: Tx, volunteer_ids: Collection[UUID]) -> set[UUID]:
    """Lock those that no other transaction has locked; returns them."""
    return {row["volunteer_id"] for row in await tx.fetch(_SQL["lock_idle_volunteers"], sorted(volunteer_ids))}


async def busy(tx: Tx, volunteer_ids: Collection[UUID], shift: Shift) -> set[UUID]:
    """Those of the volunteers who are signed up for a shift at that time."""
    rows = await tx.fetch(_SQL["busy"], sorted(volunteer_ids), shift.starts_at, shift.ends_at)
    return {row["volunteer_id"] for row in rows}


async def forget_skips(tx: Tx, volunteer_ids: Collection[UUID]) -> None:
    """Consider these volunteers again wherever they wait."""
    await tx.execute(_SQL["forget_skips"], sorted(volunteer_ids))


async def due_shifts(tx: Tx, now: datetime, limit: int) -> list[UUID]:
    """Shifts whose waitlist has something to do now."""
    return [row["shift_id"] for row in await tx.fetch(_SQL["due_shifts"], now, limit)]


async def lock_idle_shift(tx: Tx, shift_id: UUID) -> bool:
    """Lock the shift unless another transaction has locked it."""
    return await tx.fetchval(_SQL["lock_idle_shift"], shift_id) is not None


async def list_own(tx: Tx, volunteer_id: UUID, *, live: bool, before: UUID | None, limit: int) -> list[OwnEntry]:
    """A page of a volunteer's entries, newest first."""
    return [OwnEntry(**dict(row)) for row in await tx.fetch(_SQL["list_own"], volunteer_id, live, before, limit)]


async def list_waiting(tx: Tx, shift_id: UUID) -> list[WaitingRow]:
    """The waitlist of a shift in its order."""
    return [WaitingRow(**dict(row)) for row in await tx.fetch(_SQL["list_waiting"], shift_id)]


def _entry(row: Any) -> WaitlistEntry:
    skipped = row["skipped"]
    values = {**dict(row), "status": EntryStatus(row["status"]), "skipped": SkipReason(skipped) if skipped else None}
    return WaitlistEntry(**values)
