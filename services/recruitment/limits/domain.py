"""Rules of limits: so many in a window, and pauses that grow with failures. Pure; real time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Count", "Delay", "RateCap", "Reached", "reached"]


@dataclass(frozen=True, slots=True)
class RateCap:
    """At most so many within a window that begins with the first."""

    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Count:
    """A counter: how often, since when, and the last time."""

    hits: int
    began_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit was reached: of which kind, how long until another try, and whether this is the first one over it."""

    kind: str
    wait: timedelta
    first: bool

    @property
    def seconds(self) -> int:
        """Whole seconds to wait, at least one."""
        return max(1, int(self.wait.total_seconds()) + 1)


@dataclass(frozen=True, slots=True)
class Delay:
    """Pauses after failures: none for the first ``free``, then ``first``, doubling up to ``longest``."""

    free: int
    first: timedelta
    longest: timedelta
    forgotten_after: timedelta
    """Without a try for so long, the count begins anew."""

    def after(self, failures: int) -> timedelta:
        """The pause after so many failures."""
        if failures < self.free:
            return timedelta(0)
        doublings = min(failures - self.free, 30)
        return min(self.first * (1 << doublings), self.longest)

    def left(self, count: Count | None, now: datetime) -> timedelta | None:
        """How long to wait before the next try; None when it may be made now."""
        if count is None or self.is_forgotten(count, now):
            return None
        left = count.last_at + self.after(count.hits) - now
        return left if left > timedelta(0) else None

    def is_forgotten(self, count: Count, now: datetime) -> bool:
        """Whether the failures are too old to count."""
        return count.last_at + self.forgotten_after <= now


def reached(kind: str, cap: RateCap, count: Count, now: datetime) -> Reached | None:
    """The answer after counting one more; None while it is within the cap."""
    if count.hits <= cap.most:
        return None
    return Reached(kind, max(count.began_at + cap.window - now, timedelta(0)), count.hits == cap.most + 1)
