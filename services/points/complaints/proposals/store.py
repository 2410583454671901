"""Rows of proposed complaints."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["ProposedComplaint", "decide", "find_proposal", "list_open", "lock_proposal", "propose"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ProposedComplaint:
    """A resident's complaint about the service of one activity, as the rating of an order holds it."""

    proposal_id: UUID
    activity_id: UUID
    site_id: UUID
    stars: int
    proposed_at: datetime
    state: str
    complaint_id: UUID | None


async def propose(tx: Tx, proposal_id: UUID, activity_id: UUID, site_id: UUID, stars: int, at: datetime) -> None:
    """Write a proposal, once."""
    await tx.execute(_SQL["propose"], proposal_id, activity_id, site_id, stars, at)


async def list_open(
    tx: Tx, site_ids: Collection[UUID] | None, before: UUID | None, limit: int
) -> list[ProposedComplaint]:
    """A page of what waits for a person, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    return [ProposedComplaint(**dict(row)) for row in await tx.fetch(_SQL["list_open"], bounds, before, limit)]


async def lock_proposal(tx: Tx, proposal_id: UUID) -> None:
    """Lock a proposal; it is read in a later statement."""
    await tx.fetchval(_SQL["lock_proposal"], proposal_id)


async def find_proposal(tx: Tx, proposal_id: UUID) -> ProposedComplaint | None:
    """One proposal, or none."""
    row = await tx.fetchrow(_SQL["find_proposal"], proposal_id)
    return None if row is None else ProposedComplaint(**dict(row))


async def decide(tx: Tx, proposal_id: UUID, state: str, complaint_id: UUID | None, by: UUID, at: datetime) -> None:
    """Write what was decided."""
    await tx.execute(_SQL["decide"], proposal_id, state, complaint_id, by, at)
