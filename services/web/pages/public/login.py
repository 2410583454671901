"""Getting in and out: the session's cookies are set and deleted here, and scripts never see a token."""

import contextlib
from dataclasses import replace
from secrets import token_urlsafe
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.headers import cookies
from services.web.gateway.sessions import REFRESH, Session
from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.browser import Browser, BrowserOf
from services.web.pages.public import tickets
from services.web.pages.render import finish, page
from services.web.pages.visit import VisitOf, safe_next
from shared.auth.access import public
from shared.errors import Forbidden
from shared.http.app import Input
from shared.typed import LONGEST_TYPED

__all__ = ["Key", "Ours", "challenge_of", "challenged", "require_ours", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

Ours = Annotated[str | None, Header(alias="X-Weiguang-Page")]
"""Sent by our own script; other sites cannot, so no foreign page logs a visitor in or registers one."""
Key = Annotated[str, Header(alias="Idempotency-Key", max_length=128)]
# Recruitment normalises what was typed; these only bound it.
Phone = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
Code = Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]


class PhoneLoginIn(Input):
    """A phone and the code that was sent to it; the first login of an imported volunteer brings consents too."""

    phone: Phone
    code: Code
    consent: bool = False
    guardian_consent: bool = False
    next: str = "/me"


class CodeRequestIn(Input):
    """Which phone to send a code to."""

    phone: Phone


class ResidentFormIn(Input):
    """The fields before an order: who asks for help, and the code sent to their phone.

    The last consents are an imported volunteer's, who logs in here for the first time.
    """

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_TYPED)]
    phone: Phone
    code: Code
    consent: bool
    volunteer_consent: bool = False
    guardian_consent: bool = False
    next: str = "/orders"


class SecondStepFormIn(Input):
    """The code of a second factor, or a recovery code."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    next: str = "/staff"


class StaffLoginIn(Input):
    """A member of staff's name and password."""

    username: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=200)]
    next: str = "/staff"


class RegistrationFormIn(Input):
    """The fields of the drive's form."""

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
    # the scan's ticket waits in this browser, so a login does not send the visitor back to the screen
    scanned = scanning and tickets.kept(request, target.removeprefix("/s/")) is not None
    return page("public/login.html", visit.session, path=visit.path, next=target, scanning=scanning, scanned=scanned)


@router.get("/staff/login")
async def staff_login_page(visit: VisitOf, next: str = "/staff") -> Response:
    """For staff: account and password."""
    return page("public/staff_login.html", visit.session, path=visit.path, next=safe_next(next, "/staff"))


@router.post("/session/codes")
async def send_code(browser: BrowserOf, body: CodeRequestIn, ours: Ours = None) -> Response:
    """Send a code to a phone; the challenge that it answers stays in this browser."""
    require_ours(ours)
    return challenged(browser, await browser.post("/auth/codes", {"phone": body.phone}))


@router.post("/session")
async def log_in(browser: BrowserOf, body: PhoneLoginIn, ours: Ours = None) -> Response:
    """Log in; who was imported from the registry claims that account by the same code."""
    require_ours(ours)
    proof = {"phone": body.phone, "code": body.code, "challenge_id": challenge_of(browser)}
    try:
        opened = await browser.post("/auth/tokens", proof)
    except UpstreamProblem as problem:
        if problem.type.rpartition("/")[2] != "claim-first":
            raise
        claim = {**proof, "consent": body.consent, "guardian_consent": body.guardian_consent}
        claimed = await browser.post("/volunteers/claims", claim, **{"idempotency-key": token_urlsafe(24)})
        opened = claimed["session"]
    return _entered(browser, opened, safe_next(body.next, "/me"))


@router.post("/session/resident")
async def enter_as_resident(browser: BrowserOf, body: ResidentFormIn, ours: Ours = None) -> Response:
    """Log in to order; by the same code a new phone is registered, and an imported volunteer claims their account."""
    require_ours(ours)
    proof = {"phone": body.phone, "code": body.code, "challenge_id": challenge_of(browser)}
    try:
        opened = await browser.post("/auth/tokens", proof)
    except UpstreamProblem as problem:
        known = problem.type.rpartition("/")[2]
        if known == "not-registered":
            path, person = "/residents", {"name": body.name, "consent": body.consent, **proof}
        elif known == "claim-first":
            consents = {"consent": body.volunteer_consent, "guardian_consent": body.guardian_consent}
            path, person = "/volunteers/claims", {**consents, **proof}
        else:
            raise
        answer = await browser.post(path, person, **{"idempotency-key": token_urlsafe(24)})
        opened = answer["session"]
    return _entered(browser, opened, safe_next(body.next, "/orders"))


