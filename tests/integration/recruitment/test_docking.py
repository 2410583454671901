"""Docking as dated facts, detachments and their figures, through HTTP on a real database."""

from typing import Any

import httpx

from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work, at


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def figure(work: Work, **query: Any) -> tuple[int, int]:
    found = (await work.get("/dockings/figure", **query)).json()
    return found["docked"], found["teams"]


async def dockings(work: Work) -> list[Answer]:
    items: list[Answer] = (await work.get(f"/teams/{work.team}/dockings")).json()["items"]
    return items


async def patch(work: Work, path: str, body: Answer) -> httpx.Response:
    return await work.district.http.patch(ROOT + path, json=body, headers={"authorization": f"Bearer {work.operator}"})


async def test_the_figure_of_a_date_follows_the_dockings_of_that_date(work: Work) -> None:
    home, elsewhere = work.sites["惠民社区"], work.sites["东湖社区"]
    (first,) = await dockings(work)
    assert (first["site_id"], first["until"]) == (home, None)
    path = f"/teams/{work.team}/dockings"
    assert refused(await work.post(path, {"site_id": home})) == (409, "docked-already")
    assert refused(await work.post(path, {"site_id": elsewhere}, work.station)) == (403, "site-out-of-bounds")
    assert refused(await work.post(path, {"site_id": elsewhere, "since": at(HOUR)})) == (422, "docking-in-future")
    second = await work.post(path, {"site_id": elsewhere, "since": at(-DAY)})
    assert (second.status_code, second.json()["site_name"]) == (201, "东湖社区")

    end = f"/dockings/{first['docking_id']}/end"
    assert refused(await work.post(end, {"until": at(HOUR)})) == (422, "docking-end-wrong")
    assert (await work.post(end, {"until": at(-2 * DAY)})).status_code == 200
    assert refused(await work.post(end, {})) == (409, "docking-ended")
    assert [await figure(work, on=at(offset)) for offset in (-3 * DAY, -1.5 * DAY, -HOUR)] == [(2, 2), (1, 2), (2, 2)]

    await work.clock.set(NOW + HOUR)
    assert (await work.post(f"/dockings/{second.json()['docking_id']}/end", {})).status_code == 200
    team = next(each for each in (await work.get("/teams")).json()["items"] if each["team_id"] == work.team)
    assert team["docked"] is False
    assert await figure(work) == (1, 2)
    report = (await work.get("/reports/district", **{"from": at(-DAY), "to": at(HOUR)})).json()
    assert report["docking_counts"] == {"covered": 1, "total": 2}
    before = (await work.get("/reports/district", **{"from": at(-DAY), "to": at(-HOUR)})).json()
    assert before["docking_counts"] == {"covered": 2, "total": 2}


async def test_the_mark_of_a_team_and_its_dockings_agree(work: Work) -> None:
    assert (await patch(work, f"/teams/{work.team}", {"version": 2, "docked": False})).json()["docked"] is False
    assert [each["until"] is None for each in await dockings(work)] == [False]
    assert (await patch(work, f"/teams/{work.team}", {"version": 3, "docked": True})).json()["docked"] is True
    assert [each["until"] is None for each in await dockings(work)] == [True, False]
    assert (await work.post(f"/teams/{work.team}/close", {"version": 4})).status_code == 200
    assert await work.count("select count(*) from team_dockings where until is null") == 1


async def test_a_site_is_not_closed_while_a_team_from_elsewhere_is_docked_with_it(work: Work) -> None:
    point = work.sites["窗口"]
    assert (await work.post(f"/teams/{work.team}/dockings", {"site_id": point})).status_code == 201
    in_use = await work.post(f"/sites/{point}/close", {"version": 1})
    assert refused(in_use) == (409, "site-in-use")
    assert [each["object_id"] for each in in_use.json()["remaining"]] == [work.team]


async def test_series_department_and_head_are_those_of_detachments(work: Work) -> None:
    facts = {"series": "eight", "department": "区委宣传部", "head": "部长"}
    body = {"kind": "detachment", "name": "理论宣讲支队", "site_id": work.sites["centre"], **facts}
    made = await work.post("/teams", body)
    assert made.status_code == 201, made.text
    assert {name: made.json()[name] for name in facts} == facts
    assert refused(await work.post("/teams", {**body, "kind": "team", "name": "甲队"})) == (422, "team-invalid")
    path = f"/teams/{made.json()['team_id']}"
    edited = await patch(work, path, {"version": 1, "series": "five", "head": " 常务  副部长 ", "department": None})
    assert [edited.json()[name] for name in facts] == ["five", None, "常务 副部长"]
    assert refused(await patch(work, f"/teams/{work.team}", {"version": 2, "series": "five"})) == (422, "team-invalid")
