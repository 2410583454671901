"""Use cases of voiding an activity: see what it would change, and do it as it was seen."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.activities import store as activities
from services.recruitment.activities.guards import is_staff_of, unwrap
from services.recruitment.approvals import events
from services.recruitment.approvals.events import Note
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import Provenance, RecordStatus, ServiceRecord
from services.recruitment.corrections import domain, store
from services.recruitment.corrections.handlers import actor_on, keep_evidence
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.errors import Conflict, Forbidden, NotFound
from shared.postgres import Tx

__all__ = ["VoidPreview", "preview", "void_activity"]

MOST_RECORDS = 10_000
"""Records of one activity that are voided in one transaction: a day of the whole district has some thousands."""


@dataclass(frozen=True, slots=True)
class VoidPreview:
    """The change that voiding all records of an activity brings; ``digest`` names the records and their revisions."""

    records: int
    people: int
    confirmed_minutes: int
    honour_minutes: int
    waiting: int
    digest: str


async def preview(tx: Tx, caller: Caller, activity_id: UUID) -> VoidPreview:
    """Preview the change that voiding the activity's records brings by now.

    Raises:
        NotFound: there is no such activity.
        Forbidden: the caller is not staff of its site.
    """
    await _require_staff(tx, caller, activity_id)
    return _seen(await _standing(tx, activity_id))


async def void_activity(
    tx: Tx, cipher: Cipher, caller: Caller, activity_id: UUID, digest: str, reason: str, evidence: str
) -> VoidPreview:
    """Void all records of an activity, if they are still those that the caller decided on; returns what was voided.

    Raises:
        NotFound, Forbidden: as for `preview`.
        Conflict: ``preview-changed`` with the present digest; ``nothing-to-void``; ``too-many-records``.
        Refusal: ``own-record``.
    """
    await _require_staff(tx, caller, activity_id)
    people = {record.volunteer_id for record in await _standing(tx, activity_id)}
    await records.lock_volunteers(tx, sorted(people))
    standing = await _standing(tx, activity_id)
    seen = _seen(standing)
    if seen.digest != digest:
        raise Conflict(
            "preview-changed", "The activity's records changed since they were shown; look again.", digest=seen.digest
        )
    if not standing:
        raise Conflict("nothing-to-void", "This activity has no records that count.")
    if len(standing) > MOST_RECORDS:
        raise Conflict("too-many-records", f"At most {MOST_RECORDS} records are voided at once; void them one by one.")
    now = await tx.now()
    revisions = [unwrap(domain.void(each, await actor_on(tx, caller, each), reason)) for each in standing]
    await attendance.commit_all(tx, revisions, now)
    await keep_evidence(tx, cipher, [(revision, evidence) for revision in revisions])
    by = revisions[0].made_by
    assert by is not None
    await records.withdraw_approvals(tx, [each.record_id for each in standing], by, now)
    await events.publish(tx, [Note(revision.record, "voided", by=by) for revision in revisions], now)
    return seen


async def _require_staff(tx: Tx, caller: Caller, activity_id: UUID) -> None:
    found = await activities.find_activity(tx, activity_id)
    if found is None:
        raise NotFound("activity-unknown", f"There is no activity {activity_id}.")
    if not is_staff_of(caller, found.site_id):
        raise Forbidden("staff-only", "Only staff of the activity's site can do this.")


async def _standing(tx: Tx, activity_id: UUID) -> list[ServiceRecord]:
    ids = await store.records_of_activity(tx, activity_id)
    found = await records.find_records(tx, ids)
    return [found[each] for each in ids if found[each].status is not RecordStatus.VOID]


def _seen(standing: Sequence[ServiceRecord]) -> VoidPreview:
    confirmed = [record for record in standing if record.status is RecordStatus.CONFIRMED]
    honour = sum(record.minutes for record in confirmed if record.provenance is Provenance.BACKFILLED)
    named = "\n".join(sorted(f"{record.record_id} {record.revision}" for record in standing))
    return VoidPreview(
        records=len(standing),
        people=len({record.volunteer_id for record in standing}),
        confirmed_minutes=sum(record.minutes for record in confirmed),
        honour_minutes=honour,
        waiting=len(standing) - len(confirmed),
        digest=hashlib.sha256(named.encode()).hexdigest(),
    )
