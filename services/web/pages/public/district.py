"""The district's figures as the first page says them, from the two public reports."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.language import N_, N_n, _, _n
from services.web.pages.visit import Visit
from services.web.pages.wording import date_of, parse, word
from shared.clock import real_now

__all__ = ["District", "Formula", "LevelShare", "district_now", "district_of", "figures_of"]

_SITES = (
    ("centre", N_n("%(n)s 中心")),
    ("institute", N_n("%(n)s 所")),
    ("station", N_n("%(n)s 站")),
    ("service_point", N_n("%(n)s 服务点")),
)
_TEAMS = (("corps", N_n("%(n)s 总队")), ("detachment", N_n("%(n)s 支队")), ("team", N_n("%(n)s 小分队")))
_PLACES = (("square", N_n("%(n)s 进广场")), ("enterprise", N_n("%(n)s 进企业")), ("compound", N_n("%(n)s 进小区")))
_ORDERS = (
    ("rated", N_n("%(n)s 单已评价")),
    ("unfulfilled", N_n("%(n)s 单没有队伍能接")),
    ("on_time", N_n("%(n)s 单按时")),
)
_LEVELS = ("district", "township", "community")
_FORMULAS = (
    ("volunteers.registered", N_("注册志愿者"), N_("到期末为止登记或从“龙江志愿”导入的志愿者，累计")),
    ("volunteers.participants", N_("参加过服务"), N_("本期有已确认服务记录的不同志愿者，一人只算一次，不含导入的时长")),
    ("volunteers.participations", N_("参加人次"), N_("同一批记录里，一位志愿者参加一个班次算一人次")),
    ("residents_served", N_("服务居民"), N_("本期活动结束时，由工作人员或队长填报的人次之和")),
    ("activities", N_("活动"), N_("已开放、第一个班次在本期开始的活动")),
    ("minutes", N_("服务时长"), N_("本期已确认记录的分钟数之和，扫码、终端、队长点名和事后补录都在内")),
    (
        "coverage",
        N_("覆盖率"),
        N_("有队伍、且本期有开放活动的站点 ÷ 全部站点，分区、乡镇（街道）、村（社区）三级，服务点不计"),
    ),
    ("docking", N_("队伍对接率"), N_("已对接居民需求的队伍 ÷ 全部队伍")),
)


@dataclass(frozen=True, slots=True)
class LevelShare:
    """The share of one level of the district that is covered."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Formula:
    """How a figure is computed."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class District:
    """The recruitment report, flat, with the second lines of its figures."""

    period: str
    registered: Any
    participants: Any
    participations: Any
    residents_served: Any
    activities: Any
    themes: Any
    sites: Any
    sites_more: list[str]
    teams: Any
    teams_more: list[str]
    drives: Any
    drives_more: list[str]
    appeals: Any
    projects: Any
    honours: Any
    orders: Any
    orders_more: list[str]
    hours: Any
    records: Any
    coverage: list[LevelShare]
    formulas: list[Formula]


async def district_report(visit: Visit) -> Any:
    """The recruitment report of the year so far; the same for every visitor, so asked for at most once a second.

    Raises:
        Problem, UpstreamAway: it cannot be had.
    """

    async def load() -> Any:
        return (await visit.web.upstream.call("GET", "recruitment", "/reports/district")).accepted()

    return await visit.web.cache.get("district", visit.web.settings.figures_age_seconds, load)


async def district_now(visit: Visit) -> datetime:
    """The time in the district, in its zone, by the report's end; the machine's time when there is no report."""
    try:
        report = await district_report(visit)
        return parse(report["to"])
    except (UpstreamProblem, UpstreamAway, KeyError, ValueError):
        return parse(real_now())


async def figures_of(visit: Visit) -> dict[str, Any]:
    """Context of the figures; a service that is away takes its own figures with it, not the page."""

    async def load_ledger() -> Any:
        return (await visit.web.upstream.call("GET", "points", "/reports/ledger")).accepted()

    async def ledger_report() -> Any:
        return await visit.web.cache.get("ledger", visit.web.settings.figures_age_seconds, load_ledger)

    report, ledger = await asyncio.gather(_if_there(district_report(visit)), _if_there(ledger_report()))
    if ledger is not None:
        ledger = {**ledger, "badges": sum(ledger.get("badges", {}).values())}
    return {"district": None if report is None else district_of(report), "ledger": ledger}


async def _if_there(question: Coroutine[Any, Any, Any]) -> Any | None:
    try:
        return await question
    except (UpstreamProblem, UpstreamAway):
        return None


def district_of(report: Mapping[str, Any]) -> District:
    """The report in the words of the page; figures that it lacks become None and are shown as a dash."""
    sites, teams, drives = _part(report, "sites"), _part(report, "teams"), _part(report, "drives")
    orders = _part(report, "orders")
    volunteers, coverage = _part(report, "volunteers"), _part(report, "coverage")
    minutes = report.get("minutes")
    levels = [
        LevelShare(word(level, "level"), share)
        for level in _LEVELS
        if (share := _share(coverage.get(level))) is not None
    ]
    docking = _share(report.get("docking"))
    if docking is not None:
        levels.append(LevelShare(_("队伍对接"), docking))
    return District(
        period=_period(report),
        registered=volunteers.get("registered"),
        participants=volunteers.get("participants"),
        participations=volunteers.get("participations"),
        residents_served=report.get("residents_served"),
        activities=report.get("activities"),
        themes=report.get("themes"),
        sites=sites.get("total"),
        sites_more=_split(sites, _SITES),
        teams=teams.get("total"),
        teams_more=_split(teams, _TEAMS),
        drives=drives.get("total"),
        drives_more=_split(drives, _PLACES),
        appeals=report.get("appeals"),
        projects=report.get("projects"),
        honours=report.get("honours"),
        orders=orders.get("total"),
        orders_more=_split(orders, _ORDERS),
        hours=minutes / 60 if isinstance(minutes, int | float) else None,
        records=report.get("records"),
        coverage=levels,
        formulas=_formulas(report),
    )


def _part(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = report.get(name)
    return found if isinstance(found, dict) else {}


def _split(part: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> list[str]:
    return [_n(name, part[key]) for key, name in names if part.get(key)]


def _share(value: Any) -> float | None:
    """A share between 0 and 1, whether the report gives it plain or with its parts."""
    if isinstance(value, dict):
        value = value.get("share", value.get("ratio"))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _period(report: Mapping[str, Any]) -> str:
    start, end = report.get("from"), report.get("to")
    if not start or not end:
        return ""
    first, last = parse(str(start)), parse(str(end))
    return _("%(first)s 至 %(last)s", first=date_of(first), last=date_of(last))


def _formulas(report: Mapping[str, Any]) -> list[Formula]:
    """The formulas of those figures that the report explains."""
    given = _part(report, "formulas")
    return [Formula(_(name), _(text)) for key, name, text in _FORMULAS if key in given]
