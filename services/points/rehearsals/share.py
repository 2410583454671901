"""One process's share of a replay: portions of volunteers, read from the common snapshot, their results written.

It lives as long as the process that made it: what it holds ends with the process.
"""

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing import parent_process
from typing import NamedTuple
from uuid import UUID

import uvloop

from services.points.rehearsals import store
from services.points.rehearsals.domain import (
    Appraisal,
    Appraised,
    Budget,
    Comparison,
    RehearsalResult,
    Summary,
    add_budget,
)
from services.points.rehearsals.store import Attempt, Portion
from services.points.rules.domain import Referral, Rule
from shared.postgres import Database, Tx

__all__ = ["Mismatch", "PortionOutcome", "Task", "begin", "work"]

Connect = Callable[[], Awaitable[Database]]


@dataclass(frozen=True, slots=True)
class Task:
    """The task of every process of a replay; ``rules`` are all versions, ``in_force`` those that are."""

    connect: Connect
    snapshot: str
    in_force: list[Rule]
    draft: Rule
    rules: list[Rule]
    attempt: Attempt


class Mismatch(NamedTuple):
    """A volunteer to whom the ledger has posted something else than the rules in force say."""

    volunteer_id: UUID
    posted: int
    worth: int


@dataclass(slots=True)
class PortionOutcome:
    """The outcome of a portion; ``wanted`` is false if the attempt is given up."""

    volunteers: int
    summary: Summary = field(default_factory=Summary)
    budget: Budget = field(default_factory=dict)
    mismatches: list[Mismatch] = field(default_factory=list)
    wanted: bool = True


def begin(task: Task) -> None:
    """Make the process ready; it ends when the one that started it does."""
    global _share
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one that started us decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(100_000, 20, 100)  # many small objects, no cycles
    _share = Share(task, asyncio.Runner(loop_factory=uvloop.new_event_loop))
    _share.runner.run(_share.open())


def work(portion: Portion) -> PortionOutcome:
    """Replay a portion; runs in the process that `begin` made ready."""
    assert _share is not None
    return _share.runner.run(_share.replay(portion))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Share:
    """The connections and the rulebooks of one process."""

    def __init__(self, task: Task, runner: asyncio.Runner) -> None:
        self.runner = runner
        self._task = task
        self._comparison = Comparison(task.in_force, task.draft, task.attempt.as_if_from)
        self._versions = {rule.version: rule for rule in task.rules}
        self._resources = AsyncExitStack()
        self._db: Database
        self._tx: Tx

    async def open(self) -> None:
        """Connect, and adopt the snapshot."""
        self._db = await self._task.connect()
        self._resources.push_async_callback(self._db.close)
        self._tx = await self._resources.enter_async_context(self._db.snapshot())
        await store.adopt_snapshot(self._tx, self._task.snapshot)

    async def close(self) -> None:
        """Give the snapshot and the connections back; a process that ends need not."""
        await self._resources.aclose()

    async def replay(self, portion: Portion) -> PortionOutcome:
        """The volunteers of a portion, their results written in a transaction of its own."""
        tx, outcome, results = self._tx, PortionOutcome(portion.volunteers), list[RehearsalResult]()
        posted = await store.posted(tx, portion.first, portion.last)
        referrals = await store.referrals(tx, portion.first, portion.last)
        appraised = await self._appraise(portion.first, portion.last, referrals)
        for volunteer_id in sorted(appraised.keys() | posted.keys()):
            given = posted.get(volunteer_id, 0)
            found = appraised.get(volunteer_id) or Appraised(0, 0, 0, {})
            if found.before != given:
                found = await self._again(volunteer_id, referrals.get(volunteer_id, ()))
                if found.before != given:
                    outcome.mismatches.append(Mismatch(volunteer_id, given, found.before))
                    continue
            results.append(RehearsalResult(volunteer_id, found.records, found.before, found.after))
            add_budget(outcome.budget, found.budget)
        outcome.summary = Summary.of(results)
        if not outcome.mismatches:
            async with self._db.transaction() as own:
                attempt = self._task.attempt
                outcome.wanted = await store.write_results(own, attempt.rehearsal_id, attempt.number, results)
        return outcome

    async def _appraise(
        self,
        first: UUID,
        last: UUID,
        referrals: Mapping[UUID, list[Referral]],
        stands: Mapping[str, Rule] | None = None,
    ) -> dict[UUID, Appraised]:
        """Everybody with records or referrals from the first to the last."""
        comparison, make, facts_of = self._comparison, Appraisal, store.facts_of
        done: dict[UUID, Appraised] = {}
        known = await store.known(self._tx, first, last)
        current, appraisal, take = None, Appraisal(comparison), None
        async for rows in store.facts(self._tx, first, last, complaints=comparison.heeds_complaints):
            for row in rows:
                if row[0] != current or take is None:
                    if current is not None:
                        done[current] = _closed(appraisal, referrals.get(current, ()))
                    current, appraisal = row[0], make(comparison, stands)
                    take = appraisal.take
                take(facts_of(row, known), row[1])
        if current is not None:
            done[current] = _closed(appraisal, referrals.get(current, ()))
        for volunteer_id in referrals.keys() - done.keys():
            done[volunteer_id] = _closed(make(comparison, stands), referrals[volunteer_id])
        return done

    async def _again(self, volunteer_id: UUID, referrals: list[Referral] | tuple[()]) -> Appraised:
        """One volunteer under the versions that their buckets are under, which may be older than those in force."""
        found = await store.stands(self._tx, volunteer_id)
        stands = {bucket: self._versions[version] for bucket, version in found.items() if version in self._versions}
        brought = {volunteer_id: list(referrals)} if referrals else {}
        appraised = await self._appraise(volunteer_id, volunteer_id, brought, stands)
        return appraised.get(volunteer_id) or Appraised(0, 0, 0, {})


def _closed(appraisal: Appraisal, referrals: list[Referral] | tuple[()]) -> Appraised:
    for brought in referrals:
        appraisal.refer(brought)
    return appraisal.close()


_share: Share | None = None
