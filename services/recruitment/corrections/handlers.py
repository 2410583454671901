"""Use cases of corrections: confirm, correct, void, restore, add, approve overtime, and read the evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import actor_id, is_staff_of, unwrap
from services.recruitment.approvals import events
from services.recruitment.approvals import handlers as approvals
from services.recruitment.approvals import store as waiting
from services.recruitment.approvals.domain import Assertion, AssertionCaps, Reason, reasons_to_wait
from services.recruitment.approvals.events import Note
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    ApprovalLevel,
    Busy,
    Place,
    ServiceRecord,
    ServiceRevision,
)
from services.recruitment.corrections import domain, store
from services.recruitment.corrections.domain import Actor
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "RevisionEvidence",
    "actor_on",
    "add",
    "confirm",
    "correct",
    "keep_evidence",
    "overtime",
    "read_evidence",
    "restore",
    "void",
]

Times = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class RevisionEvidence:
    """The evidence for one revision."""

    revision: int
    text: str


async def confirm(tx: Tx, caller: Caller, record_id: UUID, reason: str, caps: AssertionCaps) -> ServiceRecord:
    """Assert a record that was closed automatically; beyond the caps, or for a late shift, it waits for another site.

    Raises:
        NotFound: no such record, or not the caller's to see.
        Forbidden: neither staff of the site nor leader of the team.
        Refusal: ``record-confirmed``, ``record-open``, ``record-void``, ``own-record``, ``another-site-needed``.
    """
    record = await _locked(tx, caller, record_id, staff_only=False)
    actor, now = await actor_on(tx, caller, record), await tx.now()
    revision = unwrap(domain.confirm(record, actor, await waiting.last_state(tx, record_id), reason))
    assertion = Assertion(record_id, "confirm", record.volunteer_id, record.minutes, record.started_at)
    reasons = await _reasons(tx, record, actor, assertion, caps)
    if reasons:
        await approvals.wait(tx, {record_id: reasons}, now, asked_by=actor.subject)
    else:
        record = await attendance.commit(tx, revision, now)
        await approvals.keep_assertions(tx, actor.subject, [assertion], now)
    await events.publish(tx, [Note(record, "confirmed", reasons, by=actor.subject)], now)
    return record


async def overtime(tx: Tx, caller: Caller, record_id: UUID, reason: str, caps: AssertionCaps) -> ServiceRecord:
    """Approve the stay after the shift's end; beyond the caps, or for a late shift, those minutes wait.

    Raises:
        NotFound, Forbidden: as for `confirm`.
        Refusal: ``no-overtime``, ``overtime-exhausted``, ``record-not-confirmed``, ``record-waits``, ``record-void``,
            ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=False)
    actor, now = await actor_on(tx, caller, record), await tx.now()
    approved = await store.approved_overtime(tx, record.volunteer_id, record.shift_id)
    waits = bool(await records.find_waiting(tx, record_id))
    place = await _place(tx, record)
    minutes = unwrap(domain.overtime(record, place, approved, waits, actor, DEFAULT_POLICY))
    assertion = Assertion(record_id, "overtime", record.volunteer_id, minutes, record.started_at)
    reasons = await _reasons(tx, record, actor, assertion, caps)
    if not reasons and await waiting.last_state(tx, record_id) in ("rejected", "lapsed"):
        # What was above the cap of a first account and not approved does not count on a second account's word.
        reasons = [Reason.CAP]
    if reasons:
        await approvals.wait(tx, {record_id: reasons}, now, asked_by=actor.subject, overtime=minutes)
    else:
        record = await attendance.commit(tx, domain.with_overtime(record, minutes, actor, reason), now)
        await approvals.keep_assertions(tx, actor.subject, [assertion], now)
    await events.publish(tx, [Note(record, "overtime", reasons, minutes, by=actor.subject)], now)
    return record


async def correct(
    tx: Tx, cipher: Cipher, caller: Caller, record_id: UUID, times: Times, reason: str, evidence: str
) -> ServiceRecord:
    """Shorten a record.

    Raises:
        NotFound, Forbidden: as for `confirm`; leaders may not correct.
        Refusal: ``correction-only-shortens``, ``times-invalid``, ``nothing-to-correct``, ``record-open``,
            ``record-void``, ``record-imported``, ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=True)
    actor, now = await actor_on(tx, caller, record), await tx.now()
    revision = unwrap(domain.correct(record, times, await _place(tx, record), actor, reason))
    corrected = await _with_evidence(tx, cipher, revision, evidence, now)
    await waiting.withdraw_overtime(tx, record_id, actor.subject, now)
    await events.publish(tx, [Note(corrected, "corrected", by=actor.subject)], now)
    return corrected


async def void(tx: Tx, cipher: Cipher, caller: Caller, record_id: UUID, reason: str, evidence: str) -> ServiceRecord:
    """Make a record count for nothing.

    Raises:
        NotFound, Forbidden: as for `correct`.
        Refusal: ``record-void``, ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=True)
    actor, now = await actor_on(tx, caller, record), await tx.now()
    voided = await _with_evidence(tx, cipher, unwrap(domain.void(record, actor, reason)), evidence, now)
    await records.withdraw_approvals(tx, [record_id], actor.subject, now)
    await events.publish(tx, [Note(voided, "voided", by=actor.subject)], now)
    return voided


