"""Rows of looks, and of the terms that allow them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.orders.details.domain import Assignment
from shared.postgres import Tx, load_queries

__all__ = ["OrderLook", "find_of_activity", "find_of_shift", "insert_look", "is_signed_up", "list_looks", "terms_of"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class OrderLook:
    """One look: by staff of which site (none: the centre) or people of which team, and when."""

    look_id: UUID
    reader_kind: str
    site_name: str | None
    team_name: str | None
    looked_at: datetime


async def terms_of(tx: Tx, order_id: UUID, volunteer_id: UUID) -> list[tuple[Assignment, bool]]:
    """The terms of an order that a volunteer serves in, the latest first, each with whether they lead the team."""
    rows = await tx.fetch(_SQL["terms_of"], order_id, volunteer_id)
    return [
        (
            Assignment(row["team_id"], row["shift_id"], row["starts_at"], row["ends_at"], row["ended_at"]),
            row["leads"],
        )
        for row in rows
    ]


async def insert_look(
    tx: Tx,
    look_id: UUID,
    order_id: UUID,
    reader_id: UUID,
    kind: str,
    site_id: UUID | None,
    team_id: UUID | None,
    at: datetime,
) -> None:
    """Write down a look."""
    await tx.execute(_SQL["insert_look"], look_id, order_id, reader_id, kind, site_id, team_id, at)


async def list_looks(tx: Tx, order_id: UUID) -> list[OrderLook]:
    """The looks of an order, newest first."""
    return [OrderLook(**dict(row)) for row in await tx.fetch(_SQL["list_looks"], order_id)]


async def is_signed_up(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> bool:
    """Whether a volunteer holds a place in a shift."""
    return bool(await tx.fetchval(_SQL["is_signed_up"], shift_id, volunteer_id))


async def find_of_activity(tx: Tx, activity_id: UUID) -> UUID | None:
    """The order that an activity was planned for, or none."""
    found: UUID | None = await tx.fetchval(_SQL["find_of_activity"], activity_id)
    return found


async def find_of_shift(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> tuple[UUID, str] | None:
    """(order, number) that a shift was planned for, to a volunteer who serves in it; none to others."""
    row = await tx.fetchrow(_SQL["find_of_shift"], shift_id, volunteer_id)
    return None if row is None else (row["order_id"], row["number"])
