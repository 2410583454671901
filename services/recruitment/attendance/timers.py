"""The timer of attendance: closes what was left open after its shift, a bounded batch at a time."""

import asyncio

import structlog

from services.recruitment.attendance import handlers
from shared.errors import TransientError
from shared.postgres import Database
from shared.waiting import wait_for_event

__all__ = ["BATCH", "EVERY_SECONDS", "close_overdue", "run"]

BATCH = 200
EVERY_SECONDS = 1.0
_log = structlog.get_logger("recruitment.attendance.timers")


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


async def run(db: Database, stop: asyncio.Event) -> None:
    """Close overdue records about once a second until ``stop`` is set; a database that is away is waited for."""
    while not stop.is_set():
        try:
            if closed := await close_overdue(db):
                _log.info("attendance.auto_closed", records=closed)
        except TransientError as error:
            _log.warning("attendance.auto_close_waits", reason=str(error))
        await wait_for_event(stop, EVERY_SECONDS)
