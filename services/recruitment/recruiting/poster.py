"""The QR poster of a drive: one SVG page, A4 upright, printable, without scripts or remote parts. Pure."""

from datetime import datetime
from io import BytesIO
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

import segno

__all__ = ["SLOGAN", "poster_svg"]

SLOGAN = "雷锋来过咱岭东，志愿服务在心中"
SPIRIT = "奉献　友爱　互助　进步"
_RED = "#c8102e"
_FONTS = "'Noto Sans CJK SC','Source Han Sans SC','Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
_WEEKDAYS = "一二三四五六日"
_PAGE_WIDTH, _TEXT_WIDTH = 2100, 1800


def poster_svg(*, name: str, place: str, starts_at: datetime, ends_at: datetime, url: str, code: str) -> bytes:
    """A poster that invites to scan and register. Times are given in the zone that they are printed in."""
    body = "\n".join(
        (
            f'<rect x="0" y="0" width="{_PAGE_WIDTH}" height="2970" fill="#fff"/>',
            f'<rect x="0" y="0" width="{_PAGE_WIDTH}" height="430" fill="{_RED}"/>',
            _text(SLOGAN, 205, 112, "#fff", bold=True),
            _text(SPIRIT, 345, 72, "#ffe6a8"),
            _text(name, 640, 130, _RED, bold=True),
            _text(f"地点：{place}", 800, 76, "#222"),
            _text(f"时间：{_period(starts_at, ends_at)}", 920, 76, "#222"),
            _qr(url),
            _text("扫一扫，成为志愿者", 2520, 100, _RED, bold=True),
            _text(f"或输入招募码　{code}", 2660, 84, "#222", bold=True),
            _text(url, 2780, 48, "#666"),
        )
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 {_PAGE_WIDTH} 2970" '
        f'role="img" font-family="{_FONTS}">\n<title>{_safe(name)}</title>\n{body}\n</svg>\n'
    ).encode()


def _text(text: str, y: int, size: int, colour: str, *, bold: bool = False) -> str:
    # Half-width characters take about half an em; a line that would be too long is set smaller.
    ems = sum(1.0 if east_asian_width(char) in "WFA" else 0.56 for char in text)
    fitting = min(size, int(_TEXT_WIDTH / max(ems, 1.0)))
    weight = ' font-weight="700"' if bold else ""
    return (
        f'<text x="{_PAGE_WIDTH // 2}" y="{y}" text-anchor="middle" font-size="{fitting}" fill="{colour}"{weight}>'
        f"{_safe(text)}</text>"
    )


def _qr(url: str) -> str:
    qr = segno.make(url, error="q", micro=False)
    modules = qr.symbol_size(scale=1, border=4)[0]
    side = 1260
    out = BytesIO()
    qr.save(out, kind="svg", xmldecl=False, svgns=False, border=4, omitsize=True, dark="#000", light="#fff")
    drawn = out.getvalue().decode()
    # A nested svg keeps the modules on whole numbers, whatever the size of the page.
    inner = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    return (
        f'<svg x="{(_PAGE_WIDTH - side) // 2}" y="1060" width="{side}" height="{side}" '
        f'viewBox="0 0 {modules} {modules}" shape-rendering="crispEdges">{inner}</svg>'
    )


def _period(starts_at: datetime, ends_at: datetime) -> str:
    start = _day(starts_at) + f" {starts_at:%H:%M}"
    same_day = starts_at.date() == ends_at.date()
    end = f"{ends_at:%H:%M}" if same_day else _day(ends_at) + f" {ends_at:%H:%M}"
    return f"{start} — {end}"


def _day(at: datetime) -> str:
    return f"{at.year}年{at.month}月{at.day}日（周{_WEEKDAYS[at.weekday()]}）"


def _safe(text: str) -> str:
    # XML 1.0 cannot carry control characters at all, not even escaped.
    return escape("".join(char for char in text if char >= " " and not 0xFFFE <= ord(char) <= 0xFFFF))
