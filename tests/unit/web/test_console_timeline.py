"""The time line of a trace. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.web.pages.console.timeline import WIDTH, LongestWait, draw

START = datetime(2026, 3, 5, tzinfo=UTC)


def event(id: str, cause: str | None, made: int | None, committed: int | None, indexed: int, *effects: int) -> Any:
    def at(ms: int | None) -> str | None:
        return None if ms is None else (START + timedelta(milliseconds=ms)).isoformat()

    return {
        "event_id": id,
        "causation_id": cause,
        "topic": "points",
        "hops": {
            "made_at": at(made),
            "committed_at": at(committed),
            "indexed_at": at(indexed),
            "applied": [{"by": "points", "at": at(one)} for one in effects],
        },
    }


def test_hops_lie_one_behind_the_other_on_one_scale() -> None:
    line = draw([event("a", None, 0, 10, 30, 50), event("b", "a", 48, 50, 100)])
    assert line.total_ms == 100
    first, second = line.bars
    assert [(one.hop, one.x, one.ms) for one in first.segments] == [
        ("request", 0, 10),
        ("relay", 100, 20),
        ("effect", 300, 20),
    ]
    assert (second.after_ms, second.depth) == (50, 1)


def test_the_longest_wait_is_named_with_its_share() -> None:
    line = draw([event("a", None, 0, 10, 30, 80), event("b", "a", 78, 80, 100)])
    assert line.longest == LongestWait(0, "effect", 50, 50)
    assert draw([event("a", None, None, None, 1)]).longest is None, "no time passed"
    tie = draw([event("a", None, 0, 10, 10), event("b", "a", 10, 20, 20)])
    assert tie.longest == LongestWait(0, "request", 10, 50)


def test_every_known_hop_keeps_its_time_and_service() -> None:
    (bar,) = draw([event("a", None, None, 10, 30, 50)]).bars
    assert [(one.hop, one.by) for one in bar.moments] == [("committed", ""), ("indexed", ""), ("applied", "points")]
    assert bar.moments[0].at == (START + timedelta(milliseconds=10)).isoformat()


INSTANTS = st.none() | st.integers(0, 10_000)


@given(st.lists(st.tuples(INSTANTS, INSTANTS, st.integers(0, 10_000), st.lists(st.integers(0, 10_000))), min_size=1))
def test_clocks_that_disagree_leave_every_segment_on_the_scale(rows: list[tuple[Any, Any, int, list[int]]]) -> None:
    events = [event(str(i), str(i - 1), a, b, c, *effects) for i, (a, b, c, effects) in enumerate(rows)]
    line = draw(events)
    for bar in line.bars:
        assert 0 <= bar.depth <= 6
        for one in bar.segments:
            assert one.ms >= 0
            assert 0 <= one.x <= WIDTH
            assert one.x + one.width <= WIDTH + 2


def test_events_that_cause_each_other_have_an_end() -> None:
    assert [bar.depth for bar in draw([event("a", "b", 0, 0, 1), event("b", "a", 0, 0, 1)]).bars] == [1, 1]
