"""A4: points against the rules, computed anew from the records, a volunteer at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from ops.audit.model import Check
from ops.audit.sql import SQL, rows
from services.points.adjustments.domain import Approved, adjusted, bucket_of
from services.points.invariants.domain import transfers_named
from services.points.rules.documents import RuleDocument
from services.points.rules.domain import (
    FIRST_SERVICE,
    REFERRAL,
    Facts,
    First,
    Referral,
    Rule,
    Rulebook,
    first_service,
    referral,
)
from services.points.rules.worth.domain import evaluate
from shared.postgres import Tx

__all__ = ["TITLE", "Proof", "postings"]

TITLE = "posted awards of each bucket = rule(its records) under its version"
_FLAGS = Facts._fields.index("flags") + 1
"""The place of the flags in a row of records: the volunteer comes first, then what a rule reads."""


@dataclass(frozen=True, slots=True)
class AuditedWorth:
    """The worth of a volunteer's records.

    Points per (bucket, last valid day), each bucket's explanation as it is
    stored, and the version that the volunteer's generation selects for it.
    """

    points: dict[tuple[str, date], int]
    lines: dict[str, str]
    versions: dict[str, int] = field(default_factory=dict)


_NO_FLAGS: frozenset[str] = frozenset()


class Proof:
    """The worth of each volunteer's records against what was posted; ``check`` holds what is wrong."""

    def __init__(self, books: Mapping[int, Rulebook]) -> None:
        self.check = Check("A4", TITLE)
        self._books = books
        self._newest = max(books, default=0)

    @classmethod
    async def begin(cls, tx: Tx) -> Proof:
        """Load the rules that are in force together."""
        return cls(await _books(tx))

    def prove(
        self,
        volunteer_id: Any,
        account: Any | None,
        records: Sequence[Any],
        buckets: Sequence[Any],
        awards: Sequence[Any],
        adjustments: Sequence[Any],
        referrals: Sequence[Any],
    ) -> None:
        """One volunteer. ``account`` and the others are rows of the queries by volunteer."""
        check = self.check
        check.examined += len(buckets)
        kept = {row[1]: row for row in buckets}
        generation = account["generation"] if account is not None else None
        if generation is None:
            generation = self._newest
        book = self._books.get(generation)
        try:
            worth = _worth(book, records, kept)
            if adjustments:
                _adjust(worth, book, adjustments, kept)
            if referrals:
                _refer(worth, book, referrals, kept)
            _compare_versions(check, volunteer_id, worth, book, kept)
        except KeyError as error:
            violation = f"a bucket is under rule {error}, which is not in force in generation {generation}"
            check.add_violation(f"volunteer {volunteer_id}", violation)
            return
        _compare_awards(check, volunteer_id, worth, {(row[1], row[2]): (row[3], row[4]) for row in awards})
        _compare_buckets(check, volunteer_id, worth, kept)


async def _books(tx: Tx) -> dict[int, Rulebook]:
    """The rules by generation."""
    versions = await tx.fetch(SQL["rule_versions"])
    rules = {row["version"]: RuleDocument.model_validate_json(row["document"]).rule() for row in versions}
    return {
        row["generation"]: Rulebook(rules[version] for version in row["versions"])
        for row in await tx.fetch(SQL["rule_generations"])
        if row["versions"]
    }


async def postings(tx: Tx) -> Check:
    """Each version of a bucket was posted once and exactly.

    Adjustments and activations had two people,
    and activations were what had been predicted.
    """
    check = Check("A4", TITLE)
    async for row in rows(tx, "moves_against_predictions"):
        check.add_violation(row["subject"], row["detail"])
    async for row in rows(tx, "activations_against_approval"):
        people = f"proposed by {row['proposed_by']}, decided by {row['decided_by']}"
        reversal = f"reversal by {row['reversal_proposed_by']} and {row['reversal_decided_by']}"
        check.add_violation(f"activation {row['activation_id']}", f"{row['status']}, {people}; {reversal}")
    async for row in rows(tx, "awards_against_versions"):
        subject = f"bucket {row['bucket']} version {row['version']} of volunteer {row['volunteer_id']}"
        named = transfers_named(row["transfer_ids"])
        check.add_violation(subject, f"posted {row['posted']}, the version changed it by {row['said']}; {named}")
    async for row in rows(tx, "flags_against_cases"):
        said = f"standing is {row['standing']}, of volunteer {row['volunteer_id']}, in {row['kind']}"
        subject = f"flag of record {row['record_id']} by case {row['case_id']}"
        check.add_violation(
            subject, f"{said}; the case is {row['status']}, the record {row['owner']}'s, in {row['case_kind']}"
        )
    async for row in rows(tx, "flags_against_counters"):
        subject = f"volunteer {row['volunteer_id']}"
        check.differ(subject, [("the counter of standing flags", row["standing_flags"], row["flags"])])
    async for row in rows(tx, "adjustments_against_approval"):
        people = f"proposed by {row['proposed_by']}, decided by {row['decided_by']}"
        check.add_violation(f"adjustment {row['adjustment_id']}", f"{row['status']}, {people}")
    return check


