"""The time line of a trace: each event's hops as segments of one scale. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

__all__ = ["LongestWait", "Moment", "Segment", "TimeLine", "TraceBar", "draw"]

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
class Moment:
    """When an event reached a hop; ``by`` is the service that applied it, empty for the other hops."""

    hop: str
    at: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class LongestWait:
    """The hop that took longest: the place of its event in the trace, and its share of all in percent."""

    event: int
    hop: str
    ms: int
    percent: int


@dataclass(frozen=True, slots=True)
class TraceBar:
    """The hops of one event; ``after_ms`` is how long after the trace's start it was committed."""

    segments: Sequence[Segment]
    moments: Sequence[Moment]
    after_ms: int
    depth: int
    owner: str


@dataclass(frozen=True, slots=True)
class TimeLine:
    """All events on one scale; no wait is the longest where no time passed."""

    bars: Sequence[TraceBar]
    total_ms: int
    longest: LongestWait | None


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
        depth = depths[str(event["event_id"])]
        bars.append(TraceBar(segments, _moments(event), _ms(start, committed), depth, str(event["topic"])))
    return TimeLine(bars, total, _longest(bars, total))


def _longest(bars: Sequence[TraceBar], total: int) -> LongestWait | None:
    """The longest hop; of hops that are equally long the first one."""
    waits = [(one.ms, -place, one.hop) for place, bar in enumerate(bars) for one in bar.segments]
    ms, place, hop = max(waits, default=(0, 0, ""), key=lambda one: one[:2])
    return LongestWait(-place, hop, ms, round(100 * ms / total)) if ms else None


def _moments(event: Mapping[str, Any]) -> list[Moment]:
    """The times of the hops as they were written, in the order of the way; those that are not known are left out."""
    hops = event["hops"]
    known = [("made", hops["made_at"]), ("committed", hops["committed_at"]), ("indexed", hops["indexed_at"])]
    return [
        *(Moment(hop, at) for hop, at in known if at is not None),
        *(Moment("applied", one["at"], one["by"]) for one in hops["applied"] if one["at"] is not None),
    ]


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
