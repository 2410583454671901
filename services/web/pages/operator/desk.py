"""The desk that dispatches: late orders first, teams suggested with why, and needs that no team could serve."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.ordering import matched, need_name, shown
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import choices_of
from shared.auth.access import public

__all__ = ["leads_of", "router"]

router = APIRouter(prefix="/staff/desk", include_in_schema=False, dependencies=[public()])

AT_ONCE = 8
"""Orders shown with suggestions; each is ranked anew."""
SUGGESTED = 3
LATE = 30
UNFULFILLED = 100


@router.get("")
async def desk(visit: VisitOf, at: str = "", cursor: str = "") -> Response:
    """Orders to dispatch, due first, each with the best teams; what is late elsewhere; needs without a team."""
    require_staff(visit)
    waits = {"waits_at": at} if at in dict(choices_of("order_desk")) else {}
    later = {"cursor": cursor} if cursor else {}
    offered, late, unfulfilled, now, teams = await asyncio.gather(
        visit.ask("recruitment", "/orders", state="offered", limit=str(AT_ONCE), **waits, **later),
        visit.ask("recruitment", "/orders", late="true", limit=str(LATE), **waits),
        visit.ask("recruitment", "/orders", state="unfulfilled", limit=str(UNFULFILLED)),
        district_now(visit),
        visit.team_names(),
    )
    suggestions = await asyncio.gather(*(_suggested(visit, one["order_id"]) for one in offered["items"]))
    return page(
        "operator/desk.html",
        visit.session,
        path=visit.path,
        offered=[
            {**shown(one, now, teams), "suggested": best}
            for one, best in zip(offered["items"], suggestions, strict=True)
        ],
        late=[shown(one, now, teams) for one in late["items"] if one["state"] != "offered"],
        leads=leads_of(unfulfilled["items"]),
        at=at,
        desks=choices_of("order_desk"),
        next_cursor=offered["next_cursor"],
    )


def leads_of(unfulfilled: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Needs that no team could serve, by need and site, the most frequent first: whom to recruit."""
    counts = Counter((one["need_tag_id"], need_name(one), one["site_id"], one["site_name"]) for one in unfulfilled)
    return [
        {"need_tag_id": tag, "need": need, "site_id": site_id, "site": site, "count": count}
        for (tag, need, site_id, site), count in counts.most_common()
    ]


async def _suggested(visit: Visit, order_id: str) -> list[dict[str, Any]]:
    found = await visit.get_optional("recruitment", f"/orders/{order_id}/suggestions")
    return matched(found["items"][:SUGGESTED]) if found else []
