"""The worker's part in rehearsals: it starts a process for each, one at a time, and ends it when it ends itself.

A process of its own, so that the ingest shares no interpreter with a replay, and no memory is held while none runs.
"""

import asyncio
import signal
import sys
from contextlib import suppress

import structlog

from services.points.rehearsals import store
from services.points.rules import store as rule_store
from shared.postgres import Database

__all__ = ["STOP_SECONDS", "rehearse_waiting"]

STOP_SECONDS = 2.0
"""How long a replay may take to give its attempt back, before it is killed and the attempt counts."""
_log = structlog.get_logger(__name__)


async def rehearse_waiting(db: Database, stop: asyncio.Event) -> int:
    """Replay the rehearsal that waits longest, and wait for it.

    Returns 0, as what failed should be tried
    again a little later and not at once.
    """
    async with db.transaction() as tx:
        rehearsal_id = await store.next_waiting(tx)
        if rehearsal_id is None or await rule_store.under_way(tx):
            return 0
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.points", "rehearse", str(rehearsal_id), stdin=asyncio.subprocess.DEVNULL
    )
    ended = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            process.send_signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=STOP_SECONDS)
    finally:
        stopping.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await ended
    if process.returncode:
        _log.warning("rehearsal.ended_early", rehearsal=str(rehearsal_id), code=process.returncode)
    return 0
