"""Routes of activities and shifts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities import handlers
from services.recruitment.activities.domain import Shift, State, Visibility
from services.recruitment.activities.handlers import NewActivity, NewShift, Planned
from services.recruitment.activities.store import ShiftView
from shared.auth.access import allow, optional
from shared.auth.tokens import Caller, Role
from shared.errors import Invalid
from shared.http.app import Db, Input, Instant, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["ActivityOut", "Runner", "activity_out", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["activities"])

Runner = Annotated[Caller, allow(Role.LEADER, Role.STATION, Role.OPERATOR)]
Anyone = Annotated[
    Caller,
    allow(Role.VOLUNTEER, Role.RESIDENT, Role.LEADER, Role.STATION, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR),
]
MOST_ACTIVITIES = 200


class ShiftIn(Input):
    """A shift: [starts_at, ends_at), its places, and how long before the start they are released without being late."""

    starts_at: datetime
    ends_at: datetime
    capacity: Annotated[int, Field(ge=1, le=10_000)]
    withdraw_minutes: Annotated[int, Field(ge=0, le=43_200)] = 120


Shifts = Annotated[list[ShiftIn], Field(max_length=100)]


class ActivityIn(Input):
    """An activity; open for sign-up at once unless it is a draft or has no shift yet."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    theme_id: UUID
    team_id: UUID
    site_id: UUID
    project_id: UUID | None = None
    kind: Annotated[str, Field(min_length=1, max_length=100)]
    place: Annotated[str, Field(min_length=1, max_length=200)]
    beneficiaries: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    content: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    person_in_charge: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    draft: bool = False
    shifts: Shifts = Field(default_factory=list)


class ActivitiesIn(Input):
    """A plan: all of them or none."""

    activities: Annotated[list[ActivityIn], Field(min_length=1, max_length=MOST_ACTIVITIES)]


class ShiftsIn(Input):
    """Further shifts of an activity."""

    shifts: Annotated[list[ShiftIn], Field(min_length=1, max_length=100)]


class ShiftOut(Output):
    """A shift and its places; ``published_at`` is when it became visible for sign-up, null in a draft.

    One that was called off has ``cancelled_at``.
    """

    shift_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int
    remaining: int
    published_at: datetime | None
    cancelled_at: datetime | None
    withdraw_minutes: int


class ActivityOut(Output):
    """An activity with its shifts, by start; ``visibility``: whether it is shown to everybody or to its team only."""

    activity_id: UUID
    title: str
    theme_id: UUID
    team_id: UUID
    site_id: UUID
    project_id: UUID | None
    kind: str
    place: str
    beneficiaries: str | None
    content: str | None
    person_in_charge: str | None
    state: State
    starts_at: datetime | None
    residents_served: int | None
    note: str | None
    closed_at: datetime | None
    version: int
    visibility: Visibility
    shifts: list[ShiftOut]


class ActivitiesOut(Output):
    """A plan as it was taken."""

    activities: list[ActivityOut]


class ShiftViewOut(Output):
    """A shift as the caller sees it: what, where, when, places left, and how they stand with it.

    ``waiting`` is how many wait for a place; ``entry_…``, ``rank`` and ``offer_until`` are the caller's entry in that
    waitlist. ``record_…`` is the caller's latest record of the shift, if any: checked in while ``record_ended_at`` is
    null.
    """

    shift_id: UUID
    activity_id: UUID
    title: str
    state: State
    theme: str
    kind: str
    place: str
    content: str | None
    site_id: UUID
    site_name: str
    team_id: UUID
    team_name: str
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    withdraw_minutes: int
    capacity: int
    taken: int
    remaining: int
    signed_up: bool
    signup_id: UUID | None
    waiting: int
    entry_id: UUID | None
    entry_status: str | None
    rank: int | None
    offer_until: datetime | None
    record_id: UUID | None
    record_status: str | None
    record_started_at: datetime | None
    record_ended_at: datetime | None


class ShiftNowOut(ShiftViewOut):
    """A shift as the caller sees it, and ``now`` by the clock that its records are timed by."""

    now: datetime


@router.post("/activities", status_code=201, response_model=ActivityOut)
async def plan_activity(request: Request, db: Db, caller: Runner, body: ActivityIn) -> Response:
    """Plan one activity."""

    async def work(tx: Tx) -> ActivityOut:
        return activity_out((await handlers.plan(tx, caller, [_new(body)]))[0])

    return await once(request, db, caller, work)


