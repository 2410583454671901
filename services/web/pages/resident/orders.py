"""Orders as the resident follows them: all own ones, and one with its way, what comes next and who read the details."""

import asyncio

from fastapi import APIRouter, Response

from services.web.pages import messages
from services.web.pages.order_words import CANCEL_REASONS
from services.web.pages.ordering import shown
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

MESSAGES = 5

router = APIRouter(prefix="/orders", include_in_schema=False, dependencies=[public()])


@router.get("")
async def own_orders(visit: VisitOf, cursor: str | None = None) -> Response:
    """Own orders and those placed for the visitor, what is open first, with the latest messages about them."""
    visit.resident()
    query = {"cursor": cursor} if cursor else {}
    found, now, teams, inbox = await asyncio.gather(
        visit.ask("recruitment", "/orders/mine", limit="20", **query),
        district_now(visit),
        visit.team_names(),
        messages.own(visit, MESSAGES),
    )
    orders = [shown(one, now, teams, working=False) for one in found["items"]]
    return page(
        "resident/orders.html",
        visit.session,
        path=visit.path,
        orders=sorted(orders, key=lambda one: bool(one["ended"])),
        next_cursor=found["next_cursor"],
        **inbox,
    )


@router.get("/{order_id}")
async def own_order(visit: VisitOf, order_id: str) -> Response:
    """One order, followed like a parcel: its steps, what is next and by when, and what the resident can do."""
    visit.resident()
    found = await visit.ask("recruitment", f"/orders/{order_id}")
    door_asked = found["state"] == "scheduled"
    now, teams, details, looks, door = await asyncio.gather(
        district_now(visit),
        visit.team_names(),
        visit.get_optional("recruitment", f"/orders/{order_id}/details"),
        visit.get_optional("recruitment", f"/orders/{order_id}/looks"),
        visit.get_optional("recruitment", f"/orders/{order_id}/door-code") if door_asked else _nothing(),
    )
    return page(
        "resident/order.html",
        visit.session,
        path=visit.path,
        order=shown(found, now, teams, working=False),
        details=details,
        looks=looks["items"] if looks else [],
        door=door["code"] if door else "",
        cancel_reasons=CANCEL_REASONS,
    )


async def _nothing() -> None:
    return None
