"""Rotating codes and tickets: proof of having been in front of a shift's code. Pure; in real time, never business time.

A code lives for one window of 8 seconds and is accepted in the next one too. It says who showed it: nobody checks in
to a shift of the team that they lead with a code that a leader showed, since leaders never record their own hours. A
ticket is what a code buys: 15 minutes for the volunteer who opened it, so that gloves, a slow network or a login don't
lose it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

__all__ = [
    "TICKET_LIFE",
    "WINDOW_SECONDS",
    "ShownBy",
    "code_at",
    "code_holds",
    "ends_of_window",
    "ticket_for",
    "ticket_holds",
]

WINDOW_SECONDS = 8
TICKET_LIFE = timedelta(minutes=15)
_CODE_BYTES = 5
_MAC_BYTES = 16


class ShownBy(StrEnum):
    """Whose screen shows the code."""

    STAFF = "staff"
    LEADER = "leader"


def code_at(secret: bytes, shown_by: ShownBy, at: datetime) -> str:
    """The code of the window in which ``at`` lies: 8 letters and digits, short enough to be typed."""
    return _code(secret, shown_by, _window(at))


def ends_of_window(at: datetime) -> timedelta:
    """How long the window of ``at`` still lasts."""
    return timedelta(seconds=WINDOW_SECONDS - at.timestamp() % WINDOW_SECONDS)


def code_holds(secret: bytes, code: str, *, leads_team: bool, at: datetime) -> bool:
    """Is this the code of this window or the one before, shown by somebody whose code counts for this volunteer?"""
    given = code.strip().upper().encode(errors="replace")
    shown_by = (ShownBy.STAFF,) if leads_team else tuple(ShownBy)
    window = _window(at)
    expected = [_code(secret, who, window - back).encode() for who in shown_by for back in (0, 1)]
    return any(hmac.compare_digest(candidate, given) for candidate in expected)


def ticket_for(secret: bytes, shift_id: UUID, volunteer_id: UUID, at: datetime) -> str:
    """A ticket that holds until ``TICKET_LIFE`` after ``at``, for this shift and volunteer only."""
    expires = int((at + TICKET_LIFE).timestamp())
    return f"{expires}.{_ticket_mac(secret, shift_id, volunteer_id, expires)}"


def ticket_holds(secret: bytes, ticket: str, shift_id: UUID, volunteer_id: UUID, at: datetime) -> bool:
    """Is the ticket genuine, of this shift and volunteer, and not over?"""
    expires, dot, mac = ticket.partition(".")
    if not dot or not expires.isascii() or not expires.isdecimal() or len(expires) > 12:
        return False
    genuine = hmac.compare_digest(
        _ticket_mac(secret, shift_id, volunteer_id, int(expires)).encode(), mac.encode(errors="replace")
    )
    return genuine and at.timestamp() < int(expires)


def _window(at: datetime) -> int:
    return int(at.timestamp()) // WINDOW_SECONDS


def _code(secret: bytes, shown_by: ShownBy, window: int) -> str:
    digest = hmac.digest(secret, f"code|{shown_by}|{window}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:_CODE_BYTES]).decode()


def _ticket_mac(secret: bytes, shift_id: UUID, volunteer_id: UUID, expires: int) -> str:
    digest = hmac.digest(secret, f"ticket|{shift_id}|{volunteer_id}|{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode().rstrip("=")
