"""Buckets of time and the events in them, by type. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["MOST_BUCKETS", "MOST_TYPES", "STEPS", "BucketCount", "Histogram", "histogram_of"]

MOST_BUCKETS = 60
"""The events lie in one bucket more than these at most, because buckets begin at round times."""
MOST_TYPES = 5
"""Types that are counted apart; a chart with more series cannot be read."""
STEPS = (
    *(timedelta(seconds=one) for one in (1, 5, 15, 30)),
    *(timedelta(minutes=one) for one in (1, 5, 15, 30)),
    *(timedelta(hours=one) for one in (1, 3, 6, 12, 24)),
)
"""Lengths that a bucket may have; where none is long enough, the time between the events is divided evenly."""


@dataclass(frozen=True, slots=True)
class BucketCount:
    """The events of one type in one bucket; a record that is no event of ours has its kind as type."""

    bucket: datetime
    type: str
    events: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Events per bucket, without gaps; of each type in ``by_type`` one figure for each of ``buckets``.

    ``others`` are of the types that are not counted apart, None if there are none.
    """

    step: timedelta
    buckets: tuple[datetime, ...]
    by_type: tuple[tuple[str, tuple[int, ...]], ...]
    others: tuple[int, ...] | None
    total: int


def histogram_of(counts: Sequence[BucketCount], step: timedelta) -> Histogram:
    """The counts as series, the most frequent type first."""
    if not counts:
        return Histogram(step, (), (), None, 0)
    first, last = min(one.bucket for one in counts), max(one.bucket for one in counts)
    buckets = tuple(first + place * step for place in range((last - first) // step + 1))
    types: Counter[str] = Counter()
    for one in counts:
        types[one.type] += one.events
    named = sorted(types, key=lambda type: (-types[type], type))[:MOST_TYPES]

    def line(of: set[str]) -> tuple[int, ...]:
        found: Counter[datetime] = Counter()
        for one in counts:
            if one.type in of:
                found[one.bucket] += one.events
        return tuple(found[bucket] for bucket in buckets)

    others = types.keys() - set(named)
    by_type = tuple((type, line({type})) for type in named)
    return Histogram(step, buckets, by_type, line(others) if others else None, types.total())
