"""Orders for leaders: what their teams may accept, with why, and what they have to plan and to close."""

import asyncio

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.ordering import matched, shown
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.staff.orders import reasons_of
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/offers", include_in_schema=False, dependencies=[public()])


@router.get("")
async def offers(visit: VisitOf, cursor: str = "") -> Response:
    """Offered orders that match own teams, then own ones, what is due first on top."""
    visit.staff()
    if "leader" not in visit.session.roles:
        raise UpstreamProblem("role-not-allowed", "This page is for leaders.", status=403)
    query = {"cursor": cursor} if cursor else {}
    found, now, teams = await asyncio.gather(
        visit.ask("recruitment", "/orders/offers", limit="50", **query), district_now(visit), visit.team_names()
    )
    orders = [{**shown(one, now, teams), "teams": matched(one["teams"])} for one in found["items"]]
    return page(
        "staff/offers.html",
        visit.session,
        path=visit.path,
        asked=[one for one in orders if one["state"] in ("dispatched", "offered")],
        own=[one for one in orders if one["state"] not in ("dispatched", "offered")],
        reasons=reasons_of(),
        next_cursor=found["next_cursor"],
    )
