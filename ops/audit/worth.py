"""A4, A5: points and badges against the rules, computed anew from the records, a volunteer at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson

from ops.audit.model import Check
from ops.audit.sql import SQL, ByVolunteer, rows
from services.points.adjustments.domain import Approved, adjusted, bucket_of
from services.points.badges.documents import CriteriaDocument
from services.points.badges.domain import Criteria, Served, States
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
from services.points.rules.hours.domain import PROVENANCE_GROUPS, Lifetime
from services.points.rules.worth.domain import evaluate
from shared.postgres import Tx

Lines = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditedWorth:
    """The worth of a volunteer's records.

    Points per (bucket, last valid day), each bucket's explanation, and the
    version that the volunteer's generation selects for it.
    """

    points: dict[tuple[str, date], int]
    lines: Lines
    versions: dict[str, int] = field(default_factory=dict)


async def awards(tx: Tx) -> Check:
    """A4: the posted awards of each bucket are what the rule makes of its records, under the bucket's version."""
    check = Check("A4", "posted awards of each bucket = rule(its records) under its version")
    books = await _books(tx)
    await _postings(tx, check)
    streams = ByVolunteer(
        tx,
        "generations_by_volunteer",
        "records_by_volunteer",
        "buckets_by_volunteer",
        "awards_by_volunteer",
        "adjustments_by_volunteer",
        "referrals_by_volunteer",
    )
    async for volunteer_id, group in streams.groups():
        buckets = {row["bucket"]: row for row in group["buckets_by_volunteer"]}
        check.examined += len(buckets)
        generations = [row["generation"] for row in group["generations_by_volunteer"]] or [max(books, default=0)]
        book = books.get(generations[0])
        try:
            worth = _worth(book, group["records_by_volunteer"], buckets)
            _adjust(worth, book, group["adjustments_by_volunteer"], buckets)
            _refer(worth, book, group["referrals_by_volunteer"], buckets)
            _compare_versions(check, volunteer_id, worth, book, buckets)
        except KeyError as error:
            violation = f"a bucket is under rule {error}, which is not in force in generation {generations[0]}"
            check.add_violation(f"volunteer {volunteer_id}", violation)
            continue
        posted = {(row["bucket"], row["expires_on"]): row for row in group["awards_by_volunteer"]}
        _compare_awards(check, volunteer_id, worth, posted)
        _compare_buckets(check, volunteer_id, worth, buckets)
    return check


async def _books(tx: Tx) -> dict[int, Rulebook]:
    """The rules by generation."""
    versions = await tx.fetch(SQL["rule_versions"])
    rules = {row["version"]: RuleDocument.model_validate_json(row["document"]).rule() for row in versions}
    return {
        row["generation"]: Rulebook(rules[version] for version in row["versions"])
        for row in await tx.fetch(SQL["rule_generations"])
        if row["versions"]
    }


async def _postings(tx: Tx, check: Check) -> None:
    """Each version of a bucket was posted once and exactly.

    Adjustments and activations had two people,
    and activations were what had been predicted.
    """
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
    check: Check, volunteer_id: Any, worth: AuditedWorth, posted: Mapping[tuple[str, date], Any]
) -> None:
    for key in sorted(worth.points.keys() | posted.keys()):
        due, row = worth.points.get(key, 0), posted.get(key)
        found = (0, 0) if row is None else (row["posted"], row["awarded"])
        subject = f"bucket {key[0]} of volunteer {volunteer_id}, points good until {key[1]}"
        check.differ(subject, [("posted", found[0], due), ("the lot's award", found[1], due)])


def _compare_buckets(check: Check, volunteer_id: Any, worth: AuditedWorth, buckets: Mapping[str, Any]) -> None:
    """A bucket's own figure, and the explanation that people are shown."""
    sums: dict[str, int] = defaultdict(int)
    for (bucket, _), points in worth.points.items():
        sums[bucket] += points
    for bucket, row in buckets.items():
        subject = f"bucket {bucket} of volunteer {volunteer_id}"
        check.differ(subject, [("its points", row["points"], sums[bucket])])
        if bucket in worth.lines and _explanation(row["explanation"]) != worth.lines[bucket]:
            check.add_violation(subject, "its explanation is not what the rule says of its records")


def _compare_versions(
    check: Check, volunteer_id: Any, worth: AuditedWorth, book: Rulebook | None, buckets: Mapping[str, Any]
) -> None:
    """Each bucket is under the version that the volunteer's generation selects; one without inputs under any of it.

    Raises:
        KeyError: a bucket is under a version that the generation does not hold.
    """
    for bucket, row in buckets.items() if book is not None else ():
        assert book is not None
        found = book.version(row["rule_version"]).version
        due = worth.versions.get(bucket, found)
        check.differ(f"bucket {bucket} of volunteer {volunteer_id}", [("its rule version", found, due)])


