"""The pages on which activities are planned: a week of shifts, a new activity, and one activity with all it allows."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import N_, _
from services.web.pages.public.credentials import badge_names
from services.web.pages.public.district import district_now
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.render import finish, page, part
from services.web.pages.staff.people import colleagues_of
from services.web.pages.staff.qualifications import (
    known_qualifications,
    qualification_choices,
    qualification_names,
)
from services.web.pages.staff.schedule import (
    Planning,
    day_bounds,
    local,
    marked,
    planning_of,
    shifts_between,
    site_options,
)
from services.web.pages.staff.words import act_said, change_said
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import parse
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["router"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

WEEK = timedelta(days=7)
LISTED = timedelta(days=60)
"""How far the list looks ahead."""
DRAFT: Mapping[str, Any] = {
    "title": "",
    "theme_id": "",
    "team_id": "",
    "site_id": "",
    "project_id": None,
    "kind": "",
    "place": "",
    "beneficiaries": None,
    "content": None,
    "person_in_charge": None,
}
"""What a new activity's form begins with."""


@router.get("/activities")
async def activities(visit: VisitOf, week: str = "", site: str = "", team: str = "", view: str = "week") -> Response:
    """The shifts of a week by day, or of the next weeks in a list."""
    visit.staff()
    today = (await district_now(visit)).date()
    first = _monday(_day(week) or today) if view != "list" else _day(week) or today
    start = day_bounds(first)[0]
    end = start + (LISTED if view == "list" else WEEK)
    query = {name: value for name, value in (("site_id", site), ("team_id", team)) if value}
    (shifts, _now), sites, planning = await asyncio.gather(
        shifts_between(visit, start, end, **query), site_options(visit), planning_of(visit)
    )
    kept = {name: value for name, value in (("site", site), ("team", team)) if value}
    dates = [first + timedelta(days=n) for n in range((end - start).days)]
    days = [(date, day_bounds(date)[0], [one for one in shifts or () if one["day"] == date]) for date in dates]
    return page(
        "staff/activities.html",
        visit.session,
        path=visit.path,
        shifts=shifts,
        days=days if view != "list" else [one for one in days if one[2]],
        today=today,
        listed_view=view == "list",
        before=urlencode({**kept, "week": first - WEEK}),
        after=urlencode({**kept, "week": first + WEEK}),
        kept=urlencode(kept),
        chosen={"site": site, "team": team, "week": first.isoformat()},
        sites=sites,
        teams=planning.teams,
    )


@router.get("/activities/new")
async def new_activity(visit: VisitOf, copy: str = "", day: str = "") -> Response:
    """The form of a new activity, empty or with what another one has, its shifts a week later."""
    visit.staff()
    now = await district_now(visit)
    planning, source = await asyncio.gather(
        planning_of(visit),
        visit.ask("recruitment", f"/activities/{copy}") if copy else _nothing(),
    )
    begin = day_bounds(_day(day) or now.date() + timedelta(days=2))[0] + timedelta(hours=9)
    rows = [{"starts_at": local(begin), "ends_at": local(begin + timedelta(hours=2)), "capacity": 20}]
    if source is not None:
        rows = [_week_later(shift) for shift in source["shifts"] if not shift["cancelled_at"]][:20] or rows
    return page(
        "staff/activity_new.html",
        visit.session,
        path=visit.path,
        activity=source or DRAFT,
        planning=planning,
        rows=rows,
        copied=source is not None,
    )


@router.get("/activities/{activity_id}")
async def activity(visit: VisitOf, activity_id: str) -> Response:
    """One activity: its shifts, what can be done about it now, and its history."""
    visit.staff()
    found = await visit.ask("recruitment", f"/activities/{activity_id}")
    now = await district_now(visit)
    planning, history, sites, teams, details, known = await asyncio.gather(
        planning_of(visit),
        _history(visit, found, 0),
        visit.site_names(),
        visit.team_names(),
        visit.get_optional("recruitment", f"/activities/{activity_id}/details"),
        known_qualifications(visit),
    )
    shifts = [
        {
            **marked({**shift, "state": found["state"]}, now),
            "from": local(shift["starts_at"]),
            "to": local(shift["ends_at"]),
        }
        for shift in found["shifts"]
    ]
    alive = [shift for shift in shifts if not shift["cancelled_at"]]
    return page(
        "staff/activity.html",
        visit.session,
        path=visit.path,
        activity=found,
        shifts=shifts,
        begun=any(shift["begun"] for shift in alive),
        may_close=found["state"] == "open" and all(shift["begun"] for shift in alive),
        may_call_off=found["state"] != "closed" and any(not shift["over"] for shift in alive),
        planning=_with_present(planning, found, sites, teams),
        site_name=sites.get(found["site_id"], ""),
        team_name=teams.get(found["team_id"], ""),
        names=_names(planning, sites, teams),
        history=history,
        details=details,
        asked=_asked(known, details),
        trainings=qualification_names(known, "training"),
        soon=local(now + timedelta(minutes=30)),
    )


