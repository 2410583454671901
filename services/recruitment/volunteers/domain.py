"""Volunteers: their numbers, who may register, and what a row of the registry must say. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.recruitment.vault.domain import Identity, birth_facts, clean_name, needs_guardian, normalise_phone

__all__ = [
    "LONGEST_PRIOR_HOURS",
    "MOST_IMPORT_ROWS",
    "AcceptedRow",
    "ImportRow",
    "RowProblem",
    "check_consents",
    "check_rows",
    "parse_volunteer_number",
    "prior_minutes",
    "stored_number",
    "volunteer_number",
]

MOST_IMPORT_ROWS = 500
LONGEST_PRIOR_HOURS = Decimal(200_000)

_PREFIX = "LD"
_NUMBER = re.compile(r"LD-?([0-9]{4})-?([0-9]{6,9})-?([0-9])", re.ASCII)
_REGISTRY_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,63}", re.ASCII)

# Damm's quasigroup: every wrong digit and every swap of neighbours changes the check digit.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def _check_digit(digits: str) -> str:
    state = 0
    for digit in digits:
        state = int(_DAMM[state][int(digit)])
    return str(state)


def volunteer_number(year: int, serial: int) -> str:
    """The number that stands for a person, such as ``LD-2026-000123-4``; its last digit checks the others."""
    assert 1000 <= year <= 9999
    assert 1 <= serial <= 999_999_999
    digits = f"{serial:06}"
    return f"{_PREFIX}-{year}-{digits}-{_check_digit(f'{year}{digits}')}"


def parse_volunteer_number(text: str) -> str:
    """The number as stored, as typed off a card: blanks, dashes and case don't matter.

    Raises:
        ValueError: it is not a number, or a digit was mistyped.
    """
    match = _NUMBER.fullmatch("".join(text.split()).upper())
    if match is None:
        raise ValueError("a volunteer number looks like LD-2026-000123-4")
    year, serial, check = match.groups()
    if _check_digit(year + serial) != check:
        raise ValueError("a digit of the volunteer number is wrong: please compare it with the card")
    return f"{_PREFIX}-{year}-{serial}-{check}"


def stored_number(text: str) -> str:
    """The number as stored; a text that is no number stays as it is and matches no volunteer."""
    try:
        return parse_volunteer_number(text)
    except ValueError:
        return text


def check_consents(consent: bool, guardian_consent: bool, born: date | None, today: date) -> None:
    """Personal data is never kept without consent, and a child's not without a guardian's.

    Raises:
        ValueError: one of them is missing.
    """
    if not consent:
        raise ValueError("registration needs the person's consent to keeping these data (consent: true)")
    if needs_guardian(born, today) and not guardian_consent:
        raise ValueError("under 14 years a guardian has to agree (guardian_consent: true)")


def prior_minutes(hours: Decimal) -> int:
    """Whole minutes of imported hours.

    Raises:
        ValueError: negative, not a number, or more than a life holds.
    """
    if not hours.is_finite() or not 0 <= hours <= LONGEST_PRIOR_HOURS:
        raise ValueError(f"prior_hours must lie between 0 and {LONGEST_PRIOR_HOURS}")
    return int((hours * 60).to_integral_value())


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of the registry's file, as it came."""

    registry_number: str
    name: str
    phone: str
    prior_hours: Decimal
    site_id: UUID | None
    birth_date: date | None
    id_number: str | None = None

    def __repr__(self) -> str:
        return f"ImportRow({self.registry_number!r}, …)"


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """A row that holds together by itself."""

    row: int
    registry_number: str
    identity: Identity
    minutes: int
    site_id: UUID | None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row was refused; ``row`` counts from 1 as people do. Never repeats personal data."""

    row: int
    registry_number: str
    detail: str


def check_rows(
    rows: Sequence[ImportRow], sites: frozenset[UUID], today: date
) -> tuple[list[AcceptedRow], list[RowProblem]]:
    """Split a batch into rows that hold together and the problems of the others.

    A number, phone or ID number that occurs twice in the batch is accepted at its first place only. ``sites`` are
    those that exist and that the importer may use.
    """
    accepted: list[AcceptedRow] = []
    problems: list[RowProblem] = []
    numbers: set[str] = set()
    phones: set[str] = set()
    ids: set[str] = set()
    for place, row in enumerate(rows, start=1):
        try:
            checked = _check_row(place, row, sites, today)
            if checked.registry_number in numbers:
                raise ValueError("this registry number stands in the batch twice")
            if checked.identity.phone in phones:
                raise ValueError("this phone stands in the batch twice")
            if checked.identity.id_number in ids:
                raise ValueError("this ID number stands in the batch twice")
        except ValueError as error:
            problems.append(RowProblem(place, row.registry_number[:64], str(error)))
            continue
        numbers.add(checked.registry_number)
        assert checked.identity.phone is not None
        phones.add(checked.identity.phone)
        if checked.identity.id_number is not None:
            ids.add(checked.identity.id_number)
        accepted.append(checked)
    return accepted, problems


def _check_row(place: int, row: ImportRow, sites: frozenset[UUID], today: date) -> AcceptedRow:
    number = row.registry_number.strip()
    if _REGISTRY_NUMBER.fullmatch(number) is None:
        raise ValueError("registry_number must be 1 to 64 letters, digits and . _ / -")
    if row.site_id is not None and row.site_id not in sites:
        raise ValueError("site_id names no site that you are responsible for")
    born, id_number = birth_facts(row.birth_date, row.id_number, today)
    phone = normalise_phone(row.phone)
    identity = Identity(name=clean_name(row.name), phone=phone, birth_date=born, id_number=id_number)
    return AcceptedRow(place, number, identity, prior_minutes(row.prior_hours), row.site_id)
