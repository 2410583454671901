"""Pages of teams, projects, service points and the staff's organisation, drawn from canned answers of the services."""

from datetime import datetime
from typing import Any

import pytest
from fastapi import Response

from services.web.gateway.sessions import Session
from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.public import projects, service_points, teams
from services.web.pages.staff import organisation, organisation_parts
from services.web.pages.visit import Visit
from services.web.pages.volunteer import teams as own_teams

SITE, POINT, TEAM, ONE = (f"00000000-0000-0000-0000-00000000000{n}" for n in range(1, 5))
AT = "2026-03-04T01:00:00Z"
ROW: dict[str, Any] = {"created_at": AT, "version": 3, "closed_at": None}
SITES = [
    {**ROW, "site_id": SITE, "kind": "centre", "name": "中心甲", "parent_id": None, "level": "district"},
    {**ROW, "site_id": POINT, "kind": "service_point", "name": "大厅点", "parent_id": SITE, "level": "district"},
]
CARD = {
    "team_id": TEAM, "kind": "detachment", "name": "宣讲支队", "site_id": SITE, "site_name": "中心甲",
    "series": "eight", "department": "宣传部", "docked": True, "closed_at": None, "version": 3,
    "tag_ids": [ONE], "members": 2,
}  # fmt: skip
MEMBER = {
    "membership_id": ONE, "team_id": TEAM, "team_name": "宣讲支队", "site_name": "中心甲", "volunteer_number": "LD-1",
    "name": "张**", "status": "active", "role": "deputy", "role_since": AT, "asked_at": AT, "since": AT,
    "ended_at": None, "reason": None, "version": 1,
}  # fmt: skip
HONOUR = {
    "honour_id": ONE, "title": "创意奖", "awarded_by": "省", "year": 2023, "level": "province", "category": "creative",
    "version": 1,
}  # fmt: skip
PROJECT = {
    **ROW, "project_id": ONE, "name": "晨光问候", "site_id": SITE, "pillar": "showcase", "summary": "清晨问候老人",
    "honours": [HONOUR],
}  # fmt: skip
TRAINING = {
    **ROW, "training_id": ONE, "title": "新版平台培训", "mode": "online", "site_id": SITE, "starts_at": AT,
    "ends_at": "2026-03-04T03:00:00Z", "organisations": 1, "people": 12,
}  # fmt: skip
DOCKING = {"docking_id": ONE, "site_id": SITE, "site_name": "中心甲", "since": AT, "until": None}
CHANGE = {
    "change_id": ONE, "version": 2, "act": "edited", "changed_by": ONE, "changed_at": AT,
    "before": {"pillar": "shared", "summary": None}, "after": {"pillar": "precise", "summary": None},
}  # fmt: skip
COMING = {"title": "晨光", "place": "广场", "starts_at": AT, "ends_at": "2026-03-04T03:00:00Z", "free": 3}
HELD = {"title": "旧活动", "place": "广场", "starts_at": AT, "residents_served": 7}


def items(*rows: Any) -> dict[str, Any]:
    return {"items": list(rows), "next_cursor": None}


ANSWERS: dict[str, Any] = {
    "/sites": items(*SITES),
    f"/sites/{POINT}/openings": {
        "hours": [{"weekday": 1, "opens": "09:00", "closes": "11:30"}],
        "rota": [{"weekday": 1, "begins": "09:00", "ends": "11:00", "team_id": TEAM, "team_name": "宣讲支队"}],
    },
    "/teams": items({**ROW, **CARD, "leader_volunteer_id": None, "head": "部长"}),
    "/teams/directory": items(CARD),
    f"/teams/{TEAM}": CARD,
    f"/teams/{TEAM}/badges": {
        "team_id": TEAM, "services_this_year": 1, "services": 2, "held": [], "revoked": [], "progress": [],
    },
    f"/teams/{TEAM}/members": items(MEMBER, {**MEMBER, "status": "requested", "name": "李**", "since": None}),
    f"/teams/{TEAM}/terms": items({"role": "leader", "volunteer_number": "LD-9", "since": AT, "until": None}),
    f"/teams/{TEAM}/dockings": items(DOCKING),
    "/memberships": items({**MEMBER, "status": "declined", "reason": "full", "role": "member", "ended_at": AT}),
    "/tags": items({**ROW, "tag_id": ONE, "tag": "haircut", "zh": "理发", "en": "haircuts", "teams": 1}),
    "/themes": items({**ROW, "theme_id": ONE, "name": "夕阳别样红", "pillar": "showcase"}),
    "/projects": items(PROJECT),
    f"/projects/{ONE}": {
        "project": PROJECT, "activities": 2, "residents_served": 7, "services": 3, "coming": [COMING], "held": [HELD],
    },
    "/organisations": items(
        {**ROW, "organisation_id": ONE, "name": "夕阳红协会", "level": "community", "site_id": SITE}
    ),
    "/trainings": items(TRAINING),
    f"/trainings/{ONE}": {"training": TRAINING, "attendances": [{"name": "夕阳红协会", "people": 12}]},
    f"/changes/project/{ONE}": items(CHANGE),
    "/staff": items(),
}  # fmt: skip

