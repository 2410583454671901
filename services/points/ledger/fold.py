"""Folds a batch of revisions: which revision of each record stands, and what that makes of buckets and figures.

Pure: everything that is read is handed in, and the outcome is data for the store to write.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson

from services.points.badges.domain import PROVENANCE_GROUPS, Lifetime, States
from services.points.ledger.domain import Balances
from services.points.ledger.revisions import RecordRevision, facts
from services.points.rules.domain import (
    FIRST_SERVICE,
    Award,
    BucketPeriod,
    Facts,
    First,
    Rule,
    Rulebook,
    evaluate,
    first_service,
)

__all__ = [
    "BucketCause",
    "BucketChange",
    "BucketKey",
    "BucketState",
    "Complaints",
    "RevisionResolution",
    "Touched",
    "VolunteerRow",
    "bonus",
    "count_lifetime",
    "differences",
    "first_of",
    "flagged",
    "reevaluate",
    "resolve",
    "touched_buckets",
]

BucketKey = tuple[UUID, str]
"""Volunteer and bucket."""


class VolunteerRow:
    """A volunteer's row as it is read, and as it is to be written; ``updated_at`` is when it last was."""

    __slots__ = (
        "badge_figures",
        "badges",
        "criteria_version",
        "figures",
        "first",
        "generation",
        "lifetime",
        "standing_flags",
        "states",
        "updated_at",
        "version",
        "volunteer_id",
    )

    def __init__(
        self,
        volunteer_id: UUID,
        version: int,
        figures: Balances,
        lifetime: Lifetime,
        first: First | None,
        badges: tuple[str, ...],
        criteria_version: int,
        badge_figures: str | None,
        generation: int,
        standing_flags: int,
        updated_at: datetime,
    ) -> None:
        self.volunteer_id = volunteer_id
        self.version = version
        self.figures = figures
        self.lifetime = lifetime
        self.first = first
        self.badges = badges
        self.criteria_version = criteria_version
        self.badge_figures = badge_figures
        self.generation = generation
        self.standing_flags = standing_flags
        self.updated_at = updated_at
        self.states: States | None = None

    def posting_time(self, now: datetime) -> datetime:
        """The time of the transfers of a transaction that has read its time ``now``.

        They are posted not before those of another that read it later and was faster to have the lock, so that an
        account's transfers have their times in order.
        """
        return max(now, self.updated_at)


class BucketState(NamedTuple):
    """A bucket's row."""

    version: int
    rule_version: int
    points: int
    explanation: str
    first_started_at: datetime | None
    first_record_id: UUID | None


class Touched:
    """A bucket whose inputs changed, under its rule, the revision that last changed it, and those that came into it."""

    __slots__ = ("cause", "news", "period", "rule")

    def __init__(self, rule: Rule, period: BucketPeriod, cause: RecordRevision) -> None:
        self.rule = rule
        self.period = period
        self.cause = cause
        self.news: list[RecordRevision] = []


class BucketCause(NamedTuple):
    """Causes other than a revision of a record that may change a bucket."""

    event_id: UUID
    correlation_id: str
    traceparent: str | None = None
    record_id: UUID | None = None
    site_id: UUID | None = None
    drive_id: UUID | None = None
    activity_id: UUID | None = None


class BucketChange(NamedTuple):
    """A bucket that is to be written; ``old`` is None when it is new."""

    volunteer_id: UUID
    bucket: str
    old: BucketState | None
    new: BucketState
    points: Mapping[date, int]
    cause: RecordRevision | BucketCause


class Complaints(NamedTuple):
    """Records and activities about which there is a complaint that stands."""

    records: frozenset[UUID]
    activities: frozenset[UUID]

    def about(self, found: Facts) -> Facts:
        """The facts, marked if there is a complaint about them."""
        if found.record_id in self.records or found.activity_id in self.activities:
            return found._replace(complained=True)
        return found


@dataclass(slots=True)
class RevisionResolution:
    """Which revisions stand.

    ``applied``: the new state of each changed record, with the stored one it replaces (None if new). ``superseded``:
    revisions of this batch that are kept but don't count. ``conflicts``: places in the batch that contradict what is
    known.
    """

    applied: dict[UUID, tuple[RecordRevision, RecordRevision | None]] = field(default_factory=dict)
    superseded: list[RecordRevision] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)
    duplicates: int = 0


def resolve(
    batch: Sequence[RecordRevision],
    stored: Mapping[UUID, RecordRevision],
    superseded: Mapping[tuple[UUID, int], bytes],
    without: Container[int] = (),
) -> RevisionResolution:
    """Decide for each revision whether it is news, a repetition, late, or a contradiction.

    The highest revision stands; of two contents of one revision the first. ``without``: places of the batch that are
    left out.
    """
    outcome = RevisionResolution()
    applied = outcome.applied
    late: dict[tuple[UUID, int], bytes] = {}
    for place, revision in enumerate(batch):
        if place in without:
            continue
        record_id = revision.record_id
        entry = applied.get(record_id)
        before = stored.get(record_id)
        present = entry[0] if entry is not None else before
        if present is None:
            applied[record_id] = (revision, None)
        elif revision.revision > present.revision:
            if entry is not None:
                outcome.superseded.append(present)
                late[record_id, present.revision] = present.content_hash
            applied[record_id] = (revision, before)
        else:
            known = present if revision.revision == present.revision else None
            if known is None and before is not None and before.revision == revision.revision:
                known = before
            key = (record_id, revision.revision)
            known_hash = known.content_hash if known is not None else superseded.get(key) or late.get(key)
            if known_hash is None:
                outcome.superseded.append(revision)
                late[key] = revision.content_hash
            elif known_hash == revision.content_hash or (known is not None and known.says_the_same(revision)):
                outcome.duplicates += 1
            else:
                outcome.conflicts.append(place)
    return outcome


