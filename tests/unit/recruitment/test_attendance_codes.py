"""Rotating codes and tickets, in real time."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.recruitment.attendance.codes import (
    TICKET_LIFE,
    WINDOW_SECONDS,
    ShownBy,
    Ticket,
    code_at,
    ends_of_window,
    issue_ticket,
    read_ticket,
    shown_by,
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
        assert shown_by(SECRET, code, at) is (ShownBy.STAFF if holds else None), age


def test_a_code_belongs_to_its_shift() -> None:
    code = code_at(SECRET, ShownBy.STAFF, START)
    assert shown_by(bytes(32), code, START) is None


def test_a_typed_code_may_be_small_and_have_blanks_around_it() -> None:
    code = code_at(SECRET, ShownBy.STAFF, START)
    assert shown_by(SECRET, f" {code.lower()} ", START) is ShownBy.STAFF


@pytest.mark.parametrize("code", ["", "\ud800", "编码", "A" * 40, "null"])
def test_nonsense_is_no_code(code: str) -> None:
    assert shown_by(SECRET, code, START) is None


@pytest.mark.parametrize("who", ShownBy)
def test_a_code_says_whose_screen_showed_it(who: ShownBy) -> None:
    assert shown_by(SECRET, code_at(SECRET, who, START), START + WINDOW) is who


def test_the_rest_of_a_window() -> None:
    assert ends_of_window(START) == WINDOW
    assert ends_of_window(START + timedelta(seconds=5)) == timedelta(seconds=3)


@pytest.mark.parametrize("who", ShownBy)
def test_a_ticket_is_for_one_shift_for_fifteen_minutes_and_says_whose_code_bought_it(who: ShownBy) -> None:
    shift, ticket_id = uuid4(), uuid4()
    text = issue_ticket(SECRET, shift, ticket_id, who, START)
    assert len(text) <= 100
    assert read_ticket(SECRET, text, shift) == Ticket(ticket_id, who, START + TICKET_LIFE)
    assert read_ticket(SECRET, text, uuid4()) is None
    assert read_ticket(bytes(32), text, shift) is None


def test_a_ticket_cannot_be_prolonged_renamed_or_made_up() -> None:
    shift = uuid4()
    ticket_id, who, expires, mac = issue_ticket(SECRET, shift, uuid4(), ShownBy.LEADER, START).split(".")
    for forged in (
        f"{ticket_id}.{who}.{int(expires) + 60}.{mac}",
        f"{ticket_id}.staff.{expires}.{mac}",
        f"{uuid4().hex}.{who}.{expires}.{mac}",
        f"{ticket_id.upper()}.{who}.{expires}.{mac}" if ticket_id.upper() != ticket_id else "",
        f"{ticket_id}.{who}.0{expires}.{mac}",
        f"{ticket_id}.{who}.{expires}.",
        f"{ticket_id}.{who}.{expires}",
        f"{ticket_id}.nobody.{expires}.{mac}",
        f"no-id.{who}.{expires}.{mac}",
        f"{'编' * 32}.{who}.{expires}.{mac}",
        f"{expires}.{mac}",
        "",
        "...",
        f"{ticket_id}.{who}.-1.{mac}",
        f"{ticket_id}.{who}.٣.{mac}",
        f"{ticket_id}.{who}.{'9' * 400}.{mac}",
        f"{ticket_id}.{who}.{expires}.\ud800",
    ):
        assert read_ticket(SECRET, forged, shift) is None, forged
