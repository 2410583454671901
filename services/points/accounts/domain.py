"""An account as its reader sees it: balances, transfers, and why each point is there. Pure; whole points, minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.points.rules.domain import REASONS
from services.points.rules.hours.domain import Lifetime


@dataclass(frozen=True, slots=True)
class VolunteerAccount:
    """A volunteer's balances in points and lifetime figures in minutes."""

    volunteer_id: UUID
    available: int = 0
    held: int = 0
    debt: int = 0
    earned: int = 0
    spent: int = 0
    expired: int = 0
    donated: int = 0
    credit_minutes: int = 0
    honour_minutes: int = 0
    imported_minutes: int = 0
    credit_records: int = 0
    honour_records: int = 0
    imported_records: int = 0

    @property
    def lifetime(self) -> Lifetime:
        """The lifetime figures that badges are judged by."""
        return Lifetime(
            self.credit_minutes,
            self.honour_minutes,
            self.imported_minutes,
            self.credit_records,
            self.honour_records,
            self.imported_records,
        )

    @property
    def minutes(self) -> int:
        """The legal record: all confirmed minutes, whatever their provenance."""
        return self.lifetime.minutes


@dataclass(frozen=True, slots=True)
class BadgeHeld:
    """A badge or star held now."""

    badge: str
    name: str
    criteria_version: int
    awarded_at: datetime


@dataclass(frozen=True, slots=True)
class StatementTransfer:
    """One movement of points between two named accounts."""

    transfer_id: int
    code: str
    debit_account: str
    credit_account: str
    amount: int
    bucket: str | None
    bucket_version: int | None
    rule_version: int | None
    expires_on: date | None
    lot_bucket: str | None
    lot_expires_on: date | None
    pending_id: UUID | None
    posting_id: UUID
    cause_event_id: UUID
    correlation_id: str
    posted_at: datetime

    @property
    def change(self) -> int:
        """The signed change of the points that may be spent."""
        into, out = self.credit_account.endswith("/available"), self.debit_account.endswith("/available")
        return self.amount * (into - out)


@dataclass(frozen=True, slots=True)
class AwardedBucket:
    """The bucket, at the version, that a transfer was posted for."""

    bucket: str
    version: int


