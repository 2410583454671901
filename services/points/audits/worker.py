"""Running an audit in the background, beside the ingest."""

import asyncio
import time
from collections.abc import Sequence

import structlog

from services.points.audits import store
from services.points.audits.domain import MOST_ATTEMPTS, ClaimedRun, given_up
from services.points.invariants import store as invariants
from services.points.invariants.domain import Check
from services.points.invariants.store import CheckFunction
from shared.errors import TransientError
from shared.postgres import Database
from shared.waiting import wait_for_event

__all__ = ["LEASE_SECONDS", "run_waiting"]

LEASE_SECONDS = 30.0
_log = structlog.get_logger(__name__)


async def run_waiting(
    db: Database,
    stop: asyncio.Event,
    *,
    lease: float = LEASE_SECONDS,
    checks: Sequence[tuple[str, CheckFunction]] = invariants.CHECKS,
) -> int:
    """Run the audit that waits, to its end or until ``stop`` is set; returns how many ended.

    A run that was stopped or whose worker died is claimed again after its lease.

    Raises:
        TransientError: the database does not answer; the run is claimed again.
    """
    async with db.transaction() as tx:
        claimed = await store.claim(tx, lease)
    if claimed is None:
        return 0
    if given_up(claimed):
        async with db.transaction() as tx:
            await store.finish(tx, claimed, f"the worker ended in each of {MOST_ATTEMPTS} attempts")
        return 1
    _log.info("audit.started", run=str(claimed.run_id), attempt=claimed.attempt)
    ended = asyncio.Event()
    owning = asyncio.create_task(_own(db, claimed, lease, ended), name="audit-lease")
    try:
        done = await _run(db, claimed, checks, stop)
    except TransientError:
        raise
    except Exception as error:  # noqa: BLE001 - a check that cannot run ends its audit, never the ingest beside it
        _log.error("audit.failed", run=str(claimed.run_id), exc_info=error)
        async with db.transaction() as tx:
            await store.finish(tx, claimed, f"{type(error).__name__}: {error}")
        done = True
    finally:
        ended.set()
        await owning
    _log.info("audit.ended", run=str(claimed.run_id), attempt=claimed.attempt, done=done)
    return int(done)


async def _run(
    db: Database, claimed: ClaimedRun, checks: Sequence[tuple[str, CheckFunction]], stop: asyncio.Event
) -> bool:
    """Run the checks over one read-only snapshot; False where it was stopped, or the run is another worker's."""
    done: list[Check] = []
    async with db.snapshot() as snapshot:
        await invariants.lift_limits(snapshot)
        for _code, check in checks:
            if stop.is_set():
                return False
            started = time.monotonic()
            found = await check(snapshot)
            found.seconds = time.monotonic() - started
            done.append(found)
            async with db.transaction() as tx:
                if not await store.progress(tx, claimed, done):
                    return False
    async with db.transaction() as tx:
        await store.finish(tx, claimed, None)
    return True


async def _own(db: Database, claimed: ClaimedRun, lease: float, ended: asyncio.Event) -> None:
    """Extend the lease while a check runs, however long it takes."""
    while not ended.is_set():
        await wait_for_event(ended, lease / 3)
        if ended.is_set():
            return
        async with db.transaction() as tx:
            if not await store.extend(tx, claimed, lease):
                return
