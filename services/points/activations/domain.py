"""Where an activation stands, who may do what about it, and which days a change of rules is about. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

from services.points.rules.domain import BucketSpan, Rulebook

__all__ = [
    "Activation",
    "ActivationAct",
    "ActivationRefusal",
    "ActivationStatus",
    "ActivationStep",
    "Move",
    "StopReason",
    "changed_days",
    "decide",
    "stop_reason",
    "unforeseen",
]

_UNFORESEEN = re.compile(r"volunteer ([0-9a-f-]{36}) would gain (-?\d+) points, the rehearsal said (-?\d+), .*")


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a move stopped: ``unforeseen`` names a volunteer with points, predicted and actual; ``error`` names none."""

    code: Literal["unforeseen", "error"]
    volunteer_id: UUID | None = None
    predicted: int | None = None
    actual: int | None = None


def unforeseen(volunteer_id: UUID, predicted: int, actual: int) -> str:
    """The stored text of a volunteer whose points differ from the rehearsal without a later input."""
    return (
        f"volunteer {volunteer_id} would gain {actual} points, the rehearsal said {predicted}, and nothing about "
        "them came later"
    )


def stop_reason(problem: str) -> StopReason:
    """The reason behind a stored text; any text that is not of `unforeseen` is an error of the system."""
    found = _UNFORESEEN.fullmatch(problem)
    if found is None:
        return StopReason("error")
    return StopReason("unforeseen", UUID(found[1]), int(found[3]), int(found[2]))


class ActivationStatus(StrEnum):
    """Where an activation stands."""

    PROPOSED = "proposed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    APPLYING = "applying"
    APPLIED = "applied"
    REVERSING = "reversing"
    REVERSED = "reversed"


class ActivationAct(StrEnum):
    """The acts of operators on an activation; the word is kept as evidence."""

    APPROVE = "approved"
    REJECT = "rejected"
    WITHDRAW = "withdrawn"
    RESUME = "resumed"
    PROPOSE_REVERSAL = "reversal-proposed"
    APPROVE_REVERSAL = "reversal-approved"
    REJECT_REVERSAL = "reversal-rejected"
    WITHDRAW_REVERSAL = "reversal-withdrawn"


@dataclass(frozen=True, slots=True)
class Activation:
    """A rehearsed draft on its way into force for everybody, or out of it.

    Totals are points of the volunteers moved so far: predicted by the rehearsal and actual, over the buckets that
    records feed and the bonuses; other, of manual adjustments; reversed, by the reversal. ``problem``: why the move
    stopped where it is.
    """

    activation_id: UUID
    version: int
    rehearsal_id: UUID
    status: ActivationStatus
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    reversal_reason: str | None
    reversal_proposed_by: UUID | None
    reversal_proposed_at: datetime | None
    reversal_decided_by: UUID | None
    reversal_decided_at: datetime | None
    generation: int | None
    reversal_generation: int | None
    volunteers_total: int | None
    volunteers_moved: int
    predicted_total: int
    actual_total: int
    other_total: int
    reversed_total: int
    late: int
    problem: str | None
    settled_at: datetime | None
    correlation_id: str
    proposer_makers: frozenset[UUID] = frozenset()
    """The accounts that invited, activated or reset the proposer's, when it proposed."""
    reversal_proposer_makers: frozenset[UUID] = frozenset()

    @property
    def reversal_open(self) -> bool:
        """Whether a proposal to reverse it is undecided."""
        return self.reversal_proposed_by is not None and self.reversal_decided_by is None

    @property
    def stopped(self) -> bool:
        """Whether a problem has stopped the move."""
        return self.problem is not None


@dataclass(frozen=True, slots=True)
class ActivationStep:
    """A step of an activation and its actor; ``acted_by`` is None where the mover reports."""

    number: int
    act: str
    acted_by: UUID | None
    acted_at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Move:
    """The effect of an activation on one volunteer; ``late_*`` are inputs that the rehearsal had not seen."""

    volunteer_id: UUID
    predicted: int
    actual: int
    other: int
    late_records: Sequence[UUID]
    late_complaints: Sequence[UUID]
    late_referrals: Sequence[UUID]
    reversed: int | None
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class ActivationRefusal:
    """Why not: a stable problem slug and a sentence for the person who asked."""

    slug: str
    detail: str