def _adjust(worth: AuditedWorth, book: Rulebook | None, approved: Sequence[Any], buckets: Mapping[str, Any]) -> None:
    """Buckets of adjustments; a second approver's word is their only input."""
    by_root: dict[Any, list[Approved]] = defaultdict(list)
    for row in approved:
        by_root[row["root"]].append(Approved(row["adjustment_id"], row["points"], row["day"]))
    if book is None:
        return
    for root, inputs in by_root.items():
        bucket = bucket_of(root)
        worth.versions[bucket] = book.at(inputs[0].day).version
        points = adjusted(_rule(book, buckets, bucket, inputs[0].day), inputs)
        worth.points.update({(bucket, expires_on): amount for expires_on, amount in points.items()})


def _compare_awards(
    check: Check, volunteer_id: Any, worth: AuditedWorth, posted: Mapping[tuple[str, date], tuple[int, int]]
) -> None:
    """Points by lot: what was posted and what the lot says, against what is due."""
    due = worth.points
    if len(posted) == len(due) and all(posted.get(key) == (points, points) for key, points in due.items()):
        return
    for key in sorted(due.keys() | posted.keys()):
        found = posted.get(key, (0, 0))
        subject = f"bucket {key[0]} of volunteer {volunteer_id}, points good until {key[1]}"
        check.differ(subject, [("posted", found[0], due.get(key, 0)), ("the lot's award", found[1], due.get(key, 0))])


def _compare_buckets(check: Check, volunteer_id: Any, worth: AuditedWorth, buckets: Mapping[str, Any]) -> None:
    """A bucket's own figure, and the explanation that people are shown."""
    sums: dict[str, int] = {}
    for (bucket, _), points in worth.points.items():
        sums[bucket] = sums.get(bucket, 0) + points
    for bucket, (_, _, _, points, explanation) in buckets.items():
        if points != (due := sums.get(bucket, 0)):
            check.differ(f"bucket {bucket} of volunteer {volunteer_id}", [("its points", points, due)])
        said = worth.lines.get(bucket)
        if said is not None and explanation != said and orjson.loads(explanation) != orjson.loads(said):
            subject = f"bucket {bucket} of volunteer {volunteer_id}"
            check.add_violation(subject, "its explanation is not what the rule says of its records")


def _compare_versions(
    check: Check, volunteer_id: Any, worth: AuditedWorth, book: Rulebook | None, buckets: Mapping[str, Any]
) -> None:
    """Each bucket is under the version that the volunteer's generation selects; one without inputs under any of it.

    Raises:
        KeyError: a bucket is under a version that the generation does not hold.
    """
    if book is None:
        return
    for bucket, (_, _, kept, _, _) in buckets.items():
        found = book.version(kept).version
        due = worth.versions.get(bucket, found)
        if found != due:
            check.differ(f"bucket {bucket} of volunteer {volunteer_id}", [("its rule version", found, due)])


def _worth(book: Rulebook | None, records: Sequence[Any], buckets: Mapping[str, Any]) -> AuditedWorth:
    """Evaluate every bucket anew.

    Raises:
        KeyError: a bucket is under a version that is not in force.
    """
    worth = AuditedWorth({}, {})
    if book is None:
        return worth
    points_due, lines, versions = worth.points, worth.lines, worth.versions
    by_bucket: dict[str, list[Facts]] = {}
    for row in records:
        found = _facts(row)
        bucket = book.bucket(found.day, found.activity_id)[1].bucket
        if bucket in by_bucket:
            by_bucket[bucket].append(found)
        else:
            by_bucket[bucket] = [found]
    first: First | None = None
    for bucket, inputs in by_bucket.items():
        selected = book.bucket(inputs[0].day, inputs[0].activity_id)[0]
        versions[bucket] = selected.version
        kept = buckets.get(bucket)
        rule = selected if kept is None or kept[2] == selected.version else book.version(kept[2])
        award = evaluate(rule, inputs)
        for expires_on, points in award.points.items():
            points_due[bucket, expires_on] = points
        lines[bucket] = orjson.dumps(award.explanation()).decode()
        if award.first is not None and (first is None or award.first < first):
            first = award.first
    if first is not None:
        worth.versions[FIRST_SERVICE] = book.at(first.day).version
        bonus = first_service(_rule(book, buckets, FIRST_SERVICE, first.day), first)
        worth.points.update({(FIRST_SERVICE, expires_on): points for expires_on, points in bonus.items()})
    return worth


def _rule(book: Rulebook, buckets: Mapping[str, Any], bucket: str, day: date) -> Rule:
    """The rule that the bucket says it is under; the one in force on its day where there is no such bucket."""
    row = buckets.get(bucket)
    return book.at(day) if row is None else book.version(row["rule_version"])


def _facts(row: Any) -> Facts:
    flags = row[_FLAGS]
    return Facts._make((*row[1:_FLAGS], _NO_FLAGS if flags is None else frozenset(flags)))


def _refer(worth: AuditedWorth, book: Rulebook | None, referrals: Sequence[Any], buckets: Mapping[str, Any]) -> None:
    """The bonuses for people brought in, where the referral stands."""
    for row in referrals if book is not None else ():
        bucket = f"{REFERRAL}{row['referred_id']}"
        assert book is not None
        worth.versions[bucket] = book.at(row["day"]).version
        points = referral(_rule(book, buckets, bucket, row["day"]), Referral(row["referred_id"], row["day"]))
        worth.points.update({(bucket, expires_on): amount for expires_on, amount in points.items()})
