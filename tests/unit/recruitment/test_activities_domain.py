"""Planning, opening and closing activities."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.recruitment.activities.domain import (
    DEFAULT_POLICY,
    Activity,
    Closing,
    DomainRefusal,
    Shift,
    State,
    add_shifts,
    close,
    open_for_signup,
    overlaps,
    plan,
)
from services.recruitment.activities.guards import refusal

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def an_activity(state: State = State.PLANNED) -> Activity:
    return Activity(uuid4(), "唱响新时代雷锋之歌", uuid4(), uuid4(), uuid4(), "演出", "惠民社区", state=state)


def a_shift(start: timedelta = HOUR, length: timedelta = 2 * HOUR) -> Shift:
    return Shift(uuid4(), uuid4(), NOW + start, NOW + start + length, 10)


def planned(*shifts: Shift, draft: bool = False, by_staff: bool = True) -> Activity | DomainRefusal:
    return plan(an_activity(), shifts, draft=draft, by_staff=by_staff, policy=DEFAULT_POLICY, now=NOW)


def test_an_activity_with_shifts_opens_at_once_and_starts_with_the_first() -> None:
    early, late = a_shift(), a_shift(5 * HOUR)
    activity = planned(late, early)
    assert isinstance(activity, Activity)
    assert (activity.state, activity.starts_at, activity.opened_at) == (State.OPEN, early.starts_at, NOW)


@pytest.mark.parametrize(("shifts", "draft"), [([], False), ([a_shift()], True)])
def test_a_draft_and_an_activity_without_shifts_stay_planned(shifts: list[Shift], draft: bool) -> None:
    activity = planned(*shifts, draft=draft)
    assert isinstance(activity, Activity)
    assert activity.state is State.PLANNED
    assert activity.opened_at is None


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (a_shift(length=timedelta(0)), "after starts_at"),
        (a_shift(length=-HOUR), "after starts_at"),
        (a_shift(length=16 * HOUR + timedelta(seconds=1)), "longer than 16 hours"),
        (a_shift(start=timedelta(days=732)), "more than 731 days"),
    ],
)
def test_impossible_shifts_are_refused_with_their_place(shift: Shift, said: str) -> None:
    refused = planned(a_shift(), shift)
    assert isinstance(refused, DomainRefusal)
    assert (refused.slug, refused.status, refused.extra["shift"]) == ("shift-times-invalid", 422, 1)
    assert said in refused.detail


def test_a_past_shift_is_for_staff_to_enter() -> None:
    past = a_shift(start=-5 * HOUR)
    assert isinstance(planned(past, by_staff=True), Activity)
    assert isinstance(planned(past, by_staff=False), DomainRefusal)


def test_at_most_a_hundred_shifts_also_when_some_are_added() -> None:
    present = [a_shift() for _ in range(99)]
    activity = an_activity(State.OPEN)
    more = add_shifts(activity, present, [a_shift(), a_shift()], by_staff=True, policy=DEFAULT_POLICY, now=NOW)
    assert isinstance(more, DomainRefusal)
    assert more.slug == "too-many-shifts"


def test_an_added_shift_may_move_the_start_and_makes_a_version() -> None:
    activity = replace(an_activity(State.OPEN), starts_at=NOW + 3 * HOUR)
    changed = add_shifts(activity, [a_shift(3 * HOUR)], [a_shift(HOUR)], by_staff=True, policy=DEFAULT_POLICY, now=NOW)
    assert isinstance(changed, Activity)
    assert (changed.starts_at, changed.version) == (NOW + HOUR, 2)


def test_a_closed_activity_takes_no_shift() -> None:
    closed = add_shifts(an_activity(State.CLOSED), [], [a_shift()], by_staff=True, policy=DEFAULT_POLICY, now=NOW)
    assert isinstance(closed, DomainRefusal)


def test_opening_needs_a_shift_and_a_draft() -> None:
    assert isinstance(open_for_signup(an_activity(), [], NOW), DomainRefusal)
    assert isinstance(open_for_signup(an_activity(State.OPEN), [a_shift()], NOW), DomainRefusal)
    opened = open_for_signup(an_activity(), [a_shift()], NOW)
    assert isinstance(opened, Activity)
    assert opened.state is State.OPEN


def test_closing_tells_how_many_were_served_once() -> None:
    closing = Closing(120, "下雨，改在室内", uuid4())
    closed = close(an_activity(State.OPEN), [a_shift(-HOUR)], closing, NOW)
    assert isinstance(closed, Activity)
    assert (closed.residents_served, closed.note, closed.closed_at) == (120, closing.note, NOW)
    again = close(closed, [a_shift(-HOUR)], closing, NOW)
    assert isinstance(again, DomainRefusal)
    assert "2026-03-04" in again.detail


@pytest.mark.parametrize(
    ("state", "start", "slug"),
    [(State.PLANNED, -HOUR, "activity-not-open"), (State.OPEN, HOUR, "shift-not-begun")],
)
def test_what_did_not_take_place_cannot_be_closed(state: State, start: timedelta, slug: str) -> None:
    refused = close(an_activity(state), [a_shift(start)], Closing(1, None, uuid4()), NOW)
    assert isinstance(refused, DomainRefusal)
    assert refused.slug == slug


def test_intervals_are_half_open() -> None:
    assert not overlaps(NOW, NOW + HOUR, NOW + HOUR, NOW + 2 * HOUR)
    assert overlaps(NOW, NOW + 2 * HOUR, NOW + HOUR, NOW + 3 * HOUR)
    assert not overlaps(NOW, NOW, NOW - HOUR, NOW + HOUR), "an empty interval shares no time"


def test_a_refusal_that_names_a_status_is_answered_with_the_status_of_the_problem() -> None:
    refused = refusal(DomainRefusal("membership-state", "No.", 409, {"status": "left", "allowed": []}))
    assert (refused.status, refused.extra) == (409, {"state": "left", "allowed": []})
