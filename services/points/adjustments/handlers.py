"""Use cases of manual adjustments: propose, approve, reject, withdraw. Approval posts; the others move nothing."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import structlog

from services.points.adjustments import store
from services.points.adjustments.domain import (
    Adjustment,
    AdjustmentStatus,
    Part,
    Posted,
    SealedReason,
    adjusted,
    bucket_of,
    decide,
    explanation,
)
from services.points.bounds.handlers import in_bounds
from services.points.ledger import handlers as ledger
from services.points.rules import handlers as rules
from shared.auth.tokens import Caller, Proposal
from shared.clock import district_day
from shared.errors import Conflict, Forbidden, NotFound, PermanentError, Refusal, TransientError
from shared.ids import derived_id, new_id
from shared.postgres import Database, Tx
from shared.rewrapping import KeyedTable
from shared.sealing import TextCipher
from shared.telemetry import trace

__all__ = ["decision", "evidence_of", "find", "key_tables", "note_of", "posted", "propose", "seal_plain"]

SEALED_AT_ONCE = 200
_log = structlog.get_logger(__name__)


async def propose(
    tx: Tx,
    cipher: TextCipher,
    caller: Caller,
    volunteer_id: UUID,
    points: int,
    reason: str,
    evidence: str,
    corrects: UUID | None = None,
) -> Adjustment:
    """Write a proposal down, for another operator to decide on. ``points`` below zero need ``corrects``.

    The evidence is kept sealed only.

    Raises:
        Refusal: no such account within the caller's bounds, the proposer's own, or nothing that it could correct.
    """
    if caller.volunteer_id == volunteer_id:
        raise Forbidden("own-account", "Operators cannot adjust their own points.")
    if not await in_bounds(tx, caller, volunteer_id) or not await store.account_exists(tx, volunteer_id):
        raise NotFound("account-unknown", "There is no such account.")
    if corrects is not None:
        await _correctable(tx, volunteer_id, corrects)
    elif points < 0:
        detail = "Points that service earned are lowered by correcting the service; name the adjustment to correct."
        raise Conflict("nothing-to-correct", detail)
    adjustment_id, current = new_id(), trace.current()
    sealed = _seal(cipher, adjustment_id, "evidence", evidence)
    proposed = Adjustment(
        adjustment_id=adjustment_id,
        volunteer_id=volunteer_id,
        points=points,
        corrects=corrects,
        reason=reason,
        evidence=sealed,
        status=AdjustmentStatus.PROPOSED,
        proposed_by=caller.subject,
        proposed_at=await tx.now(),
        decided_by=None,
        decided_at=None,
        decision_note=None,
        correlation_id=current.correlation_id if current is not None else str(adjustment_id),
        proposer_makers=caller.makers,
    )
    await store.insert(tx, proposed)
    await store.keep_evidence(tx, [(adjustment_id, volunteer_id, "evidence", sealed)])
    return proposed


async def decision(
    tx: Tx, cipher: TextCipher, caller: Caller, adjustment_id: UUID, status: AdjustmentStatus, note: str
) -> Adjustment:
    """Approve, reject or withdraw; an approval posts the transfers of its bucket in the same transaction.

    The note is kept sealed only.

    Raises:
        Refusal: no such adjustment, decided before, the wrong person, or more would be taken back than was given.
        Forbidden: ``centre-only``: two accounts of one site give no points, so the centre approves.
    """
    seen = await find(tx, caller, adjustment_id)
    await ledger.lock(tx, [seen.volunteer_id])
    adjustment = await find(tx, caller, adjustment_id)
    declined = decide(adjustment, status, caller.subject, caller.volunteer_id)
    if declined is not None:
        if declined.slug == "adjustment-decided":
            raise Conflict(declined.slug, declined.detail, adjustment_status=adjustment.status.value)
        raise Forbidden(declined.slug, declined.detail)
    if status is not AdjustmentStatus.WITHDRAWN:
        proposal = Proposal(adjustment.proposed_by, adjustment.proposed_at, adjustment.proposer_makers)
        caller.require_second_person(proposal)
    if status is AdjustmentStatus.APPROVED:
        caller.require_centre()
    now = await tx.now()
    day = district_day(now)
    if not await store.settle(tx, adjustment_id, status, by=caller.subject, at=now, day=day):
        raise TransientError("the adjustment was decided although its volunteer was locked")
    sealed = _seal(cipher, adjustment_id, "note", note)
    await store.keep_evidence(tx, [(adjustment_id, adjustment.volunteer_id, "note", sealed)])
    if status is AdjustmentStatus.APPROVED:
        await _post(tx, adjustment)
    return replace(adjustment, status=status, decided_by=caller.subject, decided_at=now, decision_note=sealed)


async def find(tx: Tx, caller: Caller, adjustment_id: UUID) -> Adjustment:
    """One adjustment, of a volunteer within the caller's bounds.

    Raises:
        NotFound: there is none.
    """
    found = await store.find(tx, adjustment_id)
    if found is None or not await in_bounds(tx, caller, found.volunteer_id):
        raise NotFound("adjustment-unknown", "There is no such adjustment.")
    return found


def evidence_of(cipher: TextCipher, adjustment: Adjustment) -> str | None:
    """Read the reason for a proposal; None once it was erased.

    Raises:
        Refusal: it was sealed under another key than the service has now, or was tampered with.
    """
    return _opened(cipher, adjustment.adjustment_id, "evidence", adjustment.evidence)


def note_of(cipher: TextCipher, adjustment: Adjustment) -> str | None:
    """Read the reason for a decision; nothing while there is none, None once it was erased.

    Raises:
        Refusal: as for `evidence_of`.
    """
    if adjustment.status is AdjustmentStatus.PROPOSED:
        return ""
    return _opened(cipher, adjustment.adjustment_id, "note", adjustment.decision_note)


async def seal_plain(db: Database, cipher: TextCipher) -> int:
    """Seal what was kept in plain text before texts were sealed at once; returns of how many adjustments.

    Repeating it is harmless, and so is a process that does it beside this one.
    """
    sealed = 0
    while True:
        async with db.transaction() as tx:
            found = await store.plain_evidence(tx, SEALED_AT_ONCE)
            rows: list[tuple[UUID, UUID, Part, SealedReason]] = []
            for adjustment_id, volunteer_id, evidence, note in found:
                if evidence is not None:
                    rows.append(
                        (adjustment_id, volunteer_id, "evidence", _seal(cipher, adjustment_id, "evidence", evidence))
                    )
                if note is not None:
                    rows.append((adjustment_id, volunteer_id, "note", _seal(cipher, adjustment_id, "note", note)))
            await store.keep_evidence(tx, rows)
            await store.forget_plain_evidence(tx, [adjustment_id for adjustment_id, *_ in found])
        sealed += len(found)
        if len(found) < SEALED_AT_ONCE:
            return sealed


def key_tables(cipher: TextCipher) -> list[KeyedTable]:
    """Everything in the schema of points that lies under the evidence keys."""
    return [store.key_table(cipher, _about)]


def _about(adjustment_id: UUID, part: Part) -> UUID:
    """The context that a text is bound to, so that evidence and note cannot be taken for each other."""
    return adjustment_id if part == "evidence" else derived_id(part, adjustment_id)


def _seal(cipher: TextCipher, adjustment_id: UUID, part: Part, text: str) -> SealedReason:
    return SealedReason(*cipher.seal_text(_about(adjustment_id, part), text))


def _opened(cipher: TextCipher, adjustment_id: UUID, part: Part, sealed: SealedReason | None) -> str | None:
    if sealed is None:
        return None
    try:
        return cipher.open_text(_about(adjustment_id, part), *sealed)
    except PermanentError as error:
        _log.error(
            "adjustments.evidence_unreadable",
            adjustment_id=str(adjustment_id),
            part=part,
            reason=str(error),
            setting="WEIGUANG_EVIDENCE_KEY",
        )
        detail = f"The {part} of adjustment {adjustment_id} cannot be opened: give an engineer the correlation id."
        raise Refusal("evidence-unreadable", detail, status=500) from None


async def posted(tx: Tx, adjustment: Adjustment) -> list[Posted]:
    """The transfers that its approval led to; none while it has none."""
    return await store.posted(tx, adjustment.volunteer_id, _cause(adjustment))


async def _correctable(tx: Tx, volunteer_id: UUID, corrects: UUID) -> None:
    first = await store.find(tx, corrects)
    if first is None or first.volunteer_id != volunteer_id:
        raise NotFound("adjustment-unknown", "There is no such adjustment of this volunteer.")
    if first.corrects is not None or first.status is not AdjustmentStatus.APPROVED:
        raise Conflict("nothing-to-correct", "Only an approved adjustment that corrects no other can be corrected.")


def _cause(adjustment: Adjustment) -> UUID:
    return derived_id("adjustment", adjustment.adjustment_id)


async def _post(tx: Tx, adjustment: Adjustment) -> None:
    inputs = await store.approved(tx, adjustment.root)
    total = sum(found.points for found in inputs)
    if total < 0:
        detail = f"This would take back {-total} points more than were given."
        raise Conflict("adjustment-below-zero", detail, missing=-total)
    rule = (await rules.rulebook_of(tx, adjustment.volunteer_id)).at(inputs[0].day)
    await ledger.award(
        tx,
        adjustment.volunteer_id,
        ledger.Judgement(bucket_of(adjustment.root), rule.version, adjusted(rule, inputs), explanation(inputs)),
        _cause(adjustment),
        correlation_id=adjustment.correlation_id,
    )