def touched_buckets(
    applied: Iterable[tuple[RecordRevision, RecordRevision | None]],
    rules: Mapping[UUID, Rulebook],
    reconsidered: Iterable[RecordRevision] = (),
) -> dict[BucketKey, Touched]:
    """Buckets whose inputs changed: the record's, and the one it was in before. ``rules``: by volunteer.

    ``reconsidered``: records that did not change, though what is known about them did.
    """
    touched: dict[BucketKey, Touched] = {}

    def touch(revision: RecordRevision, cause: RecordRevision) -> Touched:
        rule, period = rules[revision.volunteer_id].bucket(revision.day, revision.activity_id)
        key = (revision.volunteer_id, period.bucket)
        found = touched.get(key)
        if found is None:
            found = touched[key] = Touched(rule, period, cause)
        found.cause = cause
        return found

    for new, old in applied:
        touch(new, new).news.append(new)
        if old is not None:
            touch(old, new)
    for revision in reconsidered:
        touch(revision, revision)
    return touched


def count_lifetime(
    volunteers: Mapping[UUID, VolunteerRow], applied: Iterable[tuple[RecordRevision, RecordRevision | None]]
) -> dict[UUID, RecordRevision]:
    """Add what changed to the lifetime figures; returns whose changed, and by which revision."""
    sums: dict[UUID, list[int]] = {}
    causes: dict[UUID, RecordRevision] = {}
    for new, old in applied:
        if old is not None and old.status == "confirmed":
            _add(sums, volunteers, old, -1)
            causes[old.volunteer_id] = new
        if new.status == "confirmed":
            _add(sums, volunteers, new, 1)
            causes[new.volunteer_id] = new
    for volunteer_id, counts in sums.items():
        volunteers[volunteer_id].lifetime = Lifetime(*counts)
    return causes


def _add(
    sums: dict[UUID, list[int]], volunteers: Mapping[UUID, VolunteerRow], revision: RecordRevision, sign: Literal[1, -1]
) -> None:
    counts = sums.get(revision.volunteer_id)
    if counts is None:
        counts = sums[revision.volunteer_id] = list(volunteers[revision.volunteer_id].lifetime)
    group = PROVENANCE_GROUPS[revision.provenance]
    counts[group] += sign * revision.minutes
    counts[group + 3] += sign


def reevaluate(
    touched: Mapping[BucketKey, Touched],
    changed: Container[UUID],
    stored_inputs: Mapping[BucketKey, list[Facts]],
    complaints: Complaints | None = None,
    flags: Mapping[UUID, frozenset[str]] | None = None,
) -> dict[BucketKey, Award]:
    """Apply the rule to every touched bucket: its stored inputs without the records that ``changed``, and these anew.

    ``flags``: the kinds of the cases that stand about records; which of them matter is the rule's business.
    """
    awards: dict[BucketKey, Award] = {}
    for key, bucket in touched.items():
        stored = stored_inputs.get(key)
        if stored is None and complaints is None and not flags:  # most are: a day on which nothing was known
            awards[key] = evaluate(bucket.rule, bucket.news)
            continue
        inputs = [found for found in stored or () if found.record_id not in changed]
        inputs += [facts(new) for new in bucket.news]
        if complaints is not None:
            inputs = [complaints.about(found) for found in inputs]
        if flags:
            inputs = [flagged(found, flags) for found in inputs]
        awards[key] = evaluate(bucket.rule, inputs)
    return awards


def flagged(found: Facts, flags: Mapping[UUID, frozenset[str]]) -> Facts:
    """The facts with the kinds of the cases that stand about the record."""
    kinds = flags.get(found.record_id)
    return found if kinds is None else found._replace(flags=kinds)


def first_of(present: First | None, best: First | None, *, was_here: bool) -> tuple[First | None, bool]:
    """The volunteer's earliest earning record.

    Args:
        present: the one until now.
        best: of the touched buckets as they are now.
        was_here: whether the one until now was in one of these.

    The second value says that this cannot be known from the touched buckets alone, because the one that held the
    earliest lost it: then the first value is the earliest among the touched ones.
    """
    if present is None:
        return best, False
    if not was_here:
        return (best if best is not None and best < present else present), False
    return best, best is None or best > present


def bonus(
    volunteer: VolunteerRow,
    first: First | None,
    old: BucketState | None,
    rule: Rule,
    cause: RecordRevision | BucketCause,
) -> BucketChange:
    """The lifetime bonus, under a rule, for the earliest record that is worth something; it becomes the volunteer's."""
    points = first_service(rule, first)
    explanation: dict[str, Any] = {"first": None}
    if first is not None:
        explanation = {"first": {"record_id": str(first.record_id), "day": first.day.isoformat()}}
    volunteer.first = first
    version = 1 if old is None else old.version + 1
    text = orjson.dumps(explanation).decode()
    new = BucketState(version, rule.version, sum(points.values()), text, None, None)
    return BucketChange(volunteer.volunteer_id, FIRST_SERVICE, old, new, points, cause)


def differences(points: Mapping[date, int], posted: Mapping[date, int]) -> dict[date, int]:
    """The differences to post so that the awards become ``points``, per expiry date; without zeros."""
    if not posted:
        return {day: amount for day, amount in points.items() if amount}
    days = points.keys() | posted.keys()
    found = {day: points.get(day, 0) - posted.get(day, 0) for day in days}
    return {day: amount for day, amount in found.items() if amount}
