"""Alerts of the monitors: open ones as plain sentences, their history, readings, and thresholds with their versions."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Response

from services.web.pages.console.forms import WORDS
from services.web.pages.console.viewing import instant, watch
from services.web.pages.language import N_, N_n, _, _n, titled
from services.web.pages.render import page, part
from services.web.pages.visit import VisitOf
from services.web.pages.wording import figure
from shared.auth.access import public

__all__ = ["amount_said", "router"]

router = APIRouter(prefix="/console/alerts", include_in_schema=False, dependencies=[public()])

SAID: Mapping[str, tuple[str, str]] = {
    "silence": (N_n("%(who)s有班次在进行，%(n)s 分钟没有人签到"), "/console/search?site_id="),
    "device-silence": (N_n("%(who)s有班次在进行，一台设备 %(n)s 分钟没有上传"), "/console/search?site_id="),
    "dead-letters": (N_n("消费组 %(who)s 五分钟内有 %(n)s 条死信"), "/console/dead-letters"),
    "corrections": (N_n("%(who)s一小时内有 %(n)s 条记录被更正或作废"), "/console/search?site_id="),
    "lag": (N_n("消费组 %(who)s 积压 %(n)s 条，没有减少"), "/console/streams"),
    "standstill": (N_n("消费组 %(who)s %(n)s 秒没有进展"), "/console/streams"),
    "outbox-age": (N_n("服务 %(who)s 的事件等候发布已 %(n)s 秒"), "/console/health"),
    "restarts": (N_n("进程 %(who)s 一刻钟内异常退出 %(n)s 次"), "/console/health"),
}
"""Monitor → its sentence, and where to read more."""
UNITS = {"minutes": N_("分钟"), "records": N_("条"), "seconds": N_("秒"), "crashes": N_("次")}
AMOUNTS = {
    "minutes": N_n("%(n)s 分钟"),
    "records": N_n("%(n)s 条"),
    "seconds": N_n("%(n)s 秒钟"),
    "crashes": N_n("%(n)s 次退出"),
}
"""Unit → so many of it."""
HISTORY = "30"


@router.get("")
async def alerts(visit: VisitOf, cursor: str | None = None) -> Response:
    """Open alerts, cleared ones page by page, and the monitors with their thresholds."""
    watch(visit)
    more = {"cursor": cursor} if cursor else {}
    monitors, opened, cleared, sites = await asyncio.gather(
        visit.ask("operations", "/monitors"),
        visit.ask("operations", "/alerts", state="open", limit="200"),
        visit.ask("operations", "/alerts", state="cleared", limit=HISTORY, **more),
        visit.site_names(),
    )
    following = cleared["next_cursor"]
    return page(
        "console/alerts.html",
        visit.session,
        path=visit.path,
        opened=[_alert(one, sites) for one in opened["items"]],
        cleared=[_alert(one, sites) for one in cleared["items"]],
        following=f"/console/alerts?{urlencode({'cursor': following})}" if following else "",
        monitors=[_monitor(one, sites) for one in monitors["items"]],
        acts="engineer" in visit.session.roles,
        instant=instant,
    )


@router.get("/open")
async def open_alerts(visit: VisitOf) -> Response:
    """The number of open alerts, for the shell of the console; nothing for callers who may not read it."""
    watch(visit)
    found = await visit.get_optional("operations", "/alerts", state="open", limit="100")
    return part("console/parts/open_alerts.html", visit.session, open=len(found["items"]) if found else 0)


def _who(one: Mapping[str, Any], sites: Mapping[str, str]) -> str:
    site = one["site_id"]
    if site is None:
        return str(one["subject"])
    return sites.get(str(site)) or _("编号 %(end)s", end=str(site)[-6:].upper())


def amount_said(unit: str, number: float | None) -> str:
    """So many of a monitor's unit, rounded; a dash where there is no reading."""
    return figure(number) if number is None else _n(AMOUNTS[unit], round(number))


def _alert(one: dict[str, Any], sites: Mapping[str, str]) -> dict[str, Any]:
    sentence, href = SAID[one["monitor"]]
    return one | {
        "said": _n(sentence, round(one["worst"]), who=_who(one, sites)),
        "href": href + quote(str(one["site_id"])) if href.endswith("=") else href,
        "word": _(WORDS["monitor"][one["monitor"]]),
        "amount": partial(amount_said, one["unit"]),
    }


def _monitor(one: dict[str, Any], sites: Mapping[str, str]) -> dict[str, Any]:
    return one | {
        "word": titled(WORDS["monitor"][one["monitor"]]),
        "unit_said": _(UNITS[one["unit"]]),
        "amount": partial(amount_said, one["unit"]),
        "readings": [reading | {"who": _who(reading, sites)} for reading in one["readings"]],
    }
