"""One's own account: sessions, password, second factor; and what a resident finds after a login."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.headers import cookie
from services.web.gateway.sessions import ACCESS, Session
from services.web.pages.browser import Browser, BrowserOf
from services.web.pages.language import _, listed
from services.web.pages.public.login import Key, Ours, challenge_of, challenged, require_ours
from services.web.pages.render import finish, page, qr
from services.web.pages.visit import LoginNeeded, Visit, VisitOf
from shared.auth.access import public
from shared.http.app import Input

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

Text = Annotated[str, Field(min_length=1, max_length=200)]


class FactorRemovalIn(Input):
    """The password and a code of the second factor."""

    password: Text
    code: Text


class PasswordChangeIn(Input):
    """The present password and the new one."""

    password: Text
    new_password: Text


class FirstCodeFormIn(Input):
    """The first code of a new second factor."""

    code: Text


class ResetRequestIn(Input):
    """Whose password is to be reset."""

    username: Text


class PasswordResetIn(Input):
    """The code sent to the phone on file, and the new password."""

    username: Text
    code: Text
    password: Text


class InvitationAcceptanceIn(Input):
    """The code sent to the invited person's phone, and their password."""

    code: Text
    password: Text


@router.get("/welcome")
async def welcome(visit: VisitOf) -> Response:
    """Show a resident their page, so that their login does not end in a refusal."""
    return page("public/welcome.html", visit.session, path=visit.path)


@router.get("/account")
async def account(visit: VisitOf) -> Response:
    """Sessions, and for staff the password and the second factor."""
    _signed_in(visit)
    sessions, factor = await asyncio.gather(visit.ask("recruitment", "/auth/sessions"), _factor(visit))
    return page("public/account.html", visit.session, path=visit.path, sessions=sessions["items"], factor=factor)


@router.get("/account/second-factor")
async def second_factor(visit: VisitOf) -> Response:
    """Set a second factor: read the QR code with an app, type the first code."""
    _signed_in(visit)
    factor = await _factor(visit)
    needed = "enrolling" in visit.session.roles
    return page("public/second_factor.html", visit.session, path=visit.path, factor=factor, needed=needed)


@router.post("/account/second-factor")
async def begin_second_factor(visit: VisitOf, ours: Ours = None) -> Response:
    """A new secret as a QR code; shown once, stored by no page."""
    require_ours(ours)
    made = await visit.post("recruitment", "/auth/second-factor", None)
    drawing = qr(made["uri"], label=_("验证器二维码"))
    return finish(JSONResponse({"secret": made["secret"], "html": str(drawing)}), visit.session)


@router.post("/account/second-factor/confirmation")
async def confirm_second_factor(visit: VisitOf, body: FirstCodeFormIn, ours: Ours = None) -> Response:
    """Confirm it; the recovery codes are shown once."""
    require_ours(ours)
    answer = await visit.post("recruitment", "/auth/second-factor/confirmation", {"code": body.code})
    response = finish(JSONResponse({"recovery_codes": listed(answer["recovery_codes"])}), visit.session)
    # The next request refreshes the session: it has its full roles from now on.
    response.raw_headers.append(cookie(ACCESS, "", seconds=0, secure=visit.web.settings.secure))
    return response


@router.post("/account/second-factor/removal")
async def remove_second_factor(browser: BrowserOf, body: FactorRemovalIn, ours: Ours = None) -> Response:
    """Remove it, by the password and a code."""
    require_ours(ours)
    await browser.post("/auth/second-factor/removal", body.model_dump())
    return finish(JSONResponse({}), browser.visit.session)


@router.post("/account/password")
async def change_password(browser: BrowserOf, body: PasswordChangeIn, ours: Ours = None) -> Response:
    """Change the password; all other sessions end."""
    require_ours(ours)
    await browser.post("/auth/password", body.model_dump())
    return finish(JSONResponse({}), browser.visit.session)


@router.get("/staff/login/reset")
async def reset_page(visit: VisitOf) -> Response:
    """For staff who forgot their password."""
    return page("public/staff_reset.html", visit.session, path=visit.path)


@router.post("/session/staff/reset/codes")
async def ask_reset(browser: BrowserOf, body: ResetRequestIn, ours: Ours = None) -> Response:
    """Send a code to the phone on file, if there is one; the answer does not say."""
    require_ours(ours)
    return challenged(browser, await browser.post("/auth/password-resets", body.model_dump()))


@router.post("/session/staff/reset")
async def reset(browser: BrowserOf, body: PasswordResetIn, ours: Ours = None) -> Response:
    """Set the new password; afterwards one logs in with it."""
    require_ours(ours)
    proof = {**body.model_dump(), "challenge_id": challenge_of(browser)}
    await browser.post("/auth/password-resets/completion", proof)
    return _done(browser, "/staff/login")


@router.get("/invitation/{token}")
async def invitation(visit: VisitOf, token: str) -> Response:
    """Where an invitation's link leads: the phone's code, and a password of one's own."""
    offer: Any = await visit.ask("recruitment", f"/staff/invitations/by-token/{token}")
    return page("public/invitation.html", visit.session, path=visit.path, offer=offer, token=token)


@router.post("/invitation/{token}/codes")
async def invitation_code(browser: BrowserOf, token: str, ours: Ours = None) -> Response:
    """Send a code to the phone that the invitation is for."""
    require_ours(ours)
    return challenged(browser, await browser.post(f"/staff/invitations/by-token/{token}/codes", None))


@router.post("/invitation/{token}")
async def accept(browser: BrowserOf, token: str, body: InvitationAcceptanceIn, key: Key, ours: Ours = None) -> Response:
    """Accept: the account is the holder's from now on."""
    require_ours(ours)
    proof = {**body.model_dump(), "challenge_id": challenge_of(browser)}
    path = f"/staff/invitations/by-token/{token}/acceptance"
    await browser.post(path, proof, **{"idempotency-key": key})
    return _done(browser, "/invitation-accepted")


@router.get("/invitation-accepted")
async def pending(visit: VisitOf) -> Response:
    """Say what a new account waits for."""
    return page("public/invitation_pending.html", visit.session, path=visit.path)


def _signed_in(visit: Visit) -> None:
    if not visit.session.claims:
        raise LoginNeeded(visit.target)


async def _factor(visit: Visit) -> dict[str, Any] | None:
    """The state of the second factor; None for those who sign in by phone."""
    if not visit.session.account:
        return None
    found: dict[str, Any] = await visit.ask("recruitment", "/auth/second-factor")
    return found


def _done(browser: Browser, where: str) -> Response:
    return finish(JSONResponse({"next": where}), Session(set_cookies=browser.kept("")))
