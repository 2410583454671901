"""The timer of waitlists: ends offers and lists that are over, and gives out places that were left for it."""

import asyncio

import structlog

from services.recruitment.signups.waitlist import handlers
from shared.errors import Conflict, TransientError
from shared.postgres import Database
from shared.waiting import wait_for_event

__all__ = ["BATCH", "EVERY_SECONDS", "run", "run_due"]

BATCH = 50
EVERY_SECONDS = 1.0
_log = structlog.get_logger("recruitment.waitlist.timers")


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


async def run(db: Database, stop: asyncio.Event) -> None:
    """Do what is due about once a second until ``stop`` is set; a database that is away is waited for."""
    while not stop.is_set():
        try:
            if moved := await run_due(db):
                _log.info("waitlist.moved", entries=moved)
        except TransientError as error:
            _log.warning("waitlist.waits", reason=str(error))
        await wait_for_event(stop, EVERY_SECONDS)
