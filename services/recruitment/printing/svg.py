"""A page as SVG, without scripts or remote parts. Pure."""

from io import BytesIO
from xml.sax.saxutils import escape

import segno

from services.recruitment.printing.domain import (
    A4_HEIGHT,
    A4_WIDTH,
    Part,
    QrCode,
    Rectangle,
    Sheet,
    Stroke,
    TextLine,
    fitting_size,
    printable,
)

__all__ = ["svg_of"]

_FONTS = "'Noto Sans CJK SC','Source Han Sans SC','Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"


def svg_of(page: Sheet) -> bytes:
    """The page as a document of its own."""
    body = "\n".join(_drawn(part) for part in page.parts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 {A4_WIDTH} {A4_HEIGHT}" '
        f'role="img" font-family="{_FONTS}">\n<title>{_safe(page.title)}</title>\n{body}\n</svg>\n'
    ).encode()


def _drawn(part: Part) -> str:
    match part:
        case Rectangle():
            return f'<rect x="{part.x}" y="{part.y}" width="{part.width}" height="{part.height}" fill="{part.fill}"/>'
        case Stroke():
            return (
                f'<line x1="{part.x1}" y1="{part.y1}" x2="{part.x2}" y2="{part.y2}" stroke="{part.colour}" '
                'stroke-width="1"/>'
            )
        case TextLine():
            return _text(part)
        case QrCode():
            return _qr(part)


def _text(line: TextLine) -> str:
    weight = ' font-weight="700"' if line.bold else ""
    return (
        f'<text x="{line.x}" y="{line.y}" text-anchor="middle" font-size="{fitting_size(line)}" '
        f'fill="{line.colour}"{weight}>{_safe(line.text)}</text>'
    )


def _qr(code: QrCode) -> str:
    qr = segno.make(code.content, error=code.error, micro=False)
    modules = qr.symbol_size(scale=1, border=4)[0]
    out = BytesIO()
    qr.save(out, kind="svg", xmldecl=False, svgns=False, border=4, omitsize=True, dark="#000", light="#fff")
    drawn = out.getvalue().decode()
    # A nested svg keeps the modules on whole numbers, whatever the size of the page.
    inner = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    return (
        f'<svg x="{code.x}" y="{code.y}" width="{code.side}" height="{code.side}" '
        f'viewBox="0 0 {modules} {modules}" shape-rendering="crispEdges">{inner}</svg>'
    )


def _safe(text: str) -> str:
    return escape(printable(text))
