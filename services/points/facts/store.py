"""Complaints and referrals between rows and domain."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from services.points.facts.domain import BroughtIn, Complaint
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


async def has_served(tx: Tx, volunteer_id: UUID) -> bool:
    """Whether a service of this volunteer is confirmed."""
    return bool(await tx.fetchval(_SQL["has_served"], volunteer_id))


async def account_known(tx: Tx, volunteer_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["account_known"], volunteer_id))


async def insert_complaint(tx: Tx, made: Complaint) -> None:
    await tx.execute(
        _SQL["insert_complaint"],
        made.complaint_id,
        made.activity_id,
        made.record_id,
        made.reason,
        made.recorded_by,
        made.recorded_at,
    )


async def find_complaint(tx: Tx, complaint_id: UUID) -> Complaint | None:
    row = await tx.fetchrow(_SQL["find_complaint"], complaint_id)
    return None if row is None else Complaint(*row)


async def list_complaints(
    tx: Tx, *, before: UUID | None, limit: int, site_ids: Collection[UUID] | None
) -> list[Complaint]:
    """A page, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    return [Complaint(*row) for row in await tx.fetch(_SQL["list_complaints"], before, limit, bounds)]


async def withdraw_complaint(tx: Tx, complaint_id: UUID, by: UUID, at: datetime, reason: str) -> bool:
    """False if it was withdrawn already."""
    return await tx.fetchval(_SQL["withdraw_complaint"], complaint_id, by, at, reason) is not None


async def lock_recorder(tx: Tx, account_id: UUID) -> None:
    """Queue behind the account's other referrals, after the volunteers' locks."""
    await tx.execute(_SQL["lock_recorder"], account_id)


async def count_recorded(tx: Tx, account_id: UUID, day: date) -> int:
    """How many referrals the account recorded on a day."""
    found: int = await tx.fetchval(_SQL["count_recorded"], account_id, day)
    return found


async def insert_referral(tx: Tx, made: BroughtIn) -> bool:
    """False if this person has a referrer already."""
    return (
        await tx.fetchval(
            _SQL["insert_referral"],
            made.referral_id,
            made.referrer_id,
            made.referred_id,
            made.day,
            made.recorded_by,
            made.recorded_at,
        )
        is not None
    )


async def find_referral(tx: Tx, referral_id: UUID) -> BroughtIn | None:
    row = await tx.fetchrow(_SQL["find_referral"], referral_id)
    return None if row is None else BroughtIn(*row)


async def list_referrals(
    tx: Tx, *, before: UUID | None, limit: int, referrer_id: UUID | None, site_ids: Collection[UUID] | None
) -> list[BroughtIn]:
    """A page, newest first; ``site_ids`` None is everywhere."""
    bounds = None if site_ids is None else sorted(site_ids)
    return [BroughtIn(*row) for row in await tx.fetch(_SQL["list_referrals"], before, limit, referrer_id, bounds)]


async def withdraw_referral(tx: Tx, referral_id: UUID, by: UUID, at: datetime, reason: str) -> bool:
    """False if it was withdrawn already."""
    return await tx.fetchval(_SQL["withdraw_referral"], referral_id, by, at, reason) is not None
