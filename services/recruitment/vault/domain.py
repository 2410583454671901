"""The personal data of the vault, how they are normalised, and how they are masked. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

__all__ = [
    "GUARDIAN_AGE",
    "Identity",
    "Quota",
    "age_on",
    "birth_facts",
    "clean_birth_date",
    "clean_id_number",
    "clean_name",
    "comparable_name",
    "mask_email",
    "mask_name",
    "mask_phone",
    "needs_guardian",
    "next_look_at",
    "normalise_phone",
]

GUARDIAN_AGE = 14
"""Below this age a guardian has to agree (Personal Information Protection Law)."""

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PHONE_NOISE = re.compile(r"[\s\-().·]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Pasted along unseen; the joiners of some scripts (U+200C, U+200D) are part of names and stay.
_UNSEEN_IN_NAMES = re.compile("[\u00ad\u200b\u2060\ufeff]")
_NAME_BLANKS = re.compile("[\t\n\r \u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_DIGITS = re.compile("[0-9０-９]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


@dataclass(frozen=True, slots=True)
class Identity:
    """Everything readable about one person; exists only in memory and inside the vault's sealed column."""

    name: str
    phone: str | None = None
    email: str | None = None
    birth_date: date | None = None
    id_number: str | None = None

    def __repr__(self) -> str:
        return "Identity(…)"  # so that no log or traceback shows a person


@dataclass(frozen=True, slots=True)
class Quota:
    """How many looks (reads of personal data) one member of staff has, in any hour and in any 24 hours."""

    per_hour: int
    per_day: int


def next_look_at(looks: Sequence[datetime], quota: Quota, now: datetime) -> datetime:
    """When the next look is possible: now, or when enough of the earlier looks are old enough.

    ``looks`` are the reader's last ones, newest first, at least ``per_day`` of them if there are so many.
    """
    possible = now
    for most, window in ((quota.per_hour, timedelta(hours=1)), (quota.per_day, timedelta(days=1))):
        if len(looks) >= most:
            possible = max(possible, looks[most - 1] + window)
    return possible


def normalise_phone(text: str) -> str:
    """The eleven digits of a mainland mobile number, from a text without blanks in other spellings.

    Raises:
        ValueError: it is not such a number.
    """
    digits = _PHONE_NOISE.sub("", text)
    for prefix in ("+86", "0086"):
        digits = digits.removeprefix(prefix)
    if len(digits) == 13:
        digits = digits.removeprefix("86")
    if not digits.isascii() or _MOBILE.fullmatch(digits) is None:
        raise ValueError("phone is not a mobile number of eleven digits, such as 13845678901")
    return digits


def clean_name(text: str) -> str:
    """A person's name without surrounding or doubled blanks; every visible character stays as it was typed.

    The ranges are written out: rare ideographs and private-use characters are in real names, and an interpreter's
    Unicode tables know only those of their own year.

    Raises:
        ValueError: it is empty, longer than 50 characters, or holds control characters or digits.
    """
    name = _NAME_BLANKS.sub(" ", _UNSEEN_IN_NAMES.sub("", text)).strip(" ")
    if not 1 <= len(name) <= 50 or not name.strip("\u200c\u200d"):
        raise ValueError("name must have 1 to 50 characters")
    if _CONTROLS.search(name) or _BIDI_CONTROLS.search(name):
        raise ValueError("name holds invisible control characters")
    if _DIGITS.search(name):
        raise ValueError("name holds digits")
    return name


def clean_birth_date(born: date, today: date) -> date:
    """The date itself when a living person can have been born on it.

    Raises:
        ValueError: it lies in the future or more than 120 years back.
    """
    if born > today:
        raise ValueError("birth_date lies in the future")
    if age_on(born, today) > 120:
        raise ValueError("birth_date lies more than 120 years back")
    return born


def clean_id_number(text: str) -> tuple[str, date]:
    """A resident identity number of 18 characters, and the date of birth inside it (GB 11643).

    A number of 15 digits, as issued until 1999, becomes the 18 characters that stand for the same person.

    Raises:
        ValueError: its form, check character or date is wrong.
    """
    number = text.strip().upper()
    if re.fullmatch(r"[0-9]{15}", number, re.ASCII):
        number = f"{number[:6]}19{number[6:]}"
        number += _check_character(number)
    if re.fullmatch(r"[0-9]{17}[0-9X]", number, re.ASCII) is None:
        raise ValueError("id_number must have 18 characters")
    if _check_character(number) != number[17]:
        raise ValueError("id_number has a wrong check character: please compare it with the card")
    try:
        return number, date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ValueError("id_number holds a date of birth that does not exist") from None


def _check_character(number: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _ID_WEIGHTS, strict=True))
    return _ID_CHECKS[total % 11]


def birth_facts(born: date | None, id_number: str | None, today: date) -> tuple[date | None, str | None]:
    """The date of birth and the ID number as one fact: the date inside the number is the date of birth.

    Raises:
        ValueError: one of them cannot be, or they contradict each other.
    """
    if id_number is None:
        return (None if born is None else clean_birth_date(born, today)), None
    number, inside = clean_id_number(id_number)
    if born is not None and born != inside:
        raise ValueError("id_number and birth_date contradict each other")
    try:
        return clean_birth_date(inside, today), number
    except ValueError as error:
        raise ValueError(str(error).replace("birth_date", "the date of birth in id_number")) from None


def age_on(born: date, today: date) -> int:
    """Completed years of life."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def needs_guardian(born: date | None, today: date) -> bool:
    """Whether a guardian has to agree before this person's data may be kept."""
    return born is not None and age_on(born, today) < GUARDIAN_AGE


def comparable_name(name: str) -> str:
    """A name as searches compare it: without blanks and middle dots, letters in one case."""
    return "".join(char for char in name if not char.isspace() and char not in "·•‧・").casefold()


def mask_name(name: str) -> str:
    """The first character; the others are stars (at most two, so that length reveals little)."""
    return name[:1] + "*" * min(max(len(name) - 1, 1), 2)


def mask_phone(phone: str | None) -> str | None:
    """138****8901."""
    return None if phone is None else f"{phone[:3]}****{phone[-4:]}"


def mask_email(email: str | None) -> str | None:
    """z***@example.org."""
    if email is None:
        return None
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"
