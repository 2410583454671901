"""How many looks at personal data a member of staff has."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.vault.domain import Quota, next_look_at

NOW = datetime(2026, 3, 4, 9, tzinfo=UTC)
QUOTA = Quota(per_hour=3, per_day=5)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@given(st.lists(st.integers(0, 30 * 3600), max_size=30), st.integers(1, 6), st.integers(1, 12))
def test_no_hour_and_no_day_holds_more_looks_than_the_quota(asked: list[int], per_hour: int, per_day: int) -> None:
    quota, looks = Quota(per_hour, per_day), list[datetime]()
    for seconds in sorted(asked):
        at = NOW + timedelta(seconds=seconds)
        if next_look_at(looks[::-1], quota, at) <= at:
            looks.append(at)
    for at in looks:
        assert sum(at <= other < at + HOUR for other in looks) <= per_hour
        assert sum(at <= other < at + DAY for other in looks) <= per_day


@given(st.lists(st.integers(0, 24 * 3600), max_size=30))
def test_at_the_time_that_is_named_a_look_is_possible(ages: list[int]) -> None:
    looks = [NOW - timedelta(seconds=age) for age in sorted(ages)]
    possible = next_look_at(looks, QUOTA, NOW)
    assert possible >= NOW
    assert next_look_at(looks, QUOTA, possible) == possible


def test_the_later_of_both_windows_counts() -> None:
    looks = [NOW - timedelta(minutes=minute) for minute in (1, 2, 3)]
    assert next_look_at(looks[:2], QUOTA, NOW) == NOW
    assert next_look_at(looks, QUOTA, NOW) == looks[2] + HOUR
    assert next_look_at([*looks, NOW - 20 * HOUR, NOW - 21 * HOUR], QUOTA, NOW) == NOW + 3 * HOUR
