"""Placing an order on the pages: what is chosen on the form, and the order that is sent for it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.web.pages.language import _
from services.web.pages.ordering import need_name, window_of
from services.web.pages.public.district import district_now
from services.web.pages.visit import Visit
from services.web.pages.wording import choices_of, day
from shared.http.models import Input
from shared.typed import LONGEST_TYPED

__all__ = ["OrderFormIn", "choices_for", "order_of"]

AHEAD = 30
"""Days from which a resident chooses; later needs come with a series or later."""
Typed = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]


class OrderFormIn(Input):
    """The fields of the form; ``times`` counts only for a series, the ``other_`` fields for another person."""

    need: UUID
    site: UUID | None = None
    day: date
    part: Literal["any", "morning", "afternoon", "evening"]
    address: Annotated[str, Field(min_length=1, max_length=200)]
    phone: Typed
    know: Annotated[str, Field(max_length=500)] = ""
    frail: bool = False
    another: bool = False
    other_name: Annotated[str, Field(max_length=LONGEST_TYPED)] = ""
    other_phone: Annotated[str, Field(max_length=LONGEST_TYPED)] = ""
    every: Literal["", "week", "month"] = ""
    times: Annotated[int, Field(ge=2, le=12)] = 3


def order_of(form: OrderFormIn) -> dict[str, Any]:
    """The order as recruitment takes it."""
    wished_from, wished_to = window_of(form.day, form.part)
    order: dict[str, Any] = {
        "need_tag": str(form.need),
        "site_id": str(form.site) if form.site else None,
        "wished_from": wished_from,
        "wished_to": wished_to,
        "frail": form.frail,
        "details": {"address": form.address, "phone": form.phone, "know": form.know or None},
    }
    if form.another:
        order["beneficiary"] = {"name": form.other_name, "phone": form.other_phone or form.phone}
    if form.every:
        order["series"] = {"every": form.every, "times": form.times}
    return order


async def choices_for(visit: Visit, need: str, site: str) -> dict[str, Any]:
    """The options of the form, with the need and the site that an address named, if they are open."""
    menu = await visit.ask("recruitment", "/menu")
    sites = (await visit.ask("recruitment", "/sites"))["items"]
    open_sites = {str(one["site_id"]): str(one["name"]) for one in sites if one["closed_at"] is None}
    today = (await district_now(visit)).date()
    return {
        "needs": [(one["need_tag_id"], need_name(one)) for one in menu["needs"]],
        "need": need if need in {one["need_tag_id"] for one in menu["needs"]} else "",
        "sites": sorted(open_sites.items(), key=lambda one: one[1]),
        "site": site if site in open_sites else "",
        "site_name": open_sites.get(site, ""),
        "days": [_day(today, ahead) for ahead in range(AHEAD)],
        "tomorrow": (today + timedelta(days=1)).isoformat(),
        "parts": choices_of("order_part"),
        "intervals": [("", _("只这一次")), *choices_of("order_every")],
    }


def _day(today: date, ahead: int) -> tuple[str, str]:
    chosen = today + timedelta(days=ahead)
    said = day(f"{chosen}T12:00:00+08:00")
    named: Mapping[int, str] = {0: _("今天 %(day)s", day=said), 1: _("明天 %(day)s", day=said)}
    return chosen.isoformat(), named.get(ahead, said)
