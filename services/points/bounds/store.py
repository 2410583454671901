"""Bounds between rows and handlers."""

from collections.abc import Collection
from uuid import UUID

from shared.postgres import Tx, load_queries

SQL = load_queries(__file__)


async def was_at(tx: Tx, volunteer_id: UUID, site_ids: Collection[UUID]) -> bool:
    """Whether the volunteer has a service record or a redemption at one of the sites."""
    return bool(await tx.fetchval(SQL["was_at"], volunteer_id, list(site_ids)))
