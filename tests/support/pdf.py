"""Readers of PDF files by their drawing commands: pages, characters with an embedded font, QR codes."""

import base64
import re
import zlib
from collections.abc import Iterator

__all__ = ["Module", "characters", "codes", "fonts_not_embedded", "page_count"]

Module = tuple[int, int]
"""Row and column of a dark module, counted from the upper left dark one."""
_STREAM = re.compile(rb"obj\s*(<<.*?>>)\s*stream\r?\n(.*?)endstream", re.DOTALL)
_MAPPED = re.compile(rb"<[0-9A-F]{2}> <([0-9A-F]{4})>")
_RECTANGLE = re.compile(r"([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re")
_FEWEST = 50
"""Rectangles that only a QR code has in one path."""


def _streams(pdf: bytes) -> Iterator[bytes]:
    for head, body in _STREAM.findall(pdf):
        data = body.strip()
        if b"ASCII85" in head:
            data = base64.a85decode(data.removesuffix(b"~>"))
        yield zlib.decompressobj().decompress(data) if b"/Fl" in head else data


def page_count(pdf: bytes) -> int:
    """The number of pages."""
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def fonts_not_embedded(pdf: bytes) -> int:
    """The number of fonts that the reader's machine would have to have."""
    return len(re.findall(rb"/Type /Font\b(?!Descriptor)", pdf)) - len(re.findall(rb"/FontFile2 ", pdf))


def characters(pdf: bytes) -> set[str]:
    """The characters that text in the file can be searched by."""
    maps = b"".join(data for data in _streams(pdf) if b"beginbfchar" in data)
    return {chr(int(code, 16)) for code in _MAPPED.findall(maps)} - {"\0"}


def codes(pdf: bytes) -> list[frozenset[Module]]:
    """The dark modules of each QR code, in the order in which they are drawn."""
    drawn = (data.decode("latin-1") for data in _streams(pdf) if b" re" in data and not data.startswith(b"\0\1"))
    paths = (path for text in drawn for path in re.split(r"\bf\*?\n", text))
    found = [[tuple(map(float, one)) for one in _RECTANGLE.findall(path)] for path in paths]
    return [_modules(rectangles) for rectangles in found if len(rectangles) >= _FEWEST]


def _modules(rectangles: list[tuple[float, ...]]) -> frozenset[Module]:
    module = min(height for _x, _y, _width, height in rectangles)
    left, top = min(one[0] for one in rectangles), max(one[1] for one in rectangles)
    return frozenset(
        (round((top - y) / module), round((x - left) / module) + column)
        for x, y, width, _height in rectangles
        for column in range(round(width / module))
    )
