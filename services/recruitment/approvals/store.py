"""Rows of assertions and approvals, to the domain and back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.recruitment.approvals.domain import (
    SENIORITY,
    Assertion,
    Decider,
    KnownSince,
    PendingApproval,
    Reason,
    RecruitingDrive,
    Spent,
)
from shared.clock import district_day
from shared.postgres import Tx, load_queries

__all__ = [
    "ApprovalFilter",
    "ApprovalOpening",
    "Lapsed",
    "ListedApproval",
    "Waiting",
    "cases_of",
    "close_approvals",
    "due_volunteers",
    "find_claims",
    "find_decider",
    "find_known",
    "find_volunteers",
    "insert_assertions",
    "lapse",
    "last_assertion",
    "last_state",
    "list_decidable",
    "list_recorded",
    "lock_asserter",
    "nearest_deciders",
    "open_approvals",
    "spent",
    "withdraw_overtime",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ApprovalOpening:
    """A record that begins to wait; ``overtime_minutes`` when only they do."""

    approval_id: UUID
    record_id: UUID
    reasons: Sequence[Reason]
    overtime_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The last approval of a record, and the claim that it is about."""

    approval_id: UUID
    record_id: UUID
    reasons: tuple[str, ...]
    claim: PendingApproval
    overtime_minutes: int
    lapses_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approvals a list has: those of one drive, of one activity, or all."""

    drive_id: UUID | None = None
    activity_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ListedApproval:
    """A pending approval with all that a decider needs to see; minutes are whole."""

    approval_id: UUID
    record_id: UUID
    revision: int
    reasons: Sequence[str]
    overtime_minutes: int
    opened_at: datetime
    lapses_at: datetime
    state: str
    decided_at: datetime | None
    decision_reason: str | None
    volunteer_number: str
    provenance: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    recorded_by: UUID | None
    activity_id: UUID | None
    drive_id: UUID | None
    activity_title: str | None
    drive_name: str | None
    site_name: str | None
    team_name: str | None
    recorder_sites: Sequence[str]
    has_evidence: bool


@dataclass(frozen=True, slots=True)
class Lapsed:
    """An approval that lapsed."""

    record_id: UUID
    reasons: tuple[str, ...]
    overtime_minutes: int


async def lock_asserter(tx: Tx, account_id: UUID) -> None:
    """Queue behind the other assertions of the person behind the account; the volunteers are locked before."""
    await tx.fetchval(_SQL["lock_asserter"], account_id)


async def spent(tx: Tx, account_id: UUID, days: Sequence[date]) -> dict[date, Spent]:
    """The minutes that the person behind the account has asserted for each day, as staff and as leader."""
    found = {day: Spent({}, 0) for day in days}
    for row in await tx.fetch(_SQL["spent"], account_id, list(days)):
        found[row["day"]] = found[row["day"]].adding(row["volunteer_id"], row["minutes"])
    return found


async def insert_assertions(tx: Tx, account_id: UUID, assertions: Sequence[Assertion], at: datetime) -> None:
    """Write what counts at once on the account's word."""
    await tx.execute(
        _SQL["insert_assertions"],
        account_id,
        [each.record_id for each in assertions],
        [each.kind for each in assertions],
        [each.volunteer_id for each in assertions],
        [district_day(each.started_at) for each in assertions],
        [each.minutes for each in assertions],
        at,
    )


async def open_approvals(
    tx: Tx, openings: Sequence[ApprovalOpening], *, asked_by: UUID | None, at: datetime, lapses_at: datetime
) -> None:
    """Let records wait for another site; their revisions are written."""
    await tx.execute(
        _SQL["open_approvals"],
        [each.approval_id for each in openings],
        [each.record_id for each in openings],
        [",".join(each.reasons) for each in openings],
        [each.overtime_minutes for each in openings],
        asked_by,
        at,
        lapses_at,
    )


async def withdraw_overtime(tx: Tx, record_id: UUID, by: UUID, at: datetime) -> None:
    """Close the record's open approval without a decision if it is about overtime only."""
    await tx.execute(_SQL["withdraw_overtime"], record_id, at, by)


async def last_state(tx: Tx, record_id: UUID) -> str | None:
    """The state of the record's last approval; None when it never waited."""
    state: str | None = await tx.fetchval(_SQL["last_state"], record_id)
    return state


async def last_assertion(tx: Tx, record_id: UUID) -> datetime | None:
    """When another account than the volunteer's last asserted or changed the record."""
    at: datetime | None = await tx.fetchval(_SQL["last_assertion"], record_id)
    return at


async def nearest_deciders(tx: Tx, record_ids: Collection[UUID]) -> list[tuple[UUID | None, list[UUID], list[UUID]]]:
    """Records that wait, by the nearest site whose staff may decide: site or none, records, accounts."""
    return [tuple(row) for row in await tx.fetch(_SQL["nearest_deciders"], list(record_ids))]


