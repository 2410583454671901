"""Bursts: so many records of one recorder within ten minutes, whichever ten minutes these are. Pure.

The moments at which records were brought in are kept, in cells of ten minutes, so that each window of ten minutes lies
in two neighbours. A window belongs to the day on which it begins, so that what is entered within ten minutes after
midnight is found for the day before too.

A cell keeps what proves it and no more: a moment all of whose windows are full without it is not kept; its record was
flagged when it came, and so is each that comes into a full window. So what is flagged in the end is what lies in a full
window, in whatever order it came.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.points.integrity.acts.domain import Act, flag_of
from services.points.integrity.terms.domain import (
    DAY_SECONDS,
    Flag,
    ThresholdsInForce,
    TimeWindow,
    class_of,
    day_of,
    day_span,
    seconds,
)

__all__ = ["BURST_SECONDS", "BurstStep", "Cell", "Entered", "enter"]

BURST_SECONDS: Final = 600
_FULL: Final = 3
"""A cell of more than so many times the limit is looked through for what it may drop; twice the limit may remain."""


class Entered(NamedTuple):
    """A record that was brought in, when (Unix seconds), whose it is and where; no site is empty."""

    at: int
    record_id: str
    volunteer_id: str
    site_id: str


Cell = frozenset[Entered]


class BurstStep(NamedTuple):
    """The change by an act: its cell, None if that stays as it is, and the findings."""

    span: TimeWindow
    cell: Cell | None
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class _Limits:
    """Those of windows that begin before a midnight, and of others; None is not checked."""

    midnight: int
    before: int | None
    after: int | None

    def at(self, start: int) -> int | None:
        return self.before if start < self.midnight else self.after

    def day(self, start: int) -> int:
        """When the day began on which a window begins."""
        return self.midnight - DAY_SECONDS if start < self.midnight else self.midnight

    @property
    def known(self) -> list[int]:
        return [limit for limit in (self.before, self.after) if limit is not None]


def enter(thresholds: ThresholdsInForce, act: Act, cell: Callable[[TimeWindow], Cell]) -> BurstStep:
    """Apply an act of a recorder. ``cell`` gives what a cell of theirs holds until now."""
    at = seconds(act.at)
    own = TimeWindow(begin := at - at % BURST_SECONDS, begin + BURST_SECONDS)
    limits = _limits(thresholds, act, at)
    one = Entered(at, str(act.record_id), str(act.volunteer_id), str(act.site_id or ""))
    held = cell(own)
    if not limits.known or one in held:
        return BurstStep(own, None, ())
    beside = [*cell(TimeWindow(begin - BURST_SECONDS, begin)), *cell(TimeWindow(own.end, own.end + BURST_SECONDS))]
    near = [entry for entry in (*held, *beside) if at - BURST_SECONDS < entry.at < at + BURST_SECONDS]
    if len(near) + 1 < min(limits.known):
        return BurstStep(own, held | {one}, ())
    near.sort()
    flags = tuple(_judge(thresholds, act, one, near, limits))
    if _needless(at, near, limits):
        return BurstStep(own, None, flags)
    grown = held | {one}
    if len(grown) > _FULL * max(limits.known):
        grown = _pruned(grown, beside, limits)
    return BurstStep(own, grown, flags)


def _limits(thresholds: ThresholdsInForce, act: Act, at: int) -> _Limits:
    """Of the windows in which a moment lies, or any other of its cell: no cell reaches over midnight."""
    named, midnight = class_of(act.provenance), day_span(day_of(at)).start
    found = [thresholds.at(day_of(start)).burst.get(named) for start in (midnight - 1, midnight)]
    before, after = (None if burst is None else burst.records for burst in found)
    return _Limits(midnight, before, after)


def _counts(entries: Sequence[Entered], starts: Iterable[int]) -> Iterator[tuple[int, int]]:
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


def _needless(at: int, others: Sequence[Entered], limits: _Limits) -> bool:
    """Whether every window in which a moment lies is full without it.

    A window holds least when it begins right after one of the others, or as early as it can.
    """
    earliest = at - BURST_SECONDS + 1
    starts = {earliest, *(other.at + 1 for other in others if earliest <= other.at < at)}
    if earliest < limits.midnight:
        starts.add(limits.midnight)
    return all(
        (limit := limits.at(start)) is None or count >= limit for start, count in _counts(others, sorted(starts))
    )


def _pruned(cell: Cell, beside: Sequence[Entered], limits: _Limits) -> Cell:
    """Without what proves nothing: each window of a cell holds its first or its last moment, so few remain."""
    kept, entries = set(cell), sorted((*cell, *beside))
    for entry in sorted(cell):
        near = entries[bisect_left(entries, entry.at - BURST_SECONDS + 1, key=_moment) :]
        others = near[: bisect_left(near, entry.at + BURST_SECONDS, key=_moment)]
        others.remove(entry)
        if _needless(entry.at, others, limits):
            kept.remove(entry)
            entries.remove(entry)
    return frozenset(kept)


def _moment(entry: Entered) -> int:
    return entry.at


def _judge(
    thresholds: ThresholdsInForce, act: Act, one: Entered, near: Sequence[Entered], limits: _Limits
) -> Iterator[Flag]:
    """One finding for each day on which full windows begin that the record lies in.

    Any window holds as much when it begins with the first record in it, or with the last second of its day.
    """
    entries = sorted((*near, one))
    known = any(entry.record_id == one.record_id for entry in near)
    starts = {entry.at for entry in entries if entry.at <= one.at}
    if one.at - BURST_SECONDS < limits.midnight - 1:
        starts.add(limits.midnight - 1)
    fullest: dict[int, tuple[int, int]] = {}
    found: dict[int, set[Entered]] = {}
    for start, count in _counts(entries, sorted(starts)):
        limit = limits.at(start)
        if limit is None or count < limit:
            continue
        day = limits.day(start)
        fullest[day] = max(fullest.get(day, (0, 0)), (count, -start))
        members = found.setdefault(day, {one})
        if known or count == limit:  # without the record it was not full, and the others were not published
            begin = bisect_left(entries, start, key=_moment)
            members.update(entries[begin : bisect_left(entries, start + BURST_SECONDS, key=_moment)])
    for day, (count, begun) in fullest.items():
        limit, start = limits.at(-begun), -begun
        assert limit is not None
        held = [(entry.volunteer_id, entry.record_id, entry.site_id) for entry in found[day]]
        yield flag_of(thresholds.at(day_of(start)), TimeWindow(start, start + BURST_SECONDS), held, act, count, limit)
