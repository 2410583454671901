"""Pages of shifts for volunteers: find one, see all that one needs to know, and one's own calendar."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from services.web.pages.language import N_, _, current
from services.web.pages.public.district import district_now
from services.web.pages.public.rules import rule_said, worth_of
from services.web.pages.refusals import say
from services.web.pages.render import finish, page, part
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer.calendar import calendar_of
from services.web.pages.wording import day, parse
from shared.auth.access import public
from shared.clock import DISTRICT_ZONE, district_day

__all__ = ["NO_DETAILS", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

SEARCHED = "200"
"""Shifts among which one is found; more are on later days."""
DAYS = 14
"""Days that can be chosen."""
MESSAGES_SAID: Mapping[str, str] = {
    "meeting": N_("请提前几分钟到场集合。"),
    "bring": N_("请带好活动需要的物品。"),
    "weather": N_("请留意天气，穿戴合适。"),
    "place": N_("请看清地点再出发。"),
    "thanks": N_("谢谢您来服务。"),
    "other": N_("带队人有话对您说。"),
}
"""The sentence of a message to the people of a shift, by its subject."""
NO_DETAILS = dict.fromkeys(("map_link", "contact", "bring", "risks", "training"))
"""The details of an activity that cannot be had now: the page stands without them."""


@router.get("/me/shifts")
async def find(
    visit: VisitOf, on: str = "", site: str = "", theme: str = "", need: str = "", teams: str = ""
) -> Response:
    """Shifts to sign up for, by day, place, theme, need and own teams."""
    visit.volunteer()
    now = await district_now(visit)
    days = [(each, day(each, year=True)) for each in _days(now)]
    query = {name: value for name, value in (("site_id", site), ("need", need[:40])) if value}
    if teams:
        query["own_teams"] = "true"
    if on in dict(days):
        begin = datetime.fromisoformat(on).replace(tzinfo=DISTRICT_ZONE)
        query |= {"from": begin.isoformat(), "to": (begin + timedelta(days=1)).isoformat()}
    found, names, rule, tags = await asyncio.gather(
        visit.ask("recruitment", "/shifts", limit=SEARCHED, **query),
        visit.site_names(),
        rule_said(visit),
        visit.get_optional("recruitment", "/tags"),
    )
    themes = sorted({shift["theme"] for shift in found["items"]})
    shown = [
        {**shift, "free": shift["capacity"] - shift["taken"]}
        for shift in found["items"]
        if theme in ("", shift["theme"])
    ]
    return page(
        "volunteer/find.html",
        visit.session,
        path=visit.path,
        shifts=shown,
        days=days,
        sites=sorted(names.items(), key=lambda each: each[1]),
        themes=themes,
        needs=needs_of(tags),
        chosen={"on": on, "site": site, "theme": theme, "need": need, "teams": bool(teams)},
        rule=rule,
    )


def needs_of(tags: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Needs that open tags name, by code, in the language of the page."""
    name = "en" if current() == "en" else "zh"
    return [(tag["tag"], tag[name]) for tag in (tags or {"items": []})["items"] if tag["closed_at"] is None]


@router.get("/me/shifts/{shift_id}")
async def show(visit: VisitOf, shift_id: str) -> Response:
    """One shift with all that a volunteer needs to know of it."""
    visit.volunteer()
    return page("volunteer/shift.html", visit.session, path=visit.path, **await _context(visit, shift_id))


@router.get("/me/shifts/{shift_id}/part")
async def show_part(visit: VisitOf, shift_id: str) -> Response:
    """Where the volunteer stands with the shift, after a button was pressed."""
    visit.volunteer()
    return part("volunteer/parts/shift.html", visit.session, **await _context(visit, shift_id))


@router.get("/me/calendar")
async def calendar(visit: VisitOf) -> Response:
    """Own shifts to come, day by day."""
    found = await _coming(visit)
    days: dict[str, list[Any]] = {}
    for signup in found:
        days.setdefault(day(signup["starts_at"], year=True), []).append(signup)
    return page("volunteer/calendar.html", visit.session, path=visit.path, days=days)


