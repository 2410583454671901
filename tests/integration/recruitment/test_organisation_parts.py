"""Need tags, opening hours, projects with honours, organisations with trainings: through HTTP on a real database."""

from typing import Any

import httpx

from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work, at


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def change(work: Work, method: str, path: str, body: Any, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or work.operator}"}
    return await work.district.http.request(method, ROOT + path, json=body, headers=headers)


async def test_teams_serve_needs_by_tag_and_their_history_keeps_both(work: Work) -> None:
    tag = {"tag": "haircut", "zh": "理发", "en": "haircuts"}
    assert refused(await work.post("/tags", tag, work.station)) == (403, "role-not-allowed")
    made = (await work.post("/tags", tag)).json()
    assert refused(await work.post("/tags", tag)) == (409, "tag-exists")
    path = f"/teams/{work.team}/tags"
    given = await change(work, "PUT", path, {"version": 2, "tag_ids": [made["tag_id"]]}, work.station)
    assert (given.status_code, given.json()["version"]) == (200, 3)
    assert refused(await change(work, "PUT", path, {"version": 2, "tag_ids": []})) == (409, "changed-meanwhile")
    assert refused(await change(work, "PUT", path, {"version": 3, "tag_ids": [work.team]})) == (422, "tag-unknown")
    listed = (await work.get("/tags")).json()["items"]
    assert [(each["tag"], each["zh"], each["teams"]) for each in listed] == [("haircut", "理发", 1)]
    latest = (await work.get(f"/changes/team/{work.team}", work.station)).json()["items"][0]
    assert (latest["before"], latest["after"]) == ({"tags": []}, {"tags": [made["tag_id"]]})

    edited = await change(work, "PATCH", f"/tags/{made['tag_id']}", {"version": 1, "zh": "上门理发"})
    assert (edited.json()["zh"], edited.json()["version"]) == ("上门理发", 2)
    assert (await work.post(f"/tags/{made['tag_id']}/close", {"version": 2})).status_code == 200
    kept = await change(work, "PUT", path, {"version": 3, "tag_ids": [made["tag_id"]]})
    assert kept.json()["version"] == 3, "a team keeps a tag that was closed"


async def test_a_service_point_shows_its_week(work: Work) -> None:
    path = f"/sites/{work.sites['窗口']}/openings"
    hours = [{"weekday": day, "opens": "09:00", "closes": "11:30"} for day in (1, 3)]
    rota = [{"weekday": 3, "begins": "09:00", "ends": "10:00", "team_id": work.team}]
    body: Answer = {"version": 1, "hours": hours, "rota": rota}
    made = await change(work, "PUT", path, body)
    assert made.status_code == 200, made.text
    shown = (await work.district.get(path)).json()
    assert shown["hours"] == hours
    assert [(each["team_name"], each["begins"]) for each in shown["rota"]] == [("红纽带", "09:00")]
    assert refused(await change(work, "PUT", path, body)) == (409, "changed-meanwhile")
    outside = [{**rota[0], "ends": "12:00"}]
    assert refused(await change(work, "PUT", path, {**body, "version": 2, "rota": outside})) == (
        422,
        "openings-invalid",
    )
    assert refused(await change(work, "PUT", path, {**body, "version": 2}, work.other_station)) == (
        403,
        "site-out-of-bounds",
    )
    half = [{"weekday": 2, "opens": "09:00"}]
    assert refused(await change(work, "PUT", path, {"version": 2, "hours": half})) == (422, "invalid-input")
    form = {"version": 2, "hours": [*hours, {"weekday": 2}], "rota": [*rota, {"weekday": 1}]}
    same = await change(work, "PUT", path, form)
    assert (same.json()["hours"], len(same.json()["rota"])) == (hours, 1), "rows without times are left out"
    assert (await change(work, "PUT", path, {"version": 2, "hours": []})).json() == {"hours": [], "rota": []}


