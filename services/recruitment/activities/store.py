"""Rows of activities and shifts, to the domain and back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.activities.domain import Activity, Shift, State, Visibility
from services.recruitment.activities.guards import TeamHome
from shared.postgres import Tx, load_queries

__all__ = [
    "Runs",
    "ShiftSecret",
    "ShiftView",
    "closed_references",
    "find_activity",
    "find_shift_secret",
    "find_shift_views",
    "find_shifts",
    "find_team_homes",
    "insert_plan",
    "insert_shifts",
    "is_hidden",
    "list_activities",
    "list_open_shifts",
    "lock_activity",
    "publish_shifts",
    "unknown_references",
    "update_activity",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ShiftView:
    """A shift as a volunteer sees it; members from ``signup_id`` on are about that volunteer.

    ``waiting`` is how many are in the waitlist; ``entry_…`` and ``rank`` are the volunteer's own place in it.
    """

    shift_id: UUID
    activity_id: UUID
    title: str
    theme: str
    kind: str
    place: str
    content: str | None
    state: str
    site_id: UUID
    site_name: str
    team_id: UUID
    team_name: str
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    withdraw_minutes: int
    capacity: int
    taken: int
    waiting: int
    signup_id: UUID | None
    entry_id: UUID | None
    entry_status: str | None
    rank: int | None
    offer_until: datetime | None
    record_id: UUID | None
    record_status: str | None
    record_started_at: datetime | None
    record_ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShiftSecret:
    """The key of a shift's rotating codes, and whose shift it is."""

    secret: bytes
    ends_at: datetime
    state: State
    site_id: UUID
    team_id: UUID


@dataclass(frozen=True, slots=True)
class Runs:
    """Whose activities a caller runs: those at these sites, of these teams, or all."""

    everywhere: bool
    site_ids: Collection[UUID]
    team_ids: Collection[UUID]


def _activity(row: Any) -> Activity:
    return Activity(**{**dict(row), "state": State(row["state"]), "visibility": Visibility(row["visibility"])})


async def unknown_references(tx: Tx, activities: Sequence[Activity]) -> list[tuple[str, UUID]]:
    """Members and ids that name nothing."""
    rows = await tx.fetch(
        _SQL["unknown_references"],
        list({activity.site_id for activity in activities}),
        list({activity.team_id for activity in activities}),
        list({activity.theme_id for activity in activities}),
        list({activity.project_id for activity in activities if activity.project_id is not None}),
    )
    return [(row["member"], row["id"]) for row in rows]


async def closed_references(tx: Tx, activities: Sequence[Activity]) -> list[tuple[str, UUID]]:
    """Kinds and ids of what the activities name and is closed; none of it is closed before the transaction ends."""
    rows = await tx.fetch(
        _SQL["closed_references"],
        list({activity.site_id for activity in activities}),
        list({activity.team_id for activity in activities}),
        list({activity.theme_id for activity in activities}),
        list({activity.project_id for activity in activities if activity.project_id is not None}),
    )
    return [(row["kind"], row["id"]) for row in rows]


async def find_team_homes(tx: Tx, team_ids: Collection[UUID]) -> dict[UUID, TeamHome]:
    """Team → its home site and every site below; teams that do not exist are absent."""
    rows = await tx.fetch(_SQL["team_homes"], list(team_ids))
    return {row["team_id"]: TeamHome(row["home_id"], frozenset(row["reach"])) for row in rows}


async def insert_plan(tx: Tx, activities: Sequence[Activity], *, by: UUID, at: datetime) -> None:
    """Write new activities, without their shifts."""
    await tx.execute(
        _SQL["insert_activities"],
        [a.activity_id for a in activities],
        [a.title for a in activities],
        [a.theme_id for a in activities],
        [a.team_id for a in activities],
        [a.site_id for a in activities],
        [a.project_id for a in activities],
        [a.kind for a in activities],
        [a.place for a in activities],
        [a.beneficiaries for a in activities],
        [a.content for a in activities],
        [a.person_in_charge for a in activities],
        [a.state for a in activities],
        [a.starts_at for a in activities],
        [a.opened_at for a in activities],
        by,
        at,
        [a.visibility for a in activities],
    )


