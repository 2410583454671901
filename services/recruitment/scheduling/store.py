"""Rows of activities and shifts that change after planning."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import Activity, Shift
from services.recruitment.scheduling.domain import CancelReason
from shared.postgres import Tx, load_queries

__all__ = [
    "EndedSignup",
    "attended",
    "call_off",
    "end_signups",
    "find_shift",
    "lock_volunteers",
    "overlapping",
    "people_of",
    "republish",
    "update_activity",
    "update_shift",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class EndedSignup:
    """A sign-up that ended with its shift."""

    signup_id: UUID
    volunteer_id: UUID
    version: int


async def find_shift(tx: Tx, shift_id: UUID) -> tuple[UUID, UUID, UUID] | None:
    """(activity, site, team) of a shift, or none."""
    row = await tx.fetchrow(_SQL["find_shift"], shift_id)
    return None if row is None else (row["activity_id"], row["site_id"], row["team_id"])


async def people_of(tx: Tx, shift_id: UUID) -> list[UUID]:
    """Volunteers who are signed up for a shift or have an open record of it."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["people_of"], shift_id)]


async def lock_volunteers(tx: Tx, volunteer_ids: Collection[UUID]) -> None:
    """Lock volunteers in the order of their ids."""
    await tx.fetch(_SQL["lock_volunteers"], sorted(volunteer_ids))


async def attended(tx: Tx, shift_ids: Sequence[UUID]) -> tuple[bool, datetime | None]:
    """Whether there are records of the shifts that are not void, and the latest end of the closed ones."""
    row = await tx.fetchrow(_SQL["attended"], list(shift_ids))
    assert row is not None
    return row["attended"], row["counted_until"]


async def overlapping(tx: Tx, shift: Shift) -> int:
    """How many volunteers of the shift are signed up for another one that shares time with it."""
    return int(await tx.fetchval(_SQL["overlapping"], shift.shift_id, shift.starts_at, shift.ends_at))


async def update_shift(tx: Tx, shift: Shift) -> None:
    """Write times, places, publication and deadline."""
    await tx.execute(
        _SQL["update_shift"],
        shift.shift_id,
        shift.starts_at,
        shift.ends_at,
        shift.capacity,
        shift.published_at,
        shift.withdraw_minutes,
    )


async def call_off(tx: Tx, shift: Shift, by: UUID, reason: CancelReason) -> None:
    """Write that the shift was called off."""
    await tx.execute(_SQL["call_off"], shift.shift_id, shift.ends_at, shift.cancelled_at, by, reason)


async def end_signups(tx: Tx, shift_id: UUID, by: UUID, now: datetime) -> list[EndedSignup]:
    """End the sign-ups of those who have not come."""
    return [EndedSignup(**dict(row)) for row in await tx.fetch(_SQL["end_signups"], shift_id, by, now)]


async def update_activity(tx: Tx, activity: Activity) -> bool:
    """Write the next version; false when a concurrent transaction has written it."""
    version = await tx.fetchval(
        _SQL["update_activity"],
        activity.activity_id,
        activity.version,
        activity.title,
        activity.theme_id,
        activity.team_id,
        activity.site_id,
        activity.project_id,
        activity.kind,
        activity.place,
        activity.beneficiaries,
        activity.content,
        activity.person_in_charge,
        activity.residents_served,
        activity.note,
        activity.starts_at,
    )
    return version is not None


async def republish(tx: Tx, activity_id: UUID, now: datetime) -> None:
    """Note that the published shifts of an activity were published anew."""
    await tx.execute(_SQL["republish"], activity_id, now)
