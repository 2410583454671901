"""Rows of exports."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.recruitment.exports.domain import SECTIONS
from shared.postgres import Tx, load_queries

__all__ = ["find_person", "list_section"]

_SQL = load_queries(__file__)
_LISTS = {section: _SQL[name] for section, name in zip(SECTIONS, [
    "list_consents", "list_memberships", "list_facts", "list_signups", "list_records", "list_requests", "list_looks",
], strict=True)}  # fmt: skip


async def find_person(tx: Tx, volunteer_id: UUID) -> dict[str, Any] | None:
    """The registration with the id of the person in the vault."""
    row = await tx.fetchrow(_SQL["find_person"], volunteer_id)
    return None if row is None else dict(row)


async def list_section(tx: Tx, volunteer_id: UUID, section: str) -> Sequence[dict[str, Any]]:
    """All rows of one section, oldest first."""
    return [dict(row) for row in await tx.fetch(_LISTS[section], volunteer_id)]
