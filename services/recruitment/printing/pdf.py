"""Pages as one PDF, with every font embedded: a print shop needs none of its own."""

import gzip
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any

import segno

from services.recruitment.printing.domain import (
    A4_HEIGHT,
    A4_WIDTH,
    QrCode,
    Rectangle,
    Sheet,
    Stroke,
    TextLine,
    printable,
)

__all__ = ["CJK", "LATIN", "LATIN_BOLD", "code_rows", "pdf_of"]

CJK, LATIN, LATIN_BOLD = "WeiguangCJK", "WeiguangLatin", "WeiguangLatinBold"
_FONT = Path(__file__).with_name("droid-sans-fallback.ttf.gz")
_POINTS = 72 / 254
"""Points of a tenth of a millimetre."""
_HAIRLINE = 0.25
_BOLD = 0.03
"""Width of the outline that makes the one weight of the Chinese font bold, in ems."""

# The library keeps its fonts in one place for the process; one file at a time also bounds what downloads cost.
_drawing = Lock()


def pdf_of(pages: Sequence[Sheet]) -> bytes:
    """The pages as a file that is the same for the same pages; takes the processor, so call it in a thread."""
    # loaded at the first download, as most processes never draw
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    with _drawing:
        _register_fonts()
        size = A4_WIDTH * _POINTS, A4_HEIGHT * _POINTS
        # without a first font of ours the file names Helvetica, which is not embedded
        canvas = Canvas(out, pagesize=size, pageCompression=1, invariant=1, initialFontName=LATIN)
        canvas.setTitle(printable(pages[0].title) if pages else "")
        for page in pages:
            canvas.scale(_POINTS, _POINTS)
            for part in page.parts:
                _draw(canvas, part)
            canvas.showPage()
        canvas.save()
    return out.getvalue()


@lru_cache(maxsize=1)
def _register_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    pdfmetrics.registerFont(TTFont(CJK, BytesIO(gzip.decompress(_FONT.read_bytes()))))
    pdfmetrics.registerFont(TTFont(LATIN, "Vera.ttf"))
    pdfmetrics.registerFont(TTFont(LATIN_BOLD, "VeraBd.ttf"))


def _draw(canvas: Any, part: Rectangle | Stroke | TextLine | QrCode) -> None:
    match part:
        case Rectangle():
            canvas.setFillColor(_colour(part.fill))
            canvas.rect(part.x, A4_HEIGHT - part.y - part.height, part.width, part.height, stroke=0, fill=1)
        case Stroke():
            canvas.setStrokeColor(_colour(part.colour))
            canvas.setLineWidth(_HAIRLINE / _POINTS)
            canvas.line(part.x1, A4_HEIGHT - part.y1, part.x2, A4_HEIGHT - part.y2)
        case TextLine():
            _write(canvas, part)
        case QrCode():
            _draw_code(canvas, part)


def _write(canvas: Any, line: TextLine) -> None:
    runs = list(_runs(printable(line.text), line.bold))
    ems = sum(canvas.stringWidth(text, font, 1) for font, text in runs)
    size = min(line.size, line.width / ems) if ems else line.size
    text = canvas.beginText(line.x - ems * size / 2, A4_HEIGHT - line.y)
    text.setFillColor(_colour(line.colour))
    text.setStrokeColor(_colour(line.colour))
    canvas.setLineWidth(size * _BOLD)
    for font, run in runs:
        text.setFont(font, size)
        text.setTextRenderMode(2 if line.bold and font == CJK else 0)
        text.textOut(run)
    text.setTextRenderMode(0)
    canvas.drawText(text)


def _runs(text: str, bold: bool) -> Iterator[tuple[str, str]]:
    """(font, text) of the pieces of a line; what the Chinese font lacks is written in the Latin one."""
    from reportlab.pdfbase import pdfmetrics

    chinese = pdfmetrics.getFont(CJK).face.charToGlyph
    latin = LATIN_BOLD if bold else LATIN
    known = pdfmetrics.getFont(latin).face.charToGlyph

    def font(char: str) -> str:
        return latin if ord(char) in known and (ord(char) < 0x2000 or ord(char) not in chinese) else CJK

    for name, piece in groupby(text, font):
        yield name, "".join(piece)


def _draw_code(canvas: Any, code: QrCode) -> None:
    rows = code_rows(code.content, code.error)
    module = code.side / len(rows)
    canvas.setFillColor(_colour("#fff"))
    canvas.rect(code.x, A4_HEIGHT - code.y - code.side, code.side, code.side, stroke=0, fill=1)
    canvas.setFillColor(_colour("#000"))
    # one path without seams: printers round each rectangle of its own
    path = canvas.beginPath()
    for row, modules in enumerate(rows):
        column = 0
        for dark, run in groupby(modules):
            length = len(list(run))
            if dark:
                lower = A4_HEIGHT - code.y - (row + 1) * module
                path.rect(code.x + column * module, lower, length * module, module)
            column += length
    canvas.drawPath(path, stroke=0, fill=1)


def code_rows(content: str, error: str) -> list[list[bool]]:
    """The modules of a QR code with its quiet zone, row by row; True is dark."""
    qr = segno.make(content, error=error, micro=False)
    return [[bool(module) for module in row] for row in qr.matrix_iter(scale=1, border=4)]


def _colour(text: str) -> Any:
    from reportlab.lib.colors import HexColor

    digits = text.removeprefix("#")
    return HexColor("#" + (digits if len(digits) == 6 else "".join(char * 2 for char in digits)))
