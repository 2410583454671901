"""Cards and posters as files for a print shop. Pure."""

import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.cards.domain import Card, code_of
from services.recruitment.cards.sheet import CARDS_ON_PAGE, card_pages
from services.recruitment.orders.menu.poster import menu_poster
from services.recruitment.printing.domain import Sheet, TextLine
from services.recruitment.printing.pdf import pdf_of
from services.recruitment.printing.svg import svg_of
from services.recruitment.recruiting.poster import poster_page
from services.web.pages.render import qr
from shared.clock import DISTRICT_ZONE
from tests.support import pdf

START = datetime(2026, 3, 4, 9, 0, tzinfo=DISTRICT_ZONE)
URL = "http://127.0.0.1:8000/d/ABC234"


def poster(name: str = "进广场", place: str = "人民广场") -> Sheet:
    ends_at = START + timedelta(hours=8)
    return poster_page(name=name, place=place, starts_at=START, ends_at=ends_at, url=URL, code="ABC234")


def card(number: int) -> Card:
    return Card(uuid4(), uuid4(), f"2310{number:06}", code_of(number.to_bytes(15, "big")), START)


def drawn(svg: str) -> frozenset[pdf.Module]:
    """The dark modules of the QR code in an SVG, as segno writes it: one path of horizontal strokes."""
    path = max(re.findall(r' d="(M[^"]+)"', svg), key=len)
    x, y = 0.0, 0.0
    dark: set[pdf.Module] = set()
    for command, numbers in re.findall(r"([Mmh])([^Mmh]+)", path):
        values = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            dark.update((int(y), int(x) + step) for step in range(int(values[0])))
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    top, left = min(row for row, _ in dark), min(column for _, column in dark)
    return frozenset((row - top, column - left) for row, column in dark)


def test_a_file_has_the_code_of_the_drawing_and_every_font() -> None:
    page = poster('进广场·<招募> "你" 堃')
    file = pdf_of([page])
    assert pdf.page_count(file) == 1
    assert pdf.codes(file) == [drawn(svg_of(page).decode())]
    assert pdf.fonts_not_embedded(file) == 0, "a print shop may lack our fonts"
    said = {char for part in page.parts if isinstance(part, TextLine) for char in part.text if not char.isspace()}
    assert said <= pdf.characters(file)
    assert pdf_of([page]) == file, "the same poster is the same file"


def test_the_poster_of_a_menu_has_the_code_that_its_page_shows() -> None:
    address = f"http://127.0.0.1:8000/menu?site={UUID(int=7)}"
    assert pdf.codes(pdf_of([menu_poster("惠民社区", address)])) == [drawn(qr(address, label=""))]


@pytest.mark.parametrize("count", [1, CARDS_ON_PAGE, CARDS_ON_PAGE + 1])
def test_ten_cards_fill_a_page_with_the_codes_that_the_sheet_shows(count: int) -> None:
    cards = [card(number) for number in range(count)]
    file = pdf_of(card_pages(cards))
    assert pdf.page_count(file) == -(-count // CARDS_ON_PAGE)
    assert pdf.codes(file) == [drawn(qr(one.code, label="")) for one in cards]


@given(name=st.text(max_size=100), place=st.text(max_size=200))
def test_any_name_makes_a_file(name: str, place: str) -> None:
    assert pdf.page_count(pdf_of([poster(name, place)])) == 1


def test_a_code_of_other_content_is_another() -> None:
    other = segno.make(URL + "x", error="q", micro=False)
    dark = {(row, column) for row, line in enumerate(other.matrix) for column, one in enumerate(line) if one}
    assert pdf.codes(pdf_of([poster()])) != [frozenset(dark)], "the comparison can fail"
