"""Routes of an order's details, of the looks, and of the code at the door."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.recruitment.attendance.api import RecordOut, record_out
from services.recruitment.limits.handlers import too_many
from services.recruitment.orders.api import Anybody, Resident, Server
from services.recruitment.orders.details import handlers
from services.recruitment.vault.api import CipherDep, ReaderDep
from services.recruitment.vault.handlers import looking
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import CodeText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["orders"])


class OrderWordsOut(Output):
    """A text that was typed in a step of the order."""

    kind: Literal["review", "answer", "completion", "rating", "cancel"]
    words: str
    at: datetime


class OrderDetailsOut(Output):
    """Where the service is held, how to reach the people there, and what to know."""

    address: str
    phone: str
    know: str | None
    beneficiary_name: str | None
    beneficiary_phone: str | None
    words: list[OrderWordsOut]


class OrderLookOut(Output):
    """One look: by staff of a site (none: the centre), or by a team's leader or volunteer."""

    look_id: UUID
    reader_kind: Literal["staff", "leader", "volunteer"]
    site_name: str | None
    team_name: str | None
    looked_at: datetime


class OrderLooksOut(Output):
    """The looks of an order, newest first."""

    items: list[OrderLookOut]


class DoorCodeOut(Output):
    """The code for the volunteer at the door; a new one follows each use."""

    code: str
    valid_until: datetime


class OrderOfShiftOut(Output):
    """The order that a shift was planned for."""

    order_id: UUID
    number: str


class DoorIn(Input):
    """The code that the resident gave."""

    code: CodeText


@router.get("/orders/{order_id}/details")
async def read_details(
    db: Db, cipher: CipherDep, reader: ReaderDep, caller: Anybody, order_id: UUID
) -> OrderDetailsOut:
    """The details of an order; each look of another than the resident is kept and shown to the resident."""
    async with looking(db, reader) as tx:
        found = await handlers.read(tx, caller, cipher, reader, order_id)
    said = found.said
    return OrderDetailsOut(
        address=said.get("address") or "",
        phone=said.get("phone") or "",
        know=said.get("know"),
        beneficiary_name=said.get("beneficiary_name"),
        beneficiary_phone=said.get("beneficiary_phone"),
        words=[OrderWordsOut.model_validate(each, from_attributes=True) for each in found.words],
    )


@router.get("/orders/{order_id}/looks")
async def list_order_looks(db: Db, caller: Resident, order_id: UUID) -> OrderLooksOut:
    """The readers of the caller's order."""
    async with db.transaction() as tx:
        found = await handlers.looks(tx, caller, order_id)
    return OrderLooksOut(items=[OrderLookOut.model_validate(each, from_attributes=True) for each in found])


@router.get("/orders/{order_id}/door-code")
async def read_door_code(db: Db, cipher: CipherDep, caller: Resident, order_id: UUID) -> DoorCodeOut:
    """The code that the resident gives to the volunteer who comes, and another one when they go."""
    async with db.transaction() as tx:
        found = await handlers.door_code(tx, caller, cipher, order_id)
    return DoorCodeOut(code=found.code, valid_until=found.valid_until)


@router.post("/orders/{order_id}/door", status_code=201, response_model=RecordOut)
async def open_door(
    request: Request, db: Db, cipher: CipherDep, caller: Server, order_id: UUID, body: DoorIn
) -> Response:
    """Check in or out at a resident's home by the code that the resident gives."""
    async with db.transaction() as tx:
        over = await handlers.begin_try(tx, caller, cipher, order_id)
    if over is not None:
        raise too_many(over, "too-many-attempts", "too many wrong codes were entered at this door")

    async def work(tx: Tx) -> RecordOut:
        return record_out(await handlers.open_door(tx, caller, cipher, order_id, body.code))

    return await once(request, db, caller, work)


@router.get("/shifts/{shift_id}/order")
async def read_order_of_shift(db: Db, caller: Server, shift_id: UUID) -> OrderOfShiftOut:
    """The order that a shift was planned for, to those who serve in it."""
    async with db.transaction() as tx:
        order_id, number = await handlers.of_shift(tx, caller, shift_id)
    return OrderOfShiftOut(order_id=order_id, number=number)
