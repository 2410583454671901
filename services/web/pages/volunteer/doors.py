"""The page of an order for the volunteer who serves it: the address, and the code at the door."""

import asyncio

from fastapi import APIRouter, Response

from services.web.pages.ordering import read_details
from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/me/shifts", include_in_schema=False, dependencies=[public()])


@router.get("/{shift_id}/order")
async def served_order(visit: VisitOf, shift_id: str, details: str = "") -> Response:
    """Check in and out by the resident's code; the address on request, which is kept as a look."""
    visit.volunteer()
    shift, order = await asyncio.gather(
        visit.ask("recruitment", f"/shifts/{shift_id}"), visit.ask("recruitment", f"/shifts/{shift_id}/order")
    )
    read = await read_details(visit, order["order_id"]) if details else None
    return page(
        "volunteer/order.html",
        visit.session,
        path=visit.path,
        shift=shift,
        order=order,
        details=read,
        state=_state(shift),
    )


def _state(shift: dict[str, object]) -> str:
    """How the volunteer stands: to check in, to check out, or done."""
    if not shift["record_id"]:
        return "before"
    return "inside" if shift["record_ended_at"] is None else "done"