@router.get("/activities/{activity_id}/changes")
async def changes_part(visit: VisitOf, activity_id: str, since: int = 0) -> Response:
    """The changes since a version, for an editor who was second."""
    visit.staff()
    found = await visit.ask("recruitment", f"/activities/{activity_id}")
    return part("staff/parts/changes.html", visit.session, changes=await _history(visit, found, since))


class ActivityVoidFormIn(Input):
    """The digests of the preview that was shown, with reason and evidence."""

    digest: Annotated[str, Field(max_length=64)]
    points_digest: Annotated[str, Field(max_length=64)]
    reason: Annotated[str, Field(max_length=500)]
    evidence: Annotated[str, Field(max_length=4000)]


@router.get("/activities/{activity_id}/void")
async def void_page(visit: VisitOf, activity_id: str) -> Response:
    """Preview of voiding an activity: hours by recruitment, points and badges by points, which may not know it yet."""
    visit.staff()
    found, hours, worth, badge_name = await asyncio.gather(
        visit.ask("recruitment", f"/activities/{activity_id}"),
        visit.ask("recruitment", f"/activities/{activity_id}/void-preview"),
        visit.get_optional("points", f"/activities/{activity_id}/void-preview"),
        badge_names(visit),
    )
    return page(
        "staff/activity_void.html",
        visit.session,
        path=visit.path,
        activity=found,
        hours=hours,
        worth=worth,
        badge_name=badge_name,
    )


@router.post("/activities/{activity_id}/void")
async def void_activity(
    visit: VisitOf, activity_id: str, body: ActivityVoidFormIn, key: Key, ours: Ours = None
) -> Response:
    """Void an activity's records as they were shown; what changed meanwhile is shown again first."""
    require_ours(ours)
    visit.staff()
    worth = await visit.ask("points", f"/activities/{activity_id}/void-preview")
    if worth["digest"] != body.points_digest:
        raise UpstreamProblem("preview-changed", "The points changed since they were shown; look again.", status=409)
    sent = {"digest": body.digest, "reason": body.reason, "evidence": body.evidence}
    await visit.post("recruitment", f"/activities/{activity_id}/void", sent, **{"idempotency-key": key})
    return finish(JSONResponse({}), visit.session)


def _asked(known: list[Mapping[str, Any]], details: Mapping[str, Any] | None) -> list[tuple[str, str, list[Any]]]:
    """(member, its words, choices) of the lists that the form of requirements has."""
    chosen = details or {"needs_trainings": [], "needs_skills": []}
    lists = (("needs_trainings", N_("要先完成的培训"), "training"), ("needs_skills", N_("要有的技能"), "skill"))
    return [(name, _(words), qualification_choices(known, kind, chosen[name])) for name, words, kind in lists]


async def _nothing() -> None:
    return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _week_later(shift: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "starts_at": local(parse(shift["starts_at"]) + WEEK),
        "ends_at": local(parse(shift["ends_at"]) + WEEK),
        "capacity": shift["capacity"],
    }


async def _history(visit: Visit, activity: Mapping[str, Any], since: int) -> list[dict[str, Any]] | None:
    """The changes of an activity and of its shifts after a version, newest first; None where they cannot be read."""
    asked = [
        ("activity", activity["activity_id"]),
        *(("shift", shift["shift_id"]) for shift in activity["shifts"][:20]),
    ]
    answers = await asyncio.gather(
        *(visit.get_optional("recruitment", f"/changes/{kind}/{one}", limit="20") for kind, one in asked)
    )
    if all(answer is None for answer in answers):
        return None
    planning, sites, teams, who = await asyncio.gather(
        planning_of(visit), visit.site_names(), visit.team_names(), colleagues_of(visit)
    )
    named = _named(_names(planning, sites, teams))
    lines = [
        {
            "act": act_said(change["act"]),
            "said": change_said(change, named),
            "at": change["changed_at"],
            "by": who(change["changed_by"]),
            "version": change["version"],
        }
        for answer in answers
        for change in (answer or {"items": []})["items"]
        if change["version"] > since
    ]
    return sorted(lines, key=lambda line: str(line["at"]), reverse=True)


def _names(planning: Planning, sites: Mapping[str, str], teams: Mapping[str, str]) -> dict[str, str]:
    return {**dict(planning.themes), **dict(planning.projects), **sites, **teams}


def _named(names: Mapping[str, str]) -> Callable[[object], str]:
    return lambda value: names.get(str(value), _("其他"))


def _with_present(
    planning: Planning, activity: Mapping[str, Any], sites: Mapping[str, str], teams: Mapping[str, str]
) -> Planning:
    """The options of an activity's form, with what it has now although it may be closed or another's."""

    def holding(options: list[tuple[str, str]], value: Any, name: str) -> list[tuple[str, str]]:
        known = value is None or any(one == value for one, _name in options)
        return options if known else [(str(value), name), *options]

    return Planning(
        holding(planning.sites, activity["site_id"], sites.get(activity["site_id"], "")),
        holding(planning.teams, activity["team_id"], teams.get(activity["team_id"], "")),
        holding(planning.themes, activity["theme_id"], _("现在的主题")),
        holding(planning.projects, activity["project_id"], _("现在的项目")),
    )
