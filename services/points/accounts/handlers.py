"""Reading an account: its figures, its statement with every transfer's reason, and all that was computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from services.points.accounts import store
from services.points.accounts.domain import (
    Account,
    Award,
    BucketVersion,
    RecordSeen,
    Transfer,
    explain_bucket,
    explain_transfer,
    record_keys,
)
from shared.auth.tokens import Caller, Role
from shared.errors import NotFound
from shared.postgres import Tx

STAFF = (Role.STATION, Role.OPERATOR)


async def account(tx: Tx, caller: Caller, volunteer_id: UUID) -> Account:
    """The account; before its first event it is all zeros for the volunteer's own eyes.

    Raises:
        NotFound: nobody's, or somebody else's and the caller is no staff.
    """
    require_reader(caller, volunteer_id)
    found = await store.find_account(tx, volunteer_id)
    if found is not None:
        return found
    if caller.volunteer_id == volunteer_id:
        return Account(volunteer_id)
    raise _unknown()


def require_reader(caller: Caller, volunteer_id: UUID) -> None:
    """Insist that the caller may read this volunteer's account: their own, or as staff.

    Raises:
        NotFound: otherwise; that the account exists is told to nobody else.
    """
    if caller.volunteer_id != volunteer_id and not caller.has(*STAFF):
        raise _unknown()


async def statement(
    tx: Tx, volunteer_id: UUID, *, before: int | None, limit: int
) -> list[tuple[Transfer, dict[str, Any]]]:
    """A page of transfers, newest first, each with its explanation; three more queries however long the page."""
    transfers = await store.list_transfers(tx, volunteer_id, before=before, limit=limit)
    wanted = {
        Award(transfer.bucket, transfer.bucket_version)
        for transfer in transfers
        if transfer.bucket is not None and transfer.bucket_version is not None
    }
    found = await store.bucket_versions(
        tx, volunteer_id, sorted(wanted, key=lambda award: (award.bucket, award.version))
    )
    buckets = {Award(bucket.bucket, bucket.version): bucket for bucket in found}
    records = await _records(tx, volunteer_id, found)
    hold_ids = {transfer.pending_id for transfer in transfers if transfer.pending_id is not None}
    rewards = {
        reward.redemption_id: reward for reward in await store.rewards_of_holds(tx, volunteer_id, sorted(hold_ids))
    }
    return [(transfer, explain_transfer(transfer, buckets, records, rewards)) for transfer in transfers]


async def explanations(
    tx: Tx, volunteer_id: UUID, *, before: str | None, limit: int
) -> list[tuple[BucketVersion, dict[str, Any]]]:
    """Everything computed for the volunteer, also what came to nothing and why; latest day first."""
    buckets = await store.list_buckets(tx, volunteer_id, before=before, limit=limit)
    records = await _records(tx, volunteer_id, buckets)
    return [(bucket, explain_bucket(bucket, records)) for bucket in buckets]


async def _records(tx: Tx, volunteer_id: UUID, buckets: Iterable[BucketVersion]) -> dict[tuple[UUID, int], RecordSeen]:
    keys: Sequence[tuple[UUID, int]] = record_keys(buckets)
    return {(seen.record_id, seen.revision): seen for seen in await store.records_at(tx, volunteer_id, keys)}


def _unknown() -> NotFound:
    return NotFound("account-unknown", "There is no such account.")