async def test_a_project_shows_its_activities_and_its_honours_count_while_they_are_open(work: Work) -> None:
    honour = {"title": "创意奖", "awarded_by": "黑龙江省", "year": 2023, "level": "province", "category": "creative"}
    body = {"name": "晨光问候", "site_id": work.sites["惠民社区"], "pillar": "showcase", "summary": "清晨问候老人"}
    made = (await work.post("/projects", {**body, "honours": [honour]}, work.station)).json()
    path = f"/projects/{made['project_id']}"
    await work.activity((HOUR, 3 * HOUR), project_id=made["project_id"])
    shown = (await work.district.get(path)).json()
    assert (shown["activities"], shown["services"], len(shown["coming"]), shown["held"]) == (1, 0, 1, [])
    assert shown["project"]["honours"][0] == {**shown["project"]["honours"][0], **honour}
    await work.clock.set(NOW + 4 * HOUR)
    shown = (await work.district.get(path)).json()
    assert (shown["coming"], [each["title"] for each in shown["held"]]) == ([], ["唱响新时代雷锋之歌"])

    added = await work.post(f"{path}/honours", {**honour, "title": "优秀项目", "year": 2024}, work.station)
    assert added.status_code == 201, added.text
    elsewhere = await work.post(f"{path}/honours", honour, work.other_station)
    assert refused(elsewhere) == (403, "site-out-of-bounds")
    one = f"/honours/{added.json()['honour_id']}"
    assert (await change(work, "PATCH", one, {"version": 1, "level": "city"}, work.station)).json()["level"] == "city"
    assert refused(await change(work, "PATCH", one, {"version": 2, "year": 2027})) == (422, "honour-invalid")
    span = {"from": at(-DAY), "to": at(4 * HOUR)}
    assert (await work.get("/reports/district", **span)).json()["honours"] == 2
    assert (await work.post(f"{one}/close", {"version": 2}, work.station)).status_code == 200
    assert (await work.get("/reports/district", **span)).json()["honours"] == 1
    assert [each["title"] for each in (await work.district.get(path)).json()["project"]["honours"]] == ["创意奖"]
    acts = [each["act"] for each in (await work.get(f"/changes/honour/{added.json()['honour_id']}")).json()["items"]]
    assert acts == ["closed", "edited"]


async def test_the_attendance_of_organisations_at_a_training_is_recorded_and_corrected(work: Work) -> None:
    here = work.sites["惠民社区"]
    made = (await work.post("/organisations", {"name": "夕阳红协会", "level": "community", "site_id": here})).json()
    held = {"title": "新版平台培训", "mode": "online", "site_id": here, "starts_at": at(HOUR), "ends_at": at(2 * HOUR)}
    training = (await work.post("/trainings", held)).json()
    path = f"/trainings/{training['training_id']}"
    one = f"{path}/attendances/{made['organisation_id']}"
    assert refused(await change(work, "PUT", one, {"people": 12})) == (409, "training-not-begun")
    await work.clock.set(NOW + HOUR)
    for people in (12, 14):
        assert (await change(work, "PUT", one, {"people": people})).status_code == 200
    view = (await work.get(path, work.station)).json()
    assert (view["training"]["organisations"], view["training"]["people"]) == (1, 14)
    assert [(each["name"], each["people"]) for each in view["attendances"]] == [("夕阳红协会", 14)]
    changes = (await work.get(f"/changes/training/{training['training_id']}")).json()["items"]
    assert [(each["before"]["attendance"], each["after"]["attendance"]) for each in changes] == [
        ("夕阳红协会 12", "夕阳红协会 14"),
        (None, "夕阳红协会 12"),
    ]
    assert refused(await change(work, "PUT", one, {"people": 3}, work.station)) == (403, "role-not-allowed")
    assert (await work.post(f"{path}/close", {"version": 1})).status_code == 200
    assert refused(await change(work, "PUT", one, {"people": 3})) == (409, "training-closed")
    in_use = await work.post(f"/sites/{here}/close", {"version": 1})
    assert made["organisation_id"] in {each["object_id"] for each in in_use.json()["remaining"]}
