"""Stores the minutes of the agents, and counts the minutes that they missed from the index."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.operations.live import store
from services.operations.live.domain import LiveMinute
from shared.postgres import Database

__all__ = ["HOUR", "begin_life", "store_minutes"]

HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
SETTLED = timedelta(minutes=4)
"""After a gap ends so long: its minutes are no longer written by the agents, and the index has them."""


async def begin_life(db: Database, now: datetime) -> None:
    """Note the minutes since the last stored one as missed: a life of the agents begins at the topics' ends."""
    present = now.replace(second=0, microsecond=0)
    async with db.transaction() as tx:
        last = await store.last_minute(tx)
        since = present - HOUR if last is None else max(present - HOUR, min(last - _MINUTE, present))
        await store.add_gap(tx, since, present + 2 * _MINUTE)


async def store_minutes(db: Database, minutes: Sequence[LiveMinute], now: datetime) -> bool:
    """Store what the agents have counted, and count settled gaps from the index; whether there was such a gap."""
    async with db.transaction() as tx:
        await store.put_minutes(tx, minutes)
        await store.forget_minutes(tx, now - 2 * HOUR)
        settled = [gap for gap in await store.gaps(tx) if gap[1] <= now - SETTLED]
        if not settled:
            return False
        since = max(min(gap[0] for gap in settled), now.replace(second=0, microsecond=0) - HOUR)
        until = max(gap[1] for gap in settled)
        await store.drop_minutes(tx, since, until)
        await store.count_from_index(tx, since, until)
        await store.drop_gaps(tx, until)
        return True