@dataclass(frozen=True, slots=True)
class BucketVersion:
    """The rule's explanation of a bucket at one version of it."""

    bucket: str
    version: int
    rule_version: int
    points: int
    explanation: Mapping[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RecordSeen:
    """A service record at one revision, with who and what recorded it. Times of replaced ones are ISO texts."""

    record_id: UUID
    revision: int
    status: str | None
    provenance: str | None
    closed_by: str | None
    theme: str | None
    kind: str | None
    started_at: datetime | str | None
    ended_at: datetime | str | None
    site_id: UUID | str | None
    activity_id: UUID | str | None
    device_ref: str | None
    recorded_by: UUID | str | None
    recorder_site_id: UUID | str | None
    approval_level: str | None
    planned_minutes: int | None
    correlation_id: str | None
    event_id: UUID


@dataclass(frozen=True, slots=True)
class RewardSeen:
    """The reward of a hold."""

    redemption_id: UUID
    reward_id: UUID
    reward_name: str
    site_id: UUID
    status: str


@dataclass(frozen=True, slots=True)
class AdjustmentSeen:
    """A manual adjustment as its volunteer may read it."""

    adjustment_id: UUID
    points: int
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case of integrity about a record, as its volunteer may read it."""

    case_id: UUID
    kind: str
    status: str
    opened_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExplanationFacts:
    """The facts behind explanations.

    Records by (id, revision) and, as they stand, by id; adjustments and rewards by id;
    cases by record.
    """

    records: Mapping[tuple[UUID, int], RecordSeen] = field(default_factory=dict)
    standing: Mapping[UUID, RecordSeen] = field(default_factory=dict)
    adjustments: Mapping[UUID, AdjustmentSeen] = field(default_factory=dict)
    cases: Mapping[UUID, Sequence[CaseSeen]] = field(default_factory=dict)
    rewards: Mapping[UUID, RewardSeen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PastFigures:
    """Balances as they stood at a moment, summed from the transfers up to it."""

    available: int
    held: int
    debt: int
    earned: int
    spent: int
    expired: int
    donated: int


@dataclass(frozen=True, slots=True)
class LotSeen:
    """A lot with all that ever moved in it: ``movements`` by code, signed, sum to what is available."""

    bucket: str
    expires_on: date
    awarded: int
    available: int
    expired: int
    held: int
    spent: int
    movements: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Totals:
    """The district's figures: `issued = available + held + spent + expired + donated - debt`."""

    volunteers: int
    issued: int
    available: int
    held: int
    spent: int
    expired: int
    donated: int
    debt: int
    badges: Mapping[str, int]
    redemptions: Mapping[str, int]


FLAGGED = "flagged"
RECORD_FIELDS = ("record_id", "revision", "minutes", "counted_minutes", "points_per_hour", "points", "reason")
"""The columns of one record in a bucket's explanation, in their order there."""


def counted_records(bucket: BucketVersion) -> list[dict[str, Any]]:
    """The explanation's records as named members."""
    return [
        dict(zip(RECORD_FIELDS, row, strict=True)) if isinstance(row, Sequence) else dict(row)
        for row in bucket.explanation.get("records", ())
    ]


def adjustment_ids(buckets: Iterable[BucketVersion]) -> list[UUID]:
    """Every adjustment that these explanations speak of, once."""
    return sorted({UUID(str(row[0])) for bucket in buckets for row in bucket.explanation.get("adjustments", ())})


def record_keys(buckets: Iterable[BucketVersion]) -> list[tuple[UUID, int]]:
    """Every (record, revision) that these explanations speak of, once."""
    keys = {
        (UUID(str(record["record_id"])), int(record["revision"]))
        for bucket in buckets
        for record in counted_records(bucket)
    }
    return sorted(keys)


def flagged_records(buckets: Iterable[BucketVersion]) -> list[UUID]:
    """The records that these explanations say are held back, once."""
    rows = (record for bucket in buckets for record in counted_records(bucket))
    return sorted({UUID(str(record["record_id"])) for record in rows if record["reason"] == FLAGGED})


def first_ids(buckets: Iterable[BucketVersion]) -> list[UUID]:
    """The records that lifetime bonuses are for, once."""
    return sorted({UUID(str(first["record_id"])) for bucket in buckets if (first := bucket.explanation.get("first"))})


def explain_bucket(bucket: BucketVersion, evidence: ExplanationFacts) -> dict[str, Any]:
    """Explain the bucket in full.

    Its rule version, each record with its counted minutes,
    what of it did not count and why, with the case if one held it back; or the adjustments, with who proposed and who
    approved them; or the record that a lifetime bonus is for, as it stands.
    """
    explained = []
    for counted in counted_records(bucket):
        seen = evidence.records.get((UUID(str(counted["record_id"])), int(counted["revision"])))
        words = REASONS.get(str(counted["reason"]), str(counted["reason"]))
        details: dict[str, Any] = {"uncounted_minutes": _uncounted(counted), "reason_text": words}
        if counted["reason"] == FLAGGED:
            cases = evidence.cases.get(UUID(str(counted["record_id"])), ())
            details |= {"cases": [asdict(case) for case in cases]}
        explained.append((asdict(seen) if seen is not None else {}) | counted | details)
    remarks = {name: value for name, value in bucket.explanation.items() if name not in ("records", "adjustments")}
    adjustments = [evidence.adjustments.get(found) for found in adjustment_ids([bucket])]
    first = next((seen for found in first_ids([bucket]) if (seen := evidence.standing.get(found)) is not None), None)
    return {
        "bucket": bucket.bucket,
        "bucket_version": bucket.version,
        "rule_version": bucket.rule_version,
        "points": bucket.points,
        "records": explained,
        **({"adjustments": [asdict(found) for found in adjustments if found]} if any(adjustments) else {}),
        **({"first_record": asdict(first)} if first is not None else {}),
        **({"remarks": remarks} if remarks else {}),
    }


def _uncounted(counted: Mapping[str, Any]) -> int:
    minutes, kept = counted.get("minutes"), counted.get("counted_minutes")
    return minutes - kept if isinstance(minutes, int) and isinstance(kept, int) else 0


def explain_transfer(
    transfer: StatementTransfer,
    buckets: Mapping[AwardedBucket, BucketVersion],
    standing: Mapping[str, BucketVersion],
    evidence: ExplanationFacts,
) -> dict[str, Any]:
    """Explain why a transfer was posted.

    The bucket that it pays, or its redemption; and the lot whose points moved, with what
    was awarded to it, as that bucket stands (``standing``), where the transfer is no award itself.
    """
    explanation: dict[str, Any] = {"because": _BECAUSE.get(transfer.code, transfer.code)}
    if transfer.bucket is not None and transfer.bucket_version is not None:
        bucket = buckets.get(AwardedBucket(transfer.bucket, transfer.bucket_version))
        if bucket is not None:
            explanation |= explain_bucket(bucket, evidence)
    if transfer.pending_id is not None:
        reward = evidence.rewards.get(transfer.pending_id)
        explanation["redemption"] = {"redemption_id": transfer.pending_id} if reward is None else asdict(reward)
    if transfer.lot_bucket is not None:
        explanation["lot"] = {"bucket": transfer.lot_bucket, "expires_on": transfer.lot_expires_on}
        if transfer.bucket is None and (awarded := standing.get(transfer.lot_bucket)) is not None:
            explanation["lot"] |= {"awarded": explain_bucket(awarded, evidence)}
    return explanation


_BECAUSE = {
    "award": "service earned it, or a correction raised what it earned",
    "reversal": "a correction lowered what the service had earned",
    "repayment": "points that came in repaid a debt first",
    "hold": "held for a reward until it is picked up",
    "capture": "the reward was handed over",
    "release": "the hold ended without pickup",
    "refund": "the reward was refunded",
    "expiry": "the points were good until the lot's last day",
    "donation": "above the highest balance, the excess is donated",
    "return": "a correction made room below the highest balance, so donated points came back",
}