@router.post("/activities/batches", status_code=201, response_model=ActivitiesOut)
async def plan_activities(request: Request, db: Db, caller: Runner, body: ActivitiesIn) -> Response:
    """Plan up to 200 activities, all or none, answered in the order given."""

    async def work(tx: Tx) -> ActivitiesOut:
        planned = await handlers.plan(tx, caller, [_new(each) for each in body.activities])
        return ActivitiesOut(activities=[activity_out(each) for each in planned])

    return await once(request, db, caller, work)


@router.get("/activities")
async def list_activities(
    db: Db,
    caller: Anyone,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    site_id: UUID | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ActivityOut]:
    """Activities whose first shift starts in [from, to), earliest first."""
    after = _after(cursor)
    async with db.transaction() as tx:
        found = await handlers.listing(tx, caller, start=start, end=end, site_id=site_id, after=after, limit=limit + 1)
    return page_of(found, limit, activity_out, lambda each: (each.activity.starts_at, each.activity.activity_id))


@router.get("/activities/{activity_id}")
async def read_activity(db: Db, caller: Anyone, activity_id: UUID) -> ActivityOut:
    """One activity with its shifts."""
    async with db.transaction() as tx:
        return activity_out(await handlers.get(tx, caller, activity_id))


@router.post("/activities/{activity_id}/shifts", status_code=201, response_model=ActivityOut)
async def add_shifts(request: Request, db: Db, caller: Runner, activity_id: UUID, body: ShiftsIn) -> Response:
    """Add shifts; answers the whole activity."""

    async def work(tx: Tx) -> ActivityOut:
        return activity_out(await handlers.add_shifts(tx, caller, activity_id, _new_shifts(body.shifts)))

    return await once(request, db, caller, work)


@router.post("/activities/{activity_id}/open", response_model=ActivityOut)
async def open_activity(request: Request, db: Db, caller: Runner, activity_id: UUID) -> Response:
    """Open a draft for sign-up."""

    async def work(tx: Tx) -> ActivityOut:
        return activity_out(await handlers.open_for_signup(tx, caller, activity_id))

    return await once(request, db, caller, work, status=200)


@router.get("/shifts")
async def list_shifts(
    db: Db,
    caller: Annotated[Caller | None, optional()],
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
    site_id: UUID | None = None,
    need: Annotated[str | None, Query(max_length=40, description="Code of a need tag that the team serves.")] = None,
    own_teams: Annotated[bool, Query(description="Of teams alone that the calling volunteer is a member of.")] = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ShiftViewOut]:
    """Shifts that are open for sign-up or running, earliest first, with the caller's own standing if one is known."""
    if start is not None and end is not None and end <= start:
        raise Invalid("period-reversed", "`to` must come after `from`.")
    after = _after(cursor)
    async with db.transaction() as tx:
        found = await handlers.open_shifts(
            tx,
            caller.volunteer_id if caller else None,
            start=start,
            end=end,
            site_id=site_id,
            need=need,
            own_teams=own_teams,
            after=after,
            limit=limit + 1,
        )
    return page_of(found, limit, _view, lambda each: (each.starts_at, each.shift_id))


@router.get("/shifts/{shift_id}")
async def read_shift(db: Db, caller: Anyone, shift_id: UUID) -> ShiftNowOut:
    """One shift, with the caller's own standing."""
    async with db.transaction() as tx:
        view = _view(await handlers.shift_view(tx, caller, shift_id))
        return ShiftNowOut(**view.model_dump(), now=await tx.now())


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, last = decode(cursor, (datetime, UUID))
    return at, last


def _new(body: ActivityIn) -> NewActivity:
    values = {name: getattr(body, name) for name in ActivityIn.model_fields if name != "shifts"}
    return NewActivity(**values, shifts=_new_shifts(body.shifts))


def _new_shifts(shifts: Sequence[ShiftIn]) -> list[NewShift]:
    return [NewShift(each.starts_at, each.ends_at, each.capacity, each.withdraw_minutes) for each in shifts]


def _shift(shift: Shift) -> ShiftOut:
    return ShiftOut(
        shift_id=shift.shift_id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        capacity=shift.capacity,
        taken=shift.taken,
        remaining=shift.capacity - shift.taken,
        published_at=shift.published_at,
        cancelled_at=shift.cancelled_at,
        withdraw_minutes=shift.withdraw_minutes,
    )


def activity_out(planned: Planned) -> ActivityOut:
    """An activity with its shifts."""
    names = [name for name in ActivityOut.model_fields if name != "shifts"]
    values = {name: getattr(planned.activity, name) for name in names}
    return ActivityOut(**values, shifts=[_shift(shift) for shift in planned.shifts])


def _view(view: ShiftView) -> ShiftViewOut:
    values = {name: getattr(view, name) for name in ShiftView.__dataclass_fields__}
    return ShiftViewOut(**values, remaining=view.capacity - view.taken, signed_up=view.signup_id is not None)
