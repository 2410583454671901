"""The figures of residents' orders for staff: ends, time in each state, satisfaction, and needs without teams."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.language import N_, _, current
from services.web.pages.order_words import ORDER_WORDS
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import VisitOf
from services.web.pages.wording import word
from shared.auth.access import public

__all__ = ["router", "span_said"]

router = APIRouter(prefix="/staff/orders/figures", include_in_schema=False, dependencies=[public()])

_COUNTS = (
    ("total", N_("点单"), N_("今年以来下的单，系列里每次算一单")),
    ("rated", N_("居民已评"), N_("居民自己评价过的单")),
    ("rated_by_default", N_("默认评价"), N_("到期没有评价、按默认结束的单，单独统计")),
    ("on_time", N_("按时服务"), N_("服务之前没有错过任何期限：没有上转、没有重派、没有催办")),
    ("escalated", N_("上转"), N_("至少有一级因超时接手")),
    ("unfulfilled", N_("未满足"), N_("没有队伍能接的需求")),
    ("cancelled", N_("撤单"), N_("居民或工作人员撤回的单")),
    ("reopened", N_("重新安排"), N_("评价不好、重新安排过的单")),
    ("complaints", N_("投诉"), N_("评价里带投诉的单")),
)
_STATES = tuple(ORDER_WORDS["order_state"])


@router.get("")
async def order_figures(visit: VisitOf) -> Response:
    """The figures of the year so far, of the caller's sites."""
    require_staff(visit)
    found = await visit.ask("recruitment", "/reports/orders")
    stays = {one["state"]: one for one in found["states"]}
    return page(
        "staff/order_figures.html",
        visit.session,
        path=visit.path,
        counts=[(_(name), found["orders"][key], _(formula)) for key, name, formula in _COUNTS],
        by_state=[
            (word(state, "order_state"), found["orders"]["by_state"][state])
            for state in _STATES
            if state in found["orders"]["by_state"]
        ],
        satisfaction=found["satisfaction"],
        stays=[
            {
                "state": word(state, "order_state"),
                "stays": stays[state]["stays"],
                "median": span_said(stays[state]["median_seconds"]),
                "longest": span_said(stays[state]["longest_seconds"]),
            }
            for state in _STATES
            if state in stays
        ],
        groups=[
            (_("按站点"), _rows(found["by_site"])),
            (_("按需求"), _rows(found["by_need"])),
            (_("按月份"), _rows(found["by_month"])),
        ],
        needs=[{"name": _named(one, "zh", "en"), "orders": one["orders"]} for one in found["needs_without_teams"]],
        teams=found["teams_without_orders"],
    )


def span_said(seconds: int) -> str:
    """A length of time in its two largest units, at least a minute."""
    days, rest = divmod(max(seconds, 60), 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days:
        return _("%(days)s 天 %(hours)s 小时", days=days, hours=hours)
    if hours:
        return _("%(hours)s 小时 %(minutes)s 分钟", hours=hours, minutes=minutes)
    return _("%(minutes)s 分钟", minutes=minutes)


def _named(one: Mapping[str, Any], zh: str, en: str) -> str:
    return str(one[en] if current() == "en" else one[zh])


def _rows(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "said": _named(one, "name", "name_en")} for one in groups]
