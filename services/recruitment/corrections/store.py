"""Rows of evidence, and where staff belong."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.attendance.domain import ServiceRevision
from shared.postgres import Tx, load_queries

__all__ = ["SealedEvidence", "approved_overtime", "find_evidence", "home_site", "keep_evidence", "records_of_activity"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class SealedEvidence:
    """The evidence for one revision, unreadable without the vault's key."""

    revision: int
    volunteer_id: UUID
    wrapped_key: bytes
    sealed: bytes
    person_id: UUID


async def home_site(tx: Tx, staff_id: UUID) -> UUID | None:
    """The site of a member of staff; None for the centre and for people who are not staff."""
    site_id: UUID | None = await tx.fetchval(_SQL["home_site"], staff_id)
    return site_id


async def approved_overtime(tx: Tx, volunteer_id: UUID, shift_id: UUID | None) -> int:
    """Minutes of overtime of a volunteer's shift, approved or waiting; the volunteer is locked."""
    minutes: int = await tx.fetchval(_SQL["approved_overtime"], volunteer_id, shift_id)
    return minutes


async def keep_evidence(tx: Tx, revisions: Sequence[tuple[ServiceRevision, bytes, bytes]]) -> None:
    """Keep (revision, wrapped key, sealed evidence) rows."""
    await tx.execute(
        _SQL["keep_evidence"],
        [each.record.record_id for each, _, _ in revisions],
        [each.record.revision for each, _, _ in revisions],
        [each.record.volunteer_id for each, _, _ in revisions],
        [wrapped for _, wrapped, _ in revisions],
        [sealed for _, _, sealed in revisions],
    )


async def find_evidence(tx: Tx, record_id: UUID) -> list[SealedEvidence]:
    """The evidence of a record's revisions, oldest first."""
    return [SealedEvidence(**dict(row)) for row in await tx.fetch(_SQL["find_evidence"], record_id)]


async def records_of_activity(tx: Tx, activity_id: UUID) -> list[UUID]:
    """The records of an activity that are not void, by id."""
    return [row["record_id"] for row in await tx.fetch(_SQL["records_of_activity"], activity_id)]
