"""The poster of a site or service point: its QR code opens the menu with that site chosen. Pure."""

from services.recruitment.printing.domain import A4_HEIGHT, A4_WIDTH, QrCode, Rectangle, Sheet, TextLine

__all__ = ["menu_poster"]

_RED = "#c8102e"
_TEXT_WIDTH = 1800
_CODE_SIDE = 1260


def menu_poster(name: str, url: str) -> Sheet:
    """A poster of the site called ``name``; ``url`` is the menu's address with the site."""
    return Sheet(
        name,
        (
            Rectangle(0, 0, A4_WIDTH, A4_HEIGHT, "#fff"),
            Rectangle(0, 0, A4_WIDTH, 430, _RED),
            _line("有困难，找志愿者", 265, 150, "#fff", bold=True),
            _line(name, 690, 150, _RED, bold=True),
            # the code on the page of the poster is drawn at the same level
            QrCode(url, (A4_WIDTH - _CODE_SIDE) // 2, 900, _CODE_SIDE, "m"),
            _line("扫码点单，志愿者上门帮忙，不收钱。", 2400, 92, "#222", bold=True),
            _line(url, 2780, 48, "#666"),
        ),
    )


def _line(text: str, y: int, size: int, colour: str, *, bold: bool = False) -> TextLine:
    return TextLine(text, A4_WIDTH // 2, y, size, _TEXT_WIDTH, colour, bold)
