"""Routes of swaps."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.recruitment.signups.api import Anyone, Runner, Volunteer, admission_of
from services.recruitment.signups.swaps import handlers
from services.recruitment.signups.swaps.domain import ShiftSwap, SwapState
from services.recruitment.vault.api import CipherDep
from services.recruitment.volunteers.domain import parse_volunteer_number
from shared.auth.tokens import Caller
from shared.errors import Invalid
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import VolunteerNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["signups"])


class SwapIn(Input):
    """The number of the volunteer to whom the place is passed on."""

    volunteer_number: VolunteerNumberText


class SwapOut(Output):
    """A proposal to pass a place on; ``to_id`` is said to those who run the shift and to that volunteer."""

    swap_id: UUID
    signup_id: UUID
    shift_id: UUID
    from_id: UUID
    to_id: UUID | None
    state: SwapState
    proposed_at: datetime
    decided_at: datetime | None


class ListedSwapOut(Output):
    """An open swap with its shift and the numbers of both volunteers; ``to_id`` is not said to the proposer."""

    swap_id: UUID
    signup_id: UUID
    shift_id: UUID
    from_id: UUID
    to_id: UUID | None
    from_number: str
    to_number: str
    state: SwapState
    proposed_at: datetime
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime


class SwapsOut(Output):
    """Open swaps, newest first."""

    items: list[ListedSwapOut]


@router.post("/signups/{signup_id}/swaps", status_code=201, response_model=SwapOut)
async def propose_swap(request: Request, db: Db, caller: Volunteer, signup_id: UUID, body: SwapIn) -> Response:
    """Propose one's place to another volunteer."""

    try:
        number = parse_volunteer_number(body.volunteer_number)
    except ValueError as error:
        raise Invalid("volunteer-number-invalid", str(error), member="volunteer_number") from None

    async def work(tx: Tx) -> SwapOut:
        return _swap(caller, await handlers.propose(tx, caller, signup_id, number))

    return await once(request, db, caller, work)


@router.get("/swaps")
async def list_swaps(db: Db, caller: Anyone, shift_id: UUID | None = None) -> SwapsOut:
    """Open swaps of the caller, or of a shift that the caller runs."""
    async with db.transaction() as tx:
        found = await handlers.listing(tx, caller, shift_id)
    names = ListedSwapOut.model_fields
    return SwapsOut(items=[ListedSwapOut(**{name: getattr(each, name) for name in names}) for each in found])


@router.post("/swaps/{swap_id}/acceptance", response_model=SwapOut)
async def accept_swap(request: Request, db: Db, cipher: CipherDep, caller: Volunteer, swap_id: UUID) -> Response:
    """Take the place that is passed on."""

    async def work(tx: Tx) -> SwapOut:
        return _swap(caller, await handlers.agree(tx, caller, swap_id, admission_of(request, cipher)))

    return await once(request, db, caller, work, status=200)


@router.post("/swaps/{swap_id}/approval", response_model=SwapOut)
async def approve_swap(request: Request, db: Db, caller: Runner, swap_id: UUID) -> Response:
    """Agree to a swap where others wait for a place."""

    async def work(tx: Tx) -> SwapOut:
        return _swap(caller, await handlers.approve(tx, caller, swap_id))

    return await once(request, db, caller, work, status=200)


@router.post("/swaps/{swap_id}/end", response_model=SwapOut)
async def end_swap(request: Request, db: Db, caller: Anyone, swap_id: UUID) -> Response:
    """Withdraw or refuse a swap."""

    async def work(tx: Tx) -> SwapOut:
        return _swap(caller, await handlers.end(tx, caller, swap_id))

    return await once(request, db, caller, work, status=200)


def _swap(caller: Caller, swap: ShiftSwap) -> SwapOut:
    shown = SwapOut(**{name: getattr(swap, name) for name in SwapOut.model_fields})
    return shown.model_copy(update={"to_id": None}) if caller.acts_as(swap.from_id) else shown
