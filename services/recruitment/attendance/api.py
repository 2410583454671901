"""Routes of attendance: the rotating code, tickets, check-in and check-out, and records."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.activities.guards import STAFF
from services.recruitment.activities.handlers import shift_for_code
from services.recruitment.attendance import codes, handlers
from services.recruitment.attendance.codes import TICKET_LIFE, ShownBy
from services.recruitment.attendance.domain import ApprovalLevel, ClosedBy, Provenance, RecordStatus, ServiceRecord
from services.recruitment.attendance.handlers import PresenceProof
from services.recruitment.attendance.store import ListedRecord, PastRevision
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import RotatingCodeText

__all__ = ["RecordOut", "record_out", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["attendance"])

Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Runner = Annotated[Caller, allow(Role.LEADER, *STAFF)]
Reader = Annotated[Caller, allow(Role.VOLUNTEER, Role.LEADER, *STAFF)]
Ticket = Annotated[str, Field(min_length=1, max_length=100)]
DeviceId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$", examples=["4f1c0b0a9d7e4c3b8a6f5e2d1c0b9a87"])]
"""A random id that the page makes once for its browser; no fingerprint, and never a registered device's."""


class TicketIn(Input):
    """The code as scanned or typed."""

    shift_id: UUID
    code: RotatingCodeText


class TicketOut(Output):
    """A ticket for this shift, good for the first volunteer who uses it; ``expires_in`` seconds of real time."""

    ticket: str
    expires_in: int


class CodeOut(Output):
    """The code that the place shows now; ``expires_in`` seconds until the next one, ``url`` for a QR code."""

    code: str
    expires_in: float
    url: str


class CheckInIn(Input):
    """Code or ticket; ``distance_m`` is the phone's distance to the site in metres, never a position.

    ``device_id`` is random, made once by the browser: it shows whether two check-ins came from one phone, and no more.
    """

    shift_id: UUID
    code: RotatingCodeText | None = None
    ticket: Ticket | None = None
    distance_m: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    device_id: DeviceId | None = None


class CheckOutIn(Input):
    """Code or ticket; ``device_id`` as for a check-in."""

    shift_id: UUID
    code: RotatingCodeText | None = None
    ticket: Ticket | None = None
    device_id: DeviceId | None = None


class RecordOut(Output):
    """A service record as it stands; ``minutes`` are whole, inside the shift or approved ``overtime_minutes``."""

    record_id: UUID
    revision: int
    volunteer_id: UUID
    activity_id: UUID | None
    shift_id: UUID | None
    site_id: UUID | None
    team_id: UUID | None
    drive_id: UUID | None
    theme: str
    kind: str
    provenance: Provenance
    closed_by: ClosedBy | None
    status: RecordStatus
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    planned_minutes: int
    recorded_by: UUID | None
    recorder_site_id: UUID | None
    device_ref: str | None
    approval_level: ApprovalLevel
    distance_m: int | None
    overtime_minutes: int
    linked_record_id: UUID | None


class ListedRecordOut(RecordOut):
    """A record with the names that people know it by; ``waits_for``: why another site must decide on it first.

    ``stayed_minutes`` are whole minutes after the shift's end that are not approved as overtime. ``answer`` is what the
    volunteer says about an automatic close. ``asserted_at``: when another account last asserted or changed it.
    """

    activity_title: str | None
    site_name: str | None
    waits_for: list[str]
    volunteer_number: str
    stayed_minutes: int
    answer: Literal["stayed", "left", "absent"] | None
    left_at: datetime | None
    asserted_at: datetime | None


class RevisionOut(Output):
    """One step in a record's history."""

    revision: int
    change: str
    status: RecordStatus
    provenance: Provenance
    closed_by: ClosedBy | None
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    approval_level: ApprovalLevel
    recorded_by: UUID | None
    device_ref: str | None
    made_by: UUID | None
    reason: str | None
    recorded_at: datetime


class RecordWithHistoryOut(RecordOut):
    """A record with all its revisions, oldest first, and why another site must decide on it first if so."""

    waits_for: list[str]
    revisions: list[RevisionOut]


