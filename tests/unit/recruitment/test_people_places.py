"""Sites, teams, drives and posters. Pure."""

from datetime import datetime, timedelta
from itertools import product
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.organisation.domain import (
    SiteKind,
    TeamKind,
    check_honour_year,
    check_parent,
    check_team_site,
    clean_title,
)
from services.recruitment.printing.svg import svg_of
from services.recruitment.recruiting.domain import (
    CODE_ALPHABET,
    check_period,
    code_from,
    normalise_code,
    why_closed,
)
from services.recruitment.recruiting.poster import SLOGAN, poster_page
from shared.clock import DISTRICT_ZONE

START = datetime(2026, 3, 4, 9, 0, tzinfo=DISTRICT_ZONE)
END = START + timedelta(hours=8)
SVG = "{http://www.w3.org/2000/svg}"


def test_the_tree_of_sites_keeps_its_shape() -> None:
    allowed = {
        (SiteKind.CENTRE, None),
        (SiteKind.INSTITUTE, SiteKind.CENTRE),
        (SiteKind.STATION, SiteKind.CENTRE),
        (SiteKind.STATION, SiteKind.INSTITUTE),
        (SiteKind.SERVICE_POINT, SiteKind.CENTRE),
        (SiteKind.SERVICE_POINT, SiteKind.INSTITUTE),
        (SiteKind.SERVICE_POINT, SiteKind.STATION),
    }
    for kind, parent in product(SiteKind, [None, *SiteKind]):
        if (kind, parent) in allowed:
            check_parent(kind, parent)
        else:
            with pytest.raises(ValueError):
                check_parent(kind, parent)


def test_the_corps_belongs_to_the_centre() -> None:
    check_team_site(TeamKind.CORPS, SiteKind.CENTRE)
    check_team_site(TeamKind.TEAM, SiteKind.STATION)
    with pytest.raises(ValueError):
        check_team_site(TeamKind.CORPS, SiteKind.STATION)


def test_titles_and_years() -> None:
    assert clean_title("  晨光  问候 ", "name") == "晨光 问候"
    for text in ("", " \n ", "x" * 101):
        with pytest.raises(ValueError, match="name"):
            clean_title(text, "name")
    check_honour_year(2023, 2026)
    for year in (1948, 2027):
        with pytest.raises(ValueError):
            check_honour_year(year, 2026)


@given(st.integers(0, 31**6 - 1), st.integers(0, 31**6 - 1))
def test_codes_are_readable_and_tell_numbers_apart(one: int, other: int) -> None:
    code = code_from(one)
    assert len(code) == 6
    assert set(code) <= set(CODE_ALPHABET)
    assert not set(code) & set("01ILO")
    assert (code == code_from(other)) == (one == other)
    assert normalise_code(f" {code[:3].lower()}-{code[3:]} ") == code


@pytest.mark.parametrize("text", ["", "12345", "1234567890123", "abc;de", "编号编号编号"])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        normalise_code(text)


def test_a_drive_is_open_from_its_start_until_just_before_its_end() -> None:
    tick = timedelta(microseconds=1)
    assert "not begun" in (why_closed(START, END, None, START - tick) or "")
    assert why_closed(START, END, None, START) is None
    assert why_closed(START, END, None, END - tick) is None
    assert "over" in (why_closed(START, END, None, END) or "")
    assert "closed" in (why_closed(START, END, START, START) or "")


def test_a_drive_ends_after_it_starts_within_a_month() -> None:
    check_period(START, END)
    for starts, ends in ((END, START), (START, START), (START, START + timedelta(days=32))):
        with pytest.raises(ValueError):
            check_period(starts, ends)


@given(
    name=st.text(min_size=1, max_size=100),
    place=st.text(min_size=1, max_size=200),
)
def test_any_name_makes_a_well_formed_poster(name: str, place: str) -> None:
    svg = svg_of(
        poster_page(
            name=name, place=place, starts_at=START, ends_at=END, url="http://127.0.0.1:8000/d/ABC234", code="ABC234"
        )
    )
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"


def test_the_poster_says_everything() -> None:
    svg = svg_of(
        poster_page(
            name='进广场·<招募> & "你"',
            place="人民广场",
            starts_at=START,
            ends_at=END,
            url="http://127.0.0.1:8000/d/ABC234",
            code="ABC234",
        )
    )
    root = ElementTree.fromstring(svg)
    texts = "\n".join(element.text or "" for element in root.iter(f"{SVG}text"))
    for part in (
        SLOGAN,
        '进广场·<招募> & "你"',
        "人民广场",
        "2026年3月4日（周三） 09:00 — 17:00",
        "ABC234",
        "/d/ABC234",
    ):
        assert part in texts
    assert [element for element in root.iter(f"{SVG}path") if len(element.get("d", "")) > 500], "the QR code is drawn"
    assert not [element for element in root.iter() if element.tag in (f"{SVG}script", f"{SVG}image")]


def test_long_lines_are_set_smaller() -> None:
    svg = svg_of(
        poster_page(
            name="很长的名字" * 20, place="x", starts_at=START, ends_at=START + timedelta(days=2), url="u", code="C"
        )
    )
    for element in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        ems = sum(1.0 if ord(char) > 0x2000 else 0.56 for char in element.text or "")
        assert ems * int(element.get("font-size", "0")) <= 1900
