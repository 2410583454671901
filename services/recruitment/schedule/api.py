"""The route of the schedule."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.recruitment.activities.api import Runner
from services.recruitment.activities.domain import State
from services.recruitment.schedule import handlers
from services.recruitment.schedule.store import ScheduledShift
from shared.http.app import Db, Instant, Limit, Output
from shared.http.cursors import Page, decode, page_of

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["activities"])


class ScheduledShiftOut(Output):
    """A shift that the caller runs, with its people in figures; drafts and shifts that were called off included.

    ``attended`` are volunteers with a record, ``present`` open records, ``absent`` sign-ups without a record,
    ``to_confirm`` records that were closed automatically, ``overtime`` records with time after the shift's end.
    """

    shift_id: UUID
    activity_id: UUID
    title: str
    kind: str
    place: str
    state: State
    site_id: UUID
    site_name: str
    team_id: UUID
    team_name: str
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    capacity: int
    taken: int
    attended: int
    present: int
    absent: int
    to_confirm: int
    overtime: int


@router.get("/schedule")
async def read_schedule(
    db: Db,
    caller: Runner,
    start: Annotated[Instant, Query(alias="from")],
    end: Annotated[Instant, Query(alias="to")],
    site_id: UUID | None = None,
    team_id: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ScheduledShiftOut]:
    """Shifts that overlap [from, to) at the caller's sites or of the caller's teams, earliest first."""
    after = None
    if cursor is not None:
        at, last = decode(cursor, (datetime, UUID))
        after = (at, last)
    async with db.transaction() as tx:
        found = await handlers.listing(
            tx, caller, start=start, end=end, site_id=site_id, team_id=team_id, after=after, limit=limit + 1
        )
    return page_of(found, limit, _scheduled, lambda each: (each.starts_at, each.shift_id))


def _scheduled(shift: ScheduledShift) -> ScheduledShiftOut:
    return ScheduledShiftOut(**{name: getattr(shift, name) for name in ScheduledShiftOut.model_fields})
