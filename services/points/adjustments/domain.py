"""Manual adjustments: their worth, and which operators may decide on them. Pure; whole points.

The rule of a bucket of adjustments: the sum of its approved inputs, good as long as points of service on the day of the
first one's approval would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from services.points.rules.domain import Rule

__all__ = [
    "PREFIX",
    "Adjustment",
    "AdjustmentRefusal",
    "AdjustmentStatus",
    "Approved",
    "Part",
    "Posted",
    "SealedReason",
    "adjusted",
    "bucket_of",
    "decide",
    "explanation",
]

PREFIX: Final = "life/adjustment/"
Part = Literal["evidence", "note"]
"""What a proposal rests on, and what the decision on it does."""


class AdjustmentStatus(StrEnum):
    """Where an adjustment stands; all but the first are final."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class SealedReason(NamedTuple):
    """The reason for a proposal or a decision, unreadable without the service's key."""

    wrapped_key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A proposal to give (or, correcting an earlier one, take back) points, and what became of it.

    ``evidence`` and the note are None once they were erased; the adjustment stands all the same.
    """

    adjustment_id: UUID
    volunteer_id: UUID
    points: int
    corrects: UUID | None
    reason: str
    evidence: SealedReason | None
    status: AdjustmentStatus
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: SealedReason | None
    correlation_id: str
    proposer_makers: frozenset[UUID] = frozenset()
    """The accounts that invited, activated or reset the proposer's, when it proposed."""

    @property
    def root(self) -> UUID:
        """The adjustment that gives its bucket the name."""
        return self.corrects or self.adjustment_id


class Approved(NamedTuple):
    """One input of a bucket of adjustments; in the order of decisions, the first is the one that the others correct."""

    adjustment_id: UUID
    points: int
    day: date


class Posted(NamedTuple):
    """A transfer that an approval led to; `debit` and `credit` name the accounts."""

    transfer_id: int
    posted_at: datetime
    code: str
    amount: int
    debit: str
    credit: str


@dataclass(frozen=True, slots=True)
class AdjustmentRefusal:
    """Why not: a stable problem slug and a sentence for the person who asked."""

    slug: str
    detail: str


def bucket_of(root: UUID) -> str:
    """The bucket of an adjustment and those that correct it."""
    return f"{PREFIX}{root}"


def adjusted(rule: Rule, inputs: Sequence[Approved]) -> dict[date, int]:
    """Points per last valid day; nothing when the inputs take everything back."""
    total = sum(approved.points for approved in inputs)
    return {rule.expires_on(inputs[0].day): total} if total > 0 else {}


def explanation(inputs: Sequence[Approved]) -> dict[str, Any]:
    """The explanation of the bucket. Ids, not words: typed text stays in one place."""
    return {"adjustments": [[str(found.adjustment_id), found.points, found.day.isoformat()] for found in inputs]}


def decide(
    adjustment: Adjustment, status: AdjustmentStatus, by: UUID, volunteer_id: UUID | None
) -> AdjustmentRefusal | None:
    """Whether this person (who may be a volunteer too) may bring the adjustment to this end."""
    if adjustment.status is not AdjustmentStatus.PROPOSED:
        return AdjustmentRefusal("adjustment-decided", f"This adjustment was already {adjustment.status.value}.")
    own = adjustment.proposed_by == by
    if status is AdjustmentStatus.WITHDRAWN and not own:
        return AdjustmentRefusal("not-the-proposer", "Only who proposed an adjustment can withdraw it.")
    if status is not AdjustmentStatus.WITHDRAWN and own:
        return AdjustmentRefusal("second-person-needed", "Another operator than who proposed it must decide.")
    if volunteer_id == adjustment.volunteer_id:
        return AdjustmentRefusal("own-account", "Operators cannot decide on their own points.")
    return None
