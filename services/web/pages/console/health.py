"""The health of the processes, and what became of messages."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from services.web.pages.console.filters import FilterText
from services.web.pages.console.viewing import instant, watch
from services.web.pages.language import N_, _
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from services.web.settings import UPSTREAM_NAMES
from shared.auth.access import public
from shared.clock import real_now

__all__ = ["router"]

router = APIRouter(prefix="/console", include_in_schema=False, dependencies=[public()])

SHOWN = "50"
OUTCOMES: Mapping[str, str] = {
    "sent": N_("已送达"),
    "refused": N_("对方拒收"),
    "undelivered": N_("两天没有送到"),
    "undeliverable": N_("地址无效"),
    "unknown": N_("结果未知，不会再发"),
    "no_address": N_("没有地址"),
    "suppressed": N_("收件人已关闭"),
    "pending": N_("等候发送"),
    "attempting": N_("正在发送"),
}
ALLOWED: Mapping[str, str] = {
    "unknown": N_(
        "信已发出，没有等到回答。再发可能送到两次，所以不重发；站内消息里有同样的内容，可以当面或打电话确认。"
    ),
    "refused": N_("对方的邮件服务器拒收。请收件人在“我的”里改邮箱；站内消息里有同样的内容。"),
    "undelivered": N_("两天里每次都没有连上对方的邮件服务器，不再重试；站内消息里有同样的内容。"),
    "undeliverable": N_("邮箱写得不对，没有发出。请收件人在“我的”里改邮箱。"),
    "no_address": N_("收件人没有留邮箱，没有发出；站内消息里有同样的内容。"),
}
"""State → why it is so, and what may be done."""


@router.get("/health")
async def health(visit: VisitOf) -> Response:
    """Each process: version, since when it runs, crashes, readiness, and how fast it answers."""
    watch(visit)
    states, answers = await asyncio.gather(
        visit.web.processes.states(), asyncio.gather(*(_crashes(visit, service) for service in UPSTREAM_NAMES))
    )
    crashes = {name: number for found in answers for name, number in found.items()}
    return page(
        "console/health.html", visit.session, path=visit.path, processes=states, crashes=crashes, now=real_now()
    )


async def _crashes(visit: Visit, service: str) -> dict[str, int]:
    """Crashes of the last day by process, as the settings name it; none where the service does not answer."""
    found = await visit.get_optional(service, "/processes")
    return {f"{service}-{one['role']}": one["crashes"] for one in (found or {"items": []})["items"]}


@router.get("/deliveries")
async def deliveries(visit: VisitOf, status: FilterText = "unknown", cursor: FilterText = "") -> Response:
    """Messages by channel and outcome; those that did not surely arrive, with the reason and what may be done."""
    watch(visit)
    status = status if status in ALLOWED else "unknown"
    query = {"cursor": cursor} if cursor else {}
    report, found = await asyncio.gather(
        visit.ask("notify", "/reports/messages"),
        visit.get_optional("notify", "/deliveries", status=status, limit=SHOWN, **query),
    )
    following = found["next_cursor"] if found else None
    return page(
        "console/deliveries.html",
        visit.session,
        path=visit.path,
        report=report,
        found=found,
        outcomes={name: _(said) for name, said in OUTCOMES.items()},
        states=[(f"/console/deliveries?status={one}", _(OUTCOMES[one]), one == status) for one in ALLOWED],
        allowed=_(ALLOWED[status]),
        more=f"/console/deliveries?{urlencode({'status': status, 'cursor': following})}" if following else "",
        instant=instant,
    )
