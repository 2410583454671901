"""What the vault holds about a person, how it is normalised, and how it is masked. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

__all__ = [
    "GUARDIAN_AGE",
    "Identity",
    "age_on",
    "clean_birth_date",
    "clean_email",
    "clean_id_number",
    "clean_name",
    "mask_email",
    "mask_name",
    "mask_phone",
    "needs_guardian",
    "normalise_phone",
]

GUARDIAN_AGE = 14
"""Below this age a guardian has to agree (Personal Information Protection Law)."""

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_PHONE_NOISE = re.compile(r"[\s\-().·]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\"<>]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
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


def normalise_phone(text: str) -> str:
    """The eleven digits of a mainland mobile number, however it was typed.

    Raises:
        ValueError: it is not such a number.
    """
    digits = _PHONE_NOISE.sub("", unicodedata.normalize("NFKC", text))
    for prefix in ("+86", "0086"):
        digits = digits.removeprefix(prefix)
    if len(digits) == 13:
        digits = digits.removeprefix("86")
    if not digits.isascii() or _MOBILE.fullmatch(digits) is None:
        raise ValueError("phone is not a mobile number of eleven digits, such as 13845678901")
    return digits


def clean_name(text: str) -> str:
    """A person's name without surrounding or doubled blanks.

    Raises:
        ValueError: it is empty, longer than 50 characters, or holds characters that are not text.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(name) <= 50:
        raise ValueError("name must have 1 to 50 characters")
    if any(unicodedata.category(char).startswith("C") for char in name):
        raise ValueError("name holds invisible control characters")
    if any(char.isdigit() for char in name):
        raise ValueError("name holds digits")
    return name


def clean_email(text: str) -> str:
    """An address with its domain in lower case.

    Raises:
        ValueError: it does not look like an address.
    """
    address = text.strip()
    if _EMAIL.fullmatch(address) is None or len(address) > 254 or ".." in address:
        raise ValueError("email is not an address such as name@example.org")
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"


def clean_birth_date(born: date, today: date) -> date:
    """The date itself when somebody alive can have been born on it.

    Raises:
        ValueError: it lies in the future or more than 120 years back.
    """
    if born > today:
        raise ValueError("birth_date lies in the future")
    if age_on(born, today) > 120:
        raise ValueError("birth_date lies more than 120 years back")
    return born


def clean_id_number(text: str, born: date | None = None) -> str:
    """A resident identity number whose check character and date of birth are right (GB 11643).

    Raises:
        ValueError: its form, check character or date is wrong, or it contradicts ``born``.
    """
    number = unicodedata.normalize("NFKC", text).strip().upper()
    if re.fullmatch(r"[0-9]{17}[0-9X]", number, re.ASCII) is None:
        raise ValueError("id_number must have 18 characters")
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    if _ID_CHECKS[total % 11] != number[17]:
        raise ValueError("id_number has a wrong check character: please compare it with the card")
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise ValueError("id_number holds a date of birth that does not exist") from None
    if born is not None and born != birth:
        raise ValueError("id_number and birth_date contradict each other")
    return number


def age_on(born: date, today: date) -> int:
    """Completed years of life."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def needs_guardian(born: date | None, today: date) -> bool:
    """Whether a guardian has to agree before this person's data may be kept."""
    return born is not None and age_on(born, today) < GUARDIAN_AGE


def mask_name(name: str) -> str:
    """The first character; the others are stars (at most two, so that length tells little)."""
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
