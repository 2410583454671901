"""Rows of proposed complaints."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["ProposedComplaint", "decide", "find_proposal", "list_proposals", "lock_proposal", "propose"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ProposedComplaint:
    """A resident's complaint about the service of one activity, as the rating of an order holds it.

    ``withdrawn_at`` is set once the complaint that it was recorded as was withdrawn.
    """

    proposal_id: UUID
    order_id: UUID | None
    activity_id: UUID
    site_id: UUID
    stars: int
    proposed_at: datetime
    state: str
    complaint_id: UUID | None
    reason: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    withdrawn_at: datetime | None


async def propose(
    tx: Tx, proposal_id: UUID, order_id: UUID, activity_id: UUID, site_id: UUID, stars: int, at: datetime
) -> None:
    """Write a proposal, once."""
    await tx.execute(_SQL["propose"], proposal_id, order_id, activity_id, site_id, stars, at)


async def list_proposals(
    tx: Tx, site_ids: Collection[UUID] | None, before: UUID | None, limit: int, *, waiting: bool
) -> list[ProposedComplaint]:
    """A page of what waits for a person, or was decided, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    rows = await tx.fetch(_SQL["list_proposals"], waiting, bounds, before, limit)
    return [ProposedComplaint(**dict(row)) for row in rows]


async def lock_proposal(tx: Tx, proposal_id: UUID) -> None:
    """Lock a proposal; it is read in a later statement."""
    await tx.fetchval(_SQL["lock_proposal"], proposal_id)


async def find_proposal(tx: Tx, proposal_id: UUID) -> ProposedComplaint | None:
    """One proposal, or none."""
    row = await tx.fetchrow(_SQL["find_proposal"], proposal_id)
    return None if row is None else ProposedComplaint(**dict(row))


async def decide(
    tx: Tx, proposal_id: UUID, state: str, complaint_id: UUID | None, by: UUID, at: datetime, reason: str
) -> None:
    """Write what was decided, and why."""
    await tx.execute(_SQL["decide"], proposal_id, state, complaint_id, by, at, reason)
