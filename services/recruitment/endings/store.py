"""Rows that end with a shift."""

from collections.abc import Sequence
from uuid import UUID

from services.recruitment.attendance.domain import RecordStatus
from services.recruitment.endings.domain import EndingRecord
from shared.postgres import Tx, load_queries

__all__ = ["absent", "entries", "people", "records"]

_SQL = load_queries(__file__)


async def absent(tx: Tx, shift_ids: Sequence[UUID]) -> list[UUID]:
    """Sign-ups of the shifts whose volunteers have not come, by id."""
    return [row["signup_id"] for row in await tx.fetch(_SQL["absent"], list(shift_ids))]


async def entries(tx: Tx, shift_ids: Sequence[UUID]) -> list[UUID]:
    """Places in the waitlists of the shifts, by id."""
    return [row["entry_id"] for row in await tx.fetch(_SQL["entries"], list(shift_ids))]


async def records(tx: Tx, shift_ids: Sequence[UUID]) -> list[EndingRecord]:
    """Records of the shifts that are not void, by id."""
    return [
        EndingRecord(**{**row, "status": RecordStatus(row["status"])})
        for row in await tx.fetch(_SQL["records"], list(shift_ids))
    ]


async def people(tx: Tx, shift_ids: Sequence[UUID]) -> list[UUID]:
    """Volunteers who are signed up for the shifts or have an open record there, by id."""
    return [row["volunteer_id"] for row in await tx.fetch(_SQL["people"], list(shift_ids))]
