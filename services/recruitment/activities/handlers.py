"""Use cases of activities: plan, add shifts, open, close, and show. Each in one transaction, given by the caller."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.activities import domain, store
from services.recruitment.activities.domain import DEFAULT_POLICY, Activity, Closing, Shift, State, Visibility
from services.recruitment.activities.events import publish_activities
from services.recruitment.activities.guards import (
    STAFF,
    actor_id,
    is_staff_of,
    may_run,
    require_plan,
    require_run,
    unwrap,
)
from services.recruitment.activities.store import Runs, ShiftSecret, ShiftView
from shared.auth.tokens import Caller, Role
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "NewActivity",
    "NewShift",
    "Planned",
    "add_shifts",
    "close",
    "get",
    "listing",
    "locked",
    "open_for_signup",
    "open_shifts",
    "plan",
    "require_references",
    "shift_for_code",
    "shift_view",
]

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift to be planned."""

    starts_at: datetime
    ends_at: datetime
    capacity: int
    withdraw_minutes: int = 120


@dataclass(frozen=True, slots=True)
class NewActivity:
    """An activity to be planned."""

    title: str
    theme_id: UUID
    team_id: UUID
    site_id: UUID
    kind: str
    place: str
    project_id: UUID | None = None
    beneficiaries: str | None = None
    content: str | None = None
    person_in_charge: str | None = None
    draft: bool = False
    shifts: Sequence[NewShift] = ()
    visibility: Visibility = Visibility.PUBLIC


@dataclass(frozen=True, slots=True)
class Planned:
    """An activity with its shifts, by start."""

    activity: Activity
    shifts: Sequence[Shift]


async def plan(tx: Tx, caller: Caller, given: Sequence[NewActivity]) -> list[Planned]:
    """Plan activities, all or none.

    Raises:
        Forbidden: one names a site or a team that is not the caller's to plan for.
        Invalid: a site, team, theme or project does not exist.
        Conflict: a site, team, theme or project is closed.
        Refusal: times or number of shifts are out of bounds.
    """
    now = await tx.now()
    planned: list[Planned] = []
    homes = await store.find_team_homes(tx, {wanted.team_id for wanted in given})
    for wanted in given:
        require_plan(caller, wanted.site_id, wanted.team_id, homes.get(wanted.team_id))
        activity = _activity(wanted)
        shifts = _shifts(activity.activity_id, wanted.shifts)
        staff = is_staff_of(caller, wanted.site_id)
        decided = domain.plan(activity, shifts, draft=wanted.draft, by_staff=staff, policy=DEFAULT_POLICY, now=now)
        activity = unwrap(decided)
        planned.append(Planned(activity, domain.published(activity, shifts, now)))
    await require_references(tx, [each.activity for each in planned])
    await store.insert_plan(tx, [each.activity for each in planned], by=actor_id(caller), at=now)
    await _insert_shifts(tx, [shift for each in planned for shift in each.shifts])
    await publish_activities(tx, [each.activity for each in planned], now)
    return planned


async def require_references(tx: Tx, named_by: Sequence[Activity]) -> None:
    """Require that the sites, teams, themes and projects that activities name exist and are open.

    Raises:
        Invalid: one does not exist.
        Conflict: one is closed.
    """
    unknown = await store.unknown_references(tx, named_by)
    if unknown:
        member, value = unknown[0]
        raise Invalid("reference-unknown", f"{member} {value} does not exist.", member=member)
    closed = await store.closed_references(tx, named_by)
    if closed:
        kind, value = closed[0]
        raise Conflict(f"{kind}-closed", f"The {kind} {value} is closed; no activity can be planned for it any more.")


async def add_shifts(tx: Tx, caller: Caller, activity_id: UUID, given: Sequence[NewShift]) -> Planned:
    """Add shifts to an activity that is not closed.

    Raises:
        NotFound, Forbidden, Refusal: as for planning; ``activity-closed``.
    """
    activity, present = await locked(tx, caller, activity_id)
    now, added = await tx.now(), _shifts(activity_id, given)
    staff = is_staff_of(caller, activity.site_id)
    changed = unwrap(domain.add_shifts(activity, present, added, by_staff=staff, policy=DEFAULT_POLICY, now=now))
    added = domain.published(changed, added, now)
    await _insert_shifts(tx, added)
    await _update(tx, changed)
    return Planned(changed, sorted((*present, *added), key=lambda shift: (shift.starts_at, shift.shift_id)))


async def open_for_signup(tx: Tx, caller: Caller, activity_id: UUID) -> Planned:
    """Open a draft.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's.
        Refusal: it is open or closed already, or has no shift.
    """
    activity, shifts = await locked(tx, caller, activity_id)
    now = await tx.now()
    changed = unwrap(domain.open_for_signup(activity, shifts, now))
    await _update(tx, changed)
    await store.publish_shifts(tx, activity_id, now)
    return Planned(changed, domain.published(changed, shifts, now))


async def close(tx: Tx, caller: Caller, activity_id: UUID, residents_served: int, note: str | None) -> Planned:
    """Close an activity with its result.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's.
        Refusal: it is closed already, was never opened, or a shift has not begun.
    """
    activity, shifts = await locked(tx, caller, activity_id)
    closing = Closing(residents_served, note, actor_id(caller))
    changed = unwrap(domain.close(activity, shifts, closing, await tx.now()))
    await _update(tx, changed)
    return Planned(changed, shifts)


