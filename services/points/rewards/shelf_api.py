"""HTTP of shelves: counts, time-outs per site, photos."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.points.rewards import shelves
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.answers import IMAGE
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx

router = APIRouter(prefix="/api/points/v1", tags=["rewards"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
PHOTO_HEADERS = {
    "Cache-Control": "public, max-age=3600",
}


class CountIn(Input):
    """A count of the shelf, items held for volunteers included, and the reason."""

    site_id: UUID
    counted: Annotated[int, Field(ge=0, le=1_000_000)]
    reason: Annotated[str, Field(min_length=1, max_length=400)]


class CountOut(Output):
    """The stock after the count; `difference` is what the count changed."""

    reward_id: UUID
    site_id: UUID
    difference: int
    received: int
    free: int
    reserved: int
    handed_over: int


class HoldDaysIn(Input):
    """How many days a held item waits for pickup at the site."""

    hold_days: Annotated[int, Field(ge=1, le=365)]


class HoldDaysOut(Output):
    """How many days a held item waits for pickup at the site, for holds from now on."""

    reward_id: UUID
    site_id: UUID
    hold_days: int


class PhotoOut(Output):
    """Where the photo is."""

    reward_id: UUID
    url: str
    etag: str


@router.post("/rewards/{reward_id}/counts", status_code=201, response_model=CountOut)
async def count_stock(request: Request, db: Db, caller: Staff, reward_id: UUID, body: CountIn) -> Response:
    """An inventory count at one of the caller's sites; the difference is booked with its reason."""

    async def work(tx: Tx) -> CountOut:
        shelf, difference = await shelves.count_stock(tx, caller, reward_id, body.site_id, body.counted, body.reason)
        return CountOut(
            reward_id=shelf.reward_id,
            site_id=shelf.site_id,
            difference=difference,
            received=shelf.received,
            free=shelf.free,
            reserved=shelf.reserved,
            handed_over=shelf.handed_over,
        )

    return await once(request, db, caller, work)


@router.put("/rewards/{reward_id}/sites/{site_id}/hold-days")
async def set_hold_days(db: Db, caller: Staff, reward_id: UUID, site_id: UUID, body: HoldDaysIn) -> HoldDaysOut:
    """How long the reward waits at this site; holds that are under way keep their time."""
    async with db.transaction() as tx:
        await shelves.set_hold_days(tx, caller, reward_id, site_id, body.hold_days)
    return HoldDaysOut(reward_id=reward_id, site_id=site_id, hold_days=body.hold_days)


@router.put("/rewards/{reward_id}/photo")
async def put_photo(
    request: Request, db: Db, caller: Annotated[Caller, allow(Role.OPERATOR, centre=True)], reward_id: UUID
) -> PhotoOut:
    """The reward's photo: the body is a PNG, JPEG or WebP image of at most 256 KiB."""
    content = await request.body()
    async with db.transaction() as tx:
        etag = await shelves.put_photo(tx, caller, reward_id, content)
    return PhotoOut(reward_id=reward_id, url=f"/api/points/v1/rewards/{reward_id}/photo", etag=etag)


@router.get("/rewards/{reward_id}/photo", dependencies=[public()], response_class=Response, responses=IMAGE)
async def read_photo(request: Request, db: Db, reward_id: UUID, v: str | None = None) -> Response:
    """The photo, public; not sent again to clients that have it. ``v`` names its content, so that caches keep it."""
    async with db.snapshot() as tx:
        kind, content, etag = await shelves.photo(tx, reward_id)
    headers = {**PHOTO_HEADERS, "ETag": etag}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
