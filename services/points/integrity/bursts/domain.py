"""Bursts: so many records of one recorder within ten minutes, whichever ten minutes these are. Pure.

A window of ten minutes belongs to the day on which it begins, so that what is entered within ten minutes after midnight
is found for the day before too. Flagged is what lies in a full window, in whatever order it came.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from services.points.integrity.acts.domain import Act, flag_of
from services.points.integrity.terms.domain import (
    Flag,
    ThresholdsInForce,
    TimeWindow,
    class_of,
    day_of,
    seconds,
    span_of,
)

__all__ = ["BURST_SECONDS", "judge_recorder"]

BURST_SECONDS: Final = 600


class _Entered(NamedTuple):
    """A record that was brought in, when (Unix seconds), whose it is and where; no site is empty."""

    at: int
    record_id: str
    volunteer_id: str
    site_id: str


def judge_recorder(thresholds: ThresholdsInForce, acts: Sequence[Act], changed: Container[UUID]) -> list[Flag]:
    """One finding for each day on which full windows begin that hold a changed record.

    Args:
        acts: all of one recorder and class within ten minutes of those about changed records; others do no harm.
    """
    if not acts:
        return []
    one = acts[0]
    named = class_of(one.provenance)
    entries = sorted({_entered(act) for act in acts})
    fullest: dict[int, tuple[int, int]] = {}
    members: dict[int, set[_Entered]] = {}
    reached: dict[int, int] = {}
    for start, count in _counts(entries, _starts(entries)):
        burst = thresholds.at(day_of(start)).burst.get(named)
        if burst is None or count < burst.records:
            continue
        day = span_of(start).start
        fullest[day] = max(fullest.get(day, (0, 0)), (count, -start))
        begin = max(reached.get(day, 0), bisect_left(entries, start, key=_moment))
        reached[day] = bisect_left(entries, start + BURST_SECONDS, key=_moment)
        members.setdefault(day, set()).update(entries[begin : reached[day]])
    touched = {str(act.record_id) for act in acts if act.record_id in changed}
    flags: list[Flag] = []
    for day, (count, begun) in sorted(fullest.items()):
        if all(entry.record_id not in touched for entry in members[day]):
            continue
        found, start = thresholds.at(day_of(day)), -begun
        burst = found.burst[named]
        assert burst is not None
        held = [(entry.volunteer_id, entry.record_id, entry.site_id) for entry in members[day]]
        flags.append(flag_of(found, TimeWindow(start, start + BURST_SECONDS), held, one, count, burst.records))
    return flags


def _starts(entries: Sequence[_Entered]) -> list[int]:
    """Any window holds as much when it begins with the first record in it, or with the last second of its day."""
    last_seconds = {span_of(entry.at).start - 1 for entry in entries}
    return sorted({*(entry.at for entry in entries), *last_seconds})


def _counts(entries: Sequence[_Entered], starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(Start, how many different records its window holds); both sorted."""
    held: Counter[str] = Counter()
    first = last = 0
    for start in starts:
        while last < len(entries) and entries[last].at < start + BURST_SECONDS:
            held[entries[last].record_id] += 1
            last += 1
        while first < last and entries[first].at < start:
            held[entries[first].record_id] -= 1
            if not held[entries[first].record_id]:
                del held[entries[first].record_id]
            first += 1
        yield start, len(held)


def _entered(act: Act) -> _Entered:
    return _Entered(seconds(act.at), str(act.record_id), str(act.volunteer_id), str(act.site_id or ""))


def _moment(entry: _Entered) -> int:
    return entry.at
