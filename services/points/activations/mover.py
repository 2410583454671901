"""The mover: brings every volunteer to the newest generation of rules, some in each transaction, under their locks.

So all buckets of a volunteer are always under one generation, also half-way; and it may be interrupted anywhere, for
what is left to do are the volunteers under an older one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import structlog

from services.points.activations import store
from services.points.activations.domain import Activation, ActivationStatus, Move, changed_days, unforeseen
from services.points.activations.planning import Holdings, Moved, plan
from services.points.activations.store import Late, MovedCounts
from services.points.ingest import store as known_facts
from services.points.ingest.handlers import Policy, post
from services.points.ledger import store as ledger
from services.points.ledger.buckets import BucketCause, BucketChange, VolunteerRow
from services.points.ledger.handlers import lock
from services.points.rules.domain import Rulebook
from services.points.rules.store import Generation, keep_rules, newest_generation
from shared.errors import TransientError, WeiguangError
from shared.ids import derived_id
from shared.postgres import Database, Tx

__all__ = ["Unforeseen", "move"]

_log = structlog.get_logger(__name__)


class Unforeseen(WeiguangError):
    """A volunteer without inputs after the rehearsal would gain other points than it predicted."""

    def __init__(self, volunteer_id: UUID, predicted: int, actual: int) -> None:
        super().__init__(unforeseen(volunteer_id, predicted, actual))


async def move(db: Database, policy: Policy, at_once: int) -> int:
    """Move at most ``at_once`` volunteers; returns how many, 0 if there is nothing to do now. Call again until it is 0.

    Whatever else than trouble with the database keeps a batch of an activation from being moved stops the activation
    with the reason, and leaves everybody where they are.

    Raises:
        TransientError: the same may work later.
    """
    under_way: Activation | None = None
    try:
        async with db.transaction() as tx:
            if not await store.alone(tx):
                return 0
            await keep_rules(tx)
            newest = await newest_generation(tx)
            under_way = await store.under_way(tx)
            if under_way is not None and under_way.stopped:
                return 0
            ids = await store.behind(tx, newest.generation, at_once)
            if ids:
                await _Batch(tx, policy, newest, under_way, await tx.now()).run(ids)
            elif under_way is not None:
                await _settle(tx, under_way)
            return len(ids)
    except TransientError:
        raise
    except Exception as error:
        if under_way is None:
            raise
        _log.error("activation.stopped", activation_id=str(under_way.activation_id), exc_info=error)
        problem = str(error) if isinstance(error, WeiguangError) else f"{type(error).__name__}: {error}"
        async with db.transaction() as tx:
            await store.lock(tx, under_way.activation_id)
            await store.stop(tx, under_way.activation_id, problem)
            await store.insert_step(tx, under_way.activation_id, "stopped", None, await tx.now(), problem)
        return 0


async def _settle(tx: Tx, activation: Activation) -> None:
    """Settle it: no volunteer is left, and none can follow, since the generation waited for all users of older ones."""
    status = ActivationStatus.APPLIED if activation.status is ActivationStatus.APPLYING else ActivationStatus.REVERSED
    at = await tx.now()
    await store.lock(tx, activation.activation_id)
    await store.settle(tx, activation.activation_id, status, at)
    await store.insert_step(tx, activation.activation_id, status.value, None, at, "")
    _log.info("activation.settled", activation_id=str(activation.activation_id), status=status.value)


@dataclass(slots=True)
class _Batch:
    """Some volunteers on their way to the newest generation."""

    tx: Tx
    policy: Policy
    newest: Generation
    activation: Activation | None
    now: datetime

    async def run(self, ids: Sequence[UUID]) -> None:
        tx, generation = self.tx, self.newest.generation
        total = None
        if self.activation is not None and self.activation.volunteers_total is None:
            total = await store.count_behind(tx, generation)
        await lock(tx, ids, frozenset(ids))
        volunteers = await ledger.volunteers(tx, ids)
        books = await self.policy.rules.of(tx, {generation} | {one.generation for one in volunteers.values()})
        moved = self._plan(volunteers, books, await self._holdings(volunteers, books))
        counts = await self._record(moved, ids)
        changes: list[BucketChange] = []
        for volunteer_id in sorted(moved):
            volunteers[volunteer_id].generation = generation
            changes += moved[volunteer_id].changes
        if changes:
            await post(tx, {volunteer_id: volunteers[volunteer_id] for volunteer_id in moved}, changes, self.policy)
        await store.set_generation(tx, ids, generation)
        if self.activation is not None:
            await store.count(tx, self.activation.activation_id, total, counts)

    async def _holdings(
        self, volunteers: Mapping[UUID, VolunteerRow], books: Mapping[int, Rulebook]
    ) -> dict[UUID, Holdings]:
        """Load all that the plan reads, of volunteers whom the change may affect."""
        tx, new = self.tx, books[self.newest.generation]
        changed = {one: changed_days(books[one], new) for one in {found.generation for found in volunteers.values()}}
        days: dict[UUID, tuple[date, date]] = {}
        for volunteer_id, volunteer in volunteers.items():
            between = changed[volunteer.generation]
            if between is not None:
                days[volunteer_id] = between
        records = await store.records(tx, days)
        seen = [(found.record_id, found.activity_id) for one in records.values() for found in one]
        flagged = any(volunteers[volunteer_id].standing_flags for volunteer_id in days)
        known = await known_facts.known(tx, seen if new.heeds_complaints else (), days.keys() if flagged else ())
        brought, adjustments = await store.referrals(tx, days), await store.adjustments(tx, days)
        going = await store.under_versions_that_go(tx, days, self.newest.versions)
        affected = records.keys() | brought.keys() | adjustments.keys() | going
        buckets, firsts = await store.buckets(tx, affected), await ledger.earliest_firsts(tx, affected)
        return {
            key: Holdings(
                records.get(key, []),
                buckets.get(key, {}),
                firsts.get(key, {}),
                brought.get(key, []),
                adjustments.get(key, {}),
                known,
            )
            for key in affected
        }

    def _plan(
        self, volunteers: Mapping[UUID, VolunteerRow], books: Mapping[int, Rulebook], holdings: Mapping[UUID, Holdings]
    ) -> dict[UUID, Moved]:
        new, cause = books[self.newest.generation], self._cause()
        return {
            volunteer_id: plan(
                volunteers[volunteer_id],
                held,
                (books[volunteers[volunteer_id].generation], new),
                self.newest.generation,
                cause,
            )
            for volunteer_id, held in holdings.items()
        }

    def _cause(self) -> BucketCause:
        if self.activation is None:
            return BucketCause(derived_id("rules", self.newest.generation), f"rules-{self.newest.generation}")
        what = "reversal" if self.activation.status is ActivationStatus.REVERSING else "application"
        return BucketCause(
            derived_id("activation", self.activation.activation_id, what), self.activation.correlation_id
        )

    async def _record(self, moved: Mapping[UUID, Moved], ids: Collection[UUID]) -> MovedCounts:
        """Hold the moves against the rehearsal and write them down.

        Raises:
            Unforeseen: one of them is not what was predicted, and nothing about the volunteer came later.
        """
        activation = self.activation
        if activation is None:
            return MovedCounts(len(ids))
        if activation.status is ActivationStatus.REVERSING:
            taken = {key: found.actual + found.other for key, found in moved.items() if found.changes}
            await store.insert_reversals(self.tx, activation.activation_id, taken, self.now)
            return MovedCounts(len(ids), reversed=sum(taken.values()))
        predicted = await store.predictions(self.tx, activation.rehearsal_id, ids)
        affected = predicted.keys() | {key for key, found in moved.items() if found.changes}
        late = await store.late(self.tx, activation.rehearsal_id, affected)
        moves = []
        for volunteer_id in sorted(affected):
            found = moved.get(volunteer_id)
            actual, other = (found.actual, found.other) if found is not None else (0, 0)
            said = predicted.get(volunteer_id, 0)
            if actual != said and volunteer_id not in late:
                raise Unforeseen(volunteer_id, said, actual)
            moves.append(Move(volunteer_id, said, actual, other, *late.get(volunteer_id, Late()), None, self.now))
        await store.insert_moves(self.tx, activation.activation_id, moves)
        return MovedCounts(
            len(ids),
            sum(one.predicted for one in moves),
            sum(one.actual for one in moves),
            sum(one.other for one in moves),
            late=len(late),
        )
