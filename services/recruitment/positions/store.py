"""Rows of positions."""

from dataclasses import dataclass
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["SitePosition", "find_position", "save_position"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class SitePosition:
    """Degrees of latitude and longitude (WGS 84), as a phone measures them."""

    latitude: float
    longitude: float


async def find_position(tx: Tx, site_id: UUID) -> SitePosition | None:
    """The position of a site, or none."""
    row = await tx.fetchrow(_SQL["find_position"], site_id)
    return None if row is None else SitePosition(row["latitude"], row["longitude"])


async def save_position(tx: Tx, site_id: UUID, position: SitePosition | None) -> None:
    """Write the position of a site, or delete it."""
    await tx.execute(_SQL["clear_position"], site_id)
    if position is not None:
        await tx.execute(_SQL["add_position"], site_id, position.latitude, position.longitude)
