"""Rows of accounts, statements and totals, for reading only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.points.accounts.domain import (
    AdjustmentSeen,
    AwardedBucket,
    BadgeHeld,
    BucketVersion,
    CaseSeen,
    LotSeen,
    PastFigures,
    RecordSeen,
    RewardSeen,
    StatementTransfer,
    Totals,
    VolunteerAccount,
)
from shared.postgres import Tx, load_queries

SQL = load_queries(__file__)


async def find_account(tx: Tx, volunteer_id: UUID) -> VolunteerAccount | None:
    """Balances and lifetime figures, or none before the first event."""
    row = await tx.fetchrow(SQL["find_account"], volunteer_id)
    return None if row is None else VolunteerAccount(**dict(row))


async def list_badges(tx: Tx, volunteer_id: UUID) -> list[BadgeHeld]:
    """Badges held now, oldest first."""
    return [BadgeHeld(**dict(row)) for row in await tx.fetch(SQL["list_badges"], volunteer_id)]


async def list_transfers(tx: Tx, volunteer_id: UUID, *, before: int | None, limit: int) -> list[StatementTransfer]:
    """A page of transfers, newest first."""
    return [
        StatementTransfer(**dict(row)) for row in await tx.fetch(SQL["list_transfers"], volunteer_id, before, limit)
    ]


async def horizon(tx: Tx) -> datetime:
    """Business time below which nothing can still commit; read it in a transaction before that of the figures."""
    found: datetime = await tx.fetchval(SQL["horizon"])
    return found


async def figures_at(tx: Tx, volunteer_id: UUID, at: datetime) -> PastFigures:
    """Balances as of a moment."""
    row = await tx.fetchrow(SQL["figures_at"], volunteer_id, at)
    assert row is not None
    return PastFigures(**dict(row))


async def list_lots(tx: Tx, volunteer_id: UUID, *, before: tuple[str, date] | None, limit: int) -> list[LotSeen]:
    """A page of lots with what moved in them."""
    rows = await tx.fetch(SQL["list_lots"], volunteer_id, *(before or (None, None)), limit)
    return [LotSeen(**{**dict(row), "movements": _document(row["movements"])}) for row in rows]


async def movements(tx: Tx, volunteer_id: UUID) -> dict[str, int]:
    """Signed changes of what may be spent, by code, since the account was opened."""
    return {row["code"]: row["change"] for row in await tx.fetch(SQL["movements"], volunteer_id)}


async def standing_buckets(tx: Tx, volunteer_id: UUID, buckets: Sequence[str]) -> list[BucketVersion]:
    """Buckets as they stand."""
    return [_bucket(row) for row in await tx.fetch(SQL["standing_buckets"], volunteer_id, list(buckets))]


async def adjustments_seen(tx: Tx, volunteer_id: UUID, ids: Sequence[UUID]) -> list[AdjustmentSeen]:
    """The approved ones of these."""
    if not ids:
        return []
    rows = await tx.fetch(SQL["adjustments_seen"], volunteer_id, list(ids))
    return [AdjustmentSeen(**dict(row)) for row in rows]


async def bucket_versions(tx: Tx, volunteer_id: UUID, wanted: Sequence[AwardedBucket]) -> list[BucketVersion]:
    """Buckets as they stood when transfers were posted."""
    rows = await tx.fetch(
        SQL["bucket_versions"], volunteer_id, [award.bucket for award in wanted], [award.version for award in wanted]
    )
    return [_bucket(row) for row in rows]


async def list_buckets(tx: Tx, volunteer_id: UUID, *, before: str | None, limit: int) -> list[BucketVersion]:
    """A page of buckets as they stand, latest first."""
    return [_bucket(row) for row in await tx.fetch(SQL["list_buckets"], volunteer_id, before, limit)]


async def records_at(tx: Tx, volunteer_id: UUID, wanted: Sequence[tuple[UUID, int]]) -> list[RecordSeen]:
    """Records at revisions, whether these still stand or were replaced since."""
    ids, revisions = [record for record, _ in wanted], [revision for _, revision in wanted]
    current = await tx.fetch(SQL["records_at_revisions"], volunteer_id, ids, revisions)
    replaced = await tx.fetch(SQL["superseded_at_revisions"], volunteer_id, ids, revisions)
    return [_record(dict(row)) for row in current] + [
        _record(_document(row["content"]) | {key: row[key] for key in ("record_id", "revision", "event_id")})
        for row in replaced
    ]


async def standing_records(tx: Tx, volunteer_id: UUID, record_ids: Sequence[UUID]) -> list[RecordSeen]:
    """Records as they stand."""
    if not record_ids:
        return []
    return [_record(dict(row)) for row in await tx.fetch(SQL["standing_records"], volunteer_id, list(record_ids))]


async def cases_seen(tx: Tx, record_ids: Sequence[UUID]) -> dict[UUID, list[CaseSeen]]:
    """The cases about records, oldest first."""
    found: dict[UUID, list[CaseSeen]] = {}
    for row in await tx.fetch(SQL["cases_seen"], list(record_ids)):
        found.setdefault(row[0], []).append(CaseSeen(*tuple(row)[1:]))
    return found


async def rewards_of_holds(tx: Tx, volunteer_id: UUID, hold_ids: Sequence[UUID]) -> list[RewardSeen]:
    """Load the rewards of holds."""
    rows = await tx.fetch(SQL["rewards_of_holds"], volunteer_id, list(hold_ids))
    return [RewardSeen(**dict(row)) for row in rows]


async def ledger_totals(tx: Tx) -> Totals:
    """The district's points, badges and redemptions."""
    row = await tx.fetchrow(SQL["ledger_totals"])
    assert row is not None
    badges = {row["badge"]: row["holders"] for row in await tx.fetch(SQL["badge_totals"])}
    redemptions = {row["status"]: row["redemptions"] for row in await tx.fetch(SQL["redemption_totals"])}
    return Totals(**dict(row), badges=badges, redemptions=redemptions)


def _document(value: Any) -> dict[str, Any]:
    document = json.loads(value) if isinstance(value, str) else value
    assert isinstance(document, dict)
    return document


def _bucket(row: Any) -> BucketVersion:
    return BucketVersion(**{**dict(row), "explanation": _document(row["explanation"])})


def _record(row: dict[str, Any]) -> RecordSeen:
    members: dict[str, Any] = {name: row.get(name) for name in RecordSeen.__slots__}
    return RecordSeen(**members)
