"""Activities and shifts: what may be planned, opened and closed. Pure; instants carry their offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

__all__ = [
    "DEFAULT_POLICY",
    "Activity",
    "Closing",
    "DomainRefusal",
    "PlanningPolicy",
    "Shift",
    "State",
    "Visibility",
    "add_shifts",
    "close",
    "fault_of_times",
    "open_for_signup",
    "overlaps",
    "plan",
    "published",
]


class State(StrEnum):
    """Planned: a draft without sign-up. Open: sign-up and check-in. Closed: with the residents served."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class Visibility(StrEnum):
    """Public: everybody sees it. Team: its members, those signed up and those who run it."""

    PUBLIC = "public"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class DomainRefusal:
    """Why not: a stable problem slug, a sentence for the person who asked, and the HTTP status that fits."""

    slug: str
    detail: str
    status: int = 409
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanningPolicy:
    """Bounds of what may be planned."""

    longest_shift: timedelta = timedelta(hours=16)
    furthest: timedelta = timedelta(days=731)
    most_shifts: int = 100


DEFAULT_POLICY = PlanningPolicy()


@dataclass(frozen=True, slots=True)
class Shift:
    """A half-open interval [starts_at, ends_at) with places; ``taken`` are active sign-ups.

    ``published_at`` is when the shift became visible for sign-up; None while its activity is a draft.
    A shift that was called off (``cancelled_at``) admits no volunteers.
    """

    shift_id: UUID
    activity_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int = 0
    published_at: datetime | None = None
    cancelled_at: datetime | None = None
    withdraw_minutes: int = 120
    """How many minutes before the start a place can be released without counting as late."""

    @property
    def planned_minutes(self) -> int:
        """Whole minutes from start to end."""
        return int((self.ends_at - self.starts_at).total_seconds()) // 60


@dataclass(frozen=True, slots=True)
class Activity:
    """A team's work for residents at a site; ``starts_at`` is the first shift's start."""

    activity_id: UUID
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
    state: State = State.PLANNED
    starts_at: datetime | None = None
    residents_served: int | None = None
    note: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: UUID | None = None
    version: int = 1
    visibility: Visibility = Visibility.PUBLIC


@dataclass(frozen=True, slots=True)
class Closing:
    """The result of an activity: ``residents_served`` in person-times, as entered by staff or leader."""

    residents_served: int
    note: str | None
    closed_by: UUID


def overlaps(a_start: datetime, a_end: datetime, b_start: datetime, b_end: datetime) -> bool:
    """Do two half-open intervals share time? Back to back they don't; an empty one shares nothing."""
    return max(a_start, b_start) < min(a_end, b_end)


def plan(
    activity: Activity, shifts: Sequence[Shift], *, draft: bool, by_staff: bool, policy: PlanningPolicy, now: datetime
) -> Activity | DomainRefusal:
    """A new activity: open at once unless it is a draft or has no shift yet."""
    if (refused := _check_shifts(shifts, 0, by_staff, policy, now)) is not None:
        return refused
    planned = replace(activity, starts_at=min((shift.starts_at for shift in shifts), default=None))
    if draft or not shifts:
        return planned
    return replace(planned, state=State.OPEN, opened_at=now)


def add_shifts(
    activity: Activity,
    present: Sequence[Shift],
    added: Sequence[Shift],
    *,
    by_staff: bool,
    policy: PlanningPolicy,
    now: datetime,
) -> Activity | DomainRefusal:
    """The activity with further shifts; a closed one takes none."""
    if activity.state is State.CLOSED:
        return DomainRefusal("activity-closed", "This activity is closed; it takes no further shifts.")
    if (refused := _check_shifts(added, len(present), by_staff, policy, now)) is not None:
        return refused
    starts_at = min(shift.starts_at for shift in (*present, *added))
    return replace(activity, starts_at=starts_at, version=activity.version + 1)


def published(activity: Activity, shifts: Sequence[Shift], now: datetime) -> list[Shift]:
    """The shifts, each visible for sign-up from now on where the activity is open and it was not visible before."""
    if activity.state is not State.OPEN:
        return list(shifts)
    return [shift if shift.published_at else replace(shift, published_at=now) for shift in shifts]


def open_for_signup(activity: Activity, shifts: Sequence[Shift], now: datetime) -> Activity | DomainRefusal:
    """A draft becomes open for sign-up once it has a shift."""
    if activity.state is not State.PLANNED:
        return DomainRefusal(f"activity-{activity.state}", f"This activity is {activity.state} already.")
    if not shifts:
        return DomainRefusal("activity-without-shift", "Add a shift first; people sign up for shifts.")
    return replace(activity, state=State.OPEN, opened_at=now, version=activity.version + 1)


def close(activity: Activity, shifts: Sequence[Shift], closing: Closing, now: datetime) -> Activity | DomainRefusal:
    """The activity with its result. All shifts must have begun: before, no residents were served."""
    if activity.state is State.CLOSED:
        return DomainRefusal("activity-closed", f"This activity was closed on {_said(activity.closed_at)}.")
    if activity.state is State.PLANNED:
        return DomainRefusal("activity-not-open", "This activity was never opened, so there is nothing to close.")
    if (later := max((shift.starts_at for shift in shifts if shift.cancelled_at is None), default=now)) > now:
        return DomainRefusal(
            "shift-not-begun", f"A shift of this activity begins only on {_said(later)}; close it after that."
        )
    return replace(
        activity,
        state=State.CLOSED,
        residents_served=closing.residents_served,
        note=closing.note,
        closed_by=closing.closed_by,
        closed_at=now,
        version=activity.version + 1,
    )


def _check_shifts(
    shifts: Sequence[Shift], present: int, by_staff: bool, policy: PlanningPolicy, now: datetime
) -> DomainRefusal | None:
    if present + len(shifts) > policy.most_shifts:
        return DomainRefusal("too-many-shifts", f"An activity has at most {policy.most_shifts} shifts.", 422)
    for place, shift in enumerate(shifts):
        if (detail := _fault_of(shift, by_staff, policy, now)) is not None:
            return DomainRefusal("shift-times-invalid", f"Shift {place}: {detail}", 422, {"shift": place})
    return None


def fault_of_times(shift: Shift, policy: PlanningPolicy, now: datetime) -> str | None:
    """The fault of a shift's times, for any planner and wherever they lie before now; None if there is none."""
    if shift.ends_at <= shift.starts_at:
        return "ends_at must come after starts_at."
    if shift.ends_at - shift.starts_at > policy.longest_shift:
        return f"it is longer than {policy.longest_shift.total_seconds() / 3600:g} hours."
    if shift.starts_at > now + policy.furthest:
        return f"it begins more than {policy.furthest.days} days from now."
    return None


def _fault_of(shift: Shift, by_staff: bool, policy: PlanningPolicy, now: datetime) -> str | None:
    if (fault := fault_of_times(shift, policy, now)) is not None:
        return fault
    if shift.starts_at < now and not by_staff:
        # It takes hours entered afterwards only, which are the staff's, with evidence.
        return "it has begun already; only staff of the site may enter a shift after its start."
    return None


def _said(at: datetime | None) -> str:
    return "an unknown day" if at is None else at.strftime("%Y-%m-%d %H:%M %Z").strip()
