"""The statement as a sheet that a person can read: the page's own words, one line for each movement."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from fastapi import Response
from starlette.responses import StreamingResponse

from services.web.pages.language import N_, _, _n
from services.web.pages.render import finish
from services.web.pages.visit import Visit
from services.web.pages.volunteer.explanation import Whose, entry

__all__ = ["COLUMNS", "ledger_report", "line_of", "text_of"]

COLUMNS = (
    N_("时间"),
    N_("事由"),
    N_("关于"),
    N_("可用积分变动"),
    N_("数额"),
    N_("怎么算的"),
    N_("有效期到"),
    N_("规则第几版"),
    N_("第几笔"),
    N_("查询编号"),
)
PORTION = "200"
"""Movements that are asked for and in memory at a time."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def ledger_report(visit: Visit, whose: Whose) -> Response:
    """All movements, newest first, as CSV with a mark for spreadsheets, streamed."""
    portions = _portions(visit, whose)
    first = await anext(portions)  # a refusal is a page; what breaks later breaks the download

    async def text() -> AsyncIterator[str]:
        yield "\ufeff" + text_of([[_(column) for column in COLUMNS]]) + text_of(line_of(entry(line)) for line in first)
        async for portion in portions:
            yield text_of(line_of(entry(line)) for line in portion)

    headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="points.csv"'}
    return finish(StreamingResponse(text(), media_type="text/csv; charset=utf-8", headers=headers), visit.session)


async def _portions(visit: Visit, whose: Whose) -> AsyncIterator[list[Any]]:
    cursor: str | None = None
    while True:
        query = {"cursor": cursor} if cursor else {}
        found = await visit.ask("points", f"/accounts/{whose.volunteer_id}/statement", limit=PORTION, **query)
        yield found["items"]
        cursor = found.get("next_cursor")
        if cursor is None:
            return


def line_of(item: Mapping[str, Any]) -> Sequence[Any]:
    """One movement, in the order of `COLUMNS`."""
    sums = [
        _(
            "%(title)s %(when)s：%(sum)s（%(reason)s）",
            **{name: record[name] for name in ("title", "when", "sum", "reason")},
        )
        for record in item["records"]
    ]
    sums += [_n("%(n)s 积分：%(reason)s", one["points"], reason=one["reason"]) for one in item["adjustments"]]
    return (
        item["day_and_time"],
        item["title"],
        item["about"],
        item["change"],
        item["amount"],
        _("；").join(sums) or item["because"],
        item["expires_on"],
        item["rule_version"],
        item["transfer_id"],
        item["correlation_id"],
    )


def text_of(rows: Iterable[Sequence[Any]]) -> str:
    """Lines of CSV; a text that a spreadsheet would take for a formula gets a quote before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row])
    return text.getvalue()
