"""Activities, shifts and sign-ups through HTTP on a real database."""

import asyncio
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

from shared.ids import new_id
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Work, at
from tests.support.depth import examples


async def test_an_activity_is_planned_opened_and_closed_with_the_residents_it_served(work: Work) -> None:
    draft = (await work.post("/activities", work.body(draft=True, shifts=[]), work.leader.token)).json()
    assert (draft["state"], draft["shifts"]) == ("planned", [])
    path = f"/activities/{draft['activity_id']}"
    assert (await work.post(f"{path}/open", None)).json()["type"].endswith("activity-without-shift")
    shifts = {"shifts": [{"starts_at": at(HOUR), "ends_at": at(2 * HOUR), "capacity": 3}]}
    assert (await work.post(f"{path}/shifts", shifts, work.leader.token)).status_code == 201
    opened = await work.post(f"{path}/open", None, work.leader.token)
    assert (opened.status_code, opened.json()["state"]) == (200, "open")

    closing = {"residents_served": 86, "note": "下雨，改在室内"}
    early = await work.post(f"{path}/close", closing, work.leader.token)
    assert early.status_code == 409
    assert early.json()["type"].endswith("shift-not-begun")
    await work.clock.set(NOW + 2 * HOUR)
    closed = (await work.post(f"{path}/close", closing, work.leader.token)).json()
    assert (closed["state"], closed["residents_served"], closed["note"]) == ("closed", 86, closing["note"])
    assert (await work.post(f"{path}/close", closing)).status_code == 409
    assert (await work.get(path)).json() == closed


async def test_a_plan_is_taken_whole_in_order_or_not_at_all(work: Work) -> None:
    bodies = [work.body((n * HOUR, n * HOUR + HOUR), title=f"活动{n}") for n in range(1, 31)]
    answer = await work.post("/activities/batches", {"activities": bodies})
    assert answer.status_code == 201
    assert [each["title"] for each in answer.json()["activities"]] == [body["title"] for body in bodies]
    assert all(each["state"] == "open" and len(each["shifts"]) == 1 for each in answer.json()["activities"])

    bad = [*bodies[:3], work.body(theme_id=str(new_id()))]
    refused = await work.post("/activities/batches", {"activities": bad})
    assert (refused.status_code, refused.json()["member"]) == (422, "theme_id")
    reversed_shift = [*bodies[:3], work.body((2 * HOUR, HOUR))]
    assert (await work.post("/activities/batches", {"activities": reversed_shift})).status_code == 422
    assert await work.count("select count(*) from activities") == 30


