"""Getting in and out: the session's cookies are set and deleted here, and scripts never see a token."""

import contextlib
from secrets import token_urlsafe
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.headers import cookies
from services.web.gateway.sessions import REFRESH, Session
from services.web.gateway.upstream import Problem, UpstreamAway
from services.web.pages import tickets
from services.web.pages.render import finish, page
from services.web.pages.visit import Visit, VisitOf, safe_next
from shared.auth.access import public
from shared.errors import Forbidden
from shared.http.app import Input
from shared.typed import LONGEST_TYPED

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

Ours = Annotated[str | None, Header(alias="X-Weiguang-Page")]
"""Sent by our own script; other sites cannot, so nobody is logged in or registered by a foreign page."""
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=128)]
# Recruitment normalises what was typed; these only bound it.
Phone = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
Code = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]


class PhoneLogin(Input):
    """A phone and the code that was sent to it."""

    phone: Phone
    code: Code
    next: str = "/me"


class StaffLogin(Input):
    """A member of staff's name and password."""

    username: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=200)]
    next: str = "/staff"


class Registration(Input):
    """What the drive's form asks for."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
    phone: Phone
    code: Code
    consent: bool
    drive_code: str | None = None
    appeal_code: str | None = None
    birth_date: str | None = None
    guardian_consent: bool | None = None


@router.get("/login")
async def login_page(visit: VisitOf, request: Request, next: str | None = None) -> Response:
    """For volunteers, residents and leaders: phone and one-time code."""
    shift_id = tickets.kept_shift(request)
    target = safe_next(next, f"/s/{shift_id}" if shift_id else "/me")
    scanning = target.startswith("/s/")
    # the scan's ticket waits in this browser, so nobody is sent back to the screen for logging in
    scanned = scanning and tickets.kept(request, target.removeprefix("/s/")) is not None
    return page("login.html", visit.session, path=visit.path, next=target, scanning=scanning, scanned=scanned)


@router.get("/staff/login")
async def staff_login_page(visit: VisitOf, next: str = "/staff") -> Response:
    """For staff: account and password."""
    return page("staff_login.html", visit.session, path=visit.path, next=safe_next(next, "/staff"))


@router.post("/session")
async def log_in(visit: VisitOf, body: PhoneLogin, ours: Ours = None) -> Response:
    """Log in; who was imported from the registry claims that account by the same code."""
    _require_ours(ours)
    proof = {"phone": body.phone, "code": body.code}
    try:
        opened = await visit.tell("recruitment", "/auth/tokens", proof)
    except Problem as problem:
        if problem.type.rpartition("/")[2] != "claim-first":
            raise
        claimed = await visit.tell("recruitment", "/volunteers/claims", proof, **{"idempotency-key": token_urlsafe(24)})
        opened = claimed["session"]
    return _entered(visit, opened, safe_next(body.next, "/me"))


@router.post("/session/staff")
async def log_in_staff(visit: VisitOf, body: StaffLogin, ours: Ours = None) -> Response:
    """Log in by account and password."""
    _require_ours(ours)
    proof = {"username": body.username, "password": body.password}
    opened = await visit.tell("recruitment", "/auth/sessions", proof)
    return _entered(visit, opened, safe_next(body.next, "/staff"))


@router.post("/session/registration")
async def register(visit: VisitOf, request: Request, body: Registration, key: Key, ours: Ours = None) -> Response:
    """Register as a volunteer and be logged in at once; who came from a scan goes back to it."""
    _require_ours(ours)
    person = body.model_dump(exclude_none=True)
    answer = await visit.tell("recruitment", "/volunteers", person, **{"idempotency-key": key})
    if answer.get("session") is None:
        # the same form sent again much later: the person is registered, and logs in by a new code
        raise Problem("already-registered", "This person is registered already.", status=409)
    shift_id = tickets.kept_shift(request)
    return _entered(visit, answer["session"], f"/s/{shift_id}" if shift_id else "/me?welcome=1")


@router.delete("/session")
async def log_out(visit: VisitOf, request: Request, ours: Ours = None) -> Response:
    """End the session, here and at the service; a service that is away does not keep anybody logged in here."""
    _require_ours(ours)
    kept = cookies(request.scope["headers"]).get(REFRESH)
    if kept:
        with contextlib.suppress(Problem, UpstreamAway):
            await visit.tell("recruitment", "/auth/logout", {"refresh_token": kept})
    # the next person with this browser scans for themselves
    gone = (*visit.web.sessions.ended(), tickets.forget(visit))
    return finish(JSONResponse({}), Session(set_cookies=gone))


def _require_ours(ours: str | None) -> None:
    if ours is None:
        raise Forbidden("cross-site-request", "This request did not come from Weiguang's own pages.")


def _entered(visit: Visit, opened: Any, where: str) -> Response:
    session = visit.web.sessions.opened(opened)
    if session is None:
        raise Problem("login-failed", "登录没有成功，请再试一次。", status=502)
    if where.startswith("/staff") and not session.staff:
        where = "/"  # an engineer's work is not on these pages: no login ends at a closed door
    return finish(JSONResponse({"next": where}), session)
