"""The timer of reminders, a bounded batch at a time."""

from services.recruitment.signups.reminders import handlers
from shared.postgres import Database

__all__ = ["BATCH", "EVERY_SECONDS", "remind_due"]

BATCH = 200
EVERY_SECONDS = 30.0


async def remind_due(db: Database, *, batch: int = BATCH) -> int:
    """Publish all reminders that are due now, one transaction per batch; returns how many.

    Raises:
        TransientError: the database is away; what was committed stays published.
    """
    total = 0
    while True:
        async with db.transaction() as tx:
            reminded = await handlers.remind(tx, batch)
        total += reminded
        if reminded < batch:
            return total
