"""Drives and appeals: their codes, when a drive is open, and its funnel. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

__all__ = [
    "CODE_ALPHABET",
    "CODE_LENGTH",
    "LONGEST_DRIVE",
    "Funnel",
    "NewAppeal",
    "NewDrive",
    "PlaceKind",
    "check_period",
    "code_from",
    "normalise_code",
    "why_closed",
]

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 O 1 I L, which people confuse when they read a code off a poster."""
CODE_LENGTH = 6
LONGEST_DRIVE = timedelta(days=31)

_CONFUSED = str.maketrans({" ": None, "-": None})


class PlaceKind(StrEnum):
    """进广场、进企业、进小区."""

    SQUARE = "square"
    ENTERPRISE = "enterprise"
    COMPOUND = "compound"


@dataclass(frozen=True, slots=True)
class NewDrive:
    """A drive to be opened."""

    name: str
    place_kind: PlaceKind
    place: str
    site_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class NewAppeal:
    """An appeal (倡议书) to be published."""

    title: str
    channel: str
    body: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far the people recruited by a drive have come; distinct people in each place."""

    registered: int
    signed_up: int
    checked_in: int
    served: int


def code_from(number: int) -> str:
    """The code that stands for a number below 31⁶."""
    code = ""
    for _ in range(CODE_LENGTH):
        number, rest = divmod(number, len(CODE_ALPHABET))
        code += CODE_ALPHABET[rest]
    return code


def normalise_code(text: str) -> str:
    """A code as stored, from typed text.

    Raises:
        ValueError: it cannot be a code.
    """
    code = text.translate(_CONFUSED).upper()
    if not 6 <= len(code) <= 12 or not code.isascii() or not code.isalnum():
        raise ValueError("a code has 6 to 12 letters and digits")
    return code


def check_period(starts_at: datetime, ends_at: datetime) -> None:
    """A drive ends after it starts, and within a month.

    Raises:
        ValueError: this one does not.
    """
    if ends_at <= starts_at:
        raise ValueError("ends_at must lie after starts_at")
    if ends_at - starts_at > LONGEST_DRIVE:
        raise ValueError(f"a drive lasts at most {LONGEST_DRIVE.days} days")


def why_closed(starts_at: datetime, ends_at: datetime, closed_at: datetime | None, now: datetime) -> str | None:
    """None while the drive is open, which it is from its start until just before its end or its closing."""
    if closed_at is not None:
        return "this drive was closed: please register without its code, or at your nearest station"
    if now < starts_at:
        return "this drive has not begun yet"
    if now >= ends_at:
        return "this drive is over: please register without its code, or at your nearest station"
    return None
