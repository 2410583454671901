"""Reading an account: its figures, its statement with every transfer's reason, and all that was computed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.points.accounts import store
from services.points.accounts.domain import (
    AwardedBucket,
    BucketVersion,
    ExplanationFacts,
    LotSeen,
    PastFigures,
    StatementTransfer,
    VolunteerAccount,
    adjustment_ids,
    explain_bucket,
    explain_transfer,
    first_ids,
    flagged_records,
    record_keys,
)
from services.points.bounds.handlers import require_reader, unknown
from shared.auth.tokens import Caller
from shared.errors import NotFound
from shared.postgres import Database, Tx

EXPORT_ROWS = 500
"""Transfers of a statement that are in memory at a time."""


async def account(tx: Tx, caller: Caller, volunteer_id: UUID) -> VolunteerAccount:
    """The account; before its first event it is all zeros for the volunteer's own eyes.

    Raises:
        NotFound: it does not exist, or is not for this caller to read (`require_reader`).
    """
    await require_reader(tx, caller, volunteer_id)
    found = await store.find_account(tx, volunteer_id)
    if found is not None:
        return found
    if caller.acts_as(volunteer_id):
        return VolunteerAccount(volunteer_id)
    raise unknown()


async def statement(
    tx: Tx, volunteer_id: UUID, *, before: int | None, limit: int
) -> list[tuple[StatementTransfer, dict[str, Any]]]:
    """A page of transfers, newest first, each with its explanation; three more queries however long the page."""
    transfers = await store.list_transfers(tx, volunteer_id, before=before, limit=limit)
    return await _explained(tx, volunteer_id, transfers)


async def transfer(tx: Tx, volunteer_id: UUID, transfer_id: int) -> tuple[StatementTransfer, dict[str, Any]]:
    """One transfer with its explanation.

    Raises:
        NotFound: the account has no such transfer.
    """
    found = await store.list_transfers(tx, volunteer_id, before=transfer_id + 1, limit=1)
    if not found or found[0].transfer_id != transfer_id:
        raise NotFound("transfer-unknown", "This account has no such transfer.")
    return (await _explained(tx, volunteer_id, found))[0]


async def _explained(
    tx: Tx, volunteer_id: UUID, transfers: Sequence[StatementTransfer]
) -> list[tuple[StatementTransfer, dict[str, Any]]]:
    wanted = {
        AwardedBucket(transfer.bucket, transfer.bucket_version)
        for transfer in transfers
        if transfer.bucket is not None and transfer.bucket_version is not None
    }
    found = await store.bucket_versions(
        tx, volunteer_id, sorted(wanted, key=lambda award: (award.bucket, award.version))
    )
    buckets = {AwardedBucket(bucket.bucket, bucket.version): bucket for bucket in found}
    moved = {transfer.lot_bucket for transfer in transfers if transfer.bucket is None and transfer.lot_bucket}
    standing = {one.bucket: one for one in await store.standing_buckets(tx, volunteer_id, sorted(moved))}
    holds = sorted({transfer.pending_id for transfer in transfers if transfer.pending_id is not None})
    evidence = await _evidence(tx, volunteer_id, [*found, *standing.values()], holds)
    return [(transfer, explain_transfer(transfer, buckets, standing, evidence)) for transfer in transfers]


async def explanations(
    tx: Tx, volunteer_id: UUID, *, before: str | None, limit: int
) -> list[tuple[BucketVersion, dict[str, Any]]]:
    """Everything computed for the volunteer, also what earned nothing and why; latest day first."""
    buckets = await store.list_buckets(tx, volunteer_id, before=before, limit=limit)
    evidence = await _evidence(tx, volunteer_id, buckets)
    return [(bucket, explain_bucket(bucket, evidence)) for bucket in buckets]


async def balance(
    tx: Tx, volunteer_id: UUID, *, before: tuple[str, date] | None, limit: int
) -> list[tuple[LotSeen, BucketVersion | None, dict[str, Any]]]:
    """A page of the lots that make up the whole balance, each with what moved in it and why it was awarded."""
    lots = await store.list_lots(tx, volunteer_id, before=before, limit=limit)
    found = await store.standing_buckets(tx, volunteer_id, sorted({lot.bucket for lot in lots}))
    buckets = {bucket.bucket: bucket for bucket in found}
    evidence = await _evidence(tx, volunteer_id, found)
    explained = {bucket.bucket: explain_bucket(bucket, evidence) for bucket in found}
    return [(lot, buckets.get(lot.bucket), explained.get(lot.bucket, {})) for lot in lots]


async def figures_at(
    db: Database, caller: Caller, volunteer_id: UUID, as_of: datetime
) -> tuple[PastFigures, datetime, datetime]:
    """Balances, the moment that they are of, and the horizon.

    The moment is not later than the horizon, so that the same question has the same answer for ever.

    Raises:
        NotFound: as `account`.
    """
    # The horizon first, in a transaction of its own: what commits after it is above it, and seen or not is both right.
    async with db.transaction() as tx:
        horizon = await store.horizon(tx)
    at = min(as_of, horizon)
    async with db.snapshot() as tx:
        await account(tx, caller, volunteer_id)
        return await store.figures_at(tx, volunteer_id, at), at, horizon


async def export(db: Database, volunteer_id: UUID) -> AsyncIterator[list[tuple[StatementTransfer, str]]]:
    """The whole statement in portions, newest first, each transfer with the reward that it was for, if any.

    A volunteer's transfers are numbered under their lock and never change, so the portions fit together although each
    is read in a transaction of its own: a slow reader holds no connection.
    """
    before: int | None = None
    while True:
        async with db.snapshot() as tx:
            found = await store.list_transfers(tx, volunteer_id, before=before, limit=EXPORT_ROWS)
            holds = sorted({line.pending_id for line in found if line.pending_id is not None})
            rewards = {
                seen.redemption_id: seen.reward_name for seen in await store.rewards_of_holds(tx, volunteer_id, holds)
            }
        yield [(line, rewards.get(line.pending_id, "") if line.pending_id else "") for line in found]
        if len(found) < EXPORT_ROWS:
            return
        before = found[-1].transfer_id


async def _evidence(
    tx: Tx, volunteer_id: UUID, buckets: Sequence[BucketVersion], holds: Sequence[UUID] = ()
) -> ExplanationFacts:
    """All that the explanations of these buckets speak of, and what these holds were for."""
    keys, flagged = record_keys(buckets), flagged_records(buckets)
    firsts, adjusted = first_ids(buckets), adjustment_ids(buckets)
    return ExplanationFacts(
        records={(one.record_id, one.revision): one for one in await store.records_at(tx, volunteer_id, keys)},
        standing={one.record_id: one for one in await store.standing_records(tx, volunteer_id, firsts)},
        adjustments={one.adjustment_id: one for one in await store.adjustments_seen(tx, volunteer_id, adjusted)},
        cases=await store.cases_seen(tx, flagged) if flagged else {},
        rewards={one.redemption_id: one for one in await store.rewards_of_holds(tx, volunteer_id, holds)},
    )
