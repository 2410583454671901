"""Cursors come back exactly, and nothing else passes for one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Refusal
from shared.http.cursors import decode, encode, page_of
from shared.http.guard import MAX_INTEGER, MIN_INTEGER

MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(MOMENTS, st.uuids(), st.integers(MIN_INTEGER, MAX_INTEGER), TEXTS)
def test_a_cursor_gives_back_its_parts(at: datetime, id: UUID, number: int, text: str) -> None:
    assert decode(encode(at, id, number, text), (datetime, UUID, int, str)) == (at, id, number, text)


@given(st.text(max_size=60))
def test_garbage_is_a_problem_and_never_an_error(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode(text, (int,))
    assert (refused.value.status, refused.value.type) == (400, "cursor-invalid")


@pytest.mark.parametrize(
    ("cursor", "types"),
    [
        (encode(5), (UUID,)),
        (encode(5), (str,)),
        (encode("5"), (int,)),
        (encode(UUID("b04c82f2-c150-46e0-97f6-920d647ecaf5")), (int,)),
        (encode(1, 2), (int,)),
        (encode(1), (int, int)),
        (encode("2027-01-04T09:00:00"), (datetime,)),  # no offset
        (encode("0001-01-01T00:00:00+14:00"), (datetime,)),  # would overflow on its way to UTC
        (encode("a\x00"), (str,)),
        ("A" * 600, (int,)),
    ],
)
def test_a_cursor_of_another_listing_is_refused(cursor: str, types: Any) -> None:
    with pytest.raises(Refusal):
        decode(cursor, types)


def test_a_damaged_cursor_is_refused() -> None:
    cursor = encode(123456)
    for place in range(len(cursor)):
        changed = "B" if cursor[place] == "A" else "A"
        try:
            found = decode(cursor[:place] + changed + cursor[place + 1 :], (int,))
        except Refusal:
            continue
        assert found == (123456,), "only bits that base64 ignores may differ"


def test_pages_meet_without_gap_or_repeat() -> None:
    everything = list(range(25))
    seen: list[int] = []
    cursor: str | None = None
    while True:
        after = decode(cursor, (int,))[0] if cursor else -1
        rows = [n for n in everything if n > after][: 10 + 1]
        page = page_of(rows, 10, lambda n: n, lambda n: (n,))
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == everything


def test_a_page_that_is_exactly_full_is_the_last() -> None:
    assert page_of([1, 2, 3], 3, lambda n: n, lambda n: (n,)).next_cursor is None
    assert page_of([], 3, lambda n: n, lambda n: (n,)).next_cursor is None
