"""The page behind the rotating QR code: opening it gets the ticket, and one big button does the rest.

The ticket is issued at once: a stranger is led to log in or register and comes back to the button.
"""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import _, _n
from services.web.pages.public import tickets
from services.web.pages.public.rules import rule_said, worth_of, worth_served
from services.web.pages.refusals import say
from services.web.pages.render import finish, page, part
from services.web.pages.visit import LoginNeeded, Visit, VisitOf
from services.web.pages.volunteer.explanation import records_of
from services.web.pages.wording import clock, figure, parse, spell_minutes
from shared.auth.access import public

__all__ = ["early_question", "router"]

RESUMABLE = timedelta(minutes=10)
"""How long a check-out can be undone, as recruitment has it."""

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/s/{shift_id}")
async def scan(visit: VisitOf, request: Request, shift_id: str, c: str | None = None) -> Response:
    """Check in or out of a shift.

    The code in the address lives seconds; the ticket that it buys goes into a cookie, and the code out of the address,
    so that whatever comes next (a login, a reload, a bad network) needs the cookie only.
    """
    if visit.session.claims:
        visit.volunteer()
    refusal = None
    if c:
        try:
            ticket = await _buy(visit, shift_id, c)
        except UpstreamProblem as problem:
            if problem.status != 403:
                raise
            # who opens the address of an earlier scan again still has its ticket
            refusal = None if tickets.kept(request, shift_id) else say(problem.type, problem.detail, problem.extra)
        else:
            kept = tickets.keep(visit, shift_id, ticket)
            if visit.session.volunteer_id is None:
                raise LoginNeeded(visit.path, cookies=(kept,))
            response = finish(RedirectResponse(visit.path, 303), visit.session)
            response.raw_headers.append(kept)
            return response
    if visit.session.volunteer_id is None:
        raise LoginNeeded(visit.path)
    context = await _context(visit, shift_id, tickets.kept(request, shift_id))
    return page("volunteer/scan.html", visit.session, path=visit.path, refusal=refusal, just_done=False, **context)


@router.get("/s/{shift_id}/part")
async def scan_part(visit: VisitOf, request: Request, shift_id: str) -> Response:
    """Where the volunteer stands with this shift, after a button was pressed."""
    visit.volunteer()
    context = await _context(visit, shift_id, tickets.kept(request, shift_id))
    response = part("volunteer/parts/scan.html", visit.session, just_done=True, **context)
    if context["state"] == "done" and context["ticket"]:
        response.raw_headers.append(tickets.forget(visit))
    return response


@router.get("/s/{shift_id}/leaving")
async def leaving(visit: VisitOf, shift_id: str) -> Response:
    """Word the question what a check-out now would cost, for the script to ask; empty when the shift is over."""
    visit.volunteer()
    shift = await visit.ask("recruitment", f"/shifts/{shift_id}")
    return finish(JSONResponse({"question": await _question(visit, shift, parse(shift["now"]))}), visit.session)


async def _question(visit: Visit, shift: Mapping[str, Any], now: datetime) -> str:
    if not shift.get("record_started_at") or shift.get("record_ended_at") or now >= parse(shift["ends_at"]):
        return ""
    begun = max(parse(shift["record_started_at"]), parse(shift["starts_at"]))
    served = max(0, int((now - begun).total_seconds()) // 60)
    return early_question(served, parse(shift["ends_at"]), await worth_served(visit, shift, served))


def early_question(served: int, ends_at: datetime, worth: Mapping[str, Any] | None) -> str:
    """The question before an early check-out: what it gives, and what the whole shift would have given."""
    length, end = spell_minutes(served), clock(ends_at)
    if worth is not None:
        now, whole = int(worth["served"]["points"]), int(worth["points"])
        if now >= whole:
            return ""
        return _n(
            "您服务了 %(length)s，班次到 %(end)s 才结束。现在签退得 %(n)s 积分，服务到结束可得 %(whole)s 积分。"
            "签退后十分钟内可以撤回。确定现在签退吗？",
            now,
            length=length,
            end=end,
            whole=figure(whole),
        )
    return _(
        "您服务了 %(length)s，班次到 %(end)s 才结束。签退后十分钟内可以撤回。确定现在签退吗？", length=length, end=end
    )


async def _buy(visit: Visit, shift_id: str, code: str) -> str:
    answer = await visit.post(
        "recruitment",
        "/attendance/tickets",
        {"shift_id": shift_id, "code": code},
        **{"idempotency-key": secrets.token_hex(16)},
    )
    return str(answer["ticket"])


async def _context(visit: Visit, shift_id: str, ticket: str | None) -> dict[str, Any]:
    shift, rule = await asyncio.gather(visit.ask("recruitment", f"/shifts/{shift_id}"), rule_said(visit))
    worth, position = await asyncio.gather(
        worth_of(visit, shift), visit.get_optional("recruitment", f"/sites/{shift['site_id']}/position")
    )
    recorded = shift.get("record_id") is not None and shift.get("record_status") != "void"
    state = "none"
    if recorded:
        state = "open" if shift.get("record_ended_at") is None else "done"
    # at a home no screen shows a code: the way to the resident's code is on the page of the order
    at_home = None
    if not ticket and state != "done" and shift.get("signup_id"):
        at_home = await visit.get_optional("recruitment", f"/shifts/{shift_id}/order")
    earned = await _earned(visit, str(shift["record_id"])) if state == "done" else None
    left = record_left(shift) if state == "done" else 0
    return {
        "left": left,
        "shift": shift,
        "state": state,
        "ticket": ticket,
        "at_home": at_home,
        "position": position if position and position.get("latitude") is not None else None,
        "rule": rule,
        "worth": worth,
        "earned": earned,
    }


def record_left(shift: Mapping[str, Any]) -> int:
    """Whole minutes for which the check-out that was just made can be undone; the service decides."""
    now, ended, shift_ends = (parse(shift[name]) for name in ("now", "record_ended_at", "ends_at"))
    return max(0, int((min(ended + RESUMABLE, shift_ends) - now).total_seconds() + 59) // 60)


async def _earned(visit: Visit, record_id: str) -> dict[str, Any] | None:
    """The points of the record that was just ended and why; None until points has applied its end."""
    found = await visit.get_optional("points", f"/accounts/{visit.volunteer()}/explanations", limit="10")
    lines = [line for bucket in (found or {"items": []})["items"] for line in records_of(bucket["explanation"])]
    return next((line for line in lines if line["record_id"] == record_id and line["ended"]), None)
