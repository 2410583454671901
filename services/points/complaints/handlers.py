"""Use cases of complaints: record, withdraw; whatever they change is posted in the same transaction."""

from uuid import UUID

from services.points.complaints import store
from services.points.complaints.domain import Complaint
from services.points.ingest.handlers import Policy, reconsider
from services.points.ledger.handlers import lock
from services.points.records import store as records
from shared.auth.tokens import Caller
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import derived_id, new_id
from shared.postgres import Tx
from shared.telemetry import trace

__all__ = ["complain", "require_sites", "withdraw"]


async def complain(
    tx: Tx, caller: Caller, policy: Policy, *, activity_id: UUID | None, record_id: UUID | None, reason: str
) -> Complaint:
    """Record a complaint; what it does to points is the rule's business.

    Raises:
        NotFound: ``record-unknown``.
        Forbidden: ``site-out-of-bounds``: it is about service at other sites than the caller's.
    """
    await store.keep_others_out(tx)
    if record_id is not None and not await store.record_known(tx, record_id):
        raise NotFound("record-unknown", "points has seen no such record")
    await require_sites(tx, caller, activity_id, record_id)
    made = Complaint(new_id(), activity_id, record_id, reason, caller.subject, await tx.now())
    await store.insert(tx, made)
    await _reconsider(tx, made, "recorded", policy)
    return made


async def withdraw(tx: Tx, caller: Caller, complaint_id: UUID, reason: str, policy: Policy) -> Complaint:
    """It turned out to be none: what it took away comes back.

    Raises:
        NotFound: ``complaint-unknown``.
        Forbidden: ``site-out-of-bounds``, as for `complain`.
        Conflict: ``complaint-withdrawn`` already.
    """
    await store.keep_others_out(tx)
    found = await store.find(tx, complaint_id)
    if found is None:
        raise NotFound("complaint-unknown", "there is no such complaint")
    await require_sites(tx, caller, found.activity_id, found.record_id)
    if not await store.withdraw(tx, complaint_id, caller.subject, await tx.now(), reason):
        raise Conflict("complaint-withdrawn", "the complaint was withdrawn before")
    found = await store.find(tx, complaint_id)
    assert found is not None
    await _reconsider(tx, found, "withdrawn", policy)
    return found


async def require_sites(tx: Tx, caller: Caller, activity_id: UUID | None, record_id: UUID | None) -> None:
    """Require that the service of an activity or a record lies at the caller's sites.

    Raises:
        Forbidden: ``site-out-of-bounds``.
    """
    if caller.site_ids is None or caller.may_sites(await store.sites_about(tx, activity_id, record_id)):
        return
    detail = "You may record complaints about service at your own sites, once points has seen it; the centre about any."
    raise Forbidden("site-out-of-bounds", detail)


async def _reconsider(tx: Tx, complaint: Complaint, what: str, policy: Policy) -> None:
    """Work out anew every bucket that holds a record that the complaint is about."""
    volunteer_ids = await records.volunteers_about(tx, complaint.activity_id, complaint.record_id)
    await lock(tx, volunteer_ids, frozenset(volunteer_ids))
    event_id = derived_id("complaint", complaint.complaint_id, what)
    current = trace.current()
    correlation = str(event_id) if current is None else current.correlation_id
    parent = None if current is None else trace.traceparent()
    changed = [
        revision._replace(event_id=event_id, correlation_id=correlation, traceparent=parent)
        for revision in await records.records_about(tx, complaint.activity_id, complaint.record_id)
    ]
    await reconsider(tx, changed, policy)
