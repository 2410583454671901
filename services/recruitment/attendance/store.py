"""Rows of attendance, to the domain and back."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID

from services.recruitment.activities.domain import Shift, State
from services.recruitment.attendance.domain import (
    ApprovalLevel,
    Busy,
    ClosedBy,
    Place,
    Provenance,
    RecordStatus,
    ServiceRecord,
    ServiceRevision,
)
from shared.postgres import Tx, load_queries

__all__ = [
    "FoundPlace",
    "ListedRecord",
    "LockedVolunteer",
    "PastRevision",
    "bind_ticket",
    "busy_between",
    "checked_out_by",
    "find_place",
    "find_places",
    "find_record",
    "find_records",
    "find_revisions",
    "find_secret",
    "find_waiting",
    "forget_check_outs",
    "forget_tickets",
    "keep_check_out",
    "list_records",
    "lock_idle_volunteers",
    "lock_volunteer",
    "lock_volunteers",
    "open_records_of",
    "overdue_volunteers",
    "records_around",
    "runs_as_staff",
    "save",
    "staff_of_site",
    "withdraw_approvals",
]

_SQL = load_queries(__file__)
_COLUMNS = tuple(field.name for field in fields(ServiceRecord))


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A shift to check in to, the key of its codes, and whether the volunteer signed up and leads its team.

    ``recorded``: whether the volunteer has records of the shift or near ``now``.
    """

    place: Place
    secret: bytes
    signed_up: bool
    leads: bool
    recorded: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class PastRevision:
    """One step in a record's history."""

    revision: int
    change: str
    status: str
    provenance: str
    closed_by: str | None
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    approval_level: str
    recorded_by: UUID | None
    device_ref: str | None
    made_by: UUID | None
    reason: str | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A record with the names that people know it by."""

    record: ServiceRecord
    activity_title: str | None
    site_name: str | None
    waits_for: Sequence[str]
    """Why another site's approval is needed; empty when none is awaited."""
    volunteer_number: str
    stayed_minutes: int
    """Whole minutes after the shift's end that are not approved as overtime."""
    answer: Literal["stayed", "left", "absent"] | None
    """What the volunteer says about an automatic close: ``stayed``, ``left`` or ``absent``."""
    left_at: datetime | None
    asserted_at: datetime | None
    """When another account last asserted or changed the record: the volunteer may deny it from then on."""


class LockedVolunteer(NamedTuple):
    """A volunteer under their lock: the recruiting drive, and the version of the terms accepted last."""

    known: bool
    drive_id: UUID | None = None
    accepted: int | None = None


async def lock_volunteer(tx: Tx, volunteer_id: UUID) -> LockedVolunteer:
    """Lock a volunteer, if there is one."""
    row = await tx.fetchrow(_SQL["lock_volunteer"], volunteer_id)
    return LockedVolunteer(False) if row is None else LockedVolunteer(True, row["drive_id"], row["accepted"])