def _explanation(explanation: str) -> Any:
    return orjson.loads(explanation)


def _worth(book: Rulebook | None, records: Sequence[Any], buckets: Mapping[str, Any]) -> AuditedWorth:
    """Evaluate every bucket anew.

    Raises:
        KeyError: a bucket is under a version that is not in force.
    """
    worth = AuditedWorth({}, {})
    if book is None:
        return worth
    by_bucket: dict[str, list[Any]] = defaultdict(list)
    for row in records:
        by_bucket[book.bucket(row["day"], row["activity_id"])[1].bucket].append(row)
    first: First | None = None
    for bucket, rows_of_it in by_bucket.items():
        day = rows_of_it[0]["day"]
        worth.versions[bucket] = book.at(day).version
        rule = _rule(book, buckets, bucket, day)
        award = evaluate(rule, [_facts(row) for row in rows_of_it])
        worth.points.update({(bucket, expires_on): points for expires_on, points in award.points.items()})
        worth.lines[bucket] = orjson.loads(orjson.dumps(award.explanation()))
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
    known = (row[name] for name in Facts._fields if name != "flags")
    return Facts._make((*known, frozenset(row["flag_kinds"])))


def _refer(worth: AuditedWorth, book: Rulebook | None, referrals: Sequence[Any], buckets: Mapping[str, Any]) -> None:
    """The bonuses for people brought in, where the referral stands."""
    for row in referrals if book is not None else ():
        bucket = f"{REFERRAL}{row['referred_id']}"
        assert book is not None
        worth.versions[bucket] = book.at(row["day"]).version
        points = referral(_rule(book, buckets, bucket, row["day"]), Referral(row["referred_id"], row["day"]))
        worth.points.update({(bucket, expires_on): amount for expires_on, amount in points.items()})


async def badges(tx: Tx) -> Check:
    """A5: lifetime figures and badges are what the records earn, recomputed in full."""
    check = Check("A5", "badges and lifetime figures = what the records earn")
    documents = [
        CriteriaDocument.model_validate_json(row["document"]) for row in await tx.fetch(SQL["criteria_versions"])
    ]
    criteria = {document.version: document.criteria() for document in documents}
    older = 0
    streams = ByVolunteer(tx, "records_by_volunteer", "badges_by_volunteer")
    async for volunteer_id, group in streams.groups():
        check.examined += 1
        lifetime = _lifetime(group["records_by_volunteer"])
        if not group["badges_by_volunteer"]:
            check.add_violation(f"volunteer {volunteer_id}", "has records and no account")
            continue
        row = group["badges_by_volunteer"][0]
        judged = _judged_under(criteria, row["criteria_version"] or 0)
        older += judged is not None and judged.version != max(criteria)
        states = _states(judged, group["records_by_volunteer"])
        earned = list(judged.earned(lifetime, states)) if judged is not None else []
        figures: list[tuple[str, Any, Any]] = [(name, row[name], getattr(lifetime, name)) for name in Lifetime._fields]
        figures.append(("badge figures", _kept(row["badge_figures"], judged), states))
        held = [("badges", sorted(row["badges"]), earned), ("awarded badges", list(row["awarded"]), earned)]
        check.differ(f"volunteer {volunteer_id}", figures + held)
    if older:
        check.notes.append(f"{older} volunteers were last judged under earlier criteria")
    return check


def _states(criteria: Criteria | None, records: Iterable[Any]) -> States:
    """The figures beyond the lifetime's, counted from all records without increments."""
    if criteria is None:
        return []
    confirmed = (row for row in records if row["status"] == "confirmed")
    return criteria.tally(Served(*(row[name] for name in Served._fields)) for row in confirmed)


def _kept(figures: str | None, criteria: Criteria | None) -> Any:
    if figures is None:
        return [] if criteria is None else criteria.blank()
    return orjson.loads(figures)


def _judged_under(criteria: Mapping[int, Criteria], version: int) -> Criteria | None:
    return criteria.get(version) or (criteria[max(criteria)] if criteria else None)


def _lifetime(records: Iterable[Any]) -> Lifetime:
    minutes, counts = [0, 0, 0], [0, 0, 0]
    for row in records:
        if row["status"] == "confirmed":
            group = PROVENANCE_GROUPS[row["provenance"]]
            minutes[group] += row["minutes"]
            counts[group] += 1
    return Lifetime(*minutes, *counts)
