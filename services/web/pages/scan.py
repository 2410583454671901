"""The page behind the rotating QR code: opening it gets the ticket, and one big button does the rest."""

import asyncio
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response

from services.web.gateway.headers import cookie, cookies
from services.web.gateway.upstream import Problem
from services.web.pages.refusals import say
from services.web.pages.render import page, part
from services.web.pages.rules import rule_said
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

TICKET = "wg_ticket"
TICKET_SECONDS = 15 * 60


@router.get("/s/{shift_id}")
async def scan(visit: VisitOf, request: Request, shift_id: str, c: str | None = None) -> Response:
    """Check in or out of a shift. The code in the address lives seconds; the ticket that it buys stays in a cookie."""
    visit.volunteer()
    ticket, refusal = _kept_ticket(request, shift_id), None
    bought = False
    if c:
        try:
            answer = await visit.tell(
                "recruitment",
                "/attendance/tickets",
                {"shift_id": shift_id, "code": c},
                **{"idempotency-key": secrets.token_hex(16)},
            )
            ticket, bought = str(answer["ticket"]), True
        except Problem as problem:
            if problem.status == 401:
                raise
            # who reloads the page still has the ticket of the first time
            refusal = None if ticket else say(problem.type, problem.detail, problem.extra)
    context = await _context(visit, shift_id, ticket)
    response = page(
        "scan.html", visit.session, path=visit.path, refusal=refusal, asked=bool(c), just_done=False, **context
    )
    if bought:
        secure = visit.web.settings.secure
        response.raw_headers.append(cookie(TICKET, f"{shift_id}~{ticket}", seconds=TICKET_SECONDS, secure=secure))
    return response


@router.get("/s/{shift_id}/part")
async def scan_part(visit: VisitOf, request: Request, shift_id: str) -> Response:
    """Where the volunteer stands with this shift, after a button was pressed."""
    visit.volunteer()
    context = await _context(visit, shift_id, _kept_ticket(request, shift_id))
    return part("parts/scan.html", visit.session, just_done=True, **context)


async def _context(visit: Visit, shift_id: str, ticket: str | None) -> dict[str, Any]:
    shift, rule = await asyncio.gather(visit.ask("recruitment", f"/shifts/{shift_id}"), rule_said(visit))
    recorded = shift.get("record_id") is not None and shift.get("record_status") != "void"
    state = "none"
    if recorded:
        state = "open" if shift.get("record_ended_at") is None else "done"
    return {"shift": shift, "state": state, "ticket": ticket, "rule": rule}


def _kept_ticket(request: Request, shift_id: str) -> str | None:
    kept = cookies(request.scope["headers"]).get(TICKET, "")
    of_shift, _, ticket = kept.partition("~")
    return ticket if ticket and of_shift == shift_id else None
