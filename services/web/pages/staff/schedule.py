"""The shifts of those who run them, as the staff's pages show them: a day, a week, and where one plans."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from services.web.pages.language import _
from services.web.pages.public.district import district_now
from services.web.pages.visit import Visit
from services.web.pages.wording import clock, parse
from shared.clock import DISTRICT_ZONE

__all__ = ["Planning", "day_bounds", "local", "marked", "planning_of", "shifts_between", "site_options"]

SOON = timedelta(minutes=30)
"""How long before its start a shift counts as running: people check in."""
Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Planning:
    """The options of a planning form for a visitor, by id and name."""

    sites: list[Option]
    teams: list[Option]
    themes: list[Option]
    projects: list[Option]


def local(value: str | datetime | None) -> str:
    """An instant as a field of date and time wants it: 2026-03-05T09:00."""
    return "" if value is None else f"{parse(value):%Y-%m-%dT%H:%M}"


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The beginning of a day of the district, and that of the next."""
    start = datetime(day.year, day.month, day.day, tzinfo=DISTRICT_ZONE)
    return start, start + timedelta(days=1)


async def shifts_between(
    visit: Visit, start: datetime, end: datetime, **query: str
) -> tuple[list[dict[str, Any]] | None, datetime]:
    """The visitor's shifts that overlap a period, marked by how they stand, and now; None while recruitment is away."""
    now = await district_now(visit)
    asked = {"from": start.isoformat(), "to": end.isoformat(), "limit": "200", **query}
    found = await visit.get_optional("recruitment", "/schedule", **asked)
    return (None if found is None else [marked(shift, now) for shift in found["items"]]), now


def marked(shift: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A shift with its phase in a word, the tone of that word, and whether it has begun."""
    starts_at, ends_at = parse(shift["starts_at"]), parse(shift["ends_at"])
    phase, tone = _("还没开始"), ""
    if shift["cancelled_at"]:
        phase, tone = _("已取消"), "bad"
    elif shift["state"] == "planned":
        phase, tone = _("草稿"), "wait"
    elif ends_at <= now:
        phase, tone = _("已结束"), ""
    elif starts_at - SOON <= now:
        phase, tone = _("正在进行"), "good"
    begun = starts_at <= now
    return {
        **shift,
        "phase": phase,
        "tone": tone,
        "begun": begun,
        "running": starts_at - SOON <= now < ends_at and not shift["cancelled_at"] and shift["state"] == "open",
        "over": ends_at <= now or bool(shift["cancelled_at"]),
        "day": starts_at.date(),
        "clock": f"{clock(starts_at)}—{clock(ends_at)}",
    }


async def planning_of(visit: Visit) -> Planning:
    """The sites, teams, themes and projects that the visitor may plan with."""
    sites = await _open(visit, "/sites")
    teams = await _open(visit, "/teams")
    led = {str(one) for one in visit.session.claims.get("teams", [])}
    account = bool(visit.session.roles & {"station", "operator"})
    own_teams = [one for one in teams if str(one["team_id"]) in led or (account and visit.session.owns(one["site_id"]))]
    homes = {str(one["site_id"]) for one in teams if str(one["team_id"]) in led}
    parents = {str(one["site_id"]): one["parent_id"] for one in sites}
    own_sites = [
        one
        for one in sites
        if (account and visit.session.owns(one["site_id"])) or homes & _above(one["site_id"], parents)
    ]
    return Planning(
        _options(own_sites, "site_id"),
        _options(own_teams, "team_id"),
        _options(await _open(visit, "/themes"), "theme_id"),
        _options(await _open(visit, "/projects"), "project_id"),
    )


async def site_options(visit: Visit) -> list[Option]:
    """The visitor's own sites by name."""
    names = await visit.site_names()
    return sorted(((one, name) for one, name in names.items() if visit.session.owns(one)), key=lambda option: option[1])


async def _open(visit: Visit, path: str) -> list[dict[str, Any]]:
    found = await visit.get_optional("recruitment", path)
    return [one for one in (found or {"items": []})["items"] if one["closed_at"] is None]


def _options(found: Iterable[Mapping[str, Any]], member: str) -> list[Option]:
    return sorted(((str(one[member]), str(one["name"])) for one in found), key=lambda option: option[1])


def _above(site_id: object, parents: Mapping[str, Any]) -> set[str]:
    """A site and the sites above it."""
    found: set[str] = set()
    current: Any = site_id
    while current is not None and str(current) not in found:
        found.add(str(current))
        current = parents.get(str(current))
    return found
