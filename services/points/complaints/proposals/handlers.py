"""Use cases of proposed complaints: keep what a rating said, and record or dismiss it."""

from uuid import UUID

from services.points.complaints import handlers as complaints
from services.points.complaints.proposals import store
from services.points.complaints.proposals.store import ProposedComplaint
from services.points.ingest.handlers import Policy
from shared.auth.tokens import Caller
from shared.contracts import OrderChanged
from shared.errors import Conflict, NotFound
from shared.postgres import Tx

__all__ = ["decide", "keep"]


async def keep(tx: Tx, event_id: UUID, step: OrderChanged) -> None:
    """Keep the complaint of a rating as a proposal; any other step is none."""
    if step.act == "rate" and step.complaint and step.activity_id is not None and step.stars is not None:
        await store.propose(tx, event_id, step.order_id, step.activity_id, step.site_id, step.stars, step.changed_at)


async def decide(
    tx: Tx, caller: Caller, policy: Policy, proposal_id: UUID, *, record: bool, reason: str
) -> ProposedComplaint:
    """Record the proposal as a complaint about all records of its activity, or dismiss it.

    Raises:
        NotFound: ``complaint-proposal-unknown``: there is none, or it lies at other sites than the caller's.
        Conflict: ``complaint-proposal-decided``.
        Forbidden: as for a complaint.
    """
    await store.lock_proposal(tx, proposal_id)
    found = await store.find_proposal(tx, proposal_id)
    if found is None or not caller.may_site(found.site_id):
        raise NotFound("complaint-proposal-unknown", "There is no such complaint of a resident at your sites.")
    if found.state != "open":
        raise Conflict("complaint-proposal-decided", f"This complaint of a resident is {found.state} already.")
    complaint_id = None
    if record:
        made = await complaints.complain(
            tx, caller, policy, activity_id=found.activity_id, record_id=None, reason=reason
        )
        complaint_id = made.complaint_id
    state = "recorded" if record else "dismissed"
    await store.decide(tx, proposal_id, state, complaint_id, caller.subject, await tx.now(), reason)
    decided = await store.find_proposal(tx, proposal_id)
    assert decided is not None
    return decided
