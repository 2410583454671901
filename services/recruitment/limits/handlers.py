"""Use cases of limits: count against caps, pause after failures. Keys are hashes: nothing readable is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.recruitment.limits import store
from services.recruitment.limits.domain import Delay, RateCap, Reached, reached
from shared.clock import real_now
from shared.errors import TooMany
from shared.postgres import Tx

__all__ = [
    "Delay",
    "RateCap",
    "Reached",
    "Use",
    "count",
    "forget",
    "pause",
    "purge",
    "take_back",
    "too_many",
    "unflushed",
]

KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Use:
    """One use of something limited: what kind, whose, and how much is allowed."""

    kind: str
    key: bytes
    cap: RateCap


async def count(tx: Tx, uses: Sequence[Use]) -> Reached | None:
    """Count each use until one is over its cap; those after it are not counted.

    Pass them from the narrowest to the widest, in one order everywhere, since their rows stay locked. To be committed
    whatever it returns.
    """
    now = real_now()
    for use in uses:
        counted = await store.count(tx, use.kind, use.key, now, use.cap.window)
        if (over := reached(use.kind, use.cap, counted, now)) is not None:
            return over
    return None


async def pause(tx: Tx, kind: str, key: bytes, delay: Delay) -> Reached | None:
    """Count a try, unless the failures before it ask for a pause. To be committed before what is tried is verified."""
    now = real_now()
    counted = await store.lock(tx, kind, key, now)
    if (left := delay.left(counted, now)) is not None:
        return Reached(kind, left, first=False)
    hits = 1 if delay.is_forgotten(counted, now) else counted.hits + 1
    await store.set_hits(tx, kind, key, hits, now)
    return None


async def forget(tx: Tx, kind: str, key: bytes) -> None:
    """End the failures: the try succeeded."""
    await store.forget(tx, kind, key)


async def take_back(tx: Tx, uses: Sequence[Use]) -> None:
    """Uncount uses that turned out to be no failures."""
    for use in uses:
        await store.take_back(tx, use.kind, use.key)


async def unflushed(tx: Tx) -> None:
    """Commit this transaction without waiting for the disk, since counters that many share stay locked until then.

    A server that crashes forgets the counts of its last moments.
    """
    await store.unflushed(tx)


async def purge(tx: Tx) -> None:
    """Delete counters that no window reaches."""
    await store.purge(tx, real_now() - KEPT)


def too_many(over: Reached, type: str, what: str, **more: Any) -> TooMany:
    """The refusal, which says when to try again; ``more`` are further members of the problem."""
    seconds = over.seconds
    when = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
    return TooMany(type, f"{what}: please try again in {when}", retry_after=seconds, **more)
