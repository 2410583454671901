"""HTTP of the leaders' board and of the consent to stand on it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from services.points.leaders import handlers, store
from services.points.leaders.domain import BoardPeriod, span
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.clock import district_day
from shared.http.app import Db, Input, Limit, Output

router = APIRouter(prefix="/api/points/v1", tags=["leaders"])

Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Everybody = Annotated[
    Caller,
    allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR),
]


class VisibilityIn(Input):
    """Whether the volunteer's number may stand on the leaders' board."""

    shown: bool


class VisibilityOut(Output):
    """Whether the volunteer's number may stand on the leaders' board."""

    volunteer_id: UUID
    shown: bool


class BoardLineOut(Output):
    """A line of the board."""

    rank: int
    volunteer_number: str
    minutes: int
    records: int


class BoardOut(Output):
    """The board of a period, both days included; `formula` says what counts."""

    period: BoardPeriod
    first: date
    last: date
    site_id: UUID | None
    team_id: UUID | None
    formula: str
    items: list[BoardLineOut]


@router.put("/accounts/{volunteer_id}/visibility")
async def put_visibility(db: Db, caller: Volunteer, volunteer_id: UUID, body: VisibilityIn) -> VisibilityOut:
    """Agree to be shown by number, or take that back."""
    async with db.transaction() as tx:
        shown = await handlers.show(tx, caller, volunteer_id, body.shown)
    return VisibilityOut(volunteer_id=volunteer_id, shown=shown)


@router.get("/accounts/{volunteer_id}/visibility")
async def read_visibility(db: Db, caller: Volunteer, volunteer_id: UUID) -> VisibilityOut:
    """Read the volunteer's consent; without an answer, no."""
    async with db.snapshot() as tx:
        shown = await handlers.is_shown(tx, caller, volunteer_id)
    return VisibilityOut(volunteer_id=volunteer_id, shown=shown)


@router.get("/leaders")
async def read_leaders(
    db: Db,
    caller: Everybody,
    period: BoardPeriod = BoardPeriod.WEEK,
    site_id: UUID | None = None,
    team_id: UUID | None = None,
    limit: Limit = 20,
) -> BoardOut:
    """Rank the most hours of the present week, month or year, among volunteers who agreed to be shown."""
    async with db.snapshot() as tx:
        first, last = span(period, district_day(await tx.now()))
        found = await store.leaders(tx, first, last, site_id=site_id, team_id=team_id, limit=limit)
    return BoardOut(
        period=period,
        first=first,
        last=last,
        site_id=site_id,
        team_id=team_id,
        formula="confirmed minutes recorded by scan, kiosk or leader, of volunteers who agreed to be shown",
        items=[
            BoardLineOut(rank=at.rank, volunteer_number=at.volunteer_number, minutes=at.minutes, records=at.records)
            for at in found
        ],
    )
