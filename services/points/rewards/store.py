"""Rows of rewards, stock, redemptions and pickup codes, to the domain and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.points.rewards.domain import Redemption, RedemptionStatus, Reward, StockMove
from services.points.rewards.lockout.domain import CodeLock
from shared.postgres import Tx, load_queries

SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Stock:
    """One shelf: items of a reward at a site. `free + reserved + handed_over = received`."""

    reward_id: UUID
    site_id: UUID
    received: int
    free: int
    reserved: int
    handed_over: int


@dataclass(frozen=True, slots=True)
class Pickup:
    """The secret of an open hold and how often it was guessed wrong."""

    code: str
    lock: CodeLock


def _reward(row: Any) -> Reward:
    return Reward(**dict(row))


def _redemption(row: Any) -> Redemption:
    return Redemption(**{**dict(row), "status": RedemptionStatus(row["status"])})


async def insert_reward(tx: Tx, reward: Reward, *, at: datetime, by: UUID) -> None:
    """Add a line to the catalogue."""
    await tx.execute(
        SQL["insert_reward"],
        reward.reward_id,
        reward.name,
        reward.description,
        reward.price,
        reward.per_quarter_limit,
        reward.available_from,
        reward.available_until,
        reward.hold_days,
        at,
        by,
        reward.per_person_limit,
    )


async def find_reward(tx: Tx, reward_id: UUID) -> Reward | None:
    """One reward, or none."""
    row = await tx.fetchrow(SQL["find_reward"], reward_id)
    return None if row is None else _reward(row)


async def find_offer(tx: Tx, reward_id: UUID, site_id: UUID) -> tuple[Reward, int] | None:
    """The reward as it is at a site, with the days that it waits there, and how many are left there; or none."""
    row = await tx.fetchrow(SQL["find_offer"], reward_id, site_id)
    if row is None:
        return None
    found = dict(row)
    free = found.pop("free")
    return Reward(**found), free


async def list_rewards(tx: Tx, *, before: UUID | None, limit: int, at: datetime | None = None) -> list[Reward]:
    """A page of the catalogue, newest first; with ``at`` without those whose time is over by then."""
    return [_reward(row) for row in await tx.fetch(SQL["list_rewards"], before, limit, at)]


async def list_stock(tx: Tx, reward_ids: Sequence[UUID]) -> list[Stock]:
    """The shelves of these rewards."""
    return [Stock(**dict(row)) for row in await tx.fetch(SQL["list_stock"], list(reward_ids))]


async def read_free(tx: Tx, reward_id: UUID, site_id: UUID) -> int:
    """Items left at a site; 0 where there never was a shelf."""
    return int(await tx.fetchval(SQL["read_free"], reward_id, site_id) or 0)


async def receive_stock(tx: Tx, reward_id: UUID, site_id: UUID, quantity: int) -> Stock | None:
    """Put items on a shelf (or take counted-off ones away); none when it would hold fewer than no items."""
    try:
        async with tx.conn.transaction():
            row = await tx.fetchrow(SQL["receive_stock"], reward_id, site_id, quantity)
    except asyncpg.CheckViolationError:
        return None
    assert row is not None
    return Stock(**dict(row))


async def insert_receipt(
    tx: Tx, receipt_id: UUID, reward_id: UUID, site_id: UUID, quantity: int, note: str, *, at: datetime, by: UUID
) -> None:
    """Write down who received what."""
    await tx.execute(SQL["insert_receipt"], receipt_id, reward_id, site_id, quantity, note, at, by)


async def move_stock(tx: Tx, reward_id: UUID, site_id: UUID, move: StockMove) -> bool:
    """Apply a move; false when the shelf cannot give it."""
    free = await tx.fetchval(SQL["move_stock"], reward_id, site_id, move.free, move.reserved, move.handed_over)
    return free is not None


async def count_taken(tx: Tx, volunteer_id: UUID, reward_id: UUID, quarter: date) -> int:
    """How often the volunteer took this reward in the quarter, given-back ones aside."""
    return int(await tx.fetchval(SQL["count_taken"], volunteer_id, reward_id, quarter))


async def count_all_taken(tx: Tx, volunteer_id: UUID, quarter: date) -> int:
    """How often the volunteer took any reward in the quarter, given-back ones aside."""
    return int(await tx.fetchval(SQL["count_all_taken"], volunteer_id, quarter))


async def read_available(tx: Tx, volunteer_id: UUID) -> int:
    """Points that the volunteer may spend; 0 without an account."""
    return int(await tx.fetchval(SQL["read_available"], volunteer_id) or 0)


async def insert_redemption(tx: Tx, redemption: Redemption, quarter: date, device_id: str | None) -> None:
    """Begin a hold, on the browser with that random id."""
    await tx.execute(
        SQL["insert_redemption"],
        redemption.redemption_id,
        redemption.reward_id,
        redemption.reward_name,
        redemption.volunteer_id,
        redemption.site_id,
        redemption.points,
        quarter,
        redemption.held_at,
        redemption.expires_at,
        device_id,
    )


async def insert_pickup(tx: Tx, redemption_id: UUID, code: str) -> bool:
    """Give the hold its code; false when another open hold has it."""
    return await tx.fetchval(SQL["insert_pickup"], redemption_id, code) is not None


async def end_pickup(tx: Tx, redemption_id: UUID, real: datetime) -> None:
    """The code opens nothing any more; ``real`` is real time."""
    await tx.execute(SQL["end_pickup"], redemption_id, real)


async def lock_pickup(tx: Tx, redemption_id: UUID) -> Pickup | None:
    """The code under a lock of its own, or none when the hold ended."""
    row = await tx.fetchrow(SQL["lock_pickup"], redemption_id)
    return None if row is None else Pickup(row["code"], CodeLock(row["wrong_codes"], row["locked_until"]))


async def note_lock(tx: Tx, redemption_id: UUID, lock: CodeLock) -> None:
    """Keep how a hold stands after a wrong code, or after a right one."""
    await tx.execute(SQL["note_guess"], redemption_id, lock.wrong_codes, lock.locked_until)


async def read_code(tx: Tx, redemption_id: UUID) -> str | None:
    """The code of an open hold."""
    code: str | None = await tx.fetchval(SQL["read_code"], redemption_id)
    return code


async def read_codes(tx: Tx, volunteer_id: UUID, redemption_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The codes of the volunteer's own open holds."""
    rows = await tx.fetch(SQL["read_codes"], volunteer_id, list(redemption_ids))
    return {row["redemption_id"]: row["code"] for row in rows}


