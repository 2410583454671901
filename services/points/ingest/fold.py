"""Folds the revisions of a batch that stand: what they make of buckets and figures.

Pure: everything that is read is handed in, and the outcome is data for the store to write.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any, Literal
from uuid import UUID

import orjson

from services.points.ledger.buckets import BucketChange, BucketKey, BucketState, PostingCause, VolunteerRow
from services.points.records.domain import RecordRevision
from services.points.rules.domain import (
    FIRST_SERVICE,
    Award,
    BucketPeriod,
    Facts,
    First,
    Rule,
    Rulebook,
    first_service,
)
from services.points.rules.hours.domain import PROVENANCE_GROUPS, Lifetime
from services.points.rules.valuation.domain import NOTHING_KNOWN, Known, value

__all__ = [
    "Touched",
    "bonus",
    "count_lifetime",
    "explanation_text",
    "facts",
    "first_of",
    "reevaluate",
    "touched_buckets",
]


class Touched:
    """A bucket whose inputs changed, under its rule, the revision that last changed it, and those that came into it."""

    __slots__ = ("cause", "news", "period", "rule")

    def __init__(self, rule: Rule, period: BucketPeriod, cause: RecordRevision) -> None:
        self.rule = rule
        self.period = period
        self.cause = cause
        self.news: list[RecordRevision] = []


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
    known: Known = NOTHING_KNOWN,
) -> dict[BucketKey, Award]:
    """Value every touched bucket: its stored inputs without the records that ``changed``, and these anew."""
    awards: dict[BucketKey, Award] = {}
    for key, bucket in touched.items():
        stored = stored_inputs.get(key)
        if stored is None and known is NOTHING_KNOWN:  # most are: a day on which nothing was known
            awards[key] = value(bucket.rule, bucket.news)
            continue
        inputs = [found for found in stored or () if found.record_id not in changed]
        inputs += [facts(new) for new in bucket.news]
        awards[key] = value(bucket.rule, [known.about(found) for found in inputs])
    return awards


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
    cause: PostingCause,
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


def explanation_text(award: Award) -> str:
    """The explanation as it is stored: the JSON of `Award.explanation`, which is put together for each bucket."""
    if award.notes:
        return orjson.dumps(award.explanation()).decode()
    lines = [
        f'["{record_id}",{revision},{minutes},{counted},{per_hour},{points},"{reason}"]'
        for record_id, revision, minutes, counted, per_hour, points, reason in award.lines
    ]
    return f'{{"records":[{",".join(lines)}]}}'


def facts(revision: RecordRevision) -> Facts:
    """The facts that a rule may read."""
    return Facts(
        revision.record_id,
        revision.revision,
        revision.day,
        revision.status,
        revision.provenance,
        revision.started_at,
        revision.minutes,
        revision.planned_minutes,
        revision.kind,
        revision.theme,
        revision.activity_id,
        revision.approval_level,
    )
