"""The time line of a trace: each event's hops as segments of one scale. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

__all__ = ["Segment", "TimeLine", "TraceBar", "draw"]

WIDTH = 1000
"""Units of the drawing's scale."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A hop: where it lies on the scale, and its milliseconds."""

    hop: str
    x: int
    width: int
    ms: int


@dataclass(frozen=True, slots=True)
class TraceBar:
    """The hops of one event; ``after_ms`` is how long after the trace's start it was committed."""

    segments: Sequence[Segment]
    after_ms: int
    depth: int
    owner: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """All events on one scale."""

    bars: Sequence[TraceBar]
    total_ms: int


def draw(events: Sequence[Mapping[str, Any]]) -> TimeLine:
    """Place the hops of events, which stand in order of time, on one scale."""
    times = [_times(event) for event in events]
    start = min(at for row in times for _hop, at in row)
    end = max(at for row in times for _hop, at in row)
    total = max(1, _ms(start, end))
    depths = _depths(events)
    bars = []
    for event, row in zip(events, times, strict=True):
        segments = [
            Segment(
                hop, round(WIDTH * _ms(start, one) / total), max(2, round(WIDTH * _ms(one, two) / total)), _ms(one, two)
            )
            for (_before, one), (hop, two) in pairwise(row)
        ]
        committed = _instant(event["hops"]["committed_at"]) or row[0][1]
        bars.append(TraceBar(segments, _ms(start, committed), depths[str(event["event_id"])], str(event["topic"])))
    return TimeLine(bars, total)


def _times(event: Mapping[str, Any]) -> list[tuple[str, datetime]]:
    """The moments of an event, each with the hop that ends there; clocks that disagree do not turn a hop around."""
    hops = event["hops"]
    found: list[tuple[str, datetime]] = []
    applied = [_instant(one["at"]) for one in hops["applied"]]
    moments = (
        ("made", _instant(hops["made_at"])),
        ("request", _instant(hops["committed_at"])),
        ("relay", _instant(hops["indexed_at"])),
        ("effect", max((at for at in applied if at is not None), default=None)),
    )
    for hop, at in moments:
        if at is not None:
            found.append((hop, max(at, found[-1][1]) if found else at))
    return found


def _depths(events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many causes lie before each event, as far as the trace holds them."""
    causes = {str(event["event_id"]): str(event["causation_id"] or "") for event in events}
    found: dict[str, int] = {}
    for id in causes:
        seen, at = {id}, causes[id]
        while at in causes and at not in seen:
            seen.add(at)
            at = causes[at]
        found[id] = min(len(seen) - 1, 6)
    return found


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _ms(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))
