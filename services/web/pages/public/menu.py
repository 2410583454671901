"""The menu of what residents can order (亮单), and the form on which they order it."""

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, RedirectResponse

from services.web.pages.ordering import need_name
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.render import finish, page
from services.web.pages.resident.placing import OrderFormIn, choices_for, order_of
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/menu")
async def menu(visit: VisitOf, site: str = "") -> Response:
    """Needs that can be ordered, and the brand projects behind them; ``site`` is where a code was read."""
    found, sites = await visit.ask("recruitment", "/menu"), await visit.site_names()
    chosen = _known(site)
    return page(
        "public/menu.html",
        visit.session,
        path=visit.path,
        needs=[{**one, "name": need_name(one)} for one in found["needs"]],
        projects=found["projects"],
        site=chosen if chosen in sites else "",
        site_name=sites.get(chosen, ""),
    )


@router.get("/order")
async def order_form(visit: VisitOf, need: str = "", site: str = "") -> Response:
    """Order: after the phone is proved, what, when and where."""
    if visit.session.account:
        return RedirectResponse("/staff/orders/new", 303)
    choices = await choices_for(visit, _known(need), _known(site))
    known = "resident" in visit.session.roles
    return page("public/order.html", visit.session, path=visit.path, known=known, target=visit.target, **choices)


@router.post("/orders")
async def place(visit: VisitOf, body: OrderFormIn, key: Key, ours: Ours = None) -> Response:
    """Place the order; the script goes on to the page on which it is followed."""
    require_ours(ours)
    placed = await visit.post("recruitment", "/orders", order_of(body), **{"idempotency-key": key})
    return finish(JSONResponse({"order_id": placed["order_id"]}), visit.session)


def _known(text: str) -> str:
    """An id as it is, anything else as nothing: an edited address opens the form without it."""
    try:
        return str(UUID(text))
    except ValueError:
        return ""
