"""The fold: a batch of revisions becomes records, buckets, transfers, lots, balances, badges and events at once.

Everything happens in the caller's transaction, in a fixed number of statements however large the batch is. Doing it
again changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from services.points.badges.domain import Criteria
from services.points.badges.judging import Judge
from services.points.ingest import store as known_facts
from services.points.ingest.fold import (
    Touched,
    bonus,
    count_lifetime,
    explanation_text,
    first_of,
    reevaluate,
    touched_buckets,
)
from services.points.ledger import handlers as ledger
from services.points.ledger import store
from services.points.ledger.buckets import BucketChange, BucketKey, BucketState, VolunteerRow
from services.points.ledger.entries import Entries
from services.points.ledger.events import OutboxRow
from services.points.records import store as records
from services.points.records.domain import RecordRevision, RevisionResolution
from services.points.records.recording import write_records
from services.points.rules.domain import FIRST_SERVICE, Award, Facts, First, Rulebook
from services.points.rules.handlers import Rulebooks
from services.points.rules.valuation.domain import Known
from services.points.versions.handlers import Current
from shared import outbox
from shared.clock import district_day, real_now
from shared.errors import WeiguangError
from shared.postgres import Tx

__all__ = ["BatchOutcome", "Policy", "UnlockedOwners", "ingest", "post", "reconsider"]


class UnlockedOwners(WeiguangError):
    """Records of the batch belong to volunteers who are not locked yet: begin again and lock ``volunteer_ids`` too."""

    def __init__(self, volunteer_ids: Set[UUID]) -> None:
        super().__init__(f"{len(volunteer_ids)} further volunteers must be locked")
        self.volunteer_ids = volunteer_ids


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force: the rules that say what service is worth, by generation, and the criteria of badges."""

    rules: Rulebooks
    criteria: Current[Criteria]


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The outcome of a batch; ``conflicts`` and ``refused`` are places in it."""

    applied: int
    superseded: int
    duplicates: int
    conflicts: Sequence[int]
    events: int
    refused: Mapping[int, records.RecordRefused]


async def ingest(
    tx: Tx,
    batch: Sequence[RecordRevision],
    policy: Policy,
    *,
    also_lock: Set[UUID] = frozenset(),
    known: Set[UUID] = frozenset(),
    savepoints: bool = True,
) -> BatchOutcome:
    """Apply a batch, in the order given.

    Args:
        savepoints: put records that PostgreSQL refuses aside. Without them a batch takes less time, and none may be
            refused.

    Raises:
        UnlockedOwners: a revision moves a record from a volunteer who is not in the batch; nothing was changed.
        RecordRefused: PostgreSQL takes too few of the records; nothing was changed.
    """
    volunteer_ids = {revision.volunteer_id for revision in batch} | also_lock
    await ledger.lock(tx, volunteer_ids, known)
    stored = await records.standing(tx, {revision.record_id for revision in batch})
    if strangers := {revision.volunteer_id for revision in stored.values()} - volunteer_ids:
        raise UnlockedOwners(strangers)
    lower = {
        (revision.record_id, revision.revision)
        for revision in batch
        if (present := stored.get(revision.record_id)) is not None and revision.revision < present.revision
    }
    superseded = await records.superseded(tx, lower)
    fold = _Fold(tx, await tx.now(), policy)
    await fold.load(volunteer_ids)
    resolution, refused = await write_records(tx, batch, stored, superseded, savepoints=savepoints)
    await records.mark_records(tx, {*resolution.applied, *(one.record_id for one in resolution.superseded)})
    emitted = await fold.run(resolution) if resolution.applied or fold.changed else 0
    return BatchOutcome(
        len(resolution.applied),
        len(resolution.superseded),
        resolution.duplicates,
        resolution.conflicts,
        emitted,
        refused,
    )


async def reconsider(tx: Tx, changed: Sequence[RecordRevision], policy: Policy) -> int:
    """Work out anew the buckets of records with new facts.

    Returns how many events are
    appended. The caller holds the volunteers' locks; each revision names the event that is the cause.
    """
    if not changed:
        return 0
    fold = _Fold(tx, await tx.now(), policy)
    await fold.load({revision.volunteer_id for revision in changed})
    return await fold.run(RevisionResolution(), changed)


async def post(tx: Tx, volunteers: dict[UUID, VolunteerRow], changes: Sequence[BucketChange], policy: Policy) -> int:
    """Post and write buckets that were worked out elsewhere, and append their events.

    Returns how many. The
    caller holds the volunteers' locks, and read them after.
    """
    fold = _Fold(tx, await tx.now(), policy)
    await fold.attach(volunteers)
    fold.changed.update(change.volunteer_id for change in changes)
    return await fold.write(changes)


class _Fold:
    """One batch on its way; holds what several steps need."""

    def __init__(self, tx: Tx, now: datetime, policy: Policy) -> None:
        self.tx = tx
        self.now = now
        self.emitted_at = real_now()
        self.policy = policy
        self.applied: Mapping[UUID, tuple[RecordRevision, RecordRevision | None]] = {}
        self.volunteers: dict[UUID, VolunteerRow] = {}
        self.rules: dict[UUID, Rulebook] = {}
        self.changed: set[UUID] = set()
        self.outbox: list[OutboxRow] = []
        self.badges: Judge

    async def load(self, volunteer_ids: Collection[UUID]) -> None:
        """Load the volunteers' states before any record changes.

        Volunteers under earlier criteria are judged anew, by the
        records until now.
        """
        await self.attach(await store.volunteers(self.tx, volunteer_ids))

    async def attach(self, volunteers: dict[UUID, VolunteerRow]) -> None:
        """As `load`, of volunteers who were read already."""
        tx = self.tx
        self.volunteers = volunteers
        books = await self.policy.rules.of(tx, {one.generation for one in volunteers.values()})
        self.rules = {volunteer_id: books[one.generation] for volunteer_id, one in volunteers.items()}
        judged_by = max((one.criteria_version for one in volunteers.values()), default=0)
        criteria = await self.policy.criteria.of(tx, judged_by)
        earlier = Judge(tx, criteria, self.now, self.emitted_at)
        self.changed.update(await earlier.catch_up(volunteers))
        self.outbox += earlier.outbox
        self.badges = Judge(tx, criteria, self.now, self.emitted_at)

    async def run(self, resolution: RevisionResolution, reconsidered: Sequence[RecordRevision] = ()) -> int:
        """Run; returns how many events are appended. ``reconsidered``: unchanged records, to be judged anew."""
        tx, self.applied = self.tx, resolution.applied
        pairs = sorted(self.applied.values(), key=lambda pair: pair[0].volunteer_id.bytes)
        touched = touched_buckets(pairs, self.rules, reconsidered)
        self.badges.count(self.volunteers, pairs)
        counted = count_lifetime(self.volunteers, pairs)
        self.changed.update(counted)
        before = await store.buckets(tx, touched.keys())
        inputs = await known_facts.inputs(tx, {key: touched[key] for key in before})
        await self._move_flags()
        awards = reevaluate(touched, self.applied, inputs, await self._known(inputs))
        found = _changes(touched, awards, before)
        found += await self._first_services(touched, awards, before)
        return await self.write(found, counted)

    async def write(
        self, found: Sequence[BucketChange], counted: Mapping[UUID, RecordRevision] = MappingProxyType({})
    ) -> int:
        """Post the changes, judge the badges of those whose figures changed, and write all that was gathered."""
        tx = self.tx
        today = district_day(self.now)
        highest = {volunteer_id: rules.at(today).balance_cap for volunteer_id, rules in self.rules.items()}
        caps = {volunteer_id: cap for volunteer_id, cap in highest.items() if cap is not None}
        entries = Entries(self.now, self.emitted_at)
        posted = await ledger.post(tx, self.volunteers, found, caps, entries)
        self.changed.update(posted.volunteers)
        self.outbox += entries.outbox
        await self.badges.judge(counted, self.volunteers)
        self.outbox += self.badges.outbox
        accounts = [self.volunteers[key] for key in sorted(self.changed, key=_bytes)]
        await store.write(tx, self.now, lots=posted.lots, buckets=found, volunteers=accounts)
        await outbox.append_many(tx, self.outbox)
        return len(self.outbox)

    async def _known(self, inputs: Mapping[BucketKey, Sequence[Facts]]) -> Known:
        """The complaints and the cases that stand about these records, where any of the rules heeds them."""
        seen: list[tuple[UUID, UUID | None]] = []
        if any(rules.heeds_complaints for rules in self.rules.values()):
            seen = [(found.record_id, found.activity_id) for records in inputs.values() for found in records]
            seen += [(new.record_id, new.activity_id) for new, _ in self.applied.values()]
        flagged = any(volunteer.standing_flags for volunteer in self.volunteers.values())
        return await known_facts.known(self.tx, seen, self.volunteers.keys() if flagged else ())

    async def _move_flags(self) -> None:
        """Flags, those of cleared cases too, go with a record that changes hands."""
        moved = {
            new.record_id: new.volunteer_id
            for new, old in self.applied.values()
            if old is not None and old.volunteer_id != new.volunteer_id
        }
        if moved:
            await known_facts.move_flags(self.tx, moved, self.volunteers.keys())

    async def _first_services(
        self,
        touched: Mapping[BucketKey, Touched],
        awards: Mapping[BucketKey, Award],
        before: Mapping[BucketKey, BucketState],
    ) -> list[BucketChange]:
        """The lifetime bonus moves with the earliest record that is worth something."""
        best: dict[UUID, First | None] = {}
        for (volunteer_id, _), award in awards.items():
            known = best.setdefault(volunteer_id, award.first)
            if known is not award.first and award.first is not None and (known is None or award.first < known):
                best[volunteer_id] = award.first
        were = {(volunteer_id, state.first_record_id) for (volunteer_id, _), state in before.items()}
        moved: dict[UUID, First | None] = {}
        lost: set[UUID] = set()
        for volunteer_id, here in best.items():
            present = self.volunteers[volunteer_id].first
            was_here = present is not None and (volunteer_id, present.record_id) in were
            first, incomplete = first_of(present, here, was_here=was_here)
            if incomplete:
                lost.add(volunteer_id)
            if incomplete or first != present:
                moved[volunteer_id] = first
        if not moved:
            return []
        for volunteer_id, stored_firsts in (await store.earliest_firsts(self.tx, lost)).items():
            elsewhere = [one for bucket, one in stored_firsts.items() if (volunteer_id, bucket) not in touched]
            here = moved[volunteer_id]
            candidates = elsewhere if here is None else [*elsewhere, here]
            moved[volunteer_id] = min(candidates) if candidates else None
        keys = [(key, FIRST_SERVICE) for key in moved if self.volunteers[key].version]
        stored = await store.buckets(self.tx, keys)
        causes = {volunteer_id: bucket.cause for (volunteer_id, _), bucket in touched.items() if volunteer_id in moved}
        found: list[BucketChange] = []
        for volunteer_id, first in moved.items():
            volunteer = self.volunteers[volunteer_id]
            if first == volunteer.first:
                continue
            old = stored.get((volunteer_id, FIRST_SERVICE))
            found.append(self._bonus(volunteer, first, old, causes[volunteer_id]))
        return found

    def _bonus(
        self, volunteer: VolunteerRow, first: First | None, old: BucketState | None, cause: RecordRevision
    ) -> BucketChange:
        day = first.day if first is not None else cause.day
        self.changed.add(volunteer.volunteer_id)
        return bonus(volunteer, first, old, self.rules[volunteer.volunteer_id].at(day), cause)


def _bytes(volunteer_id: UUID) -> bytes:
    return volunteer_id.bytes


def _changes(
    touched: Mapping[BucketKey, Touched], awards: Mapping[BucketKey, Award], before: Mapping[BucketKey, BucketState]
) -> list[BucketChange]:
    """The buckets to write: new ones, and those whose explanation differs."""
    found = []
    for key, award in awards.items():
        bucket = touched[key]
        rule, old = bucket.rule, before.get(key)
        explanation = explanation_text(award)
        if old is not None and old.explanation == explanation and old.rule_version == rule.version:
            continue
        first = award.first
        new = BucketState(
            1 if old is None else old.version + 1,
            rule.version,
            sum(award.points.values()),
            explanation,
            first.started_at if first is not None else None,
            first.record_id if first is not None else None,
        )
        found.append(BucketChange(key[0], key[1], old, new, award.points, bucket.cause))
    return found
