"""Rows of sign-ups, drives, registrations and approvals, to the domain and back."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from services.points.integrity.patterns.domain import (
    CrossApproval,
    OpenedShift,
    PhonePickup,
    Recruited,
    RecruitingEvent,
    Seat,
    Unsigned,
)
from services.points.integrity.reviews.domain import About
from shared.clock import district_day
from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


class SignupRow(NamedTuple):
    """A place that was taken, as it is kept."""

    signup_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    source: str | None
    placed_at: datetime
    opened_at: datetime | None
    places: int | None
    starts_at: datetime


class ApprovalRow(NamedTuple):
    """An approval, as it is kept; ``day`` is that of the approval."""

    record_id: UUID
    revision: int
    volunteer_id: UUID
    recorded_by: UUID
    decided_by: UUID
    site_id: UUID | None
    day: date


class ApprovalMonth(NamedTuple):
    """Two accounts, and a time in which approvals between them are counted; the last day is not part of it."""

    one: UUID
    other: UUID
    since: date
    until: date


async def keep_signups(tx: Tx, rows: Sequence[SignupRow]) -> None:
    await _keep(tx, "keep_signups", rows)


async def keep_drives(tx: Tx, rows: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """Keep drives: id, site, end."""
    await _keep(tx, "keep_drives", rows)


async def keep_registrations(tx: Tx, rows: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """Keep whom drives registered: volunteer, drive, when."""
    await _keep(tx, "keep_registrations", rows)


async def keep_approvals(tx: Tx, rows: Sequence[ApprovalRow]) -> None:
    await _keep(tx, "keep_approvals", rows)


async def approvals(tx: Tx, months: Collection[ApprovalMonth]) -> dict[date, list[CrossApproval]]:
    """First day of the month → all approvals between the accounts of the pairs in it."""
    found: dict[date, list[CrossApproval]] = {}
    for since, recorded_by, decided_by, *about in await tx.fetch(_SQL["approvals_within"], *_columns(sorted(months))):
        found.setdefault(since, []).append(CrossApproval(recorded_by, decided_by, About(*about)))
    return found


async def quick_shifts(tx: Tx, since: datetime, until: datetime, minutes: int, people: int) -> list[OpenedShift]:
    """Shifts that began in a time, and of which so many places or more were taken within minutes of their opening.

    A shift that was opened anew has the last of its openings.
    """
    rows = await tx.fetch(_SQL["quick_shifts"], since, until, minutes, people)
    shifts = []
    for shift_id, found in groupby(rows, key=lambda row: row["shift_id"]):
        seats = list(found)
        last = seats[0]
        shifts.append(
            OpenedShift(
                shift_id,
                last["starts_at"],
                last["opened_at"],
                last["places"],
                [Seat(row["volunteer_id"], row["placed_at"], row["source"]) for row in seats],
            )
        )
    return shifts


async def served(tx: Tx, shift: OpenedShift) -> list[About]:
    """The records of a shift's volunteers in it."""
    day, people = district_day(shift.starts_at), [seat.volunteer_id for seat in shift.seats]
    rows = await tx.fetch(_SQL["served_in"], shift.shift_id, people, day)
    return [About(*row) for row in rows]


async def unsigned(tx: Tx, since: datetime, until: datetime) -> list[Unsigned]:
    """Records that were entered in a time, of people who had not signed up before they came."""
    return [Unsigned(row[0], row[1], About(*tuple(row)[2:])) for row in await tx.fetch(_SQL["unsigned"], since, until)]


async def pickups(tx: Tx, since: datetime, until: datetime) -> list[PhonePickup]:
    """Rewards that were handed over in a time and had been redeemed on a phone."""
    return [PhonePickup(*row) for row in await tx.fetch(_SQL["pickups"], since, until)]


async def drives_over(tx: Tx, since: datetime, until: datetime) -> dict[RecruitingEvent, list[Recruited]]:
    """Drives that were over in a time → whom each registered."""
    found: dict[RecruitingEvent, list[Recruited]] = {}
    for row in await tx.fetch(_SQL["drives_over"], since, until):
        drive = RecruitingEvent(row["drive_id"], row["site_id"], row["ends_at"])
        found.setdefault(drive, []).append(Recruited(row["volunteer_id"], row["served"]))
    return found


async def forget(tx: Tx, before: datetime) -> None:
    """Delete what is so old that nothing is found in it any more."""
    await tx.execute(_SQL["forget_signups"], before)
    await tx.execute(_SQL["forget_registrations"], before)
    await tx.execute(_SQL["forget_approvals"], district_day(before))


async def _keep(tx: Tx, query: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        await tx.execute(_SQL[query], *_columns(rows))


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
