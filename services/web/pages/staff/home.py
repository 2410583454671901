"""The staff's pages: shifts with their rotating code, what waits, rewards to hand over."""

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages import messages
from services.web.pages.language import N_, _, _n
from services.web.pages.public.district import district_now
from services.web.pages.refusals import say
from services.web.pages.render import finish, page, part, qr
from services.web.pages.staff.schedule import day_bounds, shifts_between
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer.rewards import tail
from services.web.pages.wording import parse
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

AHEAD = timedelta(days=14)
"""How far the first page looks ahead for shifts."""
COUNTED = 50
"""Waiting pieces of work that the first page counts; beyond them it says that there are more."""


@router.get("")
async def staff(visit: VisitOf) -> Response:
    """Show what waits, own shifts and redemptions; accounts that work elsewhere are sent there."""
    if visit.session.account and not visit.session.staff:
        return finish(RedirectResponse(visit.session.door, 303), visit.session)
    visit.staff()
    shifts, held, waiting, inbox = await asyncio.gather(
        _shifts(visit), _held(visit), _waiting(visit), messages.own(visit)
    )
    # the page shows what waits before the shifts, and where nothing waits after them
    waiting = [*waiting, _unread(inbox["inbox"])]
    return page(
        "staff/home.html",
        visit.session,
        path=visit.path,
        today=shifts["today"],
        coming=shifts["coming"],
        held=held,
        waiting=waiting,
    )


@router.get("/parts/held")
async def held_part(visit: VisitOf) -> Response:
    """Show what waits for pickup, after something was handed over."""
    visit.staff()
    return part("staff/parts/held.html", visit.session, held=await _held(visit))


@router.get("/shifts/{shift_id}/qr")
async def shift_qr(visit: VisitOf, shift_id: str) -> Response:
    """The screen at the place of service: a code that changes every few seconds."""
    visit.staff()
    shift = await visit.ask("recruitment", f"/shifts/{shift_id}")
    return page("staff/qr.html", visit.session, path=visit.path, shift=shift, **await _code(visit, shift_id))


@router.get("/shifts/{shift_id}/qr/part")
async def shift_qr_part(visit: VisitOf, shift_id: str) -> Response:
    """The present code alone."""
    visit.staff()
    return part("staff/parts/qr.html", visit.session, **await _code(visit, shift_id))


@router.get("/pickup/{redemption_id}")
async def pickup(visit: VisitOf, redemption_id: str, c: str = "") -> Response:
    """Hand one reward over: where the volunteer's QR code leads."""
    visit.staff()
    redemption, sites = await asyncio.gather(visit.ask("points", f"/redemptions/{redemption_id}"), visit.site_names())
    return page(
        "staff/pickup.html",
        visit.session,
        path=visit.path,
        redemption=redemption,
        site_name=sites.get(redemption["site_id"], ""),
        tail=tail(redemption_id),
        code=c[:16],
    )


async def _code(visit: Visit, shift_id: str) -> dict[str, Any]:
    try:
        shown = await visit.ask("recruitment", f"/shifts/{shift_id}/code")
    except UpstreamProblem as problem:
        if problem.status == 401:
            raise
        return {"code": None, "refusal": say(problem.type, problem.detail, problem.extra)}
    address = shown.get("url") or f"{visit.web.settings.public_url.rstrip('/')}/s/{shift_id}?c={shown['code']}"
    return {"code": shown["code"], "address": address, "drawing": qr(address, label=_("签到二维码")), "refusal": None}


async def _shifts(visit: Visit) -> dict[str, Any]:
    """Today's shifts and those of the next two weeks."""
    today = (await district_now(visit)).date()
    start, end = day_bounds(today)
    shifts, _now = await shifts_between(visit, start, end + AHEAD)
    if shifts is None:
        return {"today": None, "coming": None}
    return {
        "today": [shift for shift in shifts if parse(shift["starts_at"]) < end],
        "coming": [shift for shift in shifts if parse(shift["starts_at"]) >= end and not shift["over"]],
    }


async def _waiting(visit: Visit) -> list[dict[str, Any]]:
    """Work that waits for the caller, each with its count."""
    most = {"limit": str(COUNTED)}
    records, roles = ("recruitment", "/attendance/records"), visit.session.roles
    questions: list[tuple[str, str, str, str, str, dict[str, str]]] = [
        ("/staff/records", N_("待确认的记录"), "list-checks", *records, {"todo": "confirm", **most}),
        ("/staff/records?view=overtime", N_("超时待批"), "clock", *records, {"todo": "overtime", **most}),
    ]
    if roles & {"station", "operator"}:
        placed, late = {"state": "placed", **most}, {"late": "true", **most}
        wrong = {"view": "open", **most}
        decidable, cases = {"view": "decidable", **most}, {"status": "open", **most}
        questions += [
            ("/staff/orders?state=placed", N_("待审的点单"), "inbox", records[0], "/orders", placed),
            ("/staff/orders?late=1", N_("超时的点单"), "clock", records[0], "/orders", late),
            ("/staff/approvals", N_("时长核对"), "clipboard-check", records[0], "/attendance/approvals", decidable),
            ("/staff/rectifications", N_("更正申请"), "message-circle", records[0], "/rectifications", wrong),
            ("/staff/cases", N_("核查事项"), "search", "points", "/cases", cases),
        ]
    if "leader" in roles:
        questions.append(("/staff/offers", N_("等您接的单"), "heart-handshake", records[0], "/orders/offers", most))
    if "operator" in roles:
        proposed = {"status": "proposed", **most}
        questions += [
            ("/staff/complaints", N_("居民投诉"), "message-circle", "points", "/complaints/proposals", most),
            ("/staff/adjustments", N_("调整待批"), "sliders-horizontal", "points", "/adjustments", proposed),
            ("/staff/colleagues", N_("未接受的邀请"), "users", records[0], "/staff/invitations", {}),
        ]
    answers = await asyncio.gather(*(visit.get_optional(of, path, **query) for *_rest, of, path, query in questions))
    return [
        {
            "href": href,
            "text": _(text),
            "icon": icon,
            "count": _counted(answer),
            "waits": bool(answer and answer["items"]),
        }
        for (href, text, icon, *_rest), answer in zip(questions, answers, strict=True)
    ]


def _unread(inbox: Any | None) -> dict[str, Any]:
    """The way to the messages, with how many are unread."""
    unread = int(inbox["unread"]) if inbox else 0
    said = _("暂时取不到") if inbox is None else _n("%(n)s 条未读", unread) if unread else _("没有未读")
    return {"href": "/staff/messages", "text": _("消息"), "icon": "bell", "count": said, "waits": unread > 0}


def _counted(answer: Any | None) -> str:
    """``3 件等您处理``, or what stands for it."""
    if answer is None:
        return _("暂时取不到")
    count = len(answer["items"])
    if answer.get("next_cursor"):
        return _("%(n)s 件以上等您处理", n=count)
    return _n("%(n)s 件等您处理", count) if count else _("没有等您处理的")


async def _held(visit: Visit) -> list[dict[str, Any]] | None:
    if not visit.session.roles & {"station", "operator"}:
        return None
    found, sites = await asyncio.gather(
        visit.get_optional("points", "/redemptions", status="held", limit="100"), visit.site_names()
    )
    if found is None:
        return None
    return [
        {**redemption, "tail": tail(redemption["redemption_id"]), "site_name": sites.get(redemption["site_id"], "")}
        for redemption in found["items"]
    ]
