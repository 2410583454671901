"""Referrals between rows and domain."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from services.points.referrals.domain import RecordedReferral
from shared.postgres import Tx, load_queries

_SQL = load_queries(__file__)


async def has_served(tx: Tx, volunteer_id: UUID) -> bool:
    """Whether a service of this volunteer is confirmed."""
    return bool(await tx.fetchval(_SQL["has_served"], volunteer_id))


async def account_known(tx: Tx, volunteer_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["account_known"], volunteer_id))


async def lock_recorder(tx: Tx, account_id: UUID) -> None:
    """Queue behind the account's other referrals, after the volunteers' locks."""
    await tx.execute(_SQL["lock_recorder"], account_id)


async def count_recorded(tx: Tx, account_id: UUID, day: date) -> int:
    """How many referrals the account recorded on a day."""
    found: int = await tx.fetchval(_SQL["count_recorded"], account_id, day)
    return found


async def insert(tx: Tx, made: RecordedReferral) -> bool:
    """False if this person has a referrer already."""
    return (
        await tx.fetchval(
            _SQL["insert"],
            made.referral_id,
            made.referrer_id,
            made.referred_id,
            made.day,
            made.recorded_by,
            made.recorded_at,
        )
        is not None
    )


async def find(tx: Tx, referral_id: UUID) -> RecordedReferral | None:
    row = await tx.fetchrow(_SQL["find"], referral_id)
    return None if row is None else RecordedReferral(*row)


async def newest(
    tx: Tx, *, before: UUID | None, limit: int, referrer_id: UUID | None, site_ids: Collection[UUID] | None
) -> list[RecordedReferral]:
    """A page, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    return [RecordedReferral(*row) for row in await tx.fetch(_SQL["newest"], before, limit, referrer_id, bounds)]


async def withdraw(tx: Tx, referral_id: UUID, by: UUID, at: datetime, reason: str) -> bool:
    """False if it was withdrawn already."""
    return await tx.fetchval(_SQL["withdraw"], referral_id, by, at, reason) is not None
