"""The QR poster of a drive: one page, A4 upright. Pure."""

from datetime import datetime

from services.recruitment.printing.domain import A4_HEIGHT, A4_WIDTH, QrCode, Rectangle, Sheet, TextLine

__all__ = ["SLOGAN", "poster_page"]

SLOGAN = "雷锋来过咱岭东，志愿服务在心中"
SPIRIT = "奉献　友爱　互助　进步"
_RED = "#c8102e"
_WEEKDAYS = "一二三四五六日"
_TEXT_WIDTH = 1800
_CODE_SIDE = 1260


def poster_page(*, name: str, place: str, starts_at: datetime, ends_at: datetime, url: str, code: str) -> Sheet:
    """A poster that invites to scan and register. Times are given in the zone that they are printed in."""
    return Sheet(
        name,
        (
            Rectangle(0, 0, A4_WIDTH, A4_HEIGHT, "#fff"),
            Rectangle(0, 0, A4_WIDTH, 430, _RED),
            _line(SLOGAN, 205, 112, "#fff", bold=True),
            _line(SPIRIT, 345, 72, "#ffe6a8"),
            _line(name, 640, 130, _RED, bold=True),
            _line(f"地点：{place}", 800, 76, "#222"),
            _line(f"时间：{_period(starts_at, ends_at)}", 920, 76, "#222"),
            QrCode(url, (A4_WIDTH - _CODE_SIDE) // 2, 1060, _CODE_SIDE, "q"),
            _line("扫一扫，成为志愿者", 2520, 100, _RED, bold=True),
            _line(f"或输入招募码　{code}", 2660, 84, "#222", bold=True),
            _line(url, 2780, 48, "#666"),
        ),
    )


def _line(text: str, y: int, size: int, colour: str, *, bold: bool = False) -> TextLine:
    return TextLine(text, A4_WIDTH // 2, y, size, _TEXT_WIDTH, colour, bold)


def _period(starts_at: datetime, ends_at: datetime) -> str:
    start = _day(starts_at) + f" {starts_at:%H:%M}"
    same_day = starts_at.date() == ends_at.date()
    end = f"{ends_at:%H:%M}" if same_day else _day(ends_at) + f" {ends_at:%H:%M}"
    return f"{start} — {end}"


def _day(at: datetime) -> str:
    return f"{at.year}年{at.month}月{at.day}日（周{_WEEKDAYS[at.weekday()]}）"
