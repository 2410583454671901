"""Use case of suspicions: propose the voids that a confirmed case asks for."""

from collections.abc import Collection
from uuid import UUID

from services.recruitment.approvals import handlers as approvals
from services.recruitment.approvals import store as waiting
from services.recruitment.approvals import voids
from services.recruitment.approvals.domain import Reason
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.suspicions import domain, store
from shared.postgres import Tx

__all__ = ["propose_voids"]


async def propose_voids(tx: Tx, case_id: UUID, record_ids: Collection[UUID], settled_by: UUID) -> int:
    """Let a confirmed case's records wait for another site, which voids or confirms them; returns how many wait.

    A record waits once for a case: the same case again changes nothing, whatever was decided meanwhile. The account
    that settled the case does not decide; the staff of the nearest other site are notified.
    """
    await records.lock_volunteers(tx, await store.volunteers(tx, record_ids))
    fresh = await store.remember(tx, case_id, record_ids, settled_by)
    found = await records.find_records(tx, fresh)
    revisions = [revision for record in found.values() if (revision := domain.suspect(record, case_id)) is not None]
    if not revisions:
        return 0
    now = await tx.now()
    for revision in revisions:
        await waiting.withdraw_overtime(tx, revision.record.record_id, settled_by, now)
    await attendance.commit_all(tx, revisions, now)
    reasons = {revision.record.record_id: [Reason.SUSPECTED] for revision in revisions}
    await approvals.wait(tx, reasons, now)
    await store.keep_from_deciding(tx, settled_by, reasons)
    await voids.proposed(tx, case_id, reasons, settled_by, now)
    return len(revisions)
