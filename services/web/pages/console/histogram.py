"""The histogram of a search: what a chart draws, and a table whose rows lead into their time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from services.web.pages.console.viewing import short_type
from services.web.pages.language import _, _n
from services.web.pages.wording import spell_minutes
from shared.clock import DISTRICT_ZONE

__all__ = ["HistogramRow", "HistogramView", "view_of"]


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """A bucket that holds events: its time, how many, and the address of the search for them alone."""

    at: str
    events: int
    href: str


@dataclass(frozen=True, slots=True)
class HistogramView:
    """A histogram for a page; ``chart`` is what the script draws, ``said`` the sentence about it."""

    chart: dict[str, Any]
    rows: tuple[HistogramRow, ...]
    said: str


def view_of(found: Mapping[str, Any], query: Mapping[str, str]) -> HistogramView | None:
    """The histogram that operations counted, of the search with this query; None where it has no event."""
    if not found["buckets"]:
        return None
    step = timedelta(seconds=found["seconds"])
    lines = [(short_type(one["type"]), one["events"]) for one in found["by_type"]]
    if found["others"] is not None:
        lines.append((_("其他类型"), found["others"]))
    begins = [datetime.fromisoformat(one).astimezone(DISTRICT_ZONE) for one in found["buckets"]]
    totals = [sum(figures) for figures in zip(*(events for _name, events in lines), strict=True)]
    hrefs = [f"/console/search?{urlencode(dict(query) | _bounds(begin, step))}" for begin in begins]
    dated = begins[0].date() != begins[-1].date()
    rows = [
        HistogramRow(f"{begin:%m-%d %H:%M}" if dated else f"{begin:%H:%M:%S}", events, href)
        for begin, events, href in zip(begins, totals, hrefs, strict=True)
        if events
    ]
    said = _said(found, step)
    chart = {
        "said": said, "seconds": found["seconds"], "hrefs": hrefs,
        "times": [begin.timestamp() for begin in begins],
        "series": [{"name": name, "figures": events} for name, events in lines],
    }  # fmt: skip
    return HistogramView(chart, tuple(reversed(rows)), said)


def _bounds(begin: datetime, step: timedelta) -> dict[str, str]:
    """A bucket as the fields of the search: the district's time without its zone."""
    return {
        "since": begin.replace(tzinfo=None).isoformat(),
        "until": (begin + step).replace(tzinfo=None).isoformat(),
    }


def _said(found: Mapping[str, Any], step: timedelta) -> str:
    """Describe what the chart shows."""
    length = _length(step)
    if found["complete"]:
        return _n("共 %(n)s 条，每格 %(length)s；点一格只看那一段", found["total"], length=length)
    return _n("最新的 %(n)s 条，每格 %(length)s；点一格只看那一段", found["total"], length=length)


def _length(step: timedelta) -> str:
    seconds = max(1, round(step.total_seconds()))
    if seconds < 60:
        return _("%(n)s 秒", n=seconds)
    return spell_minutes(seconds // 60) if seconds < 86_400 else _n("%(n)s 天", seconds // 86_400)
