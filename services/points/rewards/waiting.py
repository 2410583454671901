"""Use cases that time brings about while something is held: bare holds run out."""

from __future__ import annotations

from services.points.ledger import handlers as ledger
from services.points.rewards import store
from shared.ids import derived_id
from shared.postgres import Database

__all__ = ["time_out_bare_holds"]


async def time_out_bare_holds(database: Database, limit: int = 100) -> int:
    """Void holds whose time is over and that have no redemption (those end with it); returns how many.

    Call again until it is 0.
    """
    async with database.transaction() as tx:
        due = await store.bare_holds_due(tx, await tx.now(), limit)
        if not due:
            return 0
        await ledger.lock(tx, sorted({volunteer_id for _, volunteer_id in due}))
        done = 0
        for hold_id, _ in due:
            standing = await ledger.find_hold(tx, hold_id)
            if standing is not None and standing.status == "open":
                cause = derived_id("hold-timed-out", hold_id)
                await ledger.void(tx, hold_id, cause, correlation_id=str(cause))
                done += 1
        return done
