"""Rules of one-time codes, passwords and sessions. Pure; every instant here is real time."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

__all__ = [
    "ATTEMPTS_PER_CODE",
    "ATTEMPTS_PER_HOUR",
    "CODES_PER_WINDOW",
    "CODE_LIFETIME",
    "CODE_WINDOW",
    "PASSWORD_ATTEMPTS",
    "PASSWORD_LENGTH",
    "PASSWORD_PAUSE",
    "SESSION_LIFETIME",
    "STAFF_SESSION_LIFETIME",
    "RecentCodes",
    "Refresh",
    "RefreshState",
    "StaffRole",
    "check_password_form",
    "check_username",
    "judge_refresh",
    "may_issue",
    "password_pause",
]

CODE_LIFETIME = timedelta(minutes=5)
CODE_WINDOW = timedelta(minutes=15)
CODES_PER_WINDOW = 5
ATTEMPTS_PER_CODE = 5
ATTEMPTS_PER_HOUR = 20
"""Over all codes of one phone: asking for new codes must not buy new guesses without end."""

PASSWORD_ATTEMPTS = 10
PASSWORD_PAUSE = timedelta(minutes=1)
PASSWORD_LENGTH = range(10, 129)

SESSION_LIFETIME = timedelta(days=30)
STAFF_SESSION_LIFETIME = timedelta(hours=12)

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{2,49}")


class StaffRole(StrEnum):
    """What a member of staff may be."""

    STATION = "station"
    OPERATOR = "operator"
    ENGINEER = "engineer"


@dataclass(frozen=True, slots=True)
class RecentCodes:
    """What one phone has asked for and tried lately: codes in the window, attempts in the last hour."""

    issued: int
    attempts: int


def may_issue(recent: RecentCodes) -> bool:
    """Whether another code may be sent to the phone now."""
    return recent.issued < CODES_PER_WINDOW and recent.attempts < ATTEMPTS_PER_HOUR


def password_pause(attempts: int, attempted_at: datetime | None, now: datetime) -> timedelta | None:
    """How long to wait before the next password is looked at, if at all.

    ``attempts`` counts those without a success between them, the last of them at ``attempted_at``.
    """
    if attempted_at is None or attempts < PASSWORD_ATTEMPTS:
        return None
    left = attempted_at + PASSWORD_PAUSE - now
    return left if left > timedelta(0) else None


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


def check_password_form(password: str, username: str) -> None:
    """Refuse what can be guessed at once.

    Raises:
        ValueError: it is shorter than 10 or longer than 128 characters, or holds the username.
    """
    if len(password) not in PASSWORD_LENGTH:
        raise ValueError(f"password must have {PASSWORD_LENGTH[0]} to {PASSWORD_LENGTH[-1]} characters")
    if username in password.lower():
        raise ValueError("password must not contain the username")


@dataclass(frozen=True, slots=True)
class RefreshState:
    """A refresh token and the session that it belongs to, as stored."""

    used_at: datetime | None
    expires_at: datetime
    revoked_at: datetime | None


class Refresh(StrEnum):
    """What to do with a refresh token."""

    ROTATE = "rotate"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REUSED = "reused"


def judge_refresh(state: RefreshState, now: datetime) -> Refresh:
    """A token is good once. Used a second time, either the thief or the owner holds a copy: the session ends."""
    if state.revoked_at is not None:
        return Refresh.REVOKED
    if state.used_at is not None:
        return Refresh.REUSED
    if state.expires_at <= now:
        return Refresh.EXPIRED
    return Refresh.ROTATE
