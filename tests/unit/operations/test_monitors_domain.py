"""The judge of the monitors and its readings: any order of readings, any thresholds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.operations.monitors.domain import (
    GroupReport,
    MonitorName,
    MonitorReading,
    MonitorState,
    MonitorThreshold,
    Observation,
    ProcessReport,
    ServiceReport,
    TopicProgress,
    judge,
    progress_of,
    readings_of,
)

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
ALERT = UUID(int=1)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


THRESHOLDS = st.builds(
    lambda clear, more, hold, calm: MonitorThreshold(1, clear + more, clear, hold, calm),
    st.integers(1, 20),
    st.integers(0, 20),
    st.integers(0, 60),
    st.integers(0, 60),
)
STEPS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 45)), max_size=60)
"""Seconds since the step before, and the reading."""


@given(THRESHOLDS, STEPS)
def test_alerts_open_and_close_in_turn_and_only_after_their_time(
    threshold: MonitorThreshold, steps: list[tuple[int, int]]
) -> None:
    state, now, changes = MonitorState(), 0, []
    history: list[tuple[int, int]] = []
    for wait, value in steps:
        now += wait
        history.append((now, value))
        verdict = judge(state, value, threshold, at(now))
        assert verdict.state.version == state.version + (verdict.change is not None)
        if verdict.change == "raised":
            assert state.alert_id is None
            held = [v for t, v in history if t >= now - threshold.hold_seconds]
            assert min(held) >= threshold.trip
        elif verdict.change == "cleared":
            assert state.alert_id is not None
            calm = [v for t, v in history if t >= now - threshold.calm_seconds]
            assert max(calm) < threshold.clear
        changes += [verdict.change] if verdict.change else []
        state = replace(verdict.state, alert_id=ALERT) if verdict.change == "raised" else verdict.state
    assert changes == ["raised", "cleared"] * (len(changes) // 2) + ["raised"] * (len(changes) % 2)
    assert (state.alert_id is not None) == (len(changes) % 2 == 1)


@given(THRESHOLDS)
def test_a_reading_between_the_figures_opens_nothing_and_closes_nothing(threshold: MonitorThreshold) -> None:
    between = threshold.clear
    closed = judge(MonitorState(), between, threshold, at(0))
    opened = judge(MonitorState(alert_id=ALERT, under_since=at(-1000)), between, threshold, at(0))
    assert opened.change is None
    assert opened.state.alert_id == ALERT
    assert (closed.change == "raised") == (threshold.trip == between and threshold.hold_seconds == 0)


def report(
    *groups: GroupReport, at_: float = 0.0, age: float = 0.0, processes: tuple[ProcessReport, ...] = ()
) -> ServiceReport:
    return ServiceReport("points", at(at_), age, processes, groups)


def group(position: int, end: int, *, paused: bool = False, running: bool = True) -> GroupReport:
    return GroupReport("g", paused, running, {"points": (position, end)})


def follow(
    steps: list[tuple[float, GroupReport]], ends: dict[str, int] | None = None
) -> dict[MonitorName, MonitorReading]:
    progress: dict[tuple[str, str], TopicProgress] = {}
    found: list[MonitorReading] = []
    for seconds, one in steps:
        seen = Observation([report(one, at_=seconds)], ends or {})
        progress |= progress_of(seen, progress, at(seconds))
        found = readings_of(seen, progress, {}, at(seconds))
    return {one.monitor: one for one in found}


def test_a_lag_that_grows_or_stays_is_read_and_one_that_shrinks_is_not() -> None:
    assert follow([(0, group(0, 0)), (5, group(0, 7))])["lag"].value == 7
    assert follow([(0, group(0, 90)), (60, group(40, 90)), (65, group(50, 90))])["lag"].value == 0
    assert follow([(0, group(0, 90)), (60, group(40, 130)), (125, group(50, 140))])["lag"].value == 90


def test_the_index_knows_ends_that_a_group_that_died_does_not() -> None:
    assert follow([(0, group(5, 5, running=False)), (9, group(5, 5, running=False))], {"points": 30})["lag"].value == 25


def test_standing_still_is_lag_without_progress_and_a_group_that_is_gone() -> None:
    assert follow([(0, group(0, 9)), (200, group(0, 9))])["standstill"].value == 200
    assert follow([(0, group(0, 9)), (150, group(1, 9)), (200, group(1, 9))])["standstill"].value == 50
    assert follow([(0, group(9, 9)), (200, group(9, 9))])["standstill"].value == 0
    assert follow([(0, group(9, 9)), (200, group(9, 9, running=False))])["standstill"].value == 200


def test_a_paused_group_does_not_stand_still_but_its_lag_is_read() -> None:
    found = follow([(0, group(0, 1, paused=True)), (500, group(0, 9, paused=True))])
    assert (found["standstill"].value, found["standstill"].paused) == (0, True)
    assert (found["lag"].value, found["lag"].paused) == (9, True)
    resumed = follow([(0, group(0, 9, paused=True)), (500, group(0, 9, paused=True)), (505, group(0, 9))])
    assert resumed["standstill"].value == 5


def readings(one: ServiceReport, now: float) -> dict[tuple[str, str], int]:
    return {(r.monitor, r.subject): r.value for r in readings_of(Observation([one]), {}, {}, at(now))}


def test_a_service_that_sends_no_beat_has_an_old_outbox_and_is_not_judged_by_its_last_beat() -> None:
    silent = report(group(0, 9), processes=(ProcessReport("api", at(0)),))
    assert readings(silent, 100) == {("outbox-age", "points"): 100}
    assert readings(report(age=42.9), 20) == {("outbox-age", "points"): 42}


@given(st.lists(st.integers(0, 3600), max_size=20))
def test_crashes_are_the_starts_that_fell_silent_within_the_window(ages: list[int]) -> None:
    processes = tuple(ProcessReport("worker", at(-age)) for age in ages)
    found = readings(report(processes=processes), 3)
    assert found.get(("restarts", "points-worker"), 0) == sum(30 < age <= 900 for age in ages)


def test_a_known_subject_of_a_counted_monitor_reads_0_where_nothing_is_counted_any_more() -> None:
    site = UUID(int=7)
    known = {("corrections", str(site)): site, ("lag", "gone"): None, ("dead-letters", "notify"): None}
    found = readings_of(Observation(dead_letters={"notify": 4}), {}, known, NOW)  # type: ignore[arg-type]
    assert found == [MonitorReading("dead-letters", "notify", 4), MonitorReading("corrections", str(site), 0, site)]
