"""The district's figures as the first page says them, from the two public reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.web.gateway.upstream import Problem, UpstreamAway
from services.web.pages.visit import Visit
from services.web.pages.wording import day, figure, word

__all__ = ["District", "Formula", "Level", "district_of", "figures_of"]

_SITES = (("centre", "中心"), ("institute", "所"), ("station", "站"), ("service_point", "服务点"))
_TEAMS = (("corps", "总队"), ("detachment", "支队"), ("team", "小分队"))
_PLACES = (("square", "进广场"), ("enterprise", "进企业"), ("compound", "进小区"))
_LEVELS = ("district", "township", "community")
_FORMULAS: Mapping[str, str] = {
    "coverage": "有活动队伍、且本期有活动的站点 ÷ 全部站点，分区、乡镇（街道）、村（社区）三级",
    "docking": "已对接居民需求的队伍 ÷ 全部队伍",
    "participants": "本期有已确认服务记录的不同志愿者，一人只算一次",
    "participations": "本期已确认的服务记录条数（人次）",
    "residents_served": "活动结束时由工作人员或队长填报的服务人次之和",
    "registered": "累计登记的志愿者，含从“龙江志愿”导入的",
    "minutes": "本期已确认的服务时长之和",
}


@dataclass(frozen=True, slots=True)
class Level:
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
    sites_more: str
    teams: Any
    teams_more: str
    drives: Any
    drives_more: str
    projects: Any
    honours: Any
    hours: Any
    records: Any
    coverage: list[Level]
    formulas: list[Formula]


async def figures_of(visit: Visit) -> dict[str, Any]:
    """Context of the figures; the same for every visitor, so asked for at most once a second."""

    async def load(service: str, path: str) -> Any:
        answer = await visit.web.upstream.call("GET", service, path)
        return answer.accepted()

    async def cached(service: str, path: str) -> Any | None:
        age = visit.web.settings.figures_age_seconds
        try:
            return await visit.web.cache.get(service + path, age, lambda: load(service, path))
        except (Problem, UpstreamAway):
            return None

    report = await cached("recruitment", "/reports/district")
    ledger = await cached("points", "/reports/ledger")
    if ledger is not None:
        ledger = {**ledger, "badges": sum(ledger.get("badges", {}).values())}
    return {"district": None if report is None else district_of(report), "ledger": ledger}


def district_of(report: Mapping[str, Any]) -> District:
    """The report in the words of the page; figures that it lacks become None and are shown as a dash."""
    sites, teams, drives = _part(report, "sites"), _part(report, "teams"), _part(report, "drives")
    volunteers, coverage = _part(report, "volunteers"), _part(report, "coverage")
    minutes = report.get("minutes")
    levels = [
        Level(word(level, "level"), share) for level in _LEVELS if (share := _share(coverage.get(level))) is not None
    ]
    docking = _share(report.get("docking"))
    if docking is not None:
        levels.append(Level("队伍对接", docking))
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
        projects=report.get("projects"),
        honours=report.get("honours"),
        hours=minutes / 60 if isinstance(minutes, int | float) else None,
        records=report.get("records"),
        coverage=levels,
        formulas=_formulas(report),
    )


def _part(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = report.get(name)
    return found if isinstance(found, dict) else {}


def _split(part: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> str:
    return " · ".join(f"{figure(part[key])} {name}" for key, name in names if part.get(key))


def _share(value: Any) -> float | None:
    """A share between 0 and 1, whether the report gives it plain or with its parts."""
    if isinstance(value, dict):
        value = value.get("share", value.get("ratio"))
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _period(report: Mapping[str, Any]) -> str:
    start, end = report.get("from"), report.get("to")
    if not start or not end:
        return ""
    return f"{day(str(start), year=True)} 至 {day(str(end), year=True)}"


def _formulas(report: Mapping[str, Any]) -> list[Formula]:
    names = {
        "coverage": "覆盖率",
        "docking": "队伍对接率",
        "participants": "参加过服务",
        "participations": "人次",
        "residents_served": "服务居民",
        "registered": "注册志愿者",
        "minutes": "服务时长",
    }
    given = _part(report, "formulas")
    return [Formula(names[key], _FORMULAS[key]) for key in names if not given or any(key in name for name in given)]
