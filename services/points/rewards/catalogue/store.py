"""Rows of the catalogue's history, of photos and of what was taken, to the domain and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from services.points.rewards.catalogue.domain import RewardEdit, RewardsTaken, StockEntry
from services.points.rewards.domain import Reward
from shared.postgres import Tx, load_queries

__all__ = [
    "change_reward",
    "hold_days",
    "insert_change",
    "list_changes",
    "lock_reward",
    "photo_tags",
    "shelf_history",
    "taken_of",
]

_SQL = load_queries(__file__)


async def lock_reward(tx: Tx, reward_id: UUID) -> Reward | None:
    """A line of the catalogue locked against changes until the end of the transaction, or none."""
    row = await tx.fetchrow(_SQL["lock_reward"], reward_id)
    return None if row is None else Reward(**dict(row))


async def change_reward(tx: Tx, reward: Reward) -> None:
    """The line says this from now on."""
    await tx.execute(
        _SQL["change_reward"],
        reward.reward_id,
        reward.name,
        reward.description,
        reward.price,
        reward.per_quarter_limit,
        reward.available_from,
        reward.available_until,
        reward.hold_days,
        reward.per_person_limit,
        reward.version,
    )


async def insert_change(
    tx: Tx,
    change_id: UUID,
    reward_id: UUID,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    at: datetime,
    by: UUID,
) -> None:
    """Write down who changed what."""
    await tx.execute(
        _SQL["insert_reward_change"],
        change_id,
        reward_id,
        orjson.dumps(before).decode(),
        orjson.dumps(after).decode(),
        at,
        by,
    )


async def list_changes(tx: Tx, reward_id: UUID, limit: int) -> list[RewardEdit]:
    """The last changes of a line, newest first."""
    rows = await tx.fetch(_SQL["list_reward_changes"], reward_id, limit)
    return [
        RewardEdit(**{**dict(row), "before": orjson.loads(row["before"]), "after": orjson.loads(row["after"])})
        for row in rows
    ]


async def photo_tags(tx: Tx, reward_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The tags of the photos that these rewards have."""
    return {row["reward_id"]: row["etag"] for row in await tx.fetch(_SQL["photo_tags"], list(reward_ids))}


async def taken_of(tx: Tx, volunteer_id: UUID, reward_ids: Sequence[UUID], quarter: date) -> dict[UUID, RewardsTaken]:
    """Count the volunteer's redemptions of these rewards; rewards never redeemed are left out."""
    rows = await tx.fetch(_SQL["taken_of"], volunteer_id, list(reward_ids), quarter)
    return {row["reward_id"]: RewardsTaken(row["in_quarter"], row["ever"]) for row in rows}


async def hold_days(tx: Tx, reward_id: UUID) -> dict[UUID, int]:
    """By site, where it is not the reward's own time."""
    return {row["site_id"]: row["hold_days"] for row in await tx.fetch(_SQL["list_hold_days"], reward_id)}


async def shelf_history(tx: Tx, reward_id: UUID, site_id: UUID, *, before: UUID | None, limit: int) -> list[StockEntry]:
    """A page of what was booked on a shelf, newest first."""
    rows = await tx.fetch(_SQL["shelf_history"], reward_id, site_id, before, limit)
    return [StockEntry(**dict(row)) for row in rows]