VOLUNTEER = Session("token", {"sub": "v", "roles": ["volunteer"], "volunteer": "v"})
STATION = Session("token", {"sub": "s", "roles": ["station"], "sites": [SITE]})
CENTRE = Session("token", {"sub": "c", "roles": ["operator"], "sites": "*"})


class CannedVisit(Visit):
    """A visit whose services answer from the table."""

    async def ask(self, service: str, path: str, **query: str) -> Any:
        if path not in ANSWERS:
            raise UpstreamProblem("not-found", path, status=404)
        return ANSWERS[path]

    async def site_names(self) -> dict[str, str]:
        return {one["site_id"]: one["name"] for one in SITES}

    async def team_names(self) -> dict[str, str]:
        return {TEAM: "宣讲支队"}


def visit(session: Session, path: str = "/") -> Visit:
    return CannedVisit(None, session, path, path)  # type: ignore[arg-type]


def text(answer: Response) -> str:
    assert answer.status_code == 200
    return bytes(answer.body).decode()


@pytest.mark.parametrize(
    ("tab", "shown"),
    [
        ("sites", "大厅点"),
        ("teams", "八支专业支队 · 宣传部 · 部长 · 已对接"),
        ("themes", "夕阳别样红"),
        ("projects", "创意奖"),
        ("tags", "haircut · haircuts · 1 支队伍"),
        ("organisations", "夕阳红协会"),
        ("trainings", "线上 · 中心甲 · 12 人参加"),
    ],
)
async def test_every_tab_lists_its_objects_with_forms_for_those_who_may(tab: str, shown: str) -> None:
    centre = text(await organisation.organisation(visit(CENTRE, "/staff/organisation"), tab))
    assert shown in centre
    assert f'data-api="POST /api/recruitment/v1/{tab}"' in centre
    assert 'data-api="PATCH' in centre
    station = text(await organisation.organisation(visit(STATION, "/staff/organisation"), tab))
    assert shown in station
    assert ('data-api="PATCH' in station) == (tab == "projects")


async def test_a_history_names_the_fields_and_withholds_texts() -> None:
    page = text(await organisation.changes(visit(CENTRE), "project", ONE))
    assert "精准化" in page
    assert "内容有改动" in page


async def test_a_team_shows_its_members_to_those_who_run_it_and_a_way_in_to_volunteers() -> None:
    staff = text(await teams.team(visit(STATION), TEAM))
    assert "张**" in staff
    assert f"POST /api/recruitment/v1/memberships/{ONE}/approval" in staff
    assert "LD-9" in staff
    volunteer = text(await teams.team(visit(VOLUNTEER), TEAM))
    assert f"POST /api/recruitment/v1/teams/{TEAM}/requests" in volunteer
    assert "张**" not in volunteer
    assert "理发" in volunteer


async def test_teams_are_found_and_own_ones_say_what_became_of_them() -> None:
    assert "宣讲支队" in text(await teams.find(visit(VOLUNTEER)))
    own = text(await own_teams.own_teams(visit(VOLUNTEER)))
    assert "未获同意" in own
    assert "队伍已满" in own


async def test_projects_and_service_points_are_public() -> None:
    assert "清晨问候老人" in text(await projects.menu(visit(Session())))
    project = text(await projects.project(visit(Session()), ONE))
    assert all(word in project for word in ("创意奖", "省级", "晨光", "旧活动"))
    points = text(await service_points.service_points(visit(Session())))
    assert all(word in points for word in ("大厅点", "09:00—11:30", "宣讲支队"))


async def test_parts_of_sites_teams_and_trainings_have_their_forms() -> None:
    week = text(await organisation_parts.site_week(visit(CENTRE), POINT))
    assert f"PUT /api/recruitment/v1/sites/{POINT}/openings" in week
    assert week.count('data-rows="hours"') == 7
    assert f"POST /api/recruitment/v1/dockings/{ONE}/end" in text(
        await organisation_parts.team_facts(visit(CENTRE), TEAM)
    )
    training = text(await organisation_parts.training(visit(CENTRE), ONE))
    assert f"PUT /api/recruitment/v1/trainings/{ONE}/attendances/{{organisation_id}}" in training


@pytest.mark.parametrize(
    ("on", "asked"), [("2026-03-01", "2026-03-02T00:00:00+08:00"), ("", None), ("2026-13-01", None)]
)
async def test_docked_teams_are_counted_now_or_at_the_end_of_a_day(
    on: str, asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: list[str | None] = []

    class Asking(CannedVisit):
        async def get_optional(self, service: str, path: str, **query: str) -> Any:
            if path == "/dockings/figure":
                queries.append(query.get("on"))
                return {"docked": 1, "teams": 2, "on": AT}
            return await super().get_optional(service, path, **query)

    async def now(_visit: Visit) -> datetime:
        return datetime.fromisoformat("2026-03-05T09:00:00+08:00")

    monkeypatch.setattr(organisation, "district_now", now)
    asking = Asking(None, CENTRE, "/", "/")  # type: ignore[arg-type]
    assert "1 / 2" in text(await organisation.organisation(asking, tab="teams", on=on))
    assert queries == [asked]
