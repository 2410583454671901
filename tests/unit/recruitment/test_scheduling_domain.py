"""What may change of a shift and of an activity, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DEFAULT_POLICY, Activity, DomainRefusal, Shift, State
from services.recruitment.scheduling.domain import (
    ShiftState,
    call_off,
    edit_activity,
    edit_shift,
    is_frozen,
    postpone,
    shorten,
)

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OFFSETS = st.integers(-600, 600).map(lambda minutes: minutes * MINUTE)


@st.composite
def standings(draw: st.DrawFn) -> ShiftState:
    start, length = draw(OFFSETS), draw(st.integers(1, 600)) * MINUTE
    attended = draw(st.booleans())
    counted = draw(st.none() | st.integers(-600, 0).map(lambda n: NOW + n * MINUTE)) if attended else None
    return ShiftState(
        Shift(uuid4(), uuid4(), NOW + start, NOW + start + length, 10, draw(st.integers(0, 10)), NOW - 24 * HOUR),
        draw(st.sampled_from(State)),
        attended,
        counted,
    )


def minutes(shift: Shift) -> timedelta:
    return shift.ends_at - shift.starts_at


@given(standings(), OFFSETS, OFFSETS, st.integers(1, 20))
def test_times_of_a_frozen_shift_stand_and_places_cover_those_taken(
    standing: ShiftState, start: timedelta, end: timedelta, capacity: int
) -> None:
    before = standing.shift
    after = edit_shift(standing, NOW + start, NOW + end, capacity, policy=DEFAULT_POLICY, now=NOW)
    if isinstance(after, DomainRefusal):
        return
    assert after.capacity >= before.taken
    assert before.ends_at > NOW
    if (after.starts_at, after.ends_at) != (before.starts_at, before.ends_at):
        assert not is_frozen(standing, NOW)
        assert NOW < after.starts_at < after.ends_at
    if after.starts_at < before.starts_at or minutes(after) > minutes(before):
        assert after.published_at == NOW, "what nobody could have known of is published anew"


@given(standings(), OFFSETS)
def test_a_postponed_shift_is_as_long_later_and_unattended(standing: ShiftState, start: timedelta) -> None:
    after = postpone(standing, NOW + start, DEFAULT_POLICY, NOW)
    if isinstance(after, DomainRefusal):
        return
    assert not standing.attended
    assert minutes(after) == minutes(standing.shift)
    assert after.starts_at > standing.shift.starts_at
    assert after.starts_at >= NOW


@given(standings(), OFFSETS)
def test_a_shortened_shift_ends_earlier_but_not_in_the_past(standing: ShiftState, end: timedelta) -> None:
    after = shorten(standing, NOW + end, NOW)
    if isinstance(after, DomainRefusal):
        return
    assert after.starts_at == standing.shift.starts_at < after.ends_at < standing.shift.ends_at
    assert after.ends_at >= max(NOW, standing.counted_until or NOW)


@given(standings())
def test_a_shift_that_is_called_off_never_gets_longer_and_stays_so(standing: ShiftState) -> None:
    after = call_off(standing, NOW)
    if isinstance(after, DomainRefusal):
        assert standing.activity_state is State.CLOSED or standing.shift.ends_at <= NOW
        return
    assert after.cancelled_at == NOW
    assert after.ends_at == (NOW if standing.shift.starts_at < NOW else standing.shift.ends_at)
    later = replace(standing, shift=after)
    for again in (
        call_off(later, NOW),
        postpone(later, NOW + HOUR, DEFAULT_POLICY, NOW),
        shorten(later, NOW + MINUTE, NOW),
        edit_shift(later, after.starts_at, after.ends_at, 10, policy=DEFAULT_POLICY, now=NOW),
    ):
        assert isinstance(again, DomainRefusal)


@pytest.mark.parametrize(
    ("state", "begun", "edits", "slug"),
    [
        (State.OPEN, False, {"title": "新名字", "site_id": uuid4(), "place": "新地方"}, None),
        (State.PLANNED, False, {"kind": "演出"}, None),
        (State.OPEN, True, {"place": "新地方", "content": None}, None),
        (State.OPEN, True, {"title": "新名字"}, "activity-begun"),
        (State.OPEN, True, {"place": "新地方", "team_id": uuid4()}, "activity-begun"),
        (State.OPEN, False, {"residents_served": 3}, "activity-not-closed"),
        (State.CLOSED, True, {"residents_served": 3, "note": "补报"}, None),
        (State.CLOSED, True, {"place": "新地方"}, "activity-closed"),
    ],
)
def test_what_of_an_activity_can_change_depends_on_how_far_it_is(
    state: State, begun: bool, edits: dict[str, Any], slug: str | None
) -> None:
    activity = Activity(uuid4(), "雷锋之歌", uuid4(), uuid4(), uuid4(), "演出", "广场", state=state)
    after = edit_activity(activity, edits, begun=begun)
    if slug is None:
        assert isinstance(after, Activity)
        assert after == replace(activity, **edits, version=2)
    else:
        assert isinstance(after, DomainRefusal)
        assert after.slug == slug
