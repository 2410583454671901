"""Rows of lists of orders."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.recruitment.orders.matching.domain import TeamMeasure
from services.recruitment.orders.store import FoundOrder, found_of
from services.recruitment.orders.terms.domain import Desk, OrderState
from shared.postgres import Tx, load_queries

__all__ = ["list_ended", "list_mine", "list_offers", "list_open", "measure_teams", "parents"]

_SQL = load_queries(__file__)
Place = tuple[datetime, UUID]
"""Where a page ended."""


async def list_open(
    tx: Tx,
    *,
    site_ids: Collection[UUID] | None,
    state: OrderState | None,
    late_at: datetime | None,
    desk: Desk | None,
    after: Place | None,
    limit: int,
) -> list[FoundOrder]:
    """A page of open orders at these sites (None: all), due first; ``late_at`` keeps those that were due by then."""
    sites = None if site_ids is None else sorted(site_ids)
    rows = await tx.fetch(_SQL["list_open"], sites, state, late_at, desk, *(after or (None, None)), limit)
    return [found_of(row) for row in rows]


async def list_ended(
    tx: Tx, *, site_ids: Collection[UUID] | None, state: OrderState, before: Place | None, limit: int
) -> list[FoundOrder]:
    """A page of orders that ended in a state, the latest first."""
    sites = None if site_ids is None else sorted(site_ids)
    rows = await tx.fetch(_SQL["list_ended"], sites, state, *(before or (None, None)), limit)
    return [found_of(row) for row in rows]


async def list_mine(tx: Tx, resident_id: UUID, before: UUID | None, limit: int) -> list[FoundOrder]:
    """A page of what a resident ordered or is served by, newest first."""
    return [found_of(row) for row in await tx.fetch(_SQL["list_mine"], resident_id, before, limit)]


async def list_offers(tx: Tx, team_ids: Collection[UUID], after: Place | None, limit: int) -> list[FoundOrder]:
    """A page of what teams have or may take, due first."""
    rows = await tx.fetch(_SQL["list_offers"], sorted(team_ids), *(after or (None, None)), limit)
    return [found_of(row) for row in rows]


async def measure_teams(
    tx: Tx, need_tag_id: UUID, order_id: UUID, site_id: UUID, team_ids: Collection[UUID] | None, now: datetime
) -> list[TeamMeasure]:
    """Teams that serve a need, all or those named, as an order of a site sees them."""
    named = None if team_ids is None else sorted(team_ids)
    rows = await tx.fetch(_SQL["measure_teams"], need_tag_id, order_id, site_id, named, now)
    return [TeamMeasure(**dict(row)) for row in rows]


async def parents(tx: Tx) -> dict[UUID, UUID | None]:
    """Site → the site above it."""
    return {row["site_id"]: row["parent_id"] for row in await tx.fetch(_SQL["parents"])}
