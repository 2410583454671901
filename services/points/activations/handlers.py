"""Use cases of activations: propose, approve, reject, withdraw, and so for a reversal. The mover does the rest."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.points.activations import store
from services.points.activations.domain import (
    Activation,
    ActivationAct,
    ActivationStatus,
    ActivationStep,
    Move,
    decide,
    decided_by_another,
)
from services.points.rules import handlers as rules
from services.points.rules import store as versions
from shared.auth.tokens import Caller, Proposal
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id
from shared.postgres import Tx
from shared.telemetry import trace

__all__ = ["act", "find", "history", "listed", "moves", "propose"]

_ENDS = {ActivationAct.REJECT: ActivationStatus.REJECTED, ActivationAct.WITHDRAW: ActivationStatus.WITHDRAWN}


async def propose(tx: Tx, caller: Caller, version: int, rehearsal_id: UUID, reason: str) -> Activation:
    """Propose that a rehearsed draft comes into force, for another operator to decide.

    Raises:
        NotFound: ``rule-unknown``, ``rehearsal-unknown``.
        Conflict: the draft or its rehearsal are not what this needs (`_may_begin`), or it is proposed already.
    """
    await _may_begin(tx, version, rehearsal_id)
    activation_id, current = new_id(), trace.current()
    at = await tx.now()
    correlation = current.correlation_id if current is not None else str(activation_id)
    proposed = _proposal(activation_id, version, rehearsal_id, reason, caller, at, correlation)
    if not await store.insert(tx, proposed):
        raise Conflict("activation-proposed", "The activation of this draft is proposed already.")
    await store.insert_step(tx, activation_id, "proposed", caller.subject, at, reason)
    return proposed


async def act(tx: Tx, caller: Caller, activation_id: UUID, what: ActivationAct, note: str) -> Activation:
    """Decide on an activation or its reversal, propose the reversal, or let a stopped move go on.

    An approval makes a new generation of rules, while no transaction decides by rules: from its commit on, new
    accounts are under it, and the mover moves all others.

    Raises:
        NotFound: ``activation-unknown``.
        Forbidden: the wrong person.
        Conflict: there is nothing to decide, or what it rests on holds no more.
    """
    await find(tx, activation_id)
    if what in (ActivationAct.APPROVE, ActivationAct.APPROVE_REVERSAL):
        await versions.change_rules(tx)
    await store.lock(tx, activation_id)
    activation = await find(tx, activation_id)
    declined = decide(activation, what, caller.subject)
    if declined is not None:
        if declined.slug in ("not-the-proposer", "second-person-needed"):
            raise Forbidden(declined.slug, declined.detail)
        raise Conflict(declined.slug, declined.detail, activation_status=activation.status.value)
    if (proposal := decided_by_another(activation, what)) is not None:
        caller.require_second_person(Proposal(*proposal))
    at = await tx.now()
    await _done(tx, activation, what, caller, at, note)
    await store.insert_step(tx, activation_id, what.value, caller.subject, at, note)
    return await find(tx, activation_id)


async def _done(tx: Tx, activation: Activation, what: ActivationAct, caller: Caller, at: datetime, note: str) -> None:
    activation_id, by = activation.activation_id, caller.subject
    if what is ActivationAct.APPROVE:
        await _apply(tx, activation, by, at)
    elif what in _ENDS:
        await store.settle_proposal(tx, activation_id, _ENDS[what], by, at, None)
    elif what is ActivationAct.RESUME:
        await store.stop(tx, activation_id, None)
    elif what is ActivationAct.PROPOSE_REVERSAL:
        await store.propose_reversal(tx, activation_id, note, by, at, caller.makers)
    elif what is ActivationAct.APPROVE_REVERSAL:
        await _reverse(tx, activation, by, at)
    else:
        await store.drop_reversal(tx, activation_id)


async def _apply(tx: Tx, activation: Activation, by: UUID, at: datetime) -> None:
    await _may_begin(tx, activation.version, activation.rehearsal_id)
    if not await versions.set_status(tx, activation.version, "draft", "active"):
        raise Conflict("rule-not-a-draft", "This rule version is no draft any more.")
    newest = await versions.newest_generation(tx)
    generation = await versions.insert_generation(tx, sorted({*newest.versions, activation.version}), at)
    await store.settle_proposal(tx, activation.activation_id, ActivationStatus.APPLYING, by, at, generation)


async def _reverse(tx: Tx, activation: Activation, by: UUID, at: datetime) -> None:
    newest = await versions.newest_generation(tx)
    left = [version for version in newest.versions if version != activation.version]
    if not activation.stopped and await versions.under_way(tx):
        raise Conflict("activation-in-progress", "Other rules are just coming into force; wait until that is done.")
    await versions.set_status(tx, activation.version, "active", "reversed")
    generation = await versions.insert_generation(tx, left, at)
    await store.begin_reversal(tx, activation.activation_id, by, at, generation)


async def _may_begin(tx: Tx, version: int, rehearsal_id: UUID) -> None:
    """The draft is one, its rehearsal is done, and no other rules came into force since what it saw.

    Raises:
        NotFound: ``rule-unknown``, ``rehearsal-unknown``.
        Conflict: ``rule-not-a-draft``, ``rehearsal-of-another-rule``, ``rehearsal-as-if``, ``rehearsal-not-done``,
            ``rehearsal-outdated``, ``activation-in-progress``.
    """
    rule = await rules.find(tx, version)
    rehearsed = await store.rehearsed(tx, rehearsal_id)
    if rehearsed is None:
        raise NotFound("rehearsal-unknown", "There is no such rehearsal.")
    if rule.status != "draft":
        raise Conflict("rule-not-a-draft", f"Only a draft can come into force; this version is {rule.status}.")
    if rehearsed.version != version:
        raise Conflict("rehearsal-of-another-rule", f"This rehearsal was of rule version {rehearsed.version}.")
    if rehearsed.as_if:
        raise Conflict(
            "rehearsal-as-if",
            "This rehearsal took the draft to be in force since another day than it will; rehearse it as it is.",
        )
    if rehearsed.status != "done":
        raise Conflict("rehearsal-not-done", f"A rehearsal must be done first; this one is {rehearsed.status}.")
    if await versions.under_way(tx):
        raise Conflict("activation-in-progress", "Other rules are just coming into force; wait until that is done.")
    if rehearsed.outdated:
        raise Conflict(
            "rehearsal-outdated", "Other rules came into force after this rehearsal, or it is too old; rehearse again."
        )


async def find(tx: Tx, activation_id: UUID) -> Activation:
    """One activation.

    Raises:
        NotFound: ``activation-unknown``.
    """
    found = await store.find(tx, activation_id)
    if found is None:
        raise NotFound("activation-unknown", "There is no such activation.")
    return found


async def history(tx: Tx, activation_id: UUID) -> list[ActivationStep]:
    """List the steps of an activation and their actors, in order."""
    return await store.steps(tx, activation_id)


async def listed(tx: Tx, *, before: UUID | None, limit: int) -> list[Activation]:
    """Activations, newest first."""
    return await store.listed(tx, before=before, limit=limit)


async def moves(tx: Tx, activation_id: UUID, *, after: UUID | None, late_only: bool, limit: int) -> list[Move]:
    """List the effect of an activation on each volunteer, in the order of their ids.

    Raises:
        NotFound: ``activation-unknown``.
    """
    await find(tx, activation_id)
    return await store.moves(tx, activation_id, after=after, late_only=late_only, limit=limit)


def _proposal(
    activation_id: UUID, version: int, rehearsal_id: UUID, reason: str, caller: Caller, at: datetime, correlation: str
) -> Activation:
    return Activation(
        activation_id=activation_id,
        version=version,
        rehearsal_id=rehearsal_id,
        status=ActivationStatus.PROPOSED,
        reason=reason,
        proposed_by=caller.subject,
        proposed_at=at,
        decided_by=None,
        decided_at=None,
        reversal_reason=None,
        reversal_proposed_by=None,
        reversal_proposed_at=None,
        reversal_decided_by=None,
        reversal_decided_at=None,
        generation=None,
        reversal_generation=None,
        volunteers_total=None,
        volunteers_moved=0,
        predicted_total=0,
        actual_total=0,
        other_total=0,
        reversed_total=0,
        late=0,
        problem=None,
        settled_at=None,
        correlation_id=correlation,
        proposer_makers=caller.makers,
    )
