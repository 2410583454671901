"""Codes of cards: random letters and digits, which no volunteer number passes for."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.cards.domain import CODE_BYTES, code_of, read_code
from services.recruitment.volunteers.domain import parse_volunteer_number


@given(st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES))
def test_a_code_is_read_however_it_was_typed_and_is_no_number(random: bytes) -> None:
    code = code_of(random)
    assert re.fullmatch("WGC[A-Z2-7]{24}", code)
    assert read_code(f" {code[:9].lower()} {code[9:]}\n") == code
    try:
        parse_volunteer_number(code)
    except ValueError:
        return
    raise AssertionError("a code passed for a volunteer number")


@given(st.text(max_size=60))
def test_what_is_no_code_is_none(text: str) -> None:
    found = read_code(text)
    assert found is None or re.fullmatch("WGC[A-Z2-7]{24}", found)


def test_a_number_off_a_card_is_no_code() -> None:
    assert read_code("LD-2026-000001-0") is None