async def cases_of(tx: Tx, record_ids: Collection[UUID]) -> list[tuple[UUID, UUID | None, list[UUID]]]:
    """Cases that proposed to void some of these records: case, who settled it, records."""
    return [tuple(row) for row in await tx.fetch(_SQL["cases_of"], list(record_ids))]


async def find_known(tx: Tx, volunteer_id: UUID) -> KnownSince:
    """Since when the volunteer is registered; the volunteer exists."""
    row = await tx.fetchrow(_SQL["find_known"], volunteer_id)
    assert row is not None
    drive = (
        None
        if row["drive_site"] is None
        else RecruitingDrive(row["drive_site"], row["drive_starts"], row["drive_ends"])
    )
    return KnownSince(row["registered_at"], drive=drive)


async def find_volunteers(tx: Tx, record_ids: Sequence[UUID]) -> list[UUID]:
    """Whose records these are, as far as they ever waited."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["find_volunteers"], list(record_ids))]


async def find_claims(tx: Tx, record_ids: Sequence[UUID]) -> dict[UUID, Waiting]:
    """The last approval of each record that ever waited."""
    return {row["record_id"]: _waiting(row) for row in await tx.fetch(_SQL["find_claims"], list(record_ids))}


async def find_decider(tx: Tx, staff_id: UUID) -> Decider | None:
    """The account with its home and its makers; None for accounts that are not staff."""
    row = await tx.fetchrow(_SQL["find_decider"], staff_id)
    if row is None:
        return None
    return Decider(
        subject=staff_id,
        person_id=row["person_id"],
        volunteer_id=row["volunteer_id"],
        since=row["since"],
        home=row["site_id"],
        home_kind=row["kind"],
        above=frozenset(row["above"]),
        below=frozenset(row["below"]),
        centre=row["centre"],
        makers=frozenset(row["makers"]),
    )


async def list_decidable(
    tx: Tx,
    decider: Decider,
    *,
    now: datetime,
    about: ApprovalFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ListedApproval]:
    """A page of what the account may decide now, oldest first."""
    at, approval_id = after or (None, None)
    rows = await tx.fetch(
        _SQL["list_decidable"],
        now,
        list((decider.above - {decider.centre}) | {decider.home}),
        decider.centre,
        decider.home_kind == "institute",
        list(decider.below),
        None if decider.since is None else decider.since + SENIORITY,
        list(decider.persons | decider.makers),
        decider.volunteer_id,
        about.drive_id,
        at,
        approval_id,
        limit,
        decider.person_id,
        about.activity_id,
    )
    return [ListedApproval(**dict(row)) for row in rows]


async def list_recorded(
    tx: Tx,
    *,
    site_ids: Sequence[UUID] | None,
    account_id: UUID,
    about: ApprovalFilter,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ListedApproval]:
    """A page of what these sites or this account recorded and another site decides or decided, newest first."""
    at, approval_id = before or (None, None)
    sites = None if site_ids is None else list(site_ids)
    rows = await tx.fetch(
        _SQL["list_recorded"], sites, about.drive_id, at, approval_id, limit, account_id, about.activity_id
    )
    return [ListedApproval(**dict(row)) for row in rows]


async def close_approvals(tx: Tx, approval_ids: Sequence[UUID], state: str, by: UUID, at: datetime, reason: str) -> int:
    """Write a decision; returns how many approvals were open until now."""
    return len(await tx.fetch(_SQL["close_approvals"], list(approval_ids), state, by, at, reason))


async def due_volunteers(tx: Tx, now: datetime, limit: int) -> list[UUID]:
    """Volunteers with an approval that has lapsed."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["due_volunteers"], now, limit)]


async def lapse(tx: Tx, volunteer_ids: Sequence[UUID], now: datetime) -> list[Lapsed]:
    """Lapse what is due of these locked volunteers."""
    rows = await tx.fetch(_SQL["lapse"], list(volunteer_ids), now)
    return [Lapsed(row["record_id"], tuple(row["reasons"]), row["overtime_minutes"]) for row in rows]


def _waiting(row: Any) -> Waiting:
    claim = PendingApproval(
        volunteer_id=row["volunteer_id"],
        claimant_ids=frozenset(row["claimant_ids"]),
        claimant_persons=frozenset(row["claimant_persons"]),
        claimant_sites=frozenset(row["claimant_sites"]),
        site_id=row["site_id"],
        first_recorded_at=row["first_recorded_at"],
    )
    return Waiting(
        row["approval_id"],
        row["record_id"],
        tuple(row["reasons"]),
        claim,
        row["overtime_minutes"],
        row["lapses_at"],
        row["state"],
    )