async def get(tx: Tx, caller: Caller, activity_id: UUID) -> Planned:
    """One activity with its shifts.

    Raises:
        NotFound: there is none, or it is a draft that the caller does not run, or for a team that is not theirs.
    """
    activity = await store.find_activity(tx, activity_id)
    if activity is None or not _visible(caller, activity.state, activity.site_id, activity.team_id):
        raise _no_activity(activity_id)
    if not may_run(caller, activity.site_id, activity.team_id) and await store.is_hidden(
        tx, activity_id, caller.volunteer_id
    ):
        raise _no_activity(activity_id)
    return Planned(activity, await store.find_shifts(tx, [activity_id]))


async def listing(
    tx: Tx,
    caller: Caller,
    *,
    start: datetime | None,
    end: datetime | None,
    site_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Planned]:
    """A page of activities with their shifts; drafts only where the caller runs them."""
    staff = caller.has(*STAFF)
    runs = Runs(
        everywhere=staff and caller.site_ids is None,
        site_ids=(caller.site_ids or frozenset()) if staff else frozenset(),
        team_ids=caller.team_ids if caller.has(Role.LEADER) else frozenset(),
    )
    found = await store.list_activities(
        tx,
        start=start,
        end=end,
        site_id=site_id,
        runs=runs,
        volunteer_id=caller.volunteer_id,
        after=after,
        limit=limit,
    )
    shifts: dict[UUID, list[Shift]] = {activity.activity_id: [] for activity in found}
    for shift in await store.find_shifts(tx, list(shifts)):
        shifts[shift.activity_id].append(shift)
    return [Planned(activity, shifts[activity.activity_id]) for activity in found]


async def open_shifts(
    tx: Tx,
    volunteer_id: UUID | None,
    *,
    start: datetime | None,
    end: datetime | None,
    site_id: UUID | None,
    need: str | None,
    own_teams: bool,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[ShiftView]:
    """A page of shifts that one can still sign up for, from running ones on.

    ``need`` keeps teams that serve it, ``own_teams`` those that the volunteer is a member of.
    """
    now = await tx.now()
    earliest = start or now - DEFAULT_POLICY.longest_shift - timedelta(minutes=1)
    return await store.list_open_shifts(
        tx,
        now=now,
        start=earliest,
        end=end,
        volunteer_id=volunteer_id,
        site_id=site_id,
        need=need,
        own_teams=own_teams,
        after=after,
        limit=limit,
    )


async def shift_view(tx: Tx, caller: Caller, shift_id: UUID) -> ShiftView:
    """One shift as the caller sees it.

    Raises:
        NotFound: there is none, or it is part of a draft that the caller does not run, or for another team.
    """
    view = next(iter(await store.find_shift_views(tx, [shift_id], caller.volunteer_id)), None)
    if view is None or not _visible(caller, State(view.state), view.site_id, view.team_id):
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    hides = not may_run(caller, view.site_id, view.team_id)
    if hides and await store.is_hidden(tx, view.activity_id, caller.volunteer_id):
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    return view


async def shift_for_code(tx: Tx, caller: Caller, shift_id: UUID) -> ShiftSecret:
    """The key of a shift's codes, for those who run it.

    Raises:
        NotFound, Forbidden: there is none, or it is not the caller's to run.
    """
    shift = await store.find_shift_secret(tx, shift_id)
    if shift is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    require_run(caller, shift.site_id, shift.team_id)
    return shift


def _visible(caller: Caller, state: State, site_id: UUID, team_id: UUID) -> bool:
    return state is not State.PLANNED or may_run(caller, site_id, team_id)


def _activity(wanted: NewActivity) -> Activity:
    return Activity(
        activity_id=new_id(),
        title=wanted.title,
        theme_id=wanted.theme_id,
        team_id=wanted.team_id,
        site_id=wanted.site_id,
        kind=wanted.kind,
        place=wanted.place,
        project_id=wanted.project_id,
        beneficiaries=wanted.beneficiaries,
        content=wanted.content,
        person_in_charge=wanted.person_in_charge,
        visibility=wanted.visibility,
    )


def _shifts(activity_id: UUID, given: Sequence[NewShift]) -> list[Shift]:
    return [
        Shift(
            new_id(),
            activity_id,
            each.starts_at,
            each.ends_at,
            each.capacity,
            withdraw_minutes=each.withdraw_minutes,
        )
        for each in given
    ]


async def _insert_shifts(tx: Tx, shifts: Sequence[Shift]) -> None:
    if shifts:
        await store.insert_shifts(tx, shifts, {shift.shift_id: secrets.token_bytes(_SECRET_BYTES) for shift in shifts})


async def locked(tx: Tx, caller: Caller, activity_id: UUID) -> tuple[Activity, list[Shift]]:
    """An activity that the caller runs with its shifts, under their locks; the volunteers' come before.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's.
    """
    await store.lock_activity(tx, activity_id)
    activity = await store.find_activity(tx, activity_id)
    if activity is None:
        raise _no_activity(activity_id)
    require_run(caller, activity.site_id, activity.team_id)
    return activity, await store.find_shifts(tx, [activity_id])


async def _update(tx: Tx, activity: Activity) -> None:
    if not await store.update_activity(tx, activity):
        raise Conflict("activity-changed", "This activity was changed at the same time; read it again.")
    await publish_activities(tx, [activity], await tx.now())


def _no_activity(activity_id: UUID) -> NotFound:
    return NotFound("activity-unknown", f"There is no activity {activity_id}.")
