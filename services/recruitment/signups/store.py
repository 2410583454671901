"""Rows of sign-ups, to the domain and back."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.activities.domain import Shift, State
from services.recruitment.signups.domain import Held, Reliability, Signup, SignupStatus, Source
from shared.postgres import Tx, load_queries

__all__ = [
    "FoundSignup",
    "OwnSignup",
    "PlacingRow",
    "RosterRow",
    "cancel_signup",
    "find_held",
    "find_placing",
    "find_reliability",
    "find_signup",
    "insert_signup",
    "list_signups",
    "lock",
    "lock_all",
    "roster",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class PlacingRow:
    """A shift and what a sign-up's event says about its activity."""

    shift: Shift
    state: State
    title: str
    site_id: UUID
    team_id: UUID


@dataclass(frozen=True, slots=True)
class FoundSignup:
    """A sign-up, its shift, and whether there is attendance for it."""

    signup: Signup
    shift: Shift
    site_id: UUID
    team_id: UUID
    attended: bool


@dataclass(frozen=True, slots=True)
class OwnSignup:
    """A sign-up as its volunteer sees it."""

    signup_id: UUID
    shift_id: UUID
    volunteer_id: UUID
    status: str
    source: str
    placed_at: datetime
    cancelled_at: datetime | None
    activity_id: UUID
    title: str
    place: str
    site_id: UUID
    site_name: str
    starts_at: datetime
    ends_at: datetime
    withdraw_minutes: int


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One volunteer of a shift, with each record of theirs there."""

    volunteer_id: UUID
    person_id: UUID
    volunteer_number: str
    signup_id: UUID | None
    source: str | None
    record_id: UUID | None
    record_status: str | None
    provenance: str | None
    started_at: datetime | None
    ended_at: datetime | None
    minutes: int | None


async def lock(tx: Tx, volunteer_id: UUID, shift_id: UUID) -> bool:
    """Lock the volunteer, then the shift; false when there is no such volunteer. Read in later statements."""
    if await tx.fetchval(_SQL["lock_volunteer"], volunteer_id) is None:
        return False
    await tx.fetchval(_SQL["lock_shift"], shift_id)
    return True


async def lock_all(tx: Tx, volunteer_ids: Collection[UUID], shift_id: UUID) -> set[UUID]:
    """Lock volunteers in the order of their ids, then the shift; returns those who exist. Read in later statements."""
    rows = await tx.fetch(_SQL["lock_volunteers"], sorted(volunteer_ids))
    await tx.fetchval(_SQL["lock_shift"], shift_id)
    return {row["volunteer_id"] for row in rows}


async def find_placing(tx: Tx, shift_id: UUID) -> PlacingRow | None:
    """The shift to sign up for, or none."""
    row = await tx.fetchrow(_SQL["find_placing"], shift_id)
    if row is None:
        return None
    shift = replace(_shift(row), cancelled_at=row["cancelled_at"], published_at=row["published_at"])
    return PlacingRow(shift, State(row["state"]), row["title"], row["site_id"], row["team_id"])


async def find_held(tx: Tx, volunteer_id: UUID, shift: Shift) -> list[Held]:
    """Active sign-ups of the volunteer for this shift and for those that overlap it."""
    rows = await tx.fetch(_SQL["find_held"], volunteer_id, shift.shift_id, shift.starts_at, shift.ends_at)
    return [Held(**dict(row)) for row in rows]


async def insert_signup(tx: Tx, signup: Signup) -> int:
    """Take the place; returns how many are taken now."""
    return int(
        await tx.fetchval(
            _SQL["insert_signup"],
            signup.signup_id,
            signup.shift_id,
            signup.volunteer_id,
            signup.source,
            signup.placed_by,
            signup.placed_at,
        )
    )


async def find_signup(tx: Tx, signup_id: UUID) -> FoundSignup | None:
    """One sign-up, or none."""
    row = await tx.fetchrow(_SQL["find_signup"], signup_id)
    if row is None:
        return None
    signup = Signup(
        signup_id=row["signup_id"],
        shift_id=row["shift_id"],
        volunteer_id=row["volunteer_id"],
        status=SignupStatus(row["status"]),
        source=Source(row["source"]),
        placed_by=row["placed_by"],
        placed_at=row["placed_at"],
        cancelled_by=row["cancelled_by"],
        cancelled_at=row["cancelled_at"],
        version=row["version"],
        late=row["late"],
    )
    return FoundSignup(signup, _shift(row), row["site_id"], row["team_id"], row["attended"])


async def cancel_signup(tx: Tx, signup: Signup) -> bool:
    """Release the place; false when a concurrent transaction changed the sign-up."""
    taken = await tx.fetchval(
        _SQL["cancel_signup"],
        signup.signup_id,
        signup.cancelled_by,
        signup.cancelled_at,
        signup.version,
        signup.late,
    )
    return taken is not None


async def find_reliability(tx: Tx, volunteer_id: UUID, since: datetime, now: datetime) -> Reliability:
    """Places of shifts that began after ``since`` that the volunteer did not use."""
    row = await tx.fetchrow(_SQL["find_reliability"], volunteer_id, since, now)
    assert row is not None
    return Reliability(row["missed"], row["late"], row["last_at"])


async def list_signups(
    tx: Tx, volunteer_id: UUID, *, status: str | None, before: UUID | None, limit: int
) -> list[OwnSignup]:
    """A page of a volunteer's sign-ups, newest first."""
    return [OwnSignup(**dict(row)) for row in await tx.fetch(_SQL["list_signups"], volunteer_id, status, before, limit)]


async def roster(tx: Tx, shift_id: UUID) -> list[RosterRow]:
    """Everybody who has a place in the shift or attended it."""
    return [RosterRow(**dict(row)) for row in await tx.fetch(_SQL["roster"], shift_id)]


def _shift(row: Any) -> Shift:
    return Shift(
        shift_id=row["shift_id"],
        activity_id=row["activity_id"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        capacity=row["capacity"],
        taken=row["taken"],
        withdraw_minutes=row["withdraw_minutes"],
    )
