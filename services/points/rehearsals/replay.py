"""The replay of one rehearsal: a snapshot, shared with a few processes that each take the next portion of volunteers.

The number of the attempt is the right to write: who cancels the rehearsal, or begins it again after a death, takes it
away. Nothing is locked but the rehearsal's own row, and nothing but its own tables is written.
"""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.points.rehearsals import share, store
from services.points.rehearsals.domain import Budget, Summary, add_budget
from services.points.rehearsals.share import Connect, Mismatch, PortionOutcome, Task
from services.points.rehearsals.store import Attempt, Portion
from services.points.rules import handlers as rules
from services.points.rules import store as rule_store
from shared.errors import WeiguangError
from shared.postgres import Database

__all__ = ["ATTEMPTS", "ReplayOptions", "end_with_parent", "replay"]

ATTEMPTS = 3
"""A rehearsal that was begun so often and never finished is not begun again."""
SECONDS = 1.0
"""How often progress is written."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How to replay: ``connect`` makes a process's own connections, ``portion`` is about so many records."""

    connect: Connect
    processes: int
    portion: int


def end_with_parent() -> None:
    """From now on the process ends soon after the one that started it, whatever it waits for; the attempt counts."""

    def watch(parent: int) -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS / 2)
        os._exit(1)

    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()


class ReplayFailed(WeiguangError):
    """The replay cannot finish, however often it is tried."""


async def replay(db: Database, rehearsal_id: UUID, options: ReplayOptions, stop: asyncio.Event) -> None:
    """Replay a rehearsal that waits for it, to its end; returns at once if it doesn't, or if another process replays.

    ``stop``: end soon, and leave it for later.

    Raises:
        TransientError: the database is away; the attempt counts, and another may follow.
    """
    async with store.alone(db) as alone:
        if not alone:
            return
        async with db.transaction() as tx:
            attempt = await store.begin(tx, rehearsal_id, ATTEMPTS)
        if attempt is None:
            return
        _log.info("rehearsal.begins", rehearsal=str(rehearsal_id), version=attempt.version, attempt=attempt.number)
        try:
            await _Replay(db, attempt, options, stop).run()
        except ReplayFailed as error:
            _log.error("rehearsal.failed", rehearsal=str(rehearsal_id), reason=str(error))
            async with db.transaction() as tx:
                await store.fail(tx, attempt, str(error))
        except Exception as error:
            async with db.transaction() as tx:
                await store.note_trouble(tx, attempt, f"{type(error).__name__}: {error}"[:500])
            raise


class _Replay:
    """One attempt under way."""

    def __init__(self, db: Database, attempt: Attempt, options: ReplayOptions, stop: asyncio.Event) -> None:
        self._db = db
        self._attempt = attempt
        self._options = options
        self._stop = stop
        self._reported_at = 0.0
        self._volunteers = 0
        self._summary = Summary()
        self._budget: Budget = {}

    async def run(self) -> None:
        async with self._db.snapshot() as tx:
            if await rule_store.under_way(tx):
                # Some volunteers are under other rules than the newest: later there is one answer to "before".
                async with self._db.transaction() as own:
                    await store.release(own, self._attempt)
                return
            picture = await store.picture(tx)
            portions = await store.portions(tx, self._options.portion)
            stored = {one.document.version: one for one in await rules.listed(tx)}
            in_force = (await rules.rulebook(tx)).rules
            everything = [one.document.rule() for one in stored.values()]
            chosen = stored[self._attempt.version]
            if chosen.status != "draft":
                raise ReplayFailed(f"Rule version {self._attempt.version} is {chosen.status} by now, no draft.")
            draft = chosen.document.rule()
            task = Task(self._options.connect, picture.statement, list(in_force), draft, everything, self._attempt)
            total = sum(portion.volunteers for portion in portions)
            async with self._db.transaction() as own:
                wanted = await store.note_beginning(own, self._attempt, picture.watermark, total)
            if wanted and not await self._replay(task, portions):
                wanted = False
        if wanted:
            async with self._db.transaction() as own:
                await store.finish(own, self._attempt, self._summary, self._budget)
        elif self._stop.is_set():
            async with self._db.transaction() as own:
                await store.release(own, self._attempt)

    async def _replay(self, task: Task, portions: list[Portion]) -> bool:
        """All portions; false if the attempt is given up meanwhile."""
        loop = asyncio.get_running_loop()
        processes = min(self._options.processes, len(portions))
        waiting: Iterator[Portion] = iter(portions)
        with ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=share.begin, initargs=(task,)
        ) as pool:
            under_way: set[asyncio.Future[PortionOutcome]] = set()
            while True:
                while len(under_way) <= processes and (portion := next(waiting, None)) is not None:
                    under_way.add(loop.run_in_executor(pool, share.work, portion))
                if not under_way:
                    return True
                done, under_way = await asyncio.wait(
                    under_way, timeout=SECONDS / 2, return_when=asyncio.FIRST_COMPLETED
                )
                wanted = True
                for one in done:
                    wanted &= self._count(one.result())
                if not wanted or self._stop.is_set() or not await self._report_progress():
                    pool.shutdown(cancel_futures=True)
                    return False

    def _count(self, outcome: PortionOutcome) -> bool:
        if outcome.mismatches:
            raise ReplayFailed(_differs(outcome.mismatches))
        self._volunteers += outcome.volunteers
        self._summary = self._summary.plus(outcome.summary)
        add_budget(self._budget, outcome.budget)
        return outcome.wanted

    async def _report_progress(self) -> bool:
        """Write progress, if it is time; false if the attempt is no longer wanted."""
        now = asyncio.get_running_loop().time()
        if now - self._reported_at < SECONDS:
            return True
        self._reported_at = now
        async with self._db.transaction() as tx:
            return await store.note_progress(tx, self._attempt, self._volunteers, self._summary.records)


def _differs(mismatches: list[Mismatch]) -> str:
    first = mismatches[0]
    return (
        f"The ledger differs from the rules in force, so that no difference can be derived from it: volunteer "
        f"{first.volunteer_id} was posted {first.posted} points and the rules say {first.worth} "
        f"({len(mismatches)} volunteers in this portion). Run the audit (A4)."
    )
