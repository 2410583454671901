"""Rules of one-time codes, sessions and their renewal. Pure; every instant here is real time."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.limits.domain import Delay, RateCap

__all__ = [
    "ATTEMPTS_PER_CODE",
    "CODE_LIFETIME",
    "PASSWORD_DELAY",
    "SESSION_LIFETIME",
    "STAFF_SESSION_LIFETIME",
    "Client",
    "PhoneProof",
    "Purpose",
    "Refresh",
    "RefreshState",
    "SignInPolicy",
    "StaffRole",
    "agent_of",
    "check_username",
    "judge_refresh",
]

CODE_LIFETIME = timedelta(minutes=5)
ATTEMPTS_PER_CODE = 5
SESSION_LIFETIME = timedelta(days=30)
STAFF_SESSION_LIFETIME = timedelta(hours=12)
PASSWORD_DELAY = Delay(5, timedelta(seconds=1), timedelta(minutes=15), forgotten_after=timedelta(days=1))
"""Pauses after wrong passwords for one name from one address."""

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,49}")
_BROWSERS = (
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("QQBrowser", "QQBrowser"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class StaffRole(StrEnum):
    """The roles of a member of staff."""

    STATION = "station"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    AUDITOR = "auditor"


class Purpose(StrEnum):
    """The purpose of a one-time code; a code for one purpose is none for another."""

    LOGIN = "login"
    INVITATION = "invitation"
    RESET = "reset"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: its address, the browser that sessions are bound to, and what the browser is."""

    address: str
    binding: bytes | None = None
    """Hash of the browser's own random cookie; None for clients without one."""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class PhoneProof:
    """The proof of a phone: the code, and the challenge of the browser that asked for it."""

    phone: str
    challenge_id: UUID
    code: str
    purpose: Purpose = Purpose.LOGIN

    def __repr__(self) -> str:
        return "Proof(…)"


@dataclass(frozen=True, slots=True)
class SignInPolicy:
    """Limits of signing in, and what it needs; the settings fill it."""

    codes_per_phone: RateCap
    codes_per_phone_and_day: RateCap
    codes_per_address: RateCap
    codes_in_all: RateCap
    tries_per_address: RateCap
    passwords_per_address: RateCap
    passwords_per_account: RateCap
    passwords_in_all: RateCap
    refresh_grace: timedelta
    second_factor_required: bool


def check_username(username: str) -> str:
    """The name as stored.

    Raises:
        ValueError: it is not 3 to 50 of a–z, 0–9, dot, dash and underscore.
    """
    if _USERNAME.fullmatch(username) is None:
        raise ValueError(
            "username must be 3 to 50 of a to z, 0 to 9, dot, dash, underscore, and begin with a letter or digit"
        )
    return username


def agent_of(user_agent: str) -> str:
    """A browser in two words, such as ``Chrome/Android``, for the list of one's sessions."""
    browser = next((word for sign, word in _BROWSERS if sign in user_agent), "")
    system = next((word for sign, word in _SYSTEMS if sign in user_agent), "")
    return f"{browser}/{system}" if browser or system else ""


@dataclass(frozen=True, slots=True)
class RefreshState:
    """A refresh token and the session that it belongs to, as stored."""

    used_at: datetime | None
    expires_at: datetime
    revoked_at: datetime | None
    binding: bytes | None = None


class Refresh(StrEnum):
    """The verdict on a refresh token."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    """Spent seconds ago by the same browser: its other requests get the same successor."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    REUSED = "reused"
    STOLEN = "stolen"
    """It comes from another browser than the session's."""


def judge_refresh(state: RefreshState, now: datetime, binding: bytes | None, grace: timedelta) -> Refresh:
    """A token is good once, and within the grace again for its browser.

    Used later, or by another browser, either the thief or the owner holds a copy: the session ends.
    """
    if state.revoked_at is not None:
        return Refresh.REVOKED
    if state.expires_at <= now:
        return Refresh.EXPIRED
    if state.binding is not None and state.binding != binding:
        return Refresh.STOLEN
    if state.used_at is None:
        return Refresh.ROTATE
    return Refresh.REPEAT if now - state.used_at <= grace else Refresh.REUSED
