"""Use cases of corrections: confirm, correct, void, and read what a revision rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import Refused
from services.recruitment.activities.guards import actor_id, is_staff_of, unwrap
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import DEFAULT_POLICY, ApprovalLevel, Record, Revision
from services.recruitment.corrections import domain, store
from services.recruitment.corrections.domain import Actor
from services.recruitment.vault import store as vault
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["Evidence", "confirm", "correct", "keep_evidence", "read_evidence", "void"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one revision rests on."""

    revision: int
    text: str


async def confirm(tx: Tx, caller: Caller, record_id: UUID, reason: str) -> Record:
    """Stand for a record that was closed automatically or entered afterwards.

    Raises:
        NotFound: no such record, or not the caller's to see.
        Forbidden: neither staff of the site nor leader of the team.
        Refusal: ``record-confirmed``, ``record-open``, ``record-void``, ``own-record``, ``approval-too-low``,
            ``second-approver-needed``.
    """
    record = await _locked(tx, caller, record_id, staff_only=False)
    actor = await _actor(tx, caller, record)
    return await attendance.commit(tx, unwrap(domain.confirm(record, actor, reason)), await tx.now())


async def correct(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    record_id: UUID,
    times: tuple[datetime, datetime],
    reason: str,
    evidence: str,
) -> Record:
    """Give a record new times.

    Raises:
        NotFound, Forbidden: as for `confirm`; leaders may not correct.
        Refusal: ``times-invalid``, ``attendance-overlaps``, ``nothing-to-correct``, ``record-void``,
            ``record-imported``, ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=True)
    actor, now = await _actor(tx, caller, record), await tx.now()
    around = await records.busy_between(tx, [record.volunteer_id], *times, DEFAULT_POLICY.grace)
    busy = around.get(record.volunteer_id, [])
    decided = domain.correct(record, times, busy, actor, reason, DEFAULT_POLICY, now)
    return await _with_evidence(tx, cipher, decided, evidence, now)


async def void(tx: Tx, cipher: Cipher, caller: Caller, record_id: UUID, reason: str, evidence: str) -> Record:
    """Make a record count for nothing.

    Raises:
        NotFound, Forbidden: as for `correct`.
        Refusal: ``record-void``, ``own-record``.
    """
    record = await _locked(tx, caller, record_id, staff_only=True)
    actor, now = await _actor(tx, caller, record), await tx.now()
    return await _with_evidence(tx, cipher, domain.void(record, actor, reason), evidence, now)


async def keep_evidence(tx: Tx, cipher: Cipher, revisions: Sequence[Revision], evidence: str) -> None:
    """Keep what these revisions rest on, sealed for each volunteer apart."""
    rows = [(each, *cipher.seal_text(each.record.volunteer_id, evidence)) for each in revisions]
    await store.keep_evidence(tx, rows)


async def read_evidence(tx: Tx, cipher: Cipher, caller: Caller, record_id: UUID, purpose: str) -> list[Evidence]:
    """What a record's revisions rest on; the reading itself is written down.

    Raises:
        NotFound: no such record, or not the caller's to see.
        Forbidden: the caller is not staff of the site.
    """
    record = _permitted(caller, record_id, await records.find_record(tx, record_id), staff_only=True)
    found = await store.find_evidence(tx, record.record_id)
    if found:
        role = "operator" if caller.has(Role.OPERATOR) else "station"
        await vault.record_read(
            tx, new_id(), found[0].person_id, caller.subject, role, ["evidence"], purpose, await tx.now()
        )
    return [
        Evidence(each.revision, cipher.open_text(each.volunteer_id, each.wrapped_key, each.sealed)) for each in found
    ]


async def _with_evidence(tx: Tx, cipher: Cipher, decided: Revision | Refused, evidence: str, now: datetime) -> Record:
    revision = unwrap(decided)
    record = await attendance.commit(tx, revision, now)
    await keep_evidence(tx, cipher, [revision], evidence)
    return record


async def _locked(tx: Tx, caller: Caller, record_id: UUID, *, staff_only: bool) -> Record:
    record = _permitted(caller, record_id, await records.find_record(tx, record_id), staff_only=staff_only)
    await records.lock_volunteer(tx, record.volunteer_id)
    # Read again: what was read before the lock may have changed while waiting for it.
    return _permitted(caller, record_id, await records.find_record(tx, record_id), staff_only=staff_only)


def _permitted(caller: Caller, record_id: UUID, found: Record | None, *, staff_only: bool) -> Record:
    record = attendance.visible(caller, record_id, found)
    if staff_only and not is_staff_of(caller, record.site_id):
        raise Forbidden("staff-only", "Only staff of the record's site can do this.")
    return record


async def _actor(tx: Tx, caller: Caller, record: Record) -> Actor:
    if not is_staff_of(caller, record.site_id):
        return Actor(actor_id(caller), caller.volunteer_id, ApprovalLevel.LEADER)
    level = ApprovalLevel.CENTRE if caller.has(Role.OPERATOR) else ApprovalLevel.SITE
    return Actor(actor_id(caller), caller.volunteer_id, level, await store.home_site(tx, caller.subject))
