"""The operators' page of residents' complaints: what a rating says, the decision, and what came of it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.language import _
from services.web.pages.ordering import need_name, read_details
from services.web.pages.render import page
from services.web.pages.staff.people import colleagues_of
from services.web.pages.visit import Visit, VisitOf, operators_only
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/complaints", include_in_schema=False, dependencies=[public()])

VIEWS = ("open", "decided")
AT_ONCE = 20
"""Complaints on one page; each is shown with its order."""


@router.get("")
async def complaints(visit: VisitOf, view: str = "open", words: str = "", cursor: str = "") -> Response:
    """Complaints in ratings, newest first; the words of one resident on request, which is kept as a look."""
    operators_only(visit)
    chosen = view if view in VIEWS else VIEWS[0]
    later = {"cursor": cursor} if cursor else {}
    found, who = await asyncio.gather(
        visit.ask("points", "/complaints/proposals", view=chosen, limit=str(AT_ONCE), **later), colleagues_of(visit)
    )
    items = found["items"]
    orders = await asyncio.gather(*(_order(visit, one) for one in items))
    read = {one["proposal_id"]: one["order_id"] for one in items if one["order_id"]}.get(words)
    return page(
        "operator/complaints.html",
        visit.session,
        path=visit.path,
        items=[
            {**one, "order": order, "by": who(one["decided_by"]) if one["decided_by"] else ""}
            for one, order in zip(items, orders, strict=True)
        ],
        chosen=chosen,
        read=words if read else "",
        details=await read_details(visit, str(read)) if read else None,
        next_cursor=found["next_cursor"],
    )


async def _order(visit: Visit, proposal: Mapping[str, Any]) -> dict[str, Any] | None:
    """The order of a complaint with its need in words; None while recruitment is away."""
    if proposal["order_id"] is None:
        return None
    found = await visit.get_optional("recruitment", f"/orders/{proposal['order_id']}")
    return None if found is None else {**found, "need": need_name(found), "team": found["team_name"] or _("没有队伍")}