@router.get("/shifts/{shift_id}/code")
async def read_code(request: Request, db: Db, caller: Runner, shift_id: UUID) -> CodeOut:
    """The rotating code of a shift, to be shown at its place by those who run it."""
    async with db.transaction() as tx:
        shift = await shift_for_code(tx, caller, shift_id)
    # The code does not let those check in who show it to themselves.
    shown_by = ShownBy.LEADER
    if caller.has(*STAFF):
        shown_by = ShownBy.STAFF if caller.volunteer_id is None else ShownBy.SERVING
    now = real_now()
    code = codes.code_at(shift.secret, shown_by, now)
    base = request.app.state.settings.public_url.rstrip("/")
    remaining = round(codes.ends_of_window(now).total_seconds(), 3)
    return CodeOut(code=code, expires_in=remaining, url=f"{base}/s/{shift_id}?c={code}")


@router.post("/attendance/tickets", status_code=201, dependencies=[public()])
async def get_ticket(db: Db, body: TicketIn) -> TicketOut:
    """Change a code for a ticket, before logging in too. Nothing is stored, so no Idempotency-Key is needed."""
    async with db.transaction() as tx:
        ticket = await handlers.ticket(tx, body.shift_id, body.code)
    return TicketOut(ticket=ticket, expires_in=int(TICKET_LIFE.total_seconds()))


@router.post("/attendance/check-ins", status_code=201, response_model=RecordOut)
async def check_in(request: Request, db: Db, caller: Volunteer, body: CheckInIn) -> Response:
    """Check in to a shift, now."""

    async def work(tx: Tx) -> RecordOut:
        proof = PresenceProof(body.code, body.ticket)
        record = await handlers.check_in(tx, caller, body.shift_id, proof, body.distance_m, body.device_id)
        return record_out(record)

    return await once(request, db, caller, work)


@router.post("/attendance/check-outs", status_code=201, response_model=RecordOut)
async def check_out(request: Request, db: Db, caller: Volunteer, body: CheckOutIn) -> Response:
    """Check out of a shift, now."""

    async def work(tx: Tx) -> RecordOut:
        proof = PresenceProof(body.code, body.ticket)
        return record_out(await handlers.check_out(tx, caller, body.shift_id, proof, body.device_id))

    return await once(request, db, caller, work)


@router.post("/attendance/records/{record_id}/resumption", status_code=201, response_model=RecordOut)
async def resume(request: Request, db: Db, caller: Volunteer, record_id: UUID) -> Response:
    """Undo an early check-out for ten minutes: the record is open again, and ends with the next check-out."""

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.resume(tx, caller, record_id))

    return await once(request, db, caller, work)


@router.get("/attendance/records")
async def list_records(
    db: Db,
    caller: Reader,
    volunteer_id: UUID | None = None,
    shift_id: UUID | None = None,
    status: Literal["provisional", "confirmed", "void"] | None = None,
    todo: Literal["confirm", "overtime"] | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[ListedRecordOut]:
    """Records, newest first: one's own, those of one's team, those at one's sites.

    ``todo`` keeps those that wait for the site: closed automatically and not confirmed, or with overtime.
    """
    before = None
    if cursor is not None:
        at, last = decode(cursor, (datetime, UUID))
        before = (at, last)
    async with db.transaction() as tx:
        found = await handlers.listing(
            tx,
            caller,
            volunteer_id=volunteer_id,
            shift_id=shift_id,
            status=status,
            before=before,
            limit=limit + 1,
            todo=todo,
        )
    return page_of(found, limit, _listed, lambda each: (each.record.started_at, each.record.record_id))


@router.get("/attendance/records/{record_id}")
async def read_record(db: Db, caller: Reader, record_id: UUID) -> RecordWithHistoryOut:
    """One record with its history."""
    async with db.transaction() as tx:
        record, revisions, waits_for = await handlers.get(tx, caller, record_id)
    return RecordWithHistoryOut(
        **_members(record), waits_for=list(waits_for), revisions=[_revision(each) for each in revisions]
    )


def record_out(record: ServiceRecord) -> RecordOut:
    """A record as it is answered."""
    return RecordOut(**_members(record))


def _members(record: ServiceRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in ServiceRecord.__dataclass_fields__}


def _listed(listed: ListedRecord) -> ListedRecordOut:
    return ListedRecordOut(
        **_members(listed.record),
        activity_title=listed.activity_title,
        site_name=listed.site_name,
        waits_for=list(listed.waits_for),
        volunteer_number=listed.volunteer_number,
        stayed_minutes=listed.stayed_minutes,
        answer=listed.answer,
        left_at=listed.left_at,
        asserted_at=listed.asserted_at,
    )


def _revision(past: PastRevision) -> RevisionOut:
    return RevisionOut(**{name: getattr(past, name) for name in RevisionOut.model_fields})
