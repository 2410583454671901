"""Texts that people type: one spelling each, whatever keyboard, input method or clipboard they came through.

The annotated types are for input models: they normalise first, so that limits and rules see the one spelling. They
refuse a wrong form with what is allowed, before any handler counts a guess. Names and free texts are not of this kind:
compatibility normalisation would change the characters that a person is written with.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

__all__ = [
    "LONGEST_TYPED",
    "CodeText",
    "FactCodeText",
    "FactorText",
    "IdNumberText",
    "ImportedPhoneText",
    "PhoneText",
    "PickupCodeText",
    "RegistryNumberText",
    "RotatingCodeText",
    "ShortCodeText",
    "UsernameText",
    "VolunteerNumberText",
    "compact",
    "compact_upper",
    "plain",
    "registry_number",
    "unspaced",
    "username",
]

LONGEST_TYPED = 200
"""Characters of a decorated text before it is normalised; a QR code's address fits."""

# Written out, so that the result does not depend on the interpreter's Unicode tables.
_BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DASHES = "\\-\u00ad\u2010-\u2015\u2212\u2e3a\u2e3b\u30fc\ufe58\ufe63\uff0d"
_FORMATS = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e01ef"
)
_BLANK = re.compile(f"[{_BLANKS}]")
_FORMAT = re.compile(f"[{_FORMATS}]")
_DASH = re.compile(f"[{_DASHES}]")
_ADDRESS_CODE = re.compile(r"https?://[^?]*\?(?:.*&)?c=([0-9A-Za-z]+)(?:[&#].*)?", re.ASCII | re.IGNORECASE)


def _composed(text: str) -> str:
    # Again after each dropping: what a dropped character had kept apart may combine now.
    return unicodedata.normalize("NFKC", text)


def plain(text: str) -> str:
    """Normalise to NFKC without format characters and surrounding blanks; inner blanks and dashes stay."""
    return _composed(_FORMAT.sub("", _composed(_FORMAT.sub("", text)))).strip()


def unspaced(text: str) -> str:
    """Normalise like `plain`, drop all blanks, and write every dash as a hyphen."""
    return _composed(_DASH.sub("-", _BLANK.sub("", plain(text))))


def compact(text: str) -> str:
    """Normalise like `unspaced` and drop dashes too: for numbers and codes in which they only group digits."""
    return _composed(unspaced(text).replace("-", ""))


def compact_upper(text: str) -> str:
    """Normalise like `compact`, in upper case: for codes in which case means nothing."""
    return compact(text).upper()


def username(text: str) -> str:
    """The spelling of a username: dashes stay, case goes, since accounts are stored in lower case."""
    return unspaced(text).lower()


def registry_number(text: str) -> str:
    """The spelling of another registry's number: dashes and case stay, they may mean something there."""
    return unspaced(text)


def _scanned_or_typed(text: str) -> str:
    # A scanner at the counter types the address that the QR code holds.
    scanned = _ADDRESS_CODE.fullmatch(unspaced(text))
    return scanned.group(1).upper() if scanned else compact_upper(text)


def _typed(normalise: Callable[[str], str]) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if len(value) > LONGEST_TYPED:
            raise PydanticCustomError("typed_too_long", f"must have at most {LONGEST_TYPED} characters")
        return normalise(value)

    return BeforeValidator(check)


def _form(pattern: str, allowed: str) -> AfterValidator:
    form = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if form.fullmatch(value) is None:
            raise PydanticCustomError("typed_form", allowed)
        return value

    return AfterValidator(check)


PhoneText = Annotated[str, _typed(compact), Field(min_length=5, max_length=40, examples=["13845678901"])]
CodeText = Annotated[
    str, _typed(compact), _form(r"[0-9]{6}", "must be the six digits of the message"), Field(examples=["123456"])
]
"""A one-time code from a message."""
FactorText = Annotated[
    str,
    _typed(compact_upper),
    _form(r"[0-9]{6}|[A-Z2-7]{16}", "must be the six digits of the app, or one of the recovery codes"),
    Field(examples=["123456", "abcd-efgh-ijkl-mnop"]),
]
"""A code of the second factor, or a recovery code."""
ImportedPhoneText = Annotated[str, _typed(compact), Field(max_length=100)]
"""A phone in a file: a wrong one refuses its row, not the whole file."""
VolunteerNumberText = Annotated[
    str, _typed(compact_upper), Field(min_length=1, max_length=40, examples=["LD-2026-000123-4"])
]
FactCodeText = Annotated[
    str, _typed(username), _form(r"[a-z0-9-]{1,40}", "must be up to 40 small letters, digits and hyphens")
]
PickupCodeText = Annotated[
    str,
    _typed(_scanned_or_typed),
    _form(r"[0-9A-Z]{8}", "must be the eight letters and digits of the pickup code"),
    Field(examples=["7KQM-2XWB"]),
]
ShortCodeText = Annotated[str, _typed(compact_upper), Field(min_length=1, max_length=20, examples=["K7M2QX"])]
"""The code of a drive or an appeal."""
RotatingCodeText = Annotated[str, _typed(_scanned_or_typed), Field(min_length=1, max_length=40)]
"""The code that a place shows, typed or scanned."""
UsernameText = Annotated[str, _typed(username), Field(min_length=1, max_length=50)]
RegistryNumberText = Annotated[str, _typed(registry_number), Field(max_length=200)]
IdNumberText = Annotated[str, _typed(compact_upper), Field(max_length=30)]
