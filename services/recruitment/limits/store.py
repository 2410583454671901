"""Rows of counters."""

from datetime import datetime, timedelta

from services.recruitment.limits.domain import Count
from shared.postgres import Tx, load_queries

__all__ = ["count", "forget", "lock", "purge", "set_hits", "take_back", "unflushed"]

_SQL = load_queries(__file__)


async def count(tx: Tx, kind: str, key: bytes, now: datetime, window: timedelta) -> Count:
    """Count one more and return the sum; the row stays locked until the transaction ends."""
    row = await tx.fetchrow(_SQL["count"], kind, key, now, window)
    assert row is not None
    return Count(**row)


async def lock(tx: Tx, kind: str, key: bytes, now: datetime) -> Count:
    """Lock a counter, making it first, and read it."""
    await tx.execute(_SQL["begin"], kind, key, now)
    row = await tx.fetchrow(_SQL["lock"], kind, key)
    return Count(0, now, now) if row is None else Count(**row)


async def set_hits(tx: Tx, kind: str, key: bytes, hits: int, now: datetime) -> None:
    await tx.execute(_SQL["set_hits"], kind, key, hits, now)


async def forget(tx: Tx, kind: str, key: bytes) -> None:
    await tx.execute(_SQL["forget"], kind, key)


async def take_back(tx: Tx, kind: str, key: bytes) -> None:
    await tx.execute(_SQL["take_back"], kind, key)


async def unflushed(tx: Tx) -> None:
    await tx.execute(_SQL["unflushed"])


async def purge(tx: Tx, before: datetime) -> None:
    await tx.execute(_SQL["purge"], before)
