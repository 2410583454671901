"""Rows of consents."""

from collections.abc import Sequence
from uuid import UUID

from services.recruitment.consents.domain import Consent
from shared.postgres import Tx, load_queries

__all__ = ["add_consents", "latest", "person_of"]

_SQL = load_queries(__file__)


async def add_consents(tx: Tx, volunteer_ids: Sequence[UUID], consent: Consent) -> None:
    """Keep the consent of volunteers; one that was given before stays as it was."""
    await tx.execute(_SQL["add_consents"], list(volunteer_ids), consent.version, consent.accepted_at, consent.guardian)


async def latest(tx: Tx, volunteer_id: UUID) -> Consent | None:
    """The highest version that a volunteer accepted, or none."""
    row = await tx.fetchrow(_SQL["latest"], volunteer_id)
    return None if row is None else Consent(**dict(row))


async def person_of(tx: Tx, volunteer_id: UUID) -> UUID | None:
    """The person that a volunteer is, or none."""
    found: UUID | None = await tx.fetchval(_SQL["person_of"], volunteer_id)
    return found
