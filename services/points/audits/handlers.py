"""Asking for an audit."""

from uuid import UUID

from services.points.audits import store
from services.points.invariants import store as invariants
from shared.errors import Conflict
from shared.postgres import Tx

__all__ = ["request_audit"]


async def request_audit(tx: Tx, run_id: UUID, requested_by: UUID, reason: str) -> None:
    """Ask for a run.

    Raises:
        Conflict: another one waits or goes on.
    """
    if not await store.insert(tx, run_id, requested_by, reason, len(invariants.CHECKS)):
        raise Conflict("audit-under-way", "An audit is under way. Wait until it has ended; its report is kept.")
