"""HTTP of rewards and redemptions. A pickup code is shown to the volunteer who holds it only."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field, model_validator

from services.points.rewards import handlers, store
from services.points.rewards.domain import DEFAULT_HOLD_DAYS, Redemption, RedemptionStatus, Reward
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.errors import NotFound
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.ids import new_id
from shared.postgres import Tx
from shared.typed import PickupCodeText

router = APIRouter(prefix="/api/points/v1", tags=["rewards"])

Everybody = Annotated[
    Caller,
    allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR),
]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Operator = Annotated[Caller, allow(Role.OPERATOR)]
Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class RewardIn(Input):
    """A new line of the catalogue; `price` in points, `hold_days` is how long a held item waits for pickup."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=5000)] = ""
    price: Annotated[int, Field(ge=1, le=1_000_000)]
    per_quarter_limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    per_person_limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    available_from: AwareDatetime | None = None
    available_until: AwareDatetime | None = None
    hold_days: Annotated[int, Field(ge=1, le=365)] = DEFAULT_HOLD_DAYS

    @model_validator(mode="after")
    def _window_runs_forward(self) -> "RewardIn":
        if self.available_from and self.available_until and self.available_until <= self.available_from:
            raise ValueError("available_until must be after available_from")
        return self


class StockIn(Input):
    """Items that came in at a site."""

    site_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    note: Annotated[str, Field(max_length=500)] = ""


class RedemptionIn(Input):
    """The wanted reward, and where it will be fetched; ``device_id`` is the browser's random id."""

    reward_id: UUID
    site_id: UUID
    device_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")] | None = None


class CaptureIn(Input):
    """The code that the volunteer shows."""

    pickup_code: PickupCodeText


class ReleaseIn(Input):
    """The reason for a release."""

    reason: Reason = "given back by the volunteer"


class RefundIn(Input):
    """Why the points come back, and whether the item lies on the shelf again."""

    reason: Reason
    stock_returned: bool = True


class ShelfOut(Output):
    """The rewards that may be redeemed at a site."""

    site_id: UUID
    free: int


class StockOut(Output):
    """The whole count of a reward at a site: `free + reserved + handed_over = received`."""

    reward_id: UUID
    site_id: UUID
    received: int
    free: int
    reserved: int
    handed_over: int


class RewardOut(Output):
    """A reward with what is left of it, by site."""

    reward_id: UUID
    name: str
    description: str
    price: int
    per_quarter_limit: int | None
    per_person_limit: int | None
    available_from: datetime | None
    available_until: datetime | None
    hold_days: int
    version: int
    stock: list[ShelfOut]


class RedemptionOut(Output):
    """A redemption; `pickup_code` only while it is held, and only for the volunteer whose it is."""

    redemption_id: UUID
    reward_id: UUID
    reward_name: str
    volunteer_id: UUID
    site_id: UUID
    status: RedemptionStatus
    points: int
    pickup_code: str | None
    held_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    reason: str | None
    stock_returned: bool | None


def reward_view(reward: Reward, shelves: list[store.Stock]) -> RewardOut:
    """A reward as everybody sees it."""
    return RewardOut(
        reward_id=reward.reward_id,
        name=reward.name,
        description=reward.description,
        price=reward.price,
        per_quarter_limit=reward.per_quarter_limit,
        per_person_limit=reward.per_person_limit,
        available_from=reward.available_from,
        available_until=reward.available_until,
        hold_days=reward.hold_days,
        version=reward.version,
        stock=[
            ShelfOut(site_id=shelf.site_id, free=shelf.free) for shelf in shelves if shelf.reward_id == reward.reward_id
        ],
    )


def redemption_view(redemption: Redemption, code: str | None = None) -> RedemptionOut:
    """A redemption, with its code where the caller may see it."""
    return RedemptionOut(
        redemption_id=redemption.redemption_id,
        reward_id=redemption.reward_id,
        reward_name=redemption.reward_name,
        volunteer_id=redemption.volunteer_id,
        site_id=redemption.site_id,
        status=redemption.status,
        points=redemption.points,
        pickup_code=code,
        held_at=redemption.held_at,
        expires_at=redemption.expires_at,
        settled_at=redemption.settled_at,
        reason=redemption.reason,
        stock_returned=redemption.stock_returned,
    )


@router.get("/rewards")
async def list_rewards(db: Db, caller: Everybody, cursor: str | None = None, limit: Limit = 50) -> Page[RewardOut]:
    """The catalogue, newest first."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        rewards = await store.list_rewards(tx, before=before, limit=limit + 1)
        shelves = await store.list_stock(tx, [reward.reward_id for reward in rewards])
    return page_of(rewards, limit, lambda reward: reward_view(reward, shelves), lambda reward: (reward.reward_id,))


@router.post("/rewards", status_code=201, response_model=RewardOut)
async def add_reward(request: Request, db: Db, caller: Centre, body: RewardIn) -> Response:
    """Add a reward to the catalogue; it can be redeemed once stock was received."""

    async def work(tx: Tx) -> RewardOut:
        reward = Reward(reward_id=new_id(), **body.model_dump())
        return reward_view(await handlers.add_reward(tx, caller, reward), [])

    return await once(request, db, caller, work)


@router.get("/rewards/{reward_id}/stock")
async def list_stock(db: Db, caller: Staff, reward_id: UUID) -> list[StockOut]:
    """The whole count of a reward at the caller's sites."""
    async with db.snapshot() as tx:
        shelves = await store.list_stock(tx, [reward_id])
    return [_stock_view(shelf) for shelf in shelves if caller.may_site(shelf.site_id)]


