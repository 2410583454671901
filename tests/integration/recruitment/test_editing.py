"""Editing and closing of sites, teams, themes, projects, drives and appeals, through HTTP on a real database."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import HOUR, NOW, Work, at


async def patch(work: Work, path: str, body: Answer, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or work.operator}"}
    return await work.district.http.patch(ROOT + path, json=body, headers=headers)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def listed(work: Work, things: str, thing_id: str) -> Answer:
    items = (await work.get(f"/{things}")).json()["items"]
    key = {"sites": "site_id", "teams": "team_id", "themes": "theme_id"}[things]
    found: Answer = next(item for item in items if item[key] == thing_id)
    return found


@pytest.mark.parametrize(
    ("kind", "parent", "level"),
    [
        ("station", "north", "district"),
        ("station", "north", "township"),
        ("institute", "centre", "community"),
        ("service_point", "north", "community"),
    ],
)
async def test_the_level_of_a_site_follows_from_its_kind(work: Work, kind: str, parent: str, level: str) -> None:
    body = {"kind": kind, "name": "新阵地", "parent_id": work.sites[parent]}
    assert refused(await work.post("/sites", {**body, "level": level})) == (422, "level-contradicts")
    made = await work.post("/sites", body)
    expected = {"station": "community", "institute": "township", "service_point": "township"}[kind]
    assert (made.status_code, made.json()["level"]) == (201, expected)


async def test_a_site_is_renamed_and_moved_and_its_history_tells_by_whom(work: Work) -> None:
    path = f"/sites/{work.sites['惠民社区']}"
    renamed = await patch(work, path, {"version": 1, "name": " 惠民  社区站 "})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["version"]) == (200, "惠民 社区站", 2)
    moved = await patch(work, path, {"version": 2, "parent_id": work.sites["south"]})
    assert (moved.json()["parent_id"], moved.json()["name"]) == (work.sites["south"], "惠民 社区站")
    assert refused(await patch(work, path, {"version": 3, "parent_id": work.sites["东湖社区"]})) == (
        422,
        "site-invalid",
    )
    assert refused(await patch(work, path, {"version": 3, "name": "东湖社区"})) == (409, "site-exists")
    assert refused(await patch(work, path, {"version": 3, "name": None})) == (422, "invalid-input")
    assert refused(await patch(work, path, {"version": 3, "level": "district"})) == (422, "invalid-input")

    stale = await patch(work, path, {"version": 1, "name": "别的名字"})
    assert refused(stale) == (409, "changed-meanwhile")
    assert [(change["version"], change["after"]) for change in stale.json()["changes"]] == [
        (2, {"name": "惠民 社区站"}),
        (3, {"parent_id": work.sites["south"]}),
    ]
    history = (await work.get(f"/changes/site/{work.sites['惠民社区']}", work.station)).json()["items"]
    assert [(change["act"], change["before"]) for change in history] == [
        ("edited", {"parent_id": work.sites["north"]}),
        ("edited", {"name": "惠民社区"}),
    ]
    assert (await work.get(f"/changes/site/{work.sites['惠民社区']}", work.other_station)).json()["items"] == []
    assert (await patch(work, path, {"version": 3, "name": "惠民 社区站"})).json()["version"] == 3, "nothing changes"


async def test_a_site_is_closed_once_nothing_open_belongs_to_it(work: Work) -> None:
    station, point = work.sites["惠民社区"], work.sites["窗口"]
    assert refused(await work.post(f"/sites/{work.sites['centre']}/close", {"version": 1})) == (409, "centre-stays")
    activity = await work.activity((HOUR, 2 * HOUR))
    in_use = await work.post(f"/sites/{station}/close", {"version": 1})
    assert refused(in_use) == (409, "site-in-use")
    assert {(each["kind"], each["object_id"]) for each in in_use.json()["remaining"]} == {
        ("site", point), ("team", work.team), ("activity", activity["activity_id"]),
    }  # fmt: skip
    assert refused(await work.post(f"/teams/{work.team}/close", {"version": 1})) == (409, "changed-meanwhile")
    assert refused(await work.post(f"/teams/{work.team}/close", {"version": 2})) == (409, "team-in-use")
    await work.clock.set(NOW + 3 * HOUR)
    assert (await work.post(f"/teams/{work.team}/close", {"version": 2})).status_code == 200
    assert (await work.post(f"/sites/{point}/close", {"version": 1})).status_code == 200
    closed = await work.post(f"/sites/{station}/close", {"version": 1})
    assert closed.status_code == 200, closed.text
    assert closed.json()["closed_at"] is not None
    assert refused(await work.post(f"/sites/{station}/close", {"version": 2})) == (409, "site-closed")
    assert refused(await patch(work, f"/sites/{station}", {"version": 2, "name": "x"})) == (409, "site-closed")

    for path, body in (
        ("/teams", {"kind": "team", "name": "新队", "site_id": station}),
        ("/sites", {"kind": "service_point", "name": "新窗口", "parent_id": station}),
        ("/projects", {"name": "晨光问候", "site_id": station, "pillar": "precise"}),
        ("/drives", {"name": "进广场", "place_kind": "square", "place": "广场", "site_id": station,
                     "starts_at": at(4 * HOUR), "ends_at": at(5 * HOUR)}),
        ("/activities", work.body((4 * HOUR, 5 * HOUR), team_id=work.other_team)),
    ):  # fmt: skip
        assert refused(await work.post(path, body)) == (409, "site-closed"), path
    elsewhere = work.body((4 * HOUR, 5 * HOUR), site_id=work.sites["东湖社区"])
    assert refused(await work.post("/activities", elsewhere)) == (409, "team-closed")
    again = {"kind": "station", "name": "惠民社区", "parent_id": work.sites["north"]}
    assert (await work.post("/sites", again)).status_code == 201, "a closed site's name is free again"


async def test_closed_sites_and_teams_leave_coverage_and_docking_from_their_closing_on(work: Work) -> None:
    async def report(**more: Any) -> Answer:
        found: Answer = (
            await work.get("/reports/district", **{"from": at(-HOUR), "to": at(100 * HOUR), **more})
        ).json()
        return found

    await work.activity((HOUR, 2 * HOUR))
    before = await report()
    assert before["coverage_counts"]["community"] == {"covered": 1, "total": 2}
    assert before["docking_counts"] == {"covered": 2, "total": 2}
    await work.clock.set(NOW + 10 * HOUR)
    undocked = await patch(work, f"/teams/{work.team}", {"version": 2, "docked": False})
    assert undocked.status_code == 200, undocked.text
    await work.post(f"/teams/{work.other_team}/close", {"version": 1})
    await work.post(f"/sites/{work.sites['东湖社区']}/close", {"version": 1})
    await work.clock.set(NOW + 20 * HOUR)
    after = await report()
    assert after["coverage_counts"]["community"] == {"covered": 1, "total": 1}
    assert (after["docking_counts"], after["teams"]["total"]) == ({"covered": 0, "total": 1}, 1)
    for then in (await report(as_of=at(5 * HOUR)), await report(as_of=at(5 * HOUR), to=at(4 * HOUR))):
        assert then["coverage_counts"]["community"] == {"covered": 1, "total": 2}, "as it was known then"
        assert then["docking_counts"] == {"covered": 2, "total": 2}
    past = await report(to=at(4 * HOUR))
    assert past["coverage_counts"]["community"] == {"covered": 1, "total": 2}, "a period before the closing"


async def test_themes_projects_drives_and_appeals_are_edited_and_closed(work: Work) -> None:
    theme = f"/themes/{work.theme}"
    edited = await patch(work, theme, {"version": 1, "name": "夕阳别样红火", "pillar": "precise"})
    assert (edited.status_code, edited.json()["pillar"], edited.json()["version"]) == (200, "precise", 2)
    here = work.sites["惠民社区"]
    project = await work.district.made("/projects", {"name": "晨光", "site_id": here, "pillar": "precise"})
    path = f"/projects/{project['project_id']}"
    assert refused(await patch(work, path, {"version": 1, "name": "x"}, work.other_station))[0] == 403
    assert (await patch(work, path, {"version": 1, "name": "晨光问候"}, work.station)).json()["name"] == "晨光问候"
    moved = await patch(work, path, {"version": 2, "site_id": work.sites["东湖社区"]}, work.station)
    assert refused(moved) == (403, "site-out-of-bounds")

    drive = await work.district.drive(here)
    path = f"/drives/{drive['drive_id']}"
    changed = await patch(work, path, {"version": 1, "place": "新广场", "ends_at": at(9 * HOUR)}, work.station)
    assert (changed.status_code, changed.json()["place"], changed.json()["version"]) == (200, "新广场", 2)
    past = await patch(work, path, {"version": 2, "ends_at": at(-HOUR)}, work.station)
    assert refused(past) == (422, "drive-invalid")
    closed = await work.post(f"{path}/close", {"version": 2}, work.station)
    assert (closed.status_code, closed.json()["open"]) == (200, False)
    phone = work.district.phone()
    said = {"name": "张三", "phone": phone, "code": await work.district.code(phone), "consent": True}
    answer = await work.post("/volunteers", {**said, "drive_code": drive["code"]})
    assert refused(answer) == (409, "drive-not-open")

    appeal = await work.district.made("/appeals", {"title": "倡议书", "channel": "微视岭东", "body": "来吧。"})
    path = f"/appeals/{appeal['appeal_id']}"
    rewritten = await patch(work, path, {"version": 1, "body": "志愿红，等你来。"})
    assert (rewritten.json()["body"], rewritten.json()["title"]) == ("志愿红，等你来。", "倡议书")
    history = (await work.get(f"/changes/appeal/{appeal['appeal_id']}")).json()["items"]
    assert [(change["before"], change["after"]) for change in history] == [({"body": None}, {"body": None})]
    assert (await work.post(f"{path}/close", {"version": 2})).status_code == 200
    assert refused(await work.post("/volunteers", {**said, "appeal_code": appeal["code"]})) == (409, "appeal-closed")
    assert (await work.post(f"{theme}/close", {"version": 2})).status_code == 200
    assert refused(await work.post("/activities", work.body((HOUR, 2 * HOUR)))) == (409, "theme-closed")


async def test_of_two_edits_of_one_version_one_wins(work: Work) -> None:
    import asyncio

    path = f"/teams/{work.other_team}"
    answers = await asyncio.gather(*(patch(work, path, {"version": 1, "name": f"队{n}"}) for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert (await listed(work, "teams", work.other_team))["version"] == 2
    assert await work.count("select count(*) from object_changes where object_id = $1", UUID(work.other_team)) == 1


async def test_a_team_gets_another_home_and_another_leader_within_bounds(work: Work) -> None:
    here = work.sites["惠民社区"]
    theirs = await work.volunteer(site_id=work.sites["东湖社区"])
    path = f"/teams/{work.other_team}"
    led = await patch(work, path, {"version": 1, "site_id": here, "leader_volunteer_id": theirs.volunteer_id})
    assert (led.json()["site_id"], led.json()["leader_volunteer_id"]) == (here, theirs.volunteer_id)
    without = await patch(work, path, {"version": 2, "leader_volunteer_id": None})
    assert without.json()["leader_volunteer_id"] is None
    assert refused(await patch(work, path, {"version": 3, "name": "x"}, work.station)) == (403, "role-not-allowed")