async def test_lists_go_by_cursor_within_a_period(work: Work) -> None:
    bodies = [work.body((n * HOUR, n * HOUR + HOUR), title=f"活动{n}") for n in range(1, 8)]
    await work.post("/activities/batches", {"activities": bodies})
    await work.post("/activities", work.body((HOUR, 2 * HOUR), draft=True, title="草稿"))
    somebody = await work.volunteer()
    for path, extra in (("/activities", {"from": at(HOUR), "to": at(7 * HOUR)}), ("/shifts", {"to": at(7 * HOUR)})):
        titles, cursor = [], None
        while True:
            params: dict[str, Any] = {"limit": 4, **extra, **({"cursor": cursor} if cursor else {})}
            page = (await work.get(path, somebody.token, **params)).json()
            titles += [item["title"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert titles == [f"活动{n}" for n in range(1, 7)], path
    drafts = (await work.get("/activities", work.leader.token)).json()["items"]
    assert "草稿" in [item["title"] for item in drafts], "those who plan see drafts"
    assert (await work.get("/shifts", somebody.token, cursor="x")).status_code == 400


async def test_only_staff_of_the_site_and_the_teams_leader_run_an_activity(work: Work) -> None:
    somebody = await work.volunteer()
    for token, status in (
        (somebody.token, 403),
        (work.other_station, 403),
        (work.station, 201),
        (work.leader.token, 201),
    ):
        assert (await work.post("/activities", work.body((HOUR, 2 * HOUR)), token)).status_code == status
    other = work.body((HOUR, 2 * HOUR), team_id=work.other_team)
    assert (await work.post("/activities", other, work.leader.token)).status_code == 403
    past = work.body((-3 * HOUR, -HOUR))
    assert (await work.post("/activities", past, work.leader.token)).status_code == 422
    assert (await work.post("/activities", past, work.station)).status_code == 201
    activity_id = (await work.activity())["activity_id"]
    closing = {"residents_served": 1}
    assert (await work.post(f"/activities/{activity_id}/close", closing, work.other_station)).status_code == 403
    assert (await work.post(f"/activities/{new_id()}/close", closing)).status_code == 404


async def test_a_volunteer_signs_up_sees_it_and_cancels(work: Work) -> None:
    shift_id, somebody = await work.shift(capacity=2), await work.volunteer()
    signup = (await work.sign_up(shift_id, somebody)).json()
    assert (signup["status"], signup["source"], signup["volunteer_id"]) == ("active", "self", somebody.volunteer_id)
    again = (await work.sign_up(shift_id, somebody)).json()
    assert again["type"].endswith("already-signed-up")
    assert again["signup_id"] == signup["signup_id"]

    view = (await work.get(f"/shifts/{shift_id}", somebody.token)).json()
    assert (view["remaining"], view["signed_up"], view["site_name"], view["theme"]) == (
        1,
        True,
        "惠民社区",
        "夕阳别样红",
    )
    own = (await work.get("/signups", somebody.token)).json()["items"]
    assert [(item["signup_id"], item["title"]) for item in own] == [(signup["signup_id"], "唱响新时代雷锋之歌")]
    roster = (await work.get(f"/shifts/{shift_id}/roster", work.leader.token)).json()["items"]
    assert [item["volunteer_number"] for item in roster] == [somebody.number]
    assert (await work.get(f"/shifts/{shift_id}/roster", work.other_station)).status_code == 403

    somebody_else = await work.volunteer()
    path = f"/signups/{signup['signup_id']}/cancel"
    assert (await work.post(path, None, somebody_else.token)).status_code == 404
    assert (await work.post(path, None, somebody.token)).json()["status"] == "cancelled"
    assert (await work.post(path, None, somebody.token)).json()["type"].endswith("signup-cancelled")
    assert (await work.get(f"/shifts/{shift_id}", somebody.token)).json()["remaining"] == 2
    assert (await work.sign_up(shift_id, somebody)).status_code == 201, "a cancelled sign-up can be made anew"

    placed, cancelled, _ = await work.events("signups")
    assert placed["activity_title"] == "唱响新时代雷锋之歌"
    assert (placed["signup_id"], cancelled["signup_id"]) == (signup["signup_id"],) * 2
    assert (placed["key"], cancelled["headers"]["ce_aggregateversion"]) == (somebody.volunteer_id, "2")


async def test_places_are_never_oversold_however_many_come_at_once(work: Work) -> None:
    shift_id = await work.shift(capacity=7)
    people = await work.people(examples(30, 12))  # each waits for those before it, and the last ones for long
    answers = await asyncio.gather(*(work.sign_up(shift_id, person) for person in people))
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes == {201: 7, 409: len(people) - 7}
    assert all(a.json()["type"].endswith("shift-full") for a in answers if a.status_code == 409)
    assert await work.count("select count(*) from signups where status = 'active'") == 7
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == 7
    assert len(await work.events("signups")) == 7


async def test_one_volunteer_at_many_shifts_at_once_gets_only_those_that_do_not_overlap(work: Work) -> None:
    somebody = await work.volunteer()
    shifts = [await work.shift(n * 30 * MINUTE, n * 30 * MINUTE + HOUR) for n in range(2, 8)]
    again = [shifts[0]] * 4
    answers = await asyncio.gather(*(work.sign_up(shift_id, somebody) for shift_id in shifts + again))
    kept = [answer.json()["shift_id"] for answer in answers if answer.status_code == 201]
    assert len(kept) == len(set(kept))
    held = sorted([(await work.get(f"/shifts/{shift_id}")).json()["starts_at"] for shift_id in kept])
    assert len(held) >= 2
    starts = [datetime.fromisoformat(start) for start in held]
    assert all(later - earlier >= HOUR for earlier, later in pairwise(starts))


async def test_staff_and_leader_sign_up_others_and_strangers_do_not(work: Work) -> None:
    shift_id, other = await work.shift(), await work.volunteer()
    somebody = await work.volunteer(site_id=work.sites["惠民社区"])
    path, body = f"/shifts/{shift_id}/signups", {"volunteer_id": somebody.volunteer_id}
    assert (await work.post(path, body, other.token)).status_code == 403
    assert (await work.post(path, body, work.other_station)).status_code == 403
    placed = await work.post(path, body, work.leader.token)
    assert (placed.status_code, placed.json()["source"]) == (201, "staff")
    assert (await work.post(path, {"volunteer_id": str(new_id())})).status_code == 404
    assert (await work.post(f"/shifts/{new_id()}/signups", {}, other.token)).status_code == 404


async def test_sign_up_waits_for_a_closing_in_progress(work: Work) -> None:
    activity, somebody = await work.activity((HOUR, 3 * HOUR)), await work.volunteer()
    await work.clock.set(NOW + 2 * HOUR)
    shift_id = activity["shifts"][0]["shift_id"]
    closing = work.post(f"/activities/{activity['activity_id']}/close", {"residents_served": 1})
    closed, answer = await asyncio.gather(closing, work.sign_up(shift_id, somebody))
    assert closed.status_code == 200
    assert answer.status_code in (201, 409)
    late = await work.sign_up(shift_id, await work.volunteer())
    assert late.json()["type"].endswith("activity-not-open")


async def test_a_plan_that_makes_no_sense_is_refused_with_a_sentence(work: Work) -> None:
    changes: list[dict[str, Any]] = [
        {"title": ""},
        {"title": "a\u0000b"},
        {"unknown": 1},
        {"shifts": [{"starts_at": "yesterday", "ends_at": at(HOUR), "capacity": 1}]},
        {"shifts": [{"starts_at": "2026-03-04T10:00:00", "ends_at": at(HOUR), "capacity": 1}]},
        {"shifts": [{"starts_at": at(HOUR), "ends_at": at(2 * HOUR), "capacity": 0}]},
        {"shifts": [{"starts_at": at(HOUR), "ends_at": at(2 * HOUR), "capacity": 2**63}]},
        {"shifts": [{"starts_at": at(HOUR), "ends_at": at(2 * HOUR), "capacity": "5"}]},
        {"site_id": "x"},
        {"project_id": str(new_id())},
    ]
    for change in changes:
        refused = await work.post("/activities", {**work.body((HOUR, 2 * HOUR)), **change})
        assert refused.status_code in (400, 422), refused.text
        assert refused.json()["detail"]
    assert await work.count("select count(*) from activities") == 0
