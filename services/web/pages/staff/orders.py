"""Residents' orders for staff and leaders: the board, taking one by phone, and one order with all that can be done."""

import asyncio
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import _
from services.web.pages.order_words import (
    ASK_REASONS,
    CANCEL_REASONS,
    DECLINE_REASONS,
    ORDER_WORDS,
    REFUSE_REASONS,
)
from services.web.pages.ordering import matched, read_details, shown
from services.web.pages.public.district import district_now
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.render import finish, page, qr
from services.web.pages.resident.placing import OrderFormIn, choices_for, order_of
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.staff.schedule import local, site_options
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import parse, word
from shared.auth.access import public
from shared.typed import LONGEST_TYPED

__all__ = ["plan_of", "reasons_of", "router"]

router = APIRouter(prefix="/staff/orders", include_in_schema=False, dependencies=[public()])

CHANNELS = ("phone", "counter", "visit")


class TakenOrderIn(OrderFormIn):
    """An order that staff take for a resident: who asks, and how."""

    caller_name: Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
    channel: Literal["phone", "counter", "visit"]


@router.get("")
async def board(visit: VisitOf, state: str = "", site: str = "", late: str = "", cursor: str = "") -> Response:
    """Open orders at the caller's sites, what is late or due first on top; or those that ended in a state."""
    require_staff(visit)
    query = {"state": state if state in ORDER_WORDS["order_state"] else "", "site_id": site, "cursor": cursor}
    query["late"] = "true" if late else ""
    found, now, teams, sites = await asyncio.gather(
        visit.ask("recruitment", "/orders", limit="50", **{name: value for name, value in query.items() if value}),
        district_now(visit),
        visit.team_names(),
        site_options(visit),
    )
    kept = urlencode({name: value for name, value in (("state", state), ("site", site), ("late", late)) if value})
    return page(
        "staff/orders.html",
        visit.session,
        path=visit.path,
        orders=[shown(one, now, teams) for one in found["items"]],
        chosen={"state": query["state"], "site": site, "late": bool(late)},
        states=[("", _("全部未完的")), *((one, word(one, "order_state")) for one in ORDER_WORDS["order_state"])],
        sites=sites,
        kept=kept,
        next_cursor=found["next_cursor"],
    )


@router.get("/new")
async def new_order(visit: VisitOf, need: str = "", site: str = "") -> Response:
    """Take an order by phone, at the counter or on a visit, on one form."""
    require_staff(visit)
    choices, own = await asyncio.gather(choices_for(visit, need, site), site_options(visit))
    channels = [(one, word(one, "order_channel")) for one in CHANNELS]
    return page("staff/order_new.html", visit.session, path=visit.path, **{**choices, "sites": own}, channels=channels)


@router.post("")
async def take(visit: VisitOf, body: TakenOrderIn, key: Key, ours: Ours = None) -> Response:
    """Place the order for the resident who asks."""
    require_ours(ours)
    require_staff(visit)
    order = order_of(body) | {
        "taken_by": body.channel,
        "resident": {"name": body.caller_name, "phone": body.phone},
    }
    placed = await visit.post("recruitment", "/orders", order, **{"idempotency-key": key})
    return finish(JSONResponse({"order_id": placed["order_id"], "number": placed["number"]}), visit.session)


@router.get("/poster")
async def poster(visit: VisitOf, site: str = "") -> Response:
    """A sheet for a site or service point: its code opens the menu with that site."""
    require_staff(visit)
    sites = await visit.site_names()
    if site not in sites:
        raise UpstreamProblem("site-unknown", "There is no such site.", status=404)
    address = f"{visit.web.settings.public_url.rstrip('/')}/menu?site={site}"
    drawing = qr(address, label=_("点单二维码"))
    return page("staff/order_poster.html", visit.session, path=visit.path, name=sites[site], site=site, drawing=drawing)


@router.get("/{order_id}")
async def one_order(visit: VisitOf, order_id: str, details: str = "") -> Response:
    """One order: where it stands, what the caller can do now, and on request its address, which is kept as a look."""
    visit.staff()
    found = await visit.ask("recruitment", f"/orders/{order_id}")
    now, teams, read, suggested = await asyncio.gather(
        district_now(visit),
        visit.team_names(),
        read_details(visit, order_id) if details else _nothing(),
        visit.get_optional("recruitment", f"/orders/{order_id}/suggestions")
        if "dispatch" in found["allowed"]
        else _nothing(),
    )
    order = shown(found, now, teams)
    return page(
        "staff/order.html",
        visit.session,
        path=visit.path,
        order=order,
        details=read,
        suggested=matched(suggested["items"]) if suggested else [],
        plan=plan_of(order),
        led=await _led(visit, order, teams),
        reasons=reasons_of(),
    )


def plan_of(order: dict[str, Any]) -> dict[str, Any]:
    """The first values of the form of a plan: the wished time, for as long as such a service lasts."""
    starts_at = parse(order["wished_from"])
    ends_at = min(starts_at.timestamp() + order["minutes"] * 60, parse(order["wished_to"]).timestamp())
    ends = starts_at.fromtimestamp(ends_at, starts_at.tzinfo)
    return {"starts_at": local(starts_at), "ends_at": local(ends), "places": order["people"]}


def reasons_of() -> dict[str, list[tuple[str, str]]]:
    """The reasons of each decision, in words."""
    of = {"ask": ASK_REASONS, "refuse": REFUSE_REASONS, "decline": DECLINE_REASONS}
    of["cancel"] = (*CANCEL_REASONS[:-1], "no-team", CANCEL_REASONS[-1])
    return {name: [(one, word(one, "order_reason")) for one in codes] for name, codes in of.items()}


async def _led(visit: Visit, order: dict[str, Any], teams: dict[str, str]) -> list[tuple[str, str]]:
    """The visitor's teams that may accept or decline the order."""
    if "decline" not in order["allowed"]:
        return []
    if order["team_id"]:
        return [(str(order["team_id"]), str(order["team_name"]))]
    offers = await visit.get_optional("recruitment", "/orders/offers", limit="200")
    mine = [one for one in (offers or {"items": []})["items"] if one["order_id"] == order["order_id"]]
    return [(team["team_id"], team["team_name"]) for one in mine for team in one["teams"]]


async def _nothing() -> None:
    return None