async def restore(tx: Tx, cipher: Cipher, caller: Caller, record_id: UUID, reason: str, evidence: str) -> ServiceRecord:
    """Give a void record its last content back, provisionally until another site approves it.

    Raises:
        NotFound, Forbidden: as for `correct`.
        Refusal: ``record-not-void``, ``record-never-closed``, ``record-imported``, ``attendance-overlaps``,
            ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=True)
    actor, now = await actor_on(tx, caller, record), await tx.now()
    busy = await _busy(tx, record.volunteer_id, (record.started_at, record.ended_at or record.started_at))
    restored = await _with_evidence(tx, cipher, unwrap(domain.restore(record, busy, actor, reason)), evidence, now)
    await approvals.wait(tx, {record_id: [Reason.RESTORED]}, now)
    await events.publish(tx, [Note(restored, "restored", [Reason.RESTORED], by=actor.subject)], now)
    return restored


async def add(
    tx: Tx, cipher: Cipher, caller: Caller, record_id: UUID, times: Times, reason: str, evidence: str
) -> ServiceRecord:
    """Enter forgotten time as a second record, linked to the first; another site approves it.

    Raises:
        NotFound, Forbidden: as for `correct`.
        Refusal: ``times-invalid``, ``attendance-overlaps``, ``record-imported``, ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=True)
    actor, now = await actor_on(tx, caller, record), await tx.now()
    busy = await _busy(tx, record.volunteer_id, times)
    place = await _place(tx, record)
    decided = domain.add(record, new_id(), times, place, busy, actor, reason, DEFAULT_POLICY, now)
    added = await _with_evidence(tx, cipher, unwrap(decided), evidence, now)
    await approvals.wait(tx, {added.record_id: [Reason.BACKFILLED]}, now)
    await events.publish(tx, [Note(added, "added", [Reason.BACKFILLED], by=actor.subject)], now)
    return added


async def keep_evidence(tx: Tx, cipher: Cipher, revisions: Sequence[tuple[ServiceRevision, str]]) -> None:
    """Keep what each of these revisions rests on, sealed for its volunteer."""
    rows = [(each, *cipher.seal_text(each.record.volunteer_id, evidence)) for each, evidence in revisions]
    await store.keep_evidence(tx, rows)


async def read_evidence(
    tx: Tx, cipher: Cipher, caller: Caller, reader: vault.VaultReader, record_id: UUID, purpose: str
) -> list[RevisionEvidence]:
    """Read the evidence for a record's revisions, for the site's staff and for deciders; the reading is recorded.

    Raises:
        NotFound: no such record, or not the caller's to see.
        Forbidden: the caller is not staff of the site, nor may decide on the record.
        TooMany: the reader's quota is used up.
    """
    record = await records.find_record(tx, record_id)
    if record is None or not await approvals.may_decide_on(tx, caller, record_id):
        record = _permitted(caller, record_id, record, staff_only=True)
    found = await store.find_evidence(tx, record.record_id)
    if found:
        await vault.look(tx, found[0].person_id, reader, purpose, ["evidence"])
    return [
        RevisionEvidence(each.revision, cipher.open_text(each.volunteer_id, each.wrapped_key, each.sealed))
        for each in found
    ]


async def _reasons(
    tx: Tx, record: ServiceRecord, actor: Actor, assertion: Assertion, caps: AssertionCaps
) -> list[Reason]:
    """Why what the actor asserts about a record waits for another site; empty when it counts at once."""
    place = await _place(tx, record)
    assert place is not None
    reasons = reasons_to_wait(place, await waiting.find_known(tx, record.volunteer_id))
    if not reasons:
        _, above = await approvals.split_by_caps(tx, actor.subject, [assertion], caps)
        reasons = [Reason.CAP] if above else []
    return reasons


async def _place(tx: Tx, record: ServiceRecord) -> Place | None:
    if record.shift_id is None:
        return None
    return (await records.find_places(tx, [record.shift_id])).get(record.shift_id)


async def _busy(tx: Tx, volunteer_id: UUID, times: Times) -> Sequence[Busy]:
    around = await records.busy_between(tx, [volunteer_id], *times, DEFAULT_POLICY.grace)
    return around.get(volunteer_id, [])


async def _with_evidence(
    tx: Tx, cipher: Cipher, revision: ServiceRevision, evidence: str, now: datetime
) -> ServiceRecord:
    record = await attendance.commit(tx, revision, now)
    await keep_evidence(tx, cipher, [(revision, evidence)])
    return record


async def _locked(tx: Tx, caller: Caller, record_id: UUID, *, staff_only: bool) -> ServiceRecord:
    record = _permitted(caller, record_id, await records.find_record(tx, record_id), staff_only=staff_only)
    await records.lock_volunteer(tx, record.volunteer_id)
    # Read again: what was read before the lock may have changed while waiting for it.
    return _permitted(caller, record_id, await records.find_record(tx, record_id), staff_only=staff_only)


def _permitted(caller: Caller, record_id: UUID, found: ServiceRecord | None, *, staff_only: bool) -> ServiceRecord:
    record = attendance.visible(caller, record_id, found)
    if staff_only and not is_staff_of(caller, record.site_id):
        raise Forbidden("staff-only", "Only staff of the record's site can do this.")
    return record


async def actor_on(tx: Tx, caller: Caller, record: ServiceRecord) -> Actor:
    """The caller as the actor of a later change of a record."""
    if not is_staff_of(caller, record.site_id):
        return Actor(actor_id(caller), caller.volunteer_id, ApprovalLevel.LEADER)
    level = ApprovalLevel.CENTRE if caller.has(Role.OPERATOR) else ApprovalLevel.SITE
    return Actor(actor_id(caller), caller.volunteer_id, level, await store.home_site(tx, caller.subject))
