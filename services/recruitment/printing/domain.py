"""A printed page of rectangles, text and QR codes, in tenths of a millimetre from its upper left corner. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from unicodedata import east_asian_width

__all__ = [
    "A4_HEIGHT",
    "A4_WIDTH",
    "Part",
    "QrCode",
    "Rectangle",
    "Sheet",
    "Stroke",
    "TextLine",
    "fitting_size",
    "printable",
]

A4_WIDTH, A4_HEIGHT = 2100, 2970
HALF_EM = 0.56
"""Width of half-width characters in ems, about."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A filled rectangle."""

    x: int
    y: int
    width: int
    height: int
    fill: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight thin line, such as a crop mark."""

    x1: int
    y1: int
    x2: int
    y2: int
    colour: str


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text around ``x``, its baseline at ``y``; one wider than ``width`` is set smaller."""

    text: str
    x: int
    y: int
    size: int
    width: int
    colour: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code with its quiet zone in a square of ``side``; ``error`` is the level of correction."""

    content: str
    x: int
    y: int
    side: int
    error: str


Part = Rectangle | Stroke | TextLine | QrCode


@dataclass(frozen=True, slots=True)
class Sheet:
    """One A4 page, upright; later parts cover earlier ones."""

    title: str
    parts: tuple[Part, ...]


def fitting_size(line: TextLine) -> int:
    """The font size at which a line fits its width, by the usual width of characters."""
    ems = sum(1.0 if east_asian_width(char) in "WFA" else HALF_EM for char in line.text)
    return min(line.size, int(line.width / max(ems, 1.0)))


def printable(text: str) -> str:
    """Text without control characters, which neither XML 1.0 nor a font can carry."""
    return "".join(char for char in text if char >= " " and not 0xFFFE <= ord(char) <= 0xFFFF)
