"""The timer of waitlists: ends offers and lists that are over, and gives out places that were left for it."""

from services.recruitment.signups.waitlist import handlers
from shared.errors import Conflict
from shared.postgres import Database

__all__ = ["BATCH", "EVERY_SECONDS", "run_due"]

BATCH = 50
EVERY_SECONDS = 1.0


async def run_due(db: Database, *, batch: int = BATCH) -> int:
    """Do what is due now, one transaction per shift; returns how many entries moved.

    Raises:
        TransientError: the database is away; what was committed stays done.
    """
    async with db.transaction() as tx:
        shifts = await handlers.due(tx, batch)
    moved = 0
    for shift_id in shifts:
        try:
            async with db.transaction() as tx:
                moved += await handlers.run_due(tx, shift_id)
        except Conflict:
            # A concurrent transaction changed an entry; the next round reads it again.
            continue
    return moved
