"""Routes of positions."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

from services.recruitment.editing.api import Version
from services.recruitment.positions import handlers
from services.recruitment.positions.store import SitePosition
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["organisation"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class PositionIn(Input):
    """Where the site lies (WGS 84, degrees), both null: not said; and the version of the site that was decided on."""

    version: Version
    latitude: Latitude | None
    longitude: Longitude | None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("a position has a latitude and a longitude")
        return self


class PositionOut(Output):
    """Where a site lies; null where it was not said."""

    latitude: float | None
    longitude: float | None


@router.put("/sites/{site_id}/position")
async def place_site(site_id: UUID, body: PositionIn, caller: Operator, db: Db) -> PositionOut:
    """Say where a site lies, so that phones can compute their distance at check-in."""
    wanted = None
    if body.latitude is not None and body.longitude is not None:
        wanted = SitePosition(body.latitude, body.longitude)
    async with db.transaction() as tx:
        return _position(await handlers.place(tx, caller, site_id, body.version, wanted))


@router.get("/sites/{site_id}/position", dependencies=[public()])
async def read_position(site_id: UUID, db: Db) -> PositionOut:
    """Where a site lies, for everybody."""
    async with db.transaction() as tx:
        return _position(await handlers.position(tx, site_id))


def _position(found: SitePosition | None) -> PositionOut:
    if found is None:
        return PositionOut(latitude=None, longitude=None)
    return PositionOut(latitude=found.latitude, longitude=found.longitude)
