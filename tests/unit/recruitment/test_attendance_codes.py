"""Rotating codes and tickets, in real time."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.recruitment.attendance.codes import (
    TICKET_LIFE,
    WINDOW_SECONDS,
    ShownBy,
    code_at,
    code_holds,
    ends_of_window,
    ticket_for,
    ticket_holds,
)

SECRET = bytes(range(32))
WINDOW = timedelta(seconds=WINDOW_SECONDS)
START = datetime.fromtimestamp(1_772_600_000 // WINDOW_SECONDS * WINDOW_SECONDS, UTC)


def test_a_code_lives_for_its_window_and_the_next() -> None:
    code = code_at(SECRET, ShownBy.STAFF, START)
    assert len(code) == 8
    assert code_at(SECRET, ShownBy.STAFF, START + WINDOW - timedelta(microseconds=1)) == code
    assert code_at(SECRET, ShownBy.STAFF, START + WINDOW) != code
    for age, holds in ((0, True), (7.9, True), (8, True), (15.9, True), (16, False), (-0.1, False)):
        at = START + timedelta(seconds=age)
        assert code_holds(SECRET, code, leads_team=False, at=at) is holds, age


def test_a_code_belongs_to_its_shift() -> None:
    code = code_at(SECRET, ShownBy.STAFF, START)
    assert not code_holds(bytes(32), code, leads_team=False, at=START)


def test_a_typed_code_may_be_small_and_have_blanks_around_it() -> None:
    code = code_at(SECRET, ShownBy.STAFF, START)
    assert code_holds(SECRET, f" {code.lower()} ", leads_team=False, at=START)


@pytest.mark.parametrize("code", ["", "\ud800", "编码", "A" * 40, "null"])
def test_nonsense_is_no_code(code: str) -> None:
    assert not code_holds(SECRET, code, leads_team=False, at=START)


def test_who_leads_the_team_needs_a_code_that_staff_show() -> None:
    staff, leader = (code_at(SECRET, who, START) for who in (ShownBy.STAFF, ShownBy.LEADER))
    assert code_holds(SECRET, leader, leads_team=False, at=START)
    assert not code_holds(SECRET, leader, leads_team=True, at=START)
    assert code_holds(SECRET, staff, leads_team=True, at=START)


def test_the_rest_of_a_window() -> None:
    assert ends_of_window(START) == WINDOW
    assert ends_of_window(START + timedelta(seconds=5)) == timedelta(seconds=3)


def test_a_ticket_is_for_one_shift_and_one_volunteer_for_fifteen_minutes() -> None:
    shift, volunteer = uuid4(), uuid4()
    ticket = ticket_for(SECRET, shift, volunteer, START)
    assert ticket_holds(SECRET, ticket, shift, volunteer, START)
    assert ticket_holds(SECRET, ticket, shift, volunteer, START + TICKET_LIFE - timedelta(seconds=1))
    assert not ticket_holds(SECRET, ticket, shift, volunteer, START + TICKET_LIFE)
    assert not ticket_holds(SECRET, ticket, shift, uuid4(), START)
    assert not ticket_holds(SECRET, ticket, uuid4(), volunteer, START)
    assert not ticket_holds(bytes(32), ticket, shift, volunteer, START)


def test_a_ticket_cannot_be_prolonged_or_made_up() -> None:
    shift, volunteer = uuid4(), uuid4()
    expires, _, mac = ticket_for(SECRET, shift, volunteer, START).partition(".")
    for forged in (
        f"{int(expires) + 60}.{mac}",
        f"{expires}.",
        expires,
        "",
        ".",
        f"-1.{mac}",
        f"٣.{mac}",
        f"{'9' * 400}.{mac}",
    ):
        assert not ticket_holds(SECRET, forged, shift, volunteer, START), forged