@router.post("/session/staff")
async def log_in_staff(browser: BrowserOf, body: StaffLoginIn, ours: Ours = None) -> Response:
    """Log in by account and password; a second factor is asked for on the next page."""
    require_ours(ours)
    answer = await browser.post("/auth/sessions", {"username": body.username, "password": body.password})
    target = safe_next(body.next, "/staff")
    if answer["session"] is None:
        where = f"/staff/login/second-step?{urlencode({'next': target})}"
        return challenged(browser, answer, next=where)
    return _entered(browser, answer["session"], target)


@router.get("/staff/login/second-step")
async def second_step_page(visit: VisitOf, next: str = "/staff") -> Response:
    """For staff with a second factor: the code that their phone shows."""
    return page("public/staff_second_step.html", visit.session, path=visit.path, next=safe_next(next, "/staff"))


@router.post("/session/staff/second-step")
async def second_step(browser: BrowserOf, body: SecondStepFormIn, ours: Ours = None) -> Response:
    """Complete a login by the code of the second factor."""
    require_ours(ours)
    proof = {"challenge_id": challenge_of(browser), "code": body.code}
    answer = await browser.post("/auth/sessions/second-step", proof)
    return _entered(browser, answer["session"], safe_next(body.next, "/staff"))


@router.post("/session/registration")
async def register(
    browser: BrowserOf, request: Request, body: RegistrationFormIn, key: Key, ours: Ours = None
) -> Response:
    """Register as a volunteer and be logged in at once; who came from a scan goes back to it."""
    require_ours(ours)
    person = {**body.model_dump(exclude_none=True), "challenge_id": challenge_of(browser)}
    answer = await browser.post("/volunteers", person, **{"idempotency-key": key})
    if answer.get("session") is None:
        # the same form sent again much later: the person is registered, and logs in by a new code
        raise UpstreamProblem("already-registered", "This person is registered already.", status=409)
    shift_id = tickets.kept_shift(request)
    return _entered(browser, answer["session"], f"/s/{shift_id}" if shift_id else "/me?welcome=1")


@router.delete("/session")
async def log_out(visit: VisitOf, request: Request, ours: Ours = None) -> Response:
    """End the session, here and at the service; a service that is away does not keep the visitor logged in here."""
    require_ours(ours)
    kept = cookies(request.scope["headers"]).get(REFRESH)
    if kept:
        visit.web.sessions.forget(kept)
        with contextlib.suppress(UpstreamProblem, UpstreamAway):
            await visit.post("recruitment", "/auth/logout", {"refresh_token": kept})
    # the next person with this browser scans for themselves
    gone = (*visit.web.sessions.ended(), tickets.forget(visit))
    return finish(JSONResponse({}), Session(set_cookies=gone))


def require_ours(ours: str | None) -> None:
    """Require the header that only our own pages send.

    Raises:
        Forbidden: it is missing.
    """
    if ours is None:
        raise Forbidden("cross-site-request", "This request did not come from Weiguang's own pages.")


def challenge_of(browser: Browser) -> str:
    """The challenge of the code that this browser asked for.

    Raises:
        Problem: it asked for none within the last five minutes.
    """
    if not browser.challenge:
        raise UpstreamProblem("code-not-asked", "Ask for a code in this browser first.", status=409)
    return browser.challenge


def challenged(browser: Browser, answer: Any, **more: str) -> Response:
    """The answer to a browser that was given a challenge: it keeps it, and its script learns only how long."""
    kept = browser.kept(str(answer["challenge_id"]))
    return finish(JSONResponse({"expires_in": answer["expires_in"], **more}), Session(set_cookies=kept))


def _entered(browser: Browser, opened: Any, where: str) -> Response:
    session = browser.visit.web.sessions.opened(opened)
    if session is None:
        raise UpstreamProblem("login-failed", "The log-in did not succeed; try again.", status=502)
    kept = replace(session, set_cookies=(*session.set_cookies, *browser.kept("")))
    return finish(JSONResponse({"next": _door(session, where)}), kept)


def _door(session: Session, where: str) -> str:
    """Where a login leads: no login ends at a closed door."""
    if "enrolling" in session.roles:
        return session.door
    if session.roles & {"engineer", "auditor"}:
        return where if where.startswith(("/console", "/staff/system", "/account")) else session.door
    if where.startswith("/console"):
        return where if "operator" in session.roles else "/welcome"
    if where.startswith("/me") and session.volunteer_id is None and "resident" in session.roles:
        return "/orders"
    closed = not session.staff if where.startswith("/staff") else session.volunteer_id is None
    return "/welcome" if closed and where.startswith(("/staff", "/me", "/s/")) else where