_ABOUT_PROPOSAL: Final = (ActivationAct.APPROVE, ActivationAct.REJECT, ActivationAct.WITHDRAW)
_ABOUT_REVERSAL: Final = (
    ActivationAct.APPROVE_REVERSAL,
    ActivationAct.REJECT_REVERSAL,
    ActivationAct.WITHDRAW_REVERSAL,
)


def decide(activation: Activation, act: ActivationAct, by: UUID) -> ActivationRefusal | None:
    """Whether this person may do this now."""
    status = activation.status
    if act is ActivationAct.RESUME:
        return None if activation.stopped else ActivationRefusal("not-stopped", "This activation has not stopped.")
    if act is ActivationAct.PROPOSE_REVERSAL:
        return _reversible(activation)
    if act in _ABOUT_PROPOSAL and status is not ActivationStatus.PROPOSED:
        return ActivationRefusal("activation-decided", f"This activation is {status.value} already.")
    if act in _ABOUT_REVERSAL and not activation.reversal_open:
        return ActivationRefusal("no-reversal-proposed", "There is no proposal to reverse this activation.")
    own = by == (activation.proposed_by if act in _ABOUT_PROPOSAL else activation.reversal_proposed_by)
    if act in (ActivationAct.WITHDRAW, ActivationAct.WITHDRAW_REVERSAL):
        return None if own else ActivationRefusal("not-the-proposer", "Only who proposed it can withdraw it.")
    return (
        ActivationRefusal("second-person-needed", "Another operator than who proposed it must decide.") if own else None
    )


def decided_by_another(activation: Activation, act: ActivationAct) -> tuple[UUID, datetime, frozenset[UUID]] | None:
    """The account that proposed what this act decides on, when, and its makers; None without a second person."""
    if act in (ActivationAct.APPROVE, ActivationAct.REJECT):
        return activation.proposed_by, activation.proposed_at, activation.proposer_makers
    by, at = activation.reversal_proposed_by, activation.reversal_proposed_at
    if act in (ActivationAct.APPROVE_REVERSAL, ActivationAct.REJECT_REVERSAL) and by is not None and at is not None:
        return by, at, activation.reversal_proposer_makers
    return None


def _reversible(activation: Activation) -> ActivationRefusal | None:
    stopped = activation.status is ActivationStatus.APPLYING and activation.stopped
    if activation.status is not ActivationStatus.APPLIED and not stopped:
        detail = f"Only what was applied, or stopped on the way, can be reversed; this is {activation.status.value}."
        return ActivationRefusal("not-applied", detail)
    if activation.reversal_open:
        return ActivationRefusal("reversal-proposed", "The reversal is proposed already.")
    return None


def changed_days(old: Rulebook, new: Rulebook) -> tuple[date, date] | None:
    """The first and the last day of all buckets that may differ between two sets of rules; None if none does.

    The first is the beginning of the bucket that the first differing day cuts, or joins, under either.
    """
    starts = sorted({date.min} | {rule.effective_from for book in (old, new) for rule in book.rules})
    ends = [start - timedelta(days=1) for start in starts[1:]] + [date.max]
    differing = [
        (start, end)
        for start, end in zip(starts, ends, strict=True)
        if old.stretch(start)[:2] != new.stretch(start)[:2]
    ]
    if not differing:
        return None
    day = differing[0][0]
    return min(_beginning(book, day) for book in (old, new)), differing[-1][1]


def _beginning(book: Rulebook, day: date) -> date:
    """The first day of the widest bucket that holds a day."""
    if book.at(day).span == BucketSpan.ACTIVITY:
        return book.stretch(day)[1]
    return book.bucket(day)[1].first
