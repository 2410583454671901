"""The lag of a consumer over the last minutes, and the time until none is left. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "SAMPLES",
    "SAMPLE_SECONDS",
    "Drain",
    "LagHistory",
    "PartitionPlace",
    "drain_of",
    "packed",
    "total",
    "unpacked",
]

SAMPLE_SECONDS = 15.0
SAMPLES = 41
"""Ten minutes, with both ends."""
WINDOW = 5
"""Samples from which the rate is taken: those of the last minute."""


class PartitionPlace(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Drain:
    """How fast a lag shrinks, net of what arrives: ``per_second`` is negative where it grows.

    ``seconds`` is how long it takes until none is left, None where that never happens at this rate.
    """

    per_second: float
    seconds: int | None


class LagHistory:
    """The lags of the partitions that a process owns, one sample every `SAMPLE_SECONDS`."""

    def __init__(self) -> None:
        self._sampled: float | None = None
        self._lags: dict[PartitionPlace, deque[int]] = {}

    def note(self, at: float, lags: Mapping[PartitionPlace, int]) -> None:
        """Sample the lags if a sample is due at ``at``, in seconds; partitions that are not given went elsewhere."""
        for place in self._lags.keys() - lags.keys():
            del self._lags[place]
        if self._sampled is not None and at - self._sampled < SAMPLE_SECONDS:
            return
        self._sampled = at
        for place, lag in lags.items():
            self._lags.setdefault(place, deque(maxlen=SAMPLES)).append(lag)

    def of(self, place: PartitionPlace) -> Sequence[int]:
        """The samples of a partition, the newest last."""
        return list(self._lags.get(place, ()))


def packed(lags: Sequence[int]) -> str:
    """Samples as short text; empty where there never was a lag, which is the rule."""
    return ",".join(map(str, lags)) if any(lags) else ""


def unpacked(text: str) -> list[int]:
    """The samples of `packed`."""
    return [int(one) for one in text.split(",")] if text else []


def total(histories: Iterable[Sequence[int]]) -> list[int]:
    """The sum of the samples of several partitions; those with fewer samples had no lag before."""
    known = [history for history in histories if history]
    longest = max(map(len, known), default=0)
    padded = [[0] * (longest - len(history)) + list(history) for history in known]
    return [sum(column) for column in zip(*padded, strict=True)]


def drain_of(lags: Sequence[int], lag: int) -> Drain:
    """The drain of a lag, by its samples of the last minute."""
    recent = lags[-WINDOW:]
    if not lag or len(recent) < 2:
        return Drain(0.0, 0 if not lag else None)
    per_second = (recent[0] - recent[-1]) / ((len(recent) - 1) * SAMPLE_SECONDS)
    return Drain(round(per_second, 2), round(lag / per_second) if per_second > 0 else None)
