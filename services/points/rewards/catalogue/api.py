"""HTTP of the catalogue: the shelf as a volunteer sees it, changes of a line, the history of a shelf."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.points.rewards import store as rewards
from services.points.rewards.api import RewardIn, RewardOut, reward_view
from services.points.rewards.catalogue import handlers, store
from services.points.rewards.catalogue.domain import RewardEdit, StockEntry, Window, window
from services.points.rewards.catalogue.handlers import Own
from services.points.rewards.domain import Reward
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.errors import NotFound
from shared.http import cursors
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rewards"])

Everybody = Annotated[
    Caller,
    allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR),
]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
CHANGES = 50


class OwnRewardOut(Output):
    """How the volunteer who asks stands to a reward: how often they took it, and why they cannot take one now."""

    in_quarter: int
    ever: int
    refused: str | None
    detail: str | None


class ShelvedRewardOut(RewardOut):
    """A reward with its photo's address, whether its time is now, and for volunteers how they stand to it."""

    photo_url: str | None
    window: Window
    own: OwnRewardOut | None


class RewardChangeIn(RewardIn):
    """A whole line of the catalogue, and the version of it that was seen when this was decided."""

    version: Annotated[int, Field(ge=1, le=2_147_483_647)]


class RewardChangeOut(Output):
    """A change of a line: what differs, before and after."""

    change_id: UUID
    before: dict[str, Any]
    after: dict[str, Any]
    changed_at: datetime
    changed_by: UUID


class RewardDetailOut(ShelvedRewardOut):
    """A reward with the sites at which it waits another time than its own, and its last changes, newest first."""

    hold_days_by_site: dict[UUID, int]
    changes: list[RewardChangeOut]


class StockEntryOut(Output):
    """A receipt, or a count (``found`` and ``expected``); ``change`` is what it did to the stock."""

    entry_id: UUID
    kind: str
    change: int
    found: int | None
    expected: int | None
    note: str
    at: datetime
    by: UUID


@router.get("/catalogue")
async def read_catalogue(
    db: Db,
    caller: Everybody,
    all: Annotated[bool, Query(description="also those whose time is over")] = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ShelvedRewardOut]:
    """List what can be redeemed now or later, newest first, with photos, what is left where, and one's own limits."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        now = await tx.now()
        found = await rewards.list_rewards(tx, before=before, limit=limit + 1, at=None if all else now)
        views = await _views(tx, caller, found, now)
    return page_of(found, limit, lambda reward: views[reward.reward_id], lambda reward: (reward.reward_id,))


@router.get("/catalogue/{reward_id}")
async def read_reward(db: Db, caller: Staff, reward_id: UUID) -> RewardDetailOut:
    """One reward with its changes, for the staff."""
    async with db.snapshot() as tx:
        now = await tx.now()
        reward = await rewards.find_reward(tx, reward_id)
        if reward is None:
            raise NotFound("reward-unknown", "There is no such reward.")
        shelved = (await _views(tx, caller, [reward], now))[reward_id]
        days = await store.hold_days(tx, reward_id)
        changes = await store.list_changes(tx, reward_id, CHANGES)
    return RewardDetailOut(**dict(shelved), hold_days_by_site=days, changes=[_change(change) for change in changes])


@router.put("/rewards/{reward_id}")
async def change_reward(db: Db, caller: Centre, reward_id: UUID, body: RewardChangeIn) -> RewardOut:
    """Change a reward, unless it is no longer the version that was seen.

    Holds keep the price and the
    time that they were made under.
    """
    async with db.transaction() as tx:
        reward = await handlers.change(tx, caller, Reward(reward_id=reward_id, **body.model_dump()))
        shelves = await rewards.list_stock(tx, [reward_id])
    return reward_view(reward, shelves)


@router.post("/rewards/{reward_id}/withdrawal", response_model=RewardOut)
async def withdraw_reward(request: Request, db: Db, caller: Centre, reward_id: UUID) -> Response:
    """Withdraw a reward: it cannot be held from now on; open holds can still be fetched."""

    async def work(tx: Tx) -> RewardOut:
        reward = await handlers.withdraw(tx, caller, reward_id)
        return reward_view(reward, await rewards.list_stock(tx, [reward_id]))

    return await once(request, db, caller, work, status=200)


@router.get("/rewards/{reward_id}/stock/{site_id}/history")
async def read_history(
    db: Db, caller: Staff, reward_id: UUID, site_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[StockEntryOut]:
    """List receipts and counts at one of the caller's sites, newest first."""
    caller.require_site(site_id)
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.shelf_history(tx, reward_id, site_id, before=before, limit=limit + 1)
    return page_of(found, limit, _entry, lambda entry: (entry.entry_id,))


async def _views(tx: Tx, caller: Caller, found: list[Reward], now: datetime) -> dict[UUID, ShelvedRewardOut]:
    ids = [reward.reward_id for reward in found]
    shelves = await rewards.list_stock(tx, ids)
    tags = await store.photo_tags(tx, ids)
    own: Mapping[UUID, Own] = {}
    if caller.volunteer_id is not None and caller.has(Role.VOLUNTEER):
        own = await handlers.own_view(tx, caller.volunteer_id, found, shelves, now)
    return {
        reward.reward_id: ShelvedRewardOut(
            **dict(reward_view(reward, shelves)),
            photo_url=_photo_url(reward.reward_id, tags.get(reward.reward_id)),
            window=window(reward, now),
            own=_own(own.get(reward.reward_id)),
        )
        for reward in found
    }


def _photo_url(reward_id: UUID, tag: str | None) -> str | None:
    """With the tag in it: a new photo is a new address, so that no cache shows the old one."""
    return None if tag is None else f"/api/points/v1/rewards/{reward_id}/photo?v={tag[1:13]}"


def _own(own: Own | None) -> OwnRewardOut | None:
    if own is None:
        return None
    declined = own.declined
    return OwnRewardOut(
        in_quarter=own.taken.in_quarter,
        ever=own.taken.ever,
        refused=None if declined is None else declined.slug,
        detail=None if declined is None else declined.detail,
    )


def _change(change: RewardEdit) -> RewardChangeOut:
    return RewardChangeOut(
        change_id=change.change_id,
        before=dict(change.before),
        after=dict(change.after),
        changed_at=change.changed_at,
        changed_by=change.changed_by,
    )


def _entry(entry: StockEntry) -> StockEntryOut:
    return StockEntryOut(
        entry_id=entry.entry_id,
        kind="count" if entry.counted else "receipt",
        change=entry.change,
        found=entry.found,
        expected=entry.expected,
        note=entry.note,
        at=entry.at,
        by=entry.by,
    )