@router.get("/me/calendar.ics")
async def calendar_file(visit: VisitOf) -> Response:
    """Own shifts to come, as a file for a phone's calendar."""
    text = calendar_of(await _coming(visit), await district_now(visit))
    headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="shifts.ics"'}
    return finish(Response(text, media_type="text/calendar; charset=utf-8", headers=headers), visit.session)


async def _coming(visit: Visit) -> list[Any]:
    visit.volunteer()
    now, found = await asyncio.gather(
        district_now(visit), visit.ask("recruitment", "/signups", status="active", limit="200")
    )
    coming = [signup for signup in found["items"] if parse(signup["ends_at"]) > now]
    return sorted(coming, key=lambda signup: parse(signup["starts_at"]))


async def _context(visit: Visit, shift_id: str) -> dict[str, Any]:
    asked = quote(shift_id, safe="")
    shift = await visit.ask("recruitment", f"/shifts/{asked}")
    details, eligibility, swaps, messages, posts, worth = await asyncio.gather(
        visit.get_optional("recruitment", f"/activities/{shift['activity_id']}/details"),
        visit.get_optional("recruitment", f"/shifts/{asked}/eligibility"),
        visit.get_optional("recruitment", "/swaps"),
        visit.get_optional("recruitment", f"/shifts/{asked}/messages"),
        visit.get_optional("recruitment", f"/shifts/{asked}/posts"),
        worth_of(visit, shift),
    )
    now, starts = parse(shift["now"]), parse(shift["starts_at"])
    begun = now >= starts
    requests = await visit.get_optional("recruitment", "/rectifications", shift_id=shift_id) if begun else None
    # only those who serve in it have a way to its order
    order = await visit.get_optional("recruitment", f"/shifts/{asked}/order") if shift["signup_id"] else None
    deadline = starts - timedelta(minutes=shift["withdraw_minutes"])
    return {
        "shift": {**shift, "free": shift["capacity"] - shift["taken"]},
        "details": details or NO_DETAILS,
        "lacks": _lacks(eligibility["missing"] if eligibility else []),
        "swaps": [each for each in swaps["items"] if each["shift_id"] == shift_id] if swaps else [],
        "messages": [{**each, "said": _(MESSAGES_SAID[each["kind"]])} for each in messages["items"]]
        if messages
        else [],
        "posts": posts["items"] if posts else [],
        "own_post": posts["own"] if posts else None,
        "me": visit.volunteer(),
        "begun": begun,
        "over": now >= parse(shift["ends_at"]),
        "late": now > deadline,
        "deadline": deadline,
        "worth": worth,
        "order": order,
        "asked": requests["items"] if requests else [],
        "may_ask": _may_ask(shift, requests, now),
        "state": _state(shift),
    }


def _may_ask(shift: Mapping[str, Any], asked: Mapping[str, Any] | None, now: datetime) -> bool:
    """Whether the volunteer can point out an error of the shift's record, as far as the page knows."""
    if asked is None or not (shift["signup_id"] or shift["record_id"]) or now < parse(shift["starts_at"]):
        return False
    return all(each["answered_at"] for each in asked["items"])


def _state(shift: Mapping[str, Any]) -> str:
    """How the volunteer stands with the shift: signed up, attending, offered, waiting or none."""
    if shift["record_id"]:
        return "attending" if shift["record_ended_at"] is None else "attended"
    if shift["signup_id"]:
        return "signed_up"
    return str(shift["entry_status"] or "none")


def _lacks(missing: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sentences of what the volunteer lacks, in the language of the page."""
    return [say(each["type"], each["detail"], {**each}) or _("不符合这个活动的报名条件。") for each in missing]


def _days(now: datetime) -> list[str]:
    today = district_day(now)
    return [(today + timedelta(days=number)).isoformat() for number in range(DAYS)]
