"""Taking and giving back places."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.recruitment.activities.domain import DomainRefusal, Shift, State
from services.recruitment.signups.domain import (
    Held,
    Placing,
    Reliability,
    ReliabilityPolicy,
    Signup,
    SignupStatus,
    Source,
    cancel,
    place,
    refuse_unreliable,
)

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHIFT = Shift(uuid4(), uuid4(), NOW + HOUR, NOW + 3 * HOUR, capacity=2, taken=1)
SIGNUP = Signup(uuid4(), SHIFT.shift_id, uuid4(), SignupStatus.ACTIVE, Source.SELF, uuid4(), NOW)


def slug(outcome: Signup | DomainRefusal) -> str | None:
    return outcome.slug if isinstance(outcome, DomainRefusal) else None


def held(start: timedelta, end: timedelta) -> Held:
    return Held(uuid4(), uuid4(), NOW + start, NOW + end)


def test_a_free_place_is_given() -> None:
    assert place(Placing(SHIFT, State.OPEN, []), SIGNUP, NOW) == SIGNUP


def test_a_full_shift_says_how_many_places_it_has() -> None:
    refused = place(Placing(replace(SHIFT, taken=2), State.OPEN, []), SIGNUP, NOW)
    assert isinstance(refused, DomainRefusal)
    assert (refused.slug, refused.extra["capacity"]) == ("shift-full", 2)


@pytest.mark.parametrize("state", [State.PLANNED, State.CLOSED])
def test_only_open_activities_take_people(state: State) -> None:
    assert slug(place(Placing(SHIFT, state, []), SIGNUP, NOW)) == "activity-not-open"


def test_a_running_shift_takes_people_and_one_that_is_over_does_not() -> None:
    placing = Placing(SHIFT, State.OPEN, [])
    assert slug(place(placing, SIGNUP, SHIFT.ends_at - timedelta(seconds=1))) is None
    assert slug(place(placing, SIGNUP, SHIFT.ends_at)) == "shift-over"


def test_the_same_shift_twice_is_told_before_it_is_full() -> None:
    own = Held(uuid4(), SHIFT.shift_id, SHIFT.starts_at, SHIFT.ends_at)
    refused = place(Placing(replace(SHIFT, taken=2), State.OPEN, [own]), SIGNUP, NOW)
    assert isinstance(refused, DomainRefusal)
    assert (refused.slug, refused.extra["signup_id"]) == ("already-signed-up", str(own.signup_id))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (held(2 * HOUR, 4 * HOUR), "signup-overlaps"),
        (held(0 * HOUR, 9 * HOUR), "signup-overlaps"),
        (held(3 * HOUR, 4 * HOUR), None),
        (held(0 * HOUR, HOUR), None),
    ],
)
def test_overlap_is_refused_and_back_to_back_is_not(other: Held, expected: str | None) -> None:
    assert slug(place(Placing(SHIFT, State.OPEN, [other]), SIGNUP, NOW)) == expected


def test_cancelling_keeps_history_and_ends_at_attendance_and_at_the_end() -> None:
    by = uuid4()
    cancelled = cancel(SIGNUP, SHIFT, attended=False, own=True, by=by, now=NOW)
    assert isinstance(cancelled, Signup)
    assert (cancelled.status, cancelled.cancelled_by, cancelled.version) == (SignupStatus.CANCELLED, by, 2)
    assert slug(cancel(cancelled, SHIFT, attended=False, own=True, by=by, now=NOW)) == "signup-cancelled"
    assert slug(cancel(SIGNUP, SHIFT, attended=True, own=True, by=by, now=NOW)) == "already-attended"
    assert slug(cancel(SIGNUP, SHIFT, attended=False, own=True, by=by, now=SHIFT.ends_at)) == "shift-over"


@pytest.mark.parametrize(
    ("own", "minutes", "late"), [(True, 121, False), (True, 120, False), (True, 119, True), (False, 1, False)]
)
def test_a_place_that_the_volunteer_releases_after_the_deadline_is_late(own: bool, minutes: int, late: bool) -> None:
    at = SHIFT.starts_at - timedelta(minutes=minutes)
    cancelled = cancel(SIGNUP, SHIFT, attended=False, by=uuid4(), own=own, now=at)
    assert isinstance(cancelled, Signup)
    assert cancelled.late is late


def test_places_are_released_before_others_wait_for_them() -> None:
    free = replace(SHIFT, taken=0)
    assert slug(place(Placing(free, State.OPEN, [], others_first=True), SIGNUP, NOW)) == "waitlist-first"


@pytest.mark.parametrize(
    ("seen", "allowed", "after", "refused"),
    [
        (Reliability(9, 9, NOW), None, HOUR, False),
        (Reliability(1, 1, NOW), 2, HOUR, False),
        (Reliability(2, 1, NOW), 2, HOUR, True),
        (Reliability(2, 1, NOW), 2, timedelta(days=30), False),
        (Reliability(0, 0, None), 0, HOUR, False),
    ],
)
def test_unused_places_pause_sign_ups_where_a_number_is_set(
    seen: Reliability, allowed: int | None, after: timedelta, refused: bool
) -> None:
    assert (refuse_unreliable(seen, ReliabilityPolicy(allowed), NOW + after) is not None) is refused
