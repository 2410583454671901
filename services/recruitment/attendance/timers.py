"""The timer of attendance: closes what was left open after its shift, a bounded batch at a time."""

from services.recruitment.attendance import handlers
from shared.postgres import Database

__all__ = ["BATCH", "EVERY_SECONDS", "close_overdue"]

BATCH = 200
EVERY_SECONDS = 1.0


async def close_overdue(db: Database, *, batch: int = BATCH) -> int:
    """Close everything that is overdue now, one transaction per batch; returns how many records.

    Raises:
        TransientError: the database is away; what was committed stays closed.
    """
    total = 0
    while True:
        async with db.transaction() as tx:
            closed = await handlers.auto_close(tx, batch)
        total += closed
        if closed == 0:
            return total
