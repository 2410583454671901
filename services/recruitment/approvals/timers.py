"""The timer of approvals: lapses what another site did not decide in time, a bounded batch at a time."""

from services.recruitment.approvals import handlers
from shared.postgres import Database

__all__ = ["BATCH", "EVERY_SECONDS", "lapse_due"]

BATCH = 200
EVERY_SECONDS = 5.0


async def lapse_due(db: Database, *, batch: int = BATCH) -> int:
    """Lapse everything that is due now, one transaction per batch; returns how many approvals.

    Raises:
        TransientError: the database is away; what was committed stays lapsed.
    """
    total = 0
    while True:
        async with db.transaction() as tx:
            lapsed = await handlers.lapse(tx, batch)
        total += lapsed
        if lapsed == 0:
            return total
