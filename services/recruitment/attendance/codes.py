"""Rotating codes and tickets: proof of having been in front of a shift's code. Pure; in real time, never business time.

A code lives for one window of 8 seconds and is accepted in the next one too. It says who showed it: leaders do not
check in to their own team's shifts with a code that a leader showed, nor do staff of the site with one that staff who
are volunteers too showed, since a code that people show to themselves witnesses nothing. A ticket is what a code
buys: 15 minutes for the browser that opened it, logged in or not, so that gloves, a slow network or a login don't
lose it. It is signed with the shift's key and carries who showed the code, so nothing is stored when one is given.

What keeps tickets from being passed on: each has an id of its own, and the first check-in or check-out that succeeds
with it binds that id to its volunteer (in their transaction; a refused attempt binds nothing). For everybody else it is
worthless from then on, so one ticket never brings in two people; the same volunteer may also check out with it. What
remains is inherent: a viewer of a code may buy several tickets while it lives, at most 16 seconds, just as they might
have sent the code itself to several people. A ticket stretches that to 15 minutes, in exchange for not losing who
stands there without a session; many accounts on one phone, or a burst of check-ins, is a matter for integrity checks.
Buying is open to strangers and cheap (one indexed read, no write), and guessing hopeless: 40 bits against the at most
six codes that hold at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

__all__ = [
    "TICKET_LIFE",
    "WINDOW_SECONDS",
    "ShownBy",
    "Ticket",
    "code_at",
    "ends_of_window",
    "issue_ticket",
    "read_ticket",
    "shown_by",
]

WINDOW_SECONDS = 8
TICKET_LIFE = timedelta(minutes=15)
_CODE_BYTES = 5
_MAC_BYTES = 16


class ShownBy(StrEnum):
    """Whose screen shows the code."""

    STAFF = "staff"
    LEADER = "leader"
    SERVING = "serving"
    """Staff who are volunteers too."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The contents of a genuine ticket: which one it is, whose code bought it, and until when it holds."""

    ticket_id: UUID
    shown_by: ShownBy
    expires_at: datetime


def code_at(secret: bytes, shown_by: ShownBy, at: datetime) -> str:
    """The code of the window in which ``at`` lies: 8 letters and digits, short enough to be typed."""
    return _code(secret, shown_by, _window(at))


def ends_of_window(at: datetime) -> timedelta:
    """How long the window of ``at`` still lasts."""
    return timedelta(seconds=WINDOW_SECONDS - at.timestamp() % WINDOW_SECONDS)


def shown_by(secret: bytes, code: str, at: datetime) -> ShownBy | None:
    """The shower of this code, in this window or the one before; None if there is none."""
    given = code.strip().upper().encode(errors="replace")
    window = _window(at)
    found = None
    for who in ShownBy:
        for back in (0, 1):
            if hmac.compare_digest(_code(secret, who, window - back).encode(), given):
                found = who
    return found


def issue_ticket(secret: bytes, shift_id: UUID, ticket_id: UUID, shown_by: ShownBy, at: datetime) -> str:
    """A ticket that holds until ``TICKET_LIFE`` after ``at``, for this shift only; its id must be new."""
    expires = int((at + TICKET_LIFE).timestamp())
    return f"{ticket_id.hex}.{shown_by}.{expires}.{_ticket_mac(secret, shift_id, ticket_id, shown_by, expires)}"


def read_ticket(secret: bytes, text: str, shift_id: UUID) -> Ticket | None:
    """Read a ticket; None unless it is genuine and of this shift. The caller checks whether it is over."""
    parts = text.split(".")
    if len(parts) != 4:
        return None
    identity, who, expires, mac = parts
    # Only what `issue_ticket` writes is read, so that one ticket has one spelling.
    if not (expires.isascii() and expires.isdecimal() and len(expires) <= 11 and len(identity) == 32):
        return None
    try:
        ticket_id, shown = UUID(hex=identity), ShownBy(who)
    except ValueError:
        return None
    if identity != ticket_id.hex or expires != str(int(expires)):
        return None
    expected = _ticket_mac(secret, shift_id, ticket_id, shown, int(expires))
    if not hmac.compare_digest(expected.encode(), mac.encode(errors="replace")):
        return None
    return Ticket(ticket_id, shown, datetime.fromtimestamp(int(expires), UTC))


def _window(at: datetime) -> int:
    return int(at.timestamp()) // WINDOW_SECONDS


def _code(secret: bytes, shown_by: ShownBy, window: int) -> str:
    digest = hmac.digest(secret, f"code|{shown_by}|{window}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:_CODE_BYTES]).decode()


def _ticket_mac(secret: bytes, shift_id: UUID, ticket_id: UUID, shown_by: ShownBy, expires: int) -> str:
    said = f"ticket|{shift_id}|{ticket_id}|{shown_by}|{expires}"
    digest = hmac.digest(secret, said.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode().rstrip("=")
