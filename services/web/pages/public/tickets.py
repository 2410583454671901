"""The cookie that keeps what a scan bought: one ticket for one shift, for as long as the ticket lives.

It is the browser's, not a session's: a stranger has it before logging in or registering, and still has it after.
"""

from fastapi import Request

from services.web.gateway.headers import cookie, cookies
from services.web.pages.visit import Visit

__all__ = ["forget", "keep", "kept", "kept_shift"]

_NAME = "wg_ticket"
_SECONDS = 15 * 60


def keep(visit: Visit, shift_id: str, ticket: str) -> tuple[bytes, bytes]:
    """The header that keeps a ticket; it replaces the one before."""
    return cookie(_NAME, f"{shift_id}~{ticket}", seconds=_SECONDS, secure=visit.web.settings.secure)


def forget(visit: Visit) -> tuple[bytes, bytes]:
    """The header that drops the ticket: it was used up, or who used it leaves this browser."""
    return cookie(_NAME, "", seconds=0, secure=visit.web.settings.secure)


def kept(request: Request, shift_id: str) -> str | None:
    """The browser's ticket for this shift, if it has one."""
    of_shift, ticket = _read(request)
    return ticket if ticket and of_shift == shift_id else None


def kept_shift(request: Request) -> str | None:
    """The shift that the browser has a ticket for, if any."""
    of_shift, ticket = _read(request)
    return of_shift if ticket and of_shift.replace("-", "").isalnum() else None


def _read(request: Request) -> tuple[str, str]:
    of_shift, _, ticket = cookies(request.scope["headers"]).get(_NAME, "").partition("~")
    return of_shift, ticket
