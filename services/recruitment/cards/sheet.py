"""Sheets of volunteers' cards: ten of 90 × 54 mm on an A4 page, with crop marks. Pure."""

from collections.abc import Iterator, Sequence
from itertools import product

from services.recruitment.cards.domain import Card
from services.recruitment.printing.domain import A4_HEIGHT, A4_WIDTH, Part, QrCode, Sheet, Stroke, TextLine

__all__ = ["CARDS_ON_PAGE", "card_pages"]

CARD_WIDTH, CARD_HEIGHT = 900, 540
COLUMNS, ROWS = 2, 5
CARDS_ON_PAGE = COLUMNS * ROWS
NAME = "微光志愿服务"
_LEFT = (A4_WIDTH - COLUMNS * CARD_WIDTH) // 2
_TOP = (A4_HEIGHT - ROWS * CARD_HEIGHT) // 2
_CODE_SIDE = 380
_GAP, _MARK = 20, 60
"""From the outermost cards to their crop marks, and the length of these."""
_GREY = "#888"


def card_pages(cards: Sequence[Card]) -> list[Sheet]:
    """The cards in the order given, ten on a page."""
    pages = [cards[first : first + CARDS_ON_PAGE] for first in range(0, len(cards), CARDS_ON_PAGE)]
    return [
        Sheet(NAME, (*_crop_marks(), *(part for place, card in enumerate(some) for part in _card(card, place))))
        for some in pages
    ]


def _card(card: Card, place: int) -> Iterator[Part]:
    row, column = divmod(place, COLUMNS)
    x, y = _LEFT + column * CARD_WIDTH, _TOP + row * CARD_HEIGHT
    middle = x + CARD_WIDTH // 2
    # the code of a card on screen is drawn at the same level
    yield QrCode(card.code, middle - _CODE_SIDE // 2, y + 15, _CODE_SIDE, "m")
    yield TextLine(card.volunteer_number, middle, y + 440, 50, CARD_WIDTH - 80, "#000")
    yield TextLine(NAME, middle, y + 500, 38, CARD_WIDTH - 80, "#222")


def _crop_marks() -> Iterator[Part]:
    right, bottom = _LEFT + COLUMNS * CARD_WIDTH, _TOP + ROWS * CARD_HEIGHT
    for column, (end, away) in product(range(COLUMNS + 1), ((_TOP, -1), (bottom, 1))):
        x = _LEFT + column * CARD_WIDTH
        yield Stroke(x, end + away * _GAP, x, end + away * (_GAP + _MARK), _GREY)
    for row, (end, away) in product(range(ROWS + 1), ((_LEFT, -1), (right, 1))):
        y = _TOP + row * CARD_HEIGHT
        yield Stroke(end + away * _GAP, y, end + away * (_GAP + _MARK), y, _GREY)