async def insert_shifts(tx: Tx, shifts: Sequence[Shift], secrets: Mapping[UUID, bytes]) -> None:
    """Write new shifts, each with the key of its codes."""
    await tx.execute(
        _SQL["insert_shifts"],
        [s.shift_id for s in shifts],
        [s.activity_id for s in shifts],
        [s.starts_at for s in shifts],
        [s.ends_at for s in shifts],
        [s.capacity for s in shifts],
        [secrets[s.shift_id] for s in shifts],
        [s.published_at for s in shifts],
        [s.withdraw_minutes for s in shifts],
    )


async def publish_shifts(tx: Tx, activity_id: UUID, now: datetime) -> None:
    """Note that the shifts of a draft became visible for sign-up."""
    await tx.execute(_SQL["publish_shifts"], activity_id, now)


async def lock_activity(tx: Tx, activity_id: UUID) -> None:
    """Lock its shifts, then itself; read in a later statement."""
    await tx.fetch(_SQL["lock_shifts_of"], activity_id)
    await tx.fetchval(_SQL["lock_activity"], activity_id)


async def find_activity(tx: Tx, activity_id: UUID) -> Activity | None:
    """One activity, or none."""
    row = await tx.fetchrow(_SQL["find_activity"], activity_id)
    return None if row is None else _activity(row)


async def find_shifts(tx: Tx, activity_ids: Sequence[UUID]) -> list[Shift]:
    """The shifts of these activities, by start."""
    return [Shift(**dict(row)) for row in await tx.fetch(_SQL["find_shifts"], list(activity_ids))]


async def update_activity(tx: Tx, activity: Activity) -> bool:
    """Write the next version; false when a concurrent transaction wrote it."""
    version = await tx.fetchval(
        _SQL["update_activity"],
        activity.activity_id,
        activity.version,
        activity.state,
        activity.starts_at,
        activity.residents_served,
        activity.note,
        activity.opened_at,
        activity.closed_at,
        activity.closed_by,
    )
    return version is not None


async def list_activities(
    tx: Tx,
    *,
    start: datetime | None,
    end: datetime | None,
    site_id: UUID | None,
    runs: Runs,
    volunteer_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Activity]:
    """A page of activities whose first shift starts in [start, end), earliest first; drafts within ``runs`` only.

    Those for a team only are listed within ``runs`` and to the volunteer who is a member.
    """
    at, activity_id = after or (None, None)
    rows = await tx.fetch(
        _SQL["list_activities"],
        start,
        end,
        site_id,
        runs.everywhere,
        sorted(runs.site_ids),
        sorted(runs.team_ids),
        at,
        activity_id,
        limit,
        volunteer_id,
    )
    return [_activity(row) for row in rows]


async def is_hidden(tx: Tx, activity_id: UUID, volunteer_id: UUID | None) -> bool:
    """Whether an activity is for its team only, and the volunteer is neither a member nor signed up."""
    return bool(await tx.fetchval(_SQL["is_hidden"], activity_id, volunteer_id))


async def list_open_shifts(
    tx: Tx,
    *,
    now: datetime,
    start: datetime,
    end: datetime | None,
    volunteer_id: UUID | None,
    site_id: UUID | None,
    need: str | None,
    own_teams: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ShiftView]:
    """A page of shifts of open activities that are not over and start in [start, end), earliest first."""
    at, shift_id = after or (None, None)
    asked = (now, start, end, volunteer_id, at, shift_id, limit, site_id, need, own_teams)
    found = await tx.fetch(_SQL["list_open_shifts"], *asked)
    return await find_shift_views(tx, [row["shift_id"] for row in found], volunteer_id)


async def find_shift_views(tx: Tx, shift_ids: Sequence[UUID], volunteer_id: UUID | None) -> list[ShiftView]:
    """Those of the shifts that exist, as that volunteer sees them, earliest first."""
    rows = await tx.fetch(_SQL["find_shift_views"], list(shift_ids), volunteer_id)
    return [ShiftView(**dict(row)) for row in rows]


async def find_shift_secret(tx: Tx, shift_id: UUID) -> ShiftSecret | None:
    """The key of a shift's codes, or none."""
    row = await tx.fetchrow(_SQL["find_shift_secret"], shift_id)
    return None if row is None else ShiftSecret(**{**dict(row), "state": State(row["state"])})
