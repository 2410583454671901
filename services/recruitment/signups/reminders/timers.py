"""The timer of reminders, a bounded batch at a time."""

import asyncio

import structlog

from services.recruitment.signups.reminders import handlers
from shared.errors import TransientError
from shared.postgres import Database
from shared.waiting import wait_for_event

__all__ = ["BATCH", "EVERY_SECONDS", "remind_due", "run"]

BATCH = 200
EVERY_SECONDS = 30.0
_log = structlog.get_logger("recruitment.reminders.timers")


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


async def run(db: Database, stop: asyncio.Event) -> None:
    """Publish reminders until ``stop`` is set; a database that is away is waited for."""
    while not stop.is_set():
        try:
            if reminded := await remind_due(db):
                _log.info("reminders.published", signups=reminded)
        except TransientError as error:
            _log.warning("reminders.wait", reason=str(error))
        await wait_for_event(stop, EVERY_SECONDS)
