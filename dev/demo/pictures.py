"""Small pictures of the demo's rewards, drawn here: a catalogue has photos, and a repository needs no image files."""

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["PICTURES", "Box", "Disc", "png"]

SIDE = 192
_COLOURS = ((253, 244, 236), (200, 16, 46), (255, 255, 255), (138, 90, 0), (20, 102, 58), (60, 60, 66))
PAPER, RED, WHITE, BROWN, GREEN, DARK = range(len(_COLOURS))


class Box(NamedTuple):
    """A rectangle, in pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int
    colour: int

    def holds(self, x: int, y: int) -> bool:
        """Is the pixel inside?"""
        return self.left <= x < self.right and self.top <= y < self.bottom


class Disc(NamedTuple):
    """A disc, in pixels."""

    x: int
    y: int
    radius: int
    colour: int

    def holds(self, x: int, y: int) -> bool:
        """Is the pixel inside?"""
        return (x - self.x) ** 2 + (y - self.y) ** 2 <= self.radius**2


Shapes = Sequence[Box | Disc]

PICTURES: dict[str, Shapes] = {
    "志愿红围巾": (
        Disc(96, 78, 52, RED), Disc(96, 66, 34, PAPER), Box(104, 100, 136, 172, RED), Box(68, 108, 96, 160, RED),
    ),
    "保温杯": (
        Box(66, 48, 126, 172, RED), Box(74, 24, 118, 48, DARK), Box(66, 80, 126, 92, WHITE), Disc(96, 124, 14, WHITE),
    ),
    "理发券": (
        Box(20, 56, 172, 136, GREEN), Disc(20, 96, 14, PAPER), Disc(172, 96, 14, PAPER), Box(128, 60, 132, 132, WHITE),
        Disc(60, 82, 12, WHITE), Disc(60, 112, 12, WHITE), Box(70, 92, 118, 100, WHITE),
    ),
    "米面礼包": (
        Box(52, 60, 140, 170, BROWN), Disc(96, 50, 22, BROWN), Box(80, 62, 112, 70, RED), Disc(96, 118, 28, WHITE),
    ),
    "体检套餐": (
        Box(44, 28, 148, 172, WHITE), Box(76, 18, 116, 40, DARK), Box(84, 62, 108, 134, RED),
        Box(60, 86, 132, 110, RED),
    ),
}  # fmt: skip
"""By the name of the reward; later shapes lie over earlier ones."""


def png(shapes: Shapes) -> bytes:
    """The picture as PNG of one to two kilobytes."""
    rows = bytearray()
    for y in range(SIDE):
        rows.append(0)
        for x in range(SIDE):
            rows.append(next((shape.colour for shape in reversed(shapes) if shape.holds(x, y)), PAPER))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 3, 0, 0, 0)
    palette = bytes(part for colour in _COLOURS for part in colour)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