@router.post("/rewards/{reward_id}/stock", status_code=201, response_model=StockOut)
async def receive_stock(request: Request, db: Db, caller: Staff, reward_id: UUID, body: StockIn) -> Response:
    """Items came in at one of the caller's sites."""

    async def work(tx: Tx) -> StockOut:
        return _stock_view(await handlers.receive_stock(tx, caller, reward_id, body.site_id, body.quantity, body.note))

    return await once(request, db, caller, work)


@router.post("/redemptions", status_code=201, response_model=RedemptionOut)
async def redeem(
    request: Request, db: Db, caller: Annotated[Caller, allow(Role.VOLUNTEER)], body: RedemptionIn
) -> Response:
    """Hold the points and reserve one item; the answer carries the pickup code."""

    async def work(tx: Tx) -> RedemptionOut:
        redemption, code = await handlers.hold(
            tx, caller.require_volunteer(), body.reward_id, body.site_id, device_id=body.device_id
        )
        return redemption_view(redemption, code)

    return await once(request, db, caller, work)


@router.get("/redemptions")
async def list_redemptions(
    db: Db,
    caller: Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)],
    status: RedemptionStatus | None = None,
    site_id: UUID | None = None,
    reward_id: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[RedemptionOut]:
    """A volunteer's own, or those to be fetched at the sites of the staff who ask; newest first."""
    staff = caller.has(Role.STATION, Role.OPERATOR)
    bounds: dict[str, Any] = {
        "volunteer_id": None if staff else caller.require_volunteer(),
        "site_ids": sorted(caller.site_ids) if staff and caller.site_ids is not None else None,
        "reward_id": reward_id,
    }
    if site_id is not None:
        if staff:
            caller.require_site(site_id)
        bounds["site_ids"] = [site_id]
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.list_redemptions(tx, **bounds, status=status, before=before, limit=limit + 1)
        codes = {} if staff else await _own_codes(tx, caller, found)
    return page_of(
        found,
        limit,
        lambda redemption: redemption_view(redemption, codes.get(redemption.redemption_id)),
        lambda redemption: (redemption.redemption_id,),
    )


@router.get("/redemptions/{redemption_id}")
async def read_redemption(
    db: Db, caller: Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)], redemption_id: UUID
) -> RedemptionOut:
    """One redemption, for the volunteer whose it is and the staff of its site."""
    async with db.snapshot() as tx:
        found = await store.find_redemption(tx, redemption_id)
        if found is None or not handlers.may_see(caller, found):
            raise NotFound("redemption-unknown", "There is no such redemption.")
        codes = await _own_codes(tx, caller, [found])
    return redemption_view(found, codes.get(redemption_id))


@router.post("/redemptions/{redemption_id}/capture", response_model=RedemptionOut)
async def capture(request: Request, db: Db, caller: Staff, redemption_id: UUID, body: CaptureIn) -> Response:
    """Hand the item over against its code, at one of the caller's sites."""
    async with db.transaction() as tx:
        refusal = await handlers.check_code(tx, caller, redemption_id, body.pickup_code, real_now())
    if refusal is not None:
        raise refusal

    async def work(tx: Tx) -> RedemptionOut:
        return redemption_view(await handlers.capture(tx, caller, redemption_id, body.pickup_code))

    return await once(request, db, caller, work, status=200)


@router.post("/redemptions/{redemption_id}/release", response_model=RedemptionOut)
async def release(
    request: Request,
    db: Db,
    caller: Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)],
    redemption_id: UUID,
    body: ReleaseIn,
) -> Response:
    """Give a hold back before pickup."""

    async def work(tx: Tx) -> RedemptionOut:
        return redemption_view(await handlers.release(tx, caller, redemption_id, body.reason))

    return await once(request, db, caller, work, status=200)


@router.post("/redemptions/{redemption_id}/refund", response_model=RedemptionOut)
async def refund(request: Request, db: Db, caller: Operator, redemption_id: UUID, body: RefundIn) -> Response:
    """Give the points of a handed-over reward back."""

    async def work(tx: Tx) -> RedemptionOut:
        return redemption_view(
            await handlers.refund(tx, caller, redemption_id, body.reason, stock_returned=body.stock_returned)
        )

    return await once(request, db, caller, work, status=200)


def _stock_view(shelf: store.Stock) -> StockOut:
    return StockOut(
        reward_id=shelf.reward_id,
        site_id=shelf.site_id,
        received=shelf.received,
        free=shelf.free,
        reserved=shelf.reserved,
        handed_over=shelf.handed_over,
    )


async def _own_codes(tx: Tx, caller: Caller, found: list[Redemption]) -> dict[UUID, str]:
    if caller.volunteer_id is None or not caller.acts_as(caller.volunteer_id):
        return {}
    return await store.read_codes(tx, caller.volunteer_id, [redemption.redemption_id for redemption in found])
