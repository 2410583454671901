"""The timer of approvals: lapses what another site did not decide in time, a bounded batch at a time."""

import asyncio

import structlog

from services.recruitment.approvals import handlers
from shared.errors import TransientError
from shared.postgres import Database
from shared.waiting import wait_for_event

__all__ = ["BATCH", "EVERY_SECONDS", "lapse_due", "run"]

BATCH = 200
EVERY_SECONDS = 5.0
_log = structlog.get_logger("recruitment.approvals.timers")


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


async def run(db: Database, stop: asyncio.Event) -> None:
    """Lapse due approvals every few seconds until ``stop`` is set, waiting for a database that is away."""
    while not stop.is_set():
        try:
            if lapsed := await lapse_due(db):
                _log.info("approvals.lapsed", approvals=lapsed)
        except TransientError as error:
            _log.warning("approvals.lapse_waits", reason=str(error))
        await wait_for_event(stop, EVERY_SECONDS)