async def lock_volunteers(tx: Tx, volunteer_ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Lock volunteers in the order of their ids; each with its recruiting drive."""
    rows = await tx.fetch(_SQL["lock_volunteers"], list(volunteer_ids))
    return {row["volunteer_id"]: row["drive_id"] for row in rows}


async def lock_idle_volunteers(tx: Tx, volunteer_ids: Sequence[UUID]) -> list[UUID]:
    """Lock those of the volunteers that no other transaction holds."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["lock_idle_volunteers"], list(volunteer_ids))]


async def find_place(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> FoundPlace | None:
    """The shift, or none."""
    row = await tx.fetchrow(_SQL["find_place"], shift_id, volunteer_id)
    if row is None:
        return None
    return FoundPlace(_place(row), row["secret"], row["signed_up"], row["leads"], row["recorded"], row["now"])


async def runs_as_staff(tx: Tx, volunteer_id: UUID, site_id: UUID) -> bool:
    """Whether the volunteer is a member of staff of the site too."""
    return bool(await tx.fetchval(_SQL["runs_as_staff"], volunteer_id, site_id))


async def staff_of_site(tx: Tx, site_id: UUID) -> list[UUID]:
    """The active staff of a site, else of the nearest one above it that has any, else of the centre; at most 50."""
    return [row["staff_id"] for row in await tx.fetch(_SQL["staff_of_site"], site_id)]


async def find_secret(tx: Tx, shift_id: UUID) -> bytes | None:
    """The key of a shift's codes and tickets, or none."""
    secret: bytes | None = await tx.fetchval(_SQL["find_secret"], shift_id)
    return secret


async def bind_ticket(tx: Tx, ticket_id: UUID, shift_id: UUID, volunteer_id: UUID, at: datetime) -> UUID:
    """Make a ticket the volunteer's unless it has an owner; returns its owner. ``at`` is real time."""
    holder: UUID = await tx.fetchval(_SQL["bind_ticket"], ticket_id, shift_id, volunteer_id, at)
    return holder


async def forget_tickets(tx: Tx, bound_before: datetime) -> None:
    """Forget tickets that were bound before an instant of real time."""
    await tx.execute(_SQL["forget_tickets"], bound_before)


async def keep_check_out(tx: Tx, record: ServiceRecord, session_id: UUID, at: datetime) -> None:
    """Keep which session checked out of a record; ``at`` is real time."""
    await tx.execute(_SQL["keep_check_out"], record.record_id, record.revision, session_id, at)


async def checked_out_by(tx: Tx, record: ServiceRecord, session_id: UUID) -> bool:
    """Whether the record's present revision is a check-out by this session."""
    return bool(await tx.fetchval(_SQL["checked_out_by"], record.record_id, record.revision, session_id))


async def forget_check_outs(tx: Tx, made_before: datetime) -> None:
    """Forget the sessions of check-outs before an instant of real time."""
    await tx.execute(_SQL["forget_check_outs"], made_before)


async def find_places(tx: Tx, shift_ids: Sequence[UUID]) -> dict[UUID, Place]:
    """Those of the shifts that exist."""
    return {row["shift_id"]: _place(row) for row in await tx.fetch(_SQL["find_places"], list(shift_ids))}


async def records_around(
    tx: Tx, volunteer_id: UUID, shift_id: UUID, at: datetime, grace: timedelta
) -> tuple[list[ServiceRecord], list[Busy]]:
    """The volunteer's records of the shift, and what else keeps them busy around ``at``; void ones aside."""
    here: list[ServiceRecord] = []
    busy: list[Busy] = []
    for row in await tx.fetch(_SQL["records_around"], volunteer_id, shift_id, at):
        if row["shift_id"] == shift_id:
            here.append(_record(row))
        else:
            busy.append(_busy(row, grace))
    return here, busy


async def busy_between(
    tx: Tx, volunteer_ids: Sequence[UUID], start: datetime, end: datetime, grace: timedelta
) -> dict[UUID, list[Busy]]:
    """Load the engagements of each volunteer between two instants."""
    found: dict[UUID, list[Busy]] = {}
    for row in await tx.fetch(_SQL["busy_between"], list(volunteer_ids), start, end):
        found.setdefault(row["volunteer_id"], []).append(_busy(row, grace))
    return found


async def save(tx: Tx, revisions: Sequence[ServiceRevision], at: datetime) -> set[UUID]:
    """Write revisions, records and history at once; the ids of those that were written."""
    if len(revisions) == 1:
        one = revisions[0]
        values = [getattr(one.record, name) for name in _COLUMNS]
        written = await tx.fetchval(_SQL["save_revision"], *values, one.change, one.made_by, one.reason, at)
        return set() if written is None else {written}
    columns: list[list[Any]] = [[getattr(each.record, name) for each in revisions] for name in _COLUMNS]
    rows = await tx.fetch(
        _SQL["save_revisions"],
        *columns,
        [each.change for each in revisions],
        [each.made_by for each in revisions],
        [each.reason for each in revisions],
        at,
    )
    return {row["record_id"] for row in rows}


async def find_record(tx: Tx, record_id: UUID) -> ServiceRecord | None:
    """One record, or none."""
    row = await tx.fetchrow(_SQL["find_record"], record_id)
    return None if row is None else _record(row)


async def find_records(tx: Tx, record_ids: Sequence[UUID]) -> dict[UUID, ServiceRecord]:
    """Those of the records that exist."""
    return {row["record_id"]: _record(row) for row in await tx.fetch(_SQL["find_records"], list(record_ids))}


async def find_waiting(tx: Tx, record_id: UUID) -> tuple[str, ...]:
    """Why the record waits for another site's approval; empty when it does not."""
    return tuple(await tx.fetchval(_SQL["find_waiting"], record_id) or ())


async def withdraw_approvals(tx: Tx, record_ids: Sequence[UUID], by: UUID | None, at: datetime) -> None:
    """Close the open approvals of these records without a decision."""
    await tx.execute(_SQL["withdraw_approvals"], list(record_ids), at, by)


async def find_revisions(tx: Tx, record_id: UUID) -> list[PastRevision]:
    """A record's history, oldest first."""
    return [PastRevision(**dict(row)) for row in await tx.fetch(_SQL["find_revisions"], record_id)]


async def list_records(
    tx: Tx,
    *,
    volunteer_id: UUID | None,
    shift_id: UUID | None,
    status: str | None,
    own_id: UUID | None,
    all_sites: bool,
    site_ids: Sequence[UUID],
    team_ids: Sequence[UUID],
    before: tuple[datetime, UUID] | None,
    limit: int,
    todo: str | None = None,
) -> list[ListedRecord]:
    """A page of records, newest first, within what the caller may see."""
    at, record_id = before or (None, None)
    rows = await tx.fetch(
        _SQL["list_records"],
        volunteer_id,
        shift_id,
        status,
        own_id,
        all_sites,
        list(site_ids),
        list(team_ids),
        at,
        record_id,
        limit,
        todo,
    )
    return [
        ListedRecord(
            _record(row),
            row["activity_title"],
            row["site_name"],
            tuple(row["waits_for"]),
            row["volunteer_number"],
            row["stayed_minutes"],
            row["answer"],
            row["left_at"],
            row["asserted_at"],
        )
        for row in rows
    ]


async def overdue_volunteers(tx: Tx, ended_by: datetime, limit: int) -> list[UUID]:
    """Volunteers with an open record of a shift that ended at or before ``ended_by``."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["overdue_volunteers"], ended_by, limit)]


async def open_records_of(tx: Tx, volunteer_ids: Sequence[UUID]) -> list[tuple[ServiceRecord, Shift]]:
    """The open records of these volunteers, each with its shift."""
    found = []
    for row in await tx.fetch(_SQL["open_records_of"], list(volunteer_ids)):
        shift = Shift(
            shift_id=row["shift_id"],
            activity_id=row["activity_id"],
            starts_at=row["shift_starts_at"],
            ends_at=row["shift_ends_at"],
            capacity=row["shift_capacity"],
            cancelled_at=row["shift_cancelled_at"],
        )
        found.append((_record(row), shift))
    return found


def _place(row: Any) -> Place:
    shift = Shift(
        shift_id=row["shift_id"],
        activity_id=row["activity_id"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        capacity=row["capacity"],
        taken=row["taken"],
        published_at=row["published_at"],
        cancelled_at=row["cancelled_at"],
    )
    return Place(shift, State(row["state"]), row["site_id"], row["team_id"], row["theme"], row["kind"])


def _busy(row: Any, grace: timedelta) -> Busy:
    ended_at: datetime | None = row["ended_at"]
    if ended_at is None:
        return Busy(row["record_id"], row["shift_id"], row["started_at"], row["shift_ends_at"] + grace, is_open=True)
    return Busy(row["record_id"], row["shift_id"], row["started_at"], ended_at, is_open=False)


def _record(row: Any) -> ServiceRecord:
    values = {name: row[name] for name in _COLUMNS}
    closed_by = values["closed_by"]
    values["closed_by"] = None if closed_by is None else ClosedBy(closed_by)
    values["provenance"] = Provenance(values["provenance"])
    values["status"] = RecordStatus(values["status"])
    values["approval_level"] = ApprovalLevel(values["approval_level"])
    return ServiceRecord(**values)
