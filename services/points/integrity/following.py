"""The follower of records: what the ingest marked is entered as acts, judged, and its marks are deleted.

Records are read where points keeps them, so nothing is consumed here and any number of processes may follow at once:
each claims marks that no other one holds. A mark's acts are committed before they are judged, in a later transaction:
of two records that make a finding together, the one judged last sees both, in whichever process.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from services.points.ingest.handlers import Policy
from services.points.integrity import handlers, store
from services.points.integrity.domain import (
    SeenRevision,
    ThresholdsInForce,
    acts_of,
    find,
    reach_of_acts,
    reach_of_days,
)
from services.points.integrity.patterns import store as patterns
from services.points.integrity.store import Mark
from services.points.integrity.terms.domain import seconds
from shared.errors import TransientError
from shared.postgres import Database, Tx

__all__ = ["IntegrityFollower"]

_log = structlog.get_logger(__name__)

MARKS, RECORDS = 64, 2000
"""So many marks are claimed at once, of which those are followed that have about so many records together."""


class IntegrityFollower:
    """Opens cases about what the changed records are part of."""

    def __init__(self, db: Database, thresholds: ThresholdsInForce, policy: Policy) -> None:
        self.policy = policy
        self.database = db
        self.thresholds = thresholds

    async def turn(self) -> int:
        """Follow some marks; returns how many records that were, 0 when there is nothing to do.

        Raises:
            TransientError: the database is away, or a record changed hands meanwhile; the marks stay.
        """
        return await self._pass(entered=False) + await self._pass(entered=True)

    async def _pass(self, *, entered: bool) -> int:
        """One transaction; where it fails for good, each of its marks has one of its own."""
        claimed: list[Mark] = []
        try:
            return await self._work(claimed, entered=entered, marks=MARKS)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - a mark that always fails must not hold up the others
            _log.error("integrity.failed", marks=len(claimed), error=type(error).__name__, exc_info=error)
        done = 0
        for mark in list(claimed):
            done += await self._alone(mark)
        return done

    async def _alone(self, mark: Mark) -> int:
        try:
            return await self._work([], entered=mark.entered, marks=1, only=mark.mark_id)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - as above; it is tried again later
            _log.error("integrity.postponed", mark=mark.mark_id, error=type(error).__name__, exc_info=error)
            async with self.database.transaction() as tx:
                await store.postpone(tx, mark.mark_id)
            return 0

    async def _work(self, claimed: list[Mark], *, entered: bool, marks: int, only: int | None = None) -> int:
        async with self.database.transaction() as tx:
            claimed += _some(await store.claim(tx, entered=entered, limit=marks, only=only))
            if not claimed:
                return 0
            seen = await store.revisions(tx, {record_id for mark in claimed for record_id in mark.record_ids})
            mark_ids = [mark.mark_id for mark in claimed]
            if entered:
                await self._judge(tx, seen)
                await store.forget_marks(tx, mark_ids)
            else:
                await store.enter(tx, [act for one in seen for act in acts_of(self.thresholds, one)])
                await store.entered(tx, mark_ids)
        return sum(len(mark.record_ids) for mark in claimed)

    async def _judge(self, tx: Tx, seen: Sequence[SeenRevision]) -> None:
        highest = {one.record_id: one for one in sorted(seen, key=lambda one: one.revision)}
        standing = await store.standing(tx, reach_of_days(highest.values()))
        acts = await store.acts(tx, reach_of_acts(act for one in seen for act in acts_of(self.thresholds, one)))
        flags = find(self.thresholds, highest.keys(), standing, acts)
        if flags:
            causes = await store.correlations(tx, highest.keys())
            opened = await handlers.report(tx, flags, self.policy, causes)
            if opened:
                _log.info("integrity.opened", cases=opened, kinds=sorted({flag.kind for flag in flags}))

    async def forget(self) -> int:
        """Delete acts, sign-ups and approvals of days that are not kept; returns 0, as the next time is soon enough."""
        async with self.database.transaction() as tx:
            horizon = seconds(await tx.now()) - self.thresholds.keep_seconds
            before = datetime.fromtimestamp(horizon, UTC)
            await store.forget_acts(tx, before)
            await patterns.forget(tx, before)
        return 0


def _some(marks: Sequence[Mark]) -> list[Mark]:
    """The first marks, of about so many records together."""
    chosen: list[Mark] = []
    records = 0
    for mark in marks:
        if records >= RECORDS:
            break
        chosen.append(mark)
        records += len(mark.record_ids)
    return chosen
