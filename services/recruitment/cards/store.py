"""Rows of cards."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.recruitment.cards.domain import Card
from shared.postgres import Tx, load_queries

__all__ = ["add_cards", "find_cards", "find_holder", "revoke_card"]

_SQL = load_queries(__file__)


async def find_cards(tx: Tx, volunteer_ids: Sequence[UUID]) -> dict[UUID, Card]:
    """The cards in force of these volunteers."""
    return {row["volunteer_id"]: Card(**dict(row)) for row in await tx.fetch(_SQL["find_cards"], list(volunteer_ids))}


async def find_holder(tx: Tx, code: str) -> str | None:
    """The number of the volunteer whose card in force has this code."""
    number: str | None = await tx.fetchval(_SQL["find_holder"], code)
    return number


async def add_cards(tx: Tx, cards: Sequence[tuple[UUID, UUID, str]], by: UUID, at: datetime) -> None:
    """Write new cards as (card, volunteer, code); the volunteers are locked and have none in force."""
    ids, volunteers, codes = zip(*cards, strict=True)
    await tx.execute(_SQL["add_cards"], list(ids), list(volunteers), list(codes), at, by)


async def revoke_card(tx: Tx, volunteer_id: UUID, at: datetime) -> None:
    """End the card in force of a volunteer, if there is one."""
    await tx.execute(_SQL["revoke_card"], volunteer_id, at)
