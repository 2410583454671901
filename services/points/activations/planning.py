"""Plans what a change of rules makes of one volunteer's buckets. Pure: everything that is read is handed in.

Buckets that exist under both rules are worked out anew where something differs; those that no record falls into any
more are worth nothing, and say which rules took their records.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from services.points.adjustments.domain import Approved, adjusted, bucket_of
from services.points.ingest.fold import bonus
from services.points.ledger.buckets import BucketCause, BucketChange, BucketState, VolunteerRow
from services.points.rules.domain import (
    FIRST_SERVICE,
    REFERRAL,
    Award,
    Facts,
    First,
    Referral,
    Rule,
    Rulebook,
    referral,
)
from services.points.rules.valuation.domain import NOTHING_KNOWN, Known, value_all

__all__ = ["Brought", "Holdings", "Moved", "plan"]

_NOTHING = Award({}, (), None)
_OF_THEIR_OWN = ("life/adjustment/", REFERRAL, FIRST_SERVICE)
"""What the buckets begin with that no period of a rule names."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A referral of the volunteer's; ``standing``: it was not withdrawn."""

    fact: Referral
    standing: bool


@dataclass(slots=True)
class Holdings:
    """The part of a volunteer that a change reads.

    The records of its days, their buckets (at least those of these records, and those under a rule that goes), where
    each bucket's earliest earning record is, and the inputs of buckets of other kinds.
    """

    records: list[Facts] = field(default_factory=list)
    buckets: dict[str, BucketState] = field(default_factory=dict)
    firsts: Mapping[str, First] = field(default_factory=dict)
    brought: list[Brought] = field(default_factory=list)
    adjustments: dict[UUID, list[Approved]] = field(default_factory=dict)
    known: Known = NOTHING_KNOWN


@dataclass(slots=True)
class Moved:
    """The buckets to write, and what the volunteer gains by them: by records and bonuses, and by adjustments."""

    changes: list[BucketChange]
    actual: int
    other: int


def plan(
    volunteer: VolunteerRow, held: Holdings, books: tuple[Rulebook, Rulebook], generation: int, cause: BucketCause
) -> Moved:
    """Plan the change from the volunteer's present rules to those of ``generation``.

    ``volunteer.first`` is set to its new value.
    """
    old, new = books
    versions = {rule.version for rule in new.rules}
    wanted = value_all(new, held.records, held.known)
    left = {old.bucket(found.day, found.activity_id)[1].bucket for found in held.records} - wanted.keys()
    changes: list[BucketChange] = []
    for bucket, (rule, award) in wanted.items():
        _rewrite(changes, volunteer, held, bucket, rule, award, award.explanation(), cause)
    for bucket, state in held.buckets.items():
        if bucket.startswith(_OF_THEIR_OWN) or bucket in wanted:
            continue
        if bucket in left or state.rule_version not in versions:
            # No record falls into it any more. It is under what is in force now on the first day of the change.
            rule = new.at(_first_day(held, new))
            explained = {"records": [], "moved": {"to_generation": generation}}
            _rewrite(changes, volunteer, held, bucket, rule, _NOTHING, explained, cause)
    _first_service(changes, volunteer, held, new, {bucket: award for bucket, (_, award) in wanted.items()}, left, cause)
    _bonuses(changes, volunteer, held, new, cause)
    actual = sum(change.new.points - (change.old.points if change.old else 0) for change in changes)
    number = len(changes)
    _adjustments(changes, volunteer, held, new, cause)
    other = sum(change.new.points - (change.old.points if change.old else 0) for change in changes[number:])
    return Moved(changes, actual, other)


def _first_day(held: Holdings, new: Rulebook) -> date:
    return min((found.day for found in held.records), default=new.rules[0].effective_from)


def _rewrite(
    changes: list[BucketChange],
    volunteer: VolunteerRow,
    held: Holdings,
    bucket: str,
    rule: Rule,
    award: Award,
    explained: Mapping[str, Any],
    cause: BucketCause,
) -> None:
    before = held.buckets.get(bucket)
    explanation = orjson.dumps(explained).decode()
    if before is not None and (before.explanation, before.rule_version) == (explanation, rule.version):
        return
    first = award.first
    after = BucketState(
        1 if before is None else before.version + 1,
        rule.version,
        sum(award.points.values()),
        explanation,
        None if first is None else first.started_at,
        None if first is None else first.record_id,
    )
    changes.append(BucketChange(volunteer.volunteer_id, bucket, before, after, award.points, cause))


def _first_service(
    changes: list[BucketChange],
    volunteer: VolunteerRow,
    held: Holdings,
    new: Rulebook,
    awards: Mapping[str, Award],
    left: Set[str],
    cause: BucketCause,
) -> None:
    """The earliest record that is worth something under the new rules, and the bonus that these give for it."""
    gone = awards.keys() | left | {change.bucket for change in changes}
    firsts = [found for bucket, found in held.firsts.items() if bucket not in gone]
    firsts += [award.first for award in awards.values() if award.first is not None]
    first = min(firsts, default=None)
    before = held.buckets.get(FIRST_SERVICE)
    if first is None and before is None:
        return
    day = first.day if first is not None else _first_day(held, new)
    rule = new.at(day)
    if first == volunteer.first and before is not None:
        fitting = {rule.version} if first is not None else {one.version for one in new.rules}
        if before.rule_version in fitting:
            return
    changes.append(bonus(volunteer, first, before, rule, cause))


def _bonuses(
    changes: list[BucketChange], volunteer: VolunteerRow, held: Holdings, new: Rulebook, cause: BucketCause
) -> None:
    """For people brought in: the referral is as it was, its rule may be another."""
    for brought in held.brought:
        rule = new.at(brought.fact.day)
        worth = referral(rule, brought.fact if brought.standing else None)
        _under(changes, volunteer, held, f"{REFERRAL}{brought.fact.referred_id}", rule, worth, cause)


def _adjustments(
    changes: list[BucketChange], volunteer: VolunteerRow, held: Holdings, new: Rulebook, cause: BucketCause
) -> None:
    """The inputs are as they were; how long they are good may be another rule's business."""
    for root, inputs in held.adjustments.items():
        rule = new.at(inputs[0].day)
        _under(changes, volunteer, held, bucket_of(root), rule, adjusted(rule, inputs), cause)


def _under(
    changes: list[BucketChange],
    volunteer: VolunteerRow,
    held: Holdings,
    bucket: str,
    rule: Rule,
    worth: Mapping[date, int],
    cause: BucketCause,
) -> None:
    before = held.buckets.get(bucket)
    if before is not None and before.rule_version != rule.version:
        after = before._replace(version=before.version + 1, rule_version=rule.version, points=sum(worth.values()))
        changes.append(BucketChange(volunteer.volunteer_id, bucket, before, after, worth, cause))
