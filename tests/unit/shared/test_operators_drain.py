"""Lags over time and the time to drain. Pure."""

from hypothesis import given
from hypothesis import strategies as st

from shared.operators.drain import (
    SAMPLE_SECONDS,
    SAMPLES,
    Drain,
    LagHistory,
    PartitionPlace,
    drain_of,
    packed,
    total,
    unpacked,
)

HERE, THERE = PartitionPlace("points", 0), PartitionPlace("points", 1)
LAGS = st.lists(st.integers(0, 10**9), max_size=SAMPLES)


def test_a_lag_that_shrinks_is_drained_after_lag_over_rate() -> None:
    assert drain_of([1000, 700], 700) == Drain(20.0, 35)
    assert drain_of([5000, 1000, 900, 800, 700, 600], 600) == Drain(6.67, 90), "only the last minute counts"


def test_a_lag_that_grows_or_stands_is_never_drained() -> None:
    assert drain_of([10, 40], 40) == Drain(-2.0, None)
    assert drain_of([40, 40], 40).seconds is None
    assert drain_of([40], 40).seconds is None, "one sample has no rate"


def test_without_a_lag_nothing_is_left_to_drain() -> None:
    assert drain_of([], 0) == drain_of([10, 0], 0) == Drain(0.0, 0)


def test_samples_are_taken_at_their_distance_and_old_ones_fall_out() -> None:
    history = LagHistory()
    for second in range(int(SAMPLE_SECONDS) * (SAMPLES + 3)):
        history.note(float(second), {HERE: second})
    assert len(history.of(HERE)) == SAMPLES
    assert history.of(HERE)[-2:] == [int(SAMPLE_SECONDS) * (SAMPLES + 1), int(SAMPLE_SECONDS) * (SAMPLES + 2)]


def test_a_partition_that_went_to_another_process_leaves_no_samples() -> None:
    history = LagHistory()
    history.note(0.0, {HERE: 1, THERE: 2})
    history.note(1.0, {THERE: 2})
    assert (history.of(HERE), history.of(THERE)) == ([], [2])


@given(LAGS)
def test_samples_survive_packing_unless_there_never_was_a_lag(lags: list[int]) -> None:
    assert unpacked(packed(lags)) == (lags if any(lags) else [])


@given(st.lists(LAGS, max_size=5))
def test_the_sum_ends_with_the_sum_of_the_newest(histories: list[list[int]]) -> None:
    summed = total(histories)
    assert len(summed) == max(map(len, histories), default=0)
    if summed:
        assert summed[-1] == sum(history[-1] for history in histories if history)


@given(LAGS, st.integers(1, 10**9))
def test_only_a_positive_rate_ends_a_lag(lags: list[int], lag: int) -> None:
    drain = drain_of(lags, lag)
    assert (drain.seconds is None) == (drain.per_second <= 0) or drain.per_second < 0.01
