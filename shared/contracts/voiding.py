"""Voids that integrity proposes: which records wait, and what another site decided about them."""

from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.base import Contract, Instant

__all__ = ["VoidsDecided", "VoidsProposed"]


class VoidsProposed(Contract):
    """Records of a confirmed case wait for another site.

    ``staff_ids`` are the accounts of the nearest site that may decide, ``site_id``; other sites may decide as well.
    """

    topic: ClassVar[str] = "proposals"
    type: ClassVar[str] = "volunteering.proposals.voids-proposed.v1"
    key: ClassVar[str] = "case_id"
    aggregate: ClassVar[str] = "case_id"

    case_id: UUID
    record_ids: tuple[UUID, ...]
    site_id: UUID | None = None
    staff_ids: tuple[UUID, ...] = ()
    settled_by: UUID
    proposed_at: Instant


class VoidsDecided(Contract):
    """Another site decided on records of a confirmed case: ``voided`` or ``kept`` them; or none did in time."""

    topic: ClassVar[str] = "proposals"
    type: ClassVar[str] = "volunteering.proposals.voids-decided.v1"
    key: ClassVar[str] = "case_id"
    aggregate: ClassVar[str] = "case_id"

    case_id: UUID
    record_ids: tuple[UUID, ...]
    outcome: Literal["voided", "kept", "lapsed"]
    decided_by: UUID | None = None
    site_id: UUID | None = None
    settled_by: UUID | None = None
    decided_at: Instant
