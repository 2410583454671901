"""Topics and consumer groups, and the audit trail."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from services.web.pages.console.filters import FilterText
from services.web.pages.console.forms import WORDS
from services.web.pages.console.viewing import instant, topic_word, watch
from services.web.pages.language import _, _n
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from services.web.settings import UPSTREAM_NAMES
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[public()])

ACTS_SHOWN = "100"


@router.get("/streams")
async def streams(visit: VisitOf) -> Response:
    """Topics with their rates of the last hour, and consumer groups with lag, members and pauses."""
    watch(visit)
    topics, *answers = await asyncio.gather(
        visit.get_optional("operations", "/topics"),
        *(visit.get_optional(service, "/consumers") for service in UPSTREAM_NAMES),
    )
    shown = [] if topics is None else [one for one in topics["items"] if one["events"] or not _dead(one["topic"])]
    return page(
        "console/streams.html",
        visit.session,
        path=visit.path,
        topics=[one | {"word": topic_word(one["topic"]), "line": _sparkline(one["per_minute"])} for one in shown],
        groups=[
            one | {"service": service}
            for service, answer in zip(UPSTREAM_NAMES, answers, strict=True)
            for one in (answer or {"items": []})["items"]
        ],
        away=[
            service
            for service, answer in zip(("operations", *UPSTREAM_NAMES), (topics, *answers), strict=True)
            if answer is None
        ],
        acts="engineer" in visit.session.roles,
        instant=instant,
        drained=_drained,
    )


def _drained(group: dict[str, Any]) -> str:
    """The lag of a group and the time until none is left, as the script of the charts says it too."""
    if not group["lag"]:
        return _("没有积压")
    lag, seconds, rate = _n("积压 %(n)s 条", group["lag"]), group["drain"]["seconds"], group["drain"]["per_second"]
    if seconds is not None:
        minutes = seconds // 60
        left = _n("照这样还要 %(n)s 分钟处理完", minutes) if minutes else _n("照这样还要 %(n)s 秒处理完", seconds)
    elif len(group["lags"]) < 2:
        return lag
    elif rate < 0:
        left = _n("每秒多出 %(n)s 条，照这样永远处理不完", -rate)
    else:
        left = _("没有减少，照这样永远处理不完")
    return f"{lag} · {left}"


def _dead(topic: str) -> bool:
    return topic.endswith(".dlq")


def _sparkline(values: Sequence[int]) -> str:
    """The points of a line of 120 by 24 units, for an SVG."""
    most, last = max([*values, 1]), max(1, len(values) - 1)
    return " ".join(f"{120 * at / last:.1f},{23 - 22 * value / most:.1f}" for at, value in enumerate(values))


@router.get("/audit")
async def audit(visit: VisitOf, act: FilterText = "", cursor: FilterText = "") -> Response:
    """The acts of operators on the streams of all services, newest first, with dry runs and looks.

    The index has who did what in any service; reasons, names and addresses are the services' own, of the newest acts.
    """
    watch(visit)
    query = {"act": act} if act in WORDS["act"] else {}
    at = {"cursor": cursor} if cursor else {}
    merged, *answers = await asyncio.gather(
        visit.get_optional("operations", "/audit", limit=ACTS_SHOWN, **query, **at),
        *(_trail(visit, service, query) for service in UPSTREAM_NAMES),
    )
    own = {one["act_id"]: one for some in answers for one in some or ()}
    # An act of this moment is in its service's trail before the index has read its event.
    shown = ({} if cursor else own) | {one["act_id"]: own.get(one["act_id"], one) for one in (merged or _NONE)["items"]}
    following = (merged or _NONE)["next_cursor"]
    return page(
        "console/audit.html",
        visit.session,
        path=visit.path,
        acts=[
            one | {"said": _(WORDS["act"].get(one["act"], one["act"])), "records": _records(one)}
            for one in sorted(shown.values(), key=lambda one: datetime.fromisoformat(one["at"]), reverse=True)
        ],
        away=[
            service
            for service, some in zip(("operations", *UPSTREAM_NAMES), (merged, *answers), strict=True)
            if some is None
        ],
        choices=[(one, _(said)) for one, said in WORDS["act"].items()],
        wanted=query.get("act", ""),
        more=f"/console/audit?{urlencode(query | {'cursor': following})}" if following else "",
        roles=WORDS["role"],
        instant=instant,
    )


_NONE: dict[str, Any] = {"items": [], "next_cursor": None}


def _records(act: dict[str, Any]) -> int:
    return int(act["result"].get("records", 0)) if "result" in act else int(act["records"])


async def _trail(visit: Visit, service: str, query: dict[str, str]) -> list[dict[str, Any]] | None:
    path = "/audit/own" if service == "operations" else "/audit"
    answer = await visit.get_optional(service, path, limit=ACTS_SHOWN, **query)
    return None if answer is None else list(answer["items"])
