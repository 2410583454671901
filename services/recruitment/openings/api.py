"""Routes of opening hours and rotas."""

from datetime import time
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

from services.recruitment.editing.api import Version
from services.recruitment.openings import handlers
from services.recruitment.openings.domain import Duty, Opening
from services.recruitment.openings.handlers import Week
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["openings"])

Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Weekday = Annotated[int, Field(ge=1, le=7, description="1 is Monday.")]
Clock = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM, in the district's time.")]


class OpeningIn(Input):
    """Hours on one weekday; a row without both times is left out, as a form of the week sends it for a closed day."""

    weekday: Weekday
    opens: Clock | None = None
    closes: Clock | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.opens is None) != (self.closes is None):
            raise ValueError("hours have a beginning and an end")
        return self


class DutyIn(Input):
    """A team's duty on one weekday; a row without team and times is left out."""

    weekday: Weekday
    begins: Clock | None = None
    ends: Clock | None = None
    team_id: UUID | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({self.begins is None, self.ends is None, self.team_id is None}) > 1:
            raise ValueError("a duty has a team, a beginning and an end")
        return self


class OpeningsIn(Input):
    """Hours and rota of a site as a whole, and the version of the site that was decided on."""

    version: Version
    hours: Annotated[list[OpeningIn], Field(max_length=28)]
    rota: Annotated[list[DutyIn], Field(max_length=100, default_factory=list)]


class OpeningOut(Output):
    """Hours on one weekday."""

    weekday: int
    opens: str
    closes: str


class DutyOut(Output):
    """A team's duty on one weekday."""

    weekday: int
    begins: str
    ends: str
    team_id: UUID
    team_name: str


class OpeningsOut(Output):
    """Hours and rota of a site in the order of the week."""

    hours: list[OpeningOut]
    rota: list[DutyOut]


@router.put("/sites/{site_id}/openings")
async def replace_week(site_id: UUID, body: OpeningsIn, caller: Staff, db: Db) -> OpeningsOut:
    """Replace hours and rota of a site."""
    hours = [
        Opening(each.weekday, time.fromisoformat(each.opens), time.fromisoformat(each.closes))
        for each in body.hours
        if each.opens is not None and each.closes is not None
    ]
    rota = [
        Duty(each.weekday, time.fromisoformat(each.begins), time.fromisoformat(each.ends), each.team_id)
        for each in body.rota
        if each.begins is not None and each.ends is not None and each.team_id is not None
    ]
    async with db.transaction() as tx:
        return _week(await handlers.replace_week(tx, caller, site_id, body.version, hours, rota))


@router.get("/sites/{site_id}/openings", dependencies=[public()])
async def read_week(site_id: UUID, db: Db) -> OpeningsOut:
    """Hours and rota of a site, for everybody."""
    async with db.transaction() as tx:
        return _week(await handlers.week(tx, site_id))


def _week(found: Week) -> OpeningsOut:
    hours, rota = found
    return OpeningsOut(
        hours=[
            OpeningOut(weekday=each.weekday, opens=f"{each.opens:%H:%M}", closes=f"{each.closes:%H:%M}")
            for each in hours
        ],
        rota=[
            DutyOut(
                weekday=duty.weekday,
                begins=f"{duty.begins:%H:%M}",
                ends=f"{duty.ends:%H:%M}",
                team_id=duty.team_id,
                team_name=name,
            )
            for duty, name in rota
        ],
    )
