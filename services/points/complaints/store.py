"""Complaints between rows and domain."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.points.complaints.domain import Complaint
from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


async def keep_others_out(tx: Tx) -> None:
    """Keep transactions from deciding by complaints until the end of this one."""
    await tx.execute(_SQL["keep_others_out"])


async def record_known(tx: Tx, record_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["record_known"], record_id))


async def sites_about(tx: Tx, activity_id: UUID | None, record_id: UUID | None) -> set[UUID | None]:
    """Where the records of an activity, or the one record, lie; None is among them if some lie at no site."""
    return {row[0] for row in await tx.fetch(_SQL["sites_about"], activity_id, record_id)}


async def insert(tx: Tx, made: Complaint) -> None:
    await tx.execute(
        _SQL["insert"],
        made.complaint_id,
        made.activity_id,
        made.record_id,
        made.reason,
        made.recorded_by,
        made.recorded_at,
    )


async def find(tx: Tx, complaint_id: UUID) -> Complaint | None:
    row = await tx.fetchrow(_SQL["find"], complaint_id)
    return None if row is None else Complaint(*row)


async def newest(tx: Tx, *, before: UUID | None, limit: int, site_ids: Collection[UUID] | None) -> list[Complaint]:
    """A page, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    return [Complaint(*row) for row in await tx.fetch(_SQL["newest"], before, limit, bounds)]


async def withdraw(tx: Tx, complaint_id: UUID, by: UUID, at: datetime, reason: str) -> bool:
    """False if it was withdrawn already."""
    return await tx.fetchval(_SQL["withdraw"], complaint_id, by, at, reason) is not None
