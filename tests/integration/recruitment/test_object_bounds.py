"""Bounds of objects by site and by team, through HTTP on a real database."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from tests.integration.recruitment.work import HOUR, Work


def token(work: Work, role: Role, *sites: str, teams: tuple[str, ...] = ()) -> str:
    """Somebody with the role, bound to these sites."""
    caller = Caller(
        subject=new_id(),
        roles=frozenset({role}),
        site_ids=frozenset(UUID(work.sites[site]) for site in sites),
        team_ids=frozenset(map(UUID, teams)),
    )
    return mint(work.district.settings, caller)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def test_leaders_plan_for_their_team_at_its_home_and_below_it_only(work: Work) -> None:
    async def plan(site: str, team: str, caller: str) -> tuple[int, str]:
        body = work.body((HOUR, 2 * HOUR), site_id=work.sites[site], team_id=team)
        return refused(await work.post("/activities", body, caller))

    leader = work.leader.token
    assert await plan("惠民社区", work.team, leader) == (201, "")
    assert await plan("窗口", work.team, leader) == (201, "")
    for site in ("东湖社区", "north", "centre"):
        assert await plan(site, work.team, leader) == (403, "not-yours-to-plan"), site
    assert await plan("东湖社区", work.other_team, leader) == (403, "not-yours-to-plan")


async def test_staff_plan_at_their_sites_with_teams_of_their_sites_only(work: Work) -> None:
    async def plan(site: str, team: str, caller: str) -> tuple[int, str]:
        body = work.body((HOUR, 2 * HOUR), site_id=work.sites[site], team_id=team)
        return refused(await work.post("/activities/batches", {"activities": [body]}, caller))

    assert await plan("惠民社区", work.team, work.station) == (201, "")
    assert await plan("惠民社区", work.other_team, work.station) == (403, "not-yours-to-plan")
    assert await plan("东湖社区", work.team, work.station) == (403, "not-yours-to-plan")
    assert await plan("惠民社区", work.other_team, work.operator) == (201, ""), "the centre plans for the district"
    assert await work.count("select count(*) from activities") == 2


async def test_a_draft_is_there_for_those_who_run_it_only(work: Work) -> None:
    draft = await work.activity((HOUR, 2 * HOUR), draft=True)
    path, shift_id = f"/activities/{draft['activity_id']}", draft["shifts"][0]["shift_id"]
    somebody = await work.volunteer()
    north = token(work, Role.OPERATOR, "north", "惠民社区", "窗口")
    resident, engineer = token(work, Role.RESIDENT), token(work, Role.ENGINEER)
    other_leader = token(work, Role.LEADER, teams=(work.other_team,))
    for caller in (work.station, work.leader.token, work.operator, north):
        assert (await work.get(path, caller)).status_code == 200
        assert (await work.get(f"/shifts/{shift_id}", caller)).status_code == 200
        assert len((await work.get("/activities", caller)).json()["items"]) == 1
    for caller in (somebody.token, work.other_station, resident, engineer, other_leader):
        assert refused(await work.get(path, caller)) == (404, "activity-unknown")
        assert refused(await work.get(f"/shifts/{shift_id}", caller)) == (404, "shift-unknown")
        assert (await work.get("/activities", caller)).json()["items"] == []
    assert refused(await work.sign_up(shift_id, somebody)) == (404, "shift-unknown")
    await work.post(f"{path}/open", None)
    assert (await work.get(path, somebody.token)).status_code == 200


async def test_signing_up_somebody_does_not_say_who_is_registered(work: Work) -> None:
    here, elsewhere = work.sites["惠民社区"], work.sites["东湖社区"]
    ours, theirs, nobodys = [await work.volunteer(site_id=site) for site in (here, elsewhere, None)]
    path = f"/shifts/{await work.shift()}/signups"

    async def sign_up(volunteer_id: str, caller: str) -> Any:
        answer = await work.post(path, {"volunteer_id": volunteer_id}, caller)
        return answer.status_code, answer.json().get("type"), answer.json().get("detail")

    unknown = str(new_id())
    for caller in (work.station, work.leader.token):
        said = await sign_up(unknown, caller)
        assert said[:2] == (404, "volunteer-unknown")
        assert await sign_up(theirs.volunteer_id, caller) == said
        assert await sign_up(nobodys.volunteer_id, caller) == said
    for caller in (work.other_station, theirs.token):
        said = await sign_up(unknown, caller)
        assert said[:2] == (403, "not-yours-to-run")
        assert await sign_up(ours.volunteer_id, caller) == said
    assert await work.count("select count(*) from signups") == 0
    assert (await sign_up(ours.volunteer_id, work.station))[0] == 201
    assert (await sign_up(nobodys.volunteer_id, work.operator))[0] == 201, "the centre reaches everybody"
    again = (await work.activity((5 * HOUR, 6 * HOUR)))["shifts"][0]["shift_id"]
    answer = await work.post(f"/shifts/{again}/signups", {"volunteer_id": nobodys.volunteer_id}, work.leader.token)
    assert answer.status_code == 201, "who signed up with the team before is within reach"


async def test_staff_appoint_leaders_from_among_the_volunteers_of_their_sites(work: Work) -> None:
    ours, theirs = [await work.volunteer(site_id=work.sites[site]) for site in ("惠民社区", "东湖社区")]
    path = f"/teams/{work.team}/leader"
    for volunteer_id in (theirs.volunteer_id, str(new_id())):
        answer = await work.post(path, {"volunteer_id": volunteer_id}, work.station)
        assert refused(answer) == (404, "volunteer-unknown")
    appointed = await work.post(path, {"volunteer_id": ours.volunteer_id}, work.other_station)
    assert refused(appointed) == (403, "site-out-of-bounds")
    assert (await work.post(path, {"volunteer_id": ours.volunteer_id}, work.station)).status_code == 201


async def test_who_leads_a_team_is_shown_to_its_staff_and_its_leader_only(work: Work) -> None:
    async def leaders(caller: str) -> set[str | None]:
        return {team["leader_volunteer_id"] for team in (await work.get("/teams", caller)).json()["items"]}

    for caller in (work.station, work.leader.token, work.operator):
        assert work.leader.volunteer_id in await leaders(caller)
    somebody = await work.volunteer()
    others = (work.other_station, somebody.token, token(work, Role.RESIDENT), token(work, Role.ENGINEER))
    for caller in others:
        assert await leaders(caller) == {None}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/themes", {"name": "雷锋精神", "pillar": "shared"}),
        ("/appeals", {"title": "倡议书", "channel": "微视岭东", "body": "志愿红，等你来。"}),
        ("/projects", {"name": "晨光问候", "pillar": "precise"}),
        ("/teams", {"kind": "detachment", "name": "第九支队"}),
        ("/drives", {"name": "进广场", "place_kind": "square", "place": "广场"}),
    ],
)
async def test_bounded_operators_do_not_act_for_the_district(work: Work, path: str, body: dict[str, Any]) -> None:
    if path not in ("/themes", "/appeals"):
        body = {**body, "site_id": work.sites["centre"]}
    if path == "/drives":
        body = {**body, "starts_at": "2026-03-04T01:00:00Z", "ends_at": "2026-03-04T05:00:00Z"}
    table = path.removeprefix("/")
    before = await work.count(f"select count(*) from {table}")
    bounded = token(work, Role.OPERATOR, "north", "惠民社区", "窗口")
    assert (await work.post(path, body, bounded)).status_code == 403
    assert await work.count(f"select count(*) from {table}") == before
    assert (await work.post(path, body)).status_code == 201