async def find_redemption(tx: Tx, redemption_id: UUID) -> Redemption | None:
    """One redemption, or none."""
    row = await tx.fetchrow(SQL["find_redemption"], redemption_id)
    return None if row is None else _redemption(row)


async def settle_redemption(
    tx: Tx,
    redemption: Redemption,
    status: RedemptionStatus,
    *,
    at: datetime,
    by: UUID | None,
    reason: str | None,
    stock_returned: bool | None,
) -> bool:
    """Write the next status; false when the redemption has moved on since it was read."""
    version = await tx.fetchval(
        SQL["settle_redemption"],
        redemption.redemption_id,
        redemption.version,
        status.value,
        at,
        by,
        reason,
        stock_returned,
    )
    return version is not None


async def list_redemptions(
    tx: Tx,
    *,
    volunteer_id: UUID | None,
    site_ids: Sequence[UUID] | None,
    status: RedemptionStatus | None,
    before: UUID | None,
    limit: int,
    reward_id: UUID | None = None,
) -> list[Redemption]:
    """A page of redemptions, newest first; `site_ids=None` means all sites, no `reward_id` all rewards."""
    rows = await tx.fetch(
        SQL["list_redemptions"],
        volunteer_id,
        None if site_ids is None else list(site_ids),
        None if status is None else status.value,
        before,
        limit,
        reward_id,
    )
    return [_redemption(row) for row in rows]


async def due_redemptions(tx: Tx, at: datetime, limit: int) -> list[Redemption]:
    """Holds whose time is over."""
    return [_redemption(row) for row in await tx.fetch(SQL["due_redemptions"], at, limit)]


async def redemptions_by_id(tx: Tx, redemption_ids: Sequence[UUID]) -> list[Redemption]:
    """These redemptions as they stand now, sorted by volunteer."""
    return [_redemption(row) for row in await tx.fetch(SQL["redemptions_by_id"], list(redemption_ids))]


async def bare_holds_due(tx: Tx, at: datetime, limit: int) -> list[tuple[UUID, UUID]]:
    """(hold, volunteer) of holds without a redemption whose time is over."""
    return [(row["hold_id"], row["volunteer_id"]) for row in await tx.fetch(SQL["bare_holds_due"], at, limit)]


async def count_ever(tx: Tx, volunteer_id: UUID, reward_id: UUID) -> int:
    """How often the volunteer ever took this reward, given-back ones aside."""
    return int(await tx.fetchval(SQL["count_ever"], volunteer_id, reward_id))


async def set_hold_days(tx: Tx, reward_id: UUID, site_id: UUID, days: int, *, at: datetime, by: UUID) -> None:
    """From now on the reward waits so many days at this site."""
    await tx.execute(SQL["set_hold_days"], reward_id, site_id, days, at, by)


async def lock_shelf(tx: Tx, reward_id: UUID, site_id: UUID) -> Stock | None:
    """A shelf that stays as it is until the end of the transaction."""
    row = await tx.fetchrow(SQL["lock_shelf"], reward_id, site_id)
    return None if row is None else Stock(**dict(row))


async def correct_shelf(tx: Tx, shelf: Stock, difference: int) -> Stock:
    """Add or take away what a count found; the shelf is locked and bears it."""
    row = await tx.fetchrow(SQL["correct_shelf"], shelf.reward_id, shelf.site_id, difference)
    assert row is not None
    return Stock(**dict(row))


async def insert_count(
    tx: Tx, count_id: UUID, shelf: Stock, counted: int, reason: str, receipt_id: UUID | None, *, at: datetime, by: UUID
) -> None:
    """Write down who counted what."""
    expected = shelf.free + shelf.reserved
    await tx.execute(
        SQL["insert_count"], count_id, shelf.reward_id, shelf.site_id, counted, expected, reason, receipt_id, at, by
    )


async def put_photo(
    tx: Tx, reward_id: UUID, content_type: str, content: bytes, etag: str, *, at: datetime, by: UUID
) -> None:
    """Keep the reward's photo."""
    await tx.execute(SQL["put_photo"], reward_id, content_type, content, etag, at, by)


async def photo(tx: Tx, reward_id: UUID) -> tuple[str, bytes, str] | None:
    """(content type, bytes, tag), or none."""
    row = await tx.fetchrow(SQL["photo"], reward_id)
    return None if row is None else (row["content_type"], row["content"], row["etag"])


async def unreminded(tx: Tx, at: datetime, notice: timedelta, limit: int) -> list[Redemption]:
    """Holds of which to remind."""
    return [_redemption(row) for row in await tx.fetch(SQL["unreminded"], at, notice, limit)]


async def note_reminder(tx: Tx, redemption: Redemption, at: datetime) -> bool:
    """False when it moved on or was reminded of before."""
    return await tx.fetchval(SQL["note_reminder"], redemption.redemption_id, redemption.version, at) is not None
