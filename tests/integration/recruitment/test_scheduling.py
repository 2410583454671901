"""Changes of activities and shifts after planning, through HTTP on a real database."""

import httpx

from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Work, at, instant


async def patch(work: Work, path: str, body: Answer, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or work.leader.token}"}
    return await work.district.http.patch(ROOT + path, json=body, headers=headers)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def begun(work: Work) -> tuple[Answer, str]:
    """An activity whose shift of two hours began ten minutes ago."""
    activity = await work.activity((HOUR, 3 * HOUR))
    await work.clock.set(NOW + HOUR + 10 * MINUTE)
    return activity, f"/shifts/{activity['shifts'][0]['shift_id']}"


async def test_an_activity_is_edited_before_it_begins_and_moved_within_bounds(work: Work) -> None:
    activity = await work.activity((HOUR, 2 * HOUR))
    path = f"/activities/{activity['activity_id']}"
    given = await patch(work, path, {"version": 1, "team_id": work.other_team}, work.station)
    assert refused(given) == (403, "not-yours-to-plan")
    edited = await patch(work, path, {"version": 1, "title": "新歌", "content": "合唱", "site_id": work.sites["窗口"]})
    assert edited.status_code == 200, edited.text
    assert (edited.json()["title"], edited.json()["site_id"]) == ("新歌", work.sites["窗口"])
    assert (await work.get(path)).json() == edited.json()
    away = await patch(work, path, {"version": 2, "site_id": work.sites["东湖社区"]})
    assert refused(away) == (403, "not-yours-to-plan")
    stale = await patch(work, path, {"version": 1, "title": "旧歌"})
    assert refused(stale) == (409, "changed-meanwhile")
    assert stale.json()["changes"][0]["before"] == {
        "content": None, "site_id": work.sites["惠民社区"], "title": activity["title"],
    }  # fmt: skip
    assert refused(await patch(work, path, {"version": 2, "title": "x"}, work.other_station)) == (
        403,
        "not-yours-to-run",
    )


async def test_once_a_shift_has_begun_only_the_place_and_the_texts_change(work: Work) -> None:
    activity, _ = await begun(work)
    path = f"/activities/{activity['activity_id']}"
    assert refused(await patch(work, path, {"version": 1, "title": "新歌"})) == (409, "activity-begun")
    moved = await patch(work, path, {"version": 1, "place": "活动室"})
    assert (moved.status_code, moved.json()["place"]) == (200, "活动室")


async def test_a_shift_is_edited_until_it_begins_and_then_stands(work: Work) -> None:
    activity = await work.activity((HOUR, 3 * HOUR), late=True)
    path = f"/shifts/{activity['shifts'][0]['shift_id']}"
    await work.clock.set(NOW + 5 * MINUTE)
    later = await patch(work, path, {"version": 1, "starts_at": at(2 * HOUR), "capacity": 20})
    shift = later.json()["shifts"][0]
    assert (instant(shift["starts_at"]), shift["capacity"]) == (NOW + 2 * HOUR, 20)
    assert shift["published_at"] == activity["shifts"][0]["published_at"]
    assert instant(later.json()["starts_at"]) == NOW + 2 * HOUR
    longer = (await patch(work, path, {"version": 2, "ends_at": at(5 * HOUR)})).json()
    assert instant(longer["shifts"][0]["published_at"]) == NOW + 5 * MINUTE, "a longer shift is published anew"
    past = await patch(work, path, {"version": 3, "starts_at": at(-HOUR)})
    assert refused(past) == (422, "shift-times-invalid")
    await work.clock.set(NOW + 2 * HOUR)
    for change in ({"ends_at": at(6 * HOUR)}, {"starts_at": at(HOUR)}, {"ends_at": at(4 * HOUR)}):
        assert refused(await patch(work, path, {"version": 3, **change})) == (409, "shift-frozen"), change
    assert (await patch(work, path, {"version": 3, "capacity": 30})).status_code == 200


async def test_a_shift_keeps_the_places_that_are_taken_and_people_keep_their_other_shifts(work: Work) -> None:
    activity, somebody = await work.activity((HOUR, 2 * HOUR), capacity=2), await work.volunteer()
    shift_id = activity["shifts"][0]["shift_id"]
    other = await work.shift(3 * HOUR, 4 * HOUR)
    for each in (shift_id, other):
        assert (await work.sign_up(each, somebody)).status_code == 201
    assert (await work.sign_up(shift_id, await work.volunteer())).status_code == 201
    path = f"/shifts/{shift_id}"
    assert refused(await patch(work, path, {"version": 1, "capacity": 1})) == (409, "capacity-below-taken")
    clash = await patch(work, path, {"version": 1, "ends_at": at(4 * HOUR)})
    assert (*refused(clash), clash.json()["people"]) == (409, "signups-overlap", 1)
    assert (await patch(work, path, {"version": 1, "ends_at": at(3 * HOUR)})).status_code == 200


async def test_a_shift_is_postponed_before_anybody_checks_in(work: Work) -> None:
    _, path = await begun(work)
    late = await work.post(f"{path}/postponement", {"version": 1, "starts_at": at(HOUR)}, work.leader.token)
    assert refused(late) == (422, "shift-times-invalid")
    postponed = await work.post(f"{path}/postponement", {"version": 1, "starts_at": at(2 * HOUR)}, work.leader.token)
    shift = postponed.json()["shifts"][0]
    assert (instant(shift["starts_at"]), instant(shift["ends_at"])) == (NOW + 2 * HOUR, NOW + 4 * HOUR)
    somebody = await work.volunteer()
    assert (await work.sign_up(shift["shift_id"], somebody)).status_code == 201
    await work.clock.set(NOW + 2 * HOUR)
    assert (await work.check("in", shift["shift_id"], somebody)).status_code == 201
    again = await work.post(f"{path}/postponement", {"version": 2, "starts_at": at(3 * HOUR)}, work.leader.token)
    assert refused(again) == (409, "shift-attended")


async def test_a_shift_is_shortened_and_open_records_go_on(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 90 * MINUTE)
    path = f"/shifts/{shift_id}/shortening"
    for end in (HOUR, 80 * MINUTE, 3 * HOUR, 4 * HOUR):
        answer = await work.post(path, {"version": 1, "ends_at": at(end)}, work.leader.token)
        assert refused(answer) == (422, "shift-times-invalid"), end
    shortened = await work.post(path, {"version": 1, "ends_at": at(2 * HOUR)}, work.leader.token)
    assert shortened.status_code == 200, shortened.text
    found = (await work.get(f"/attendance/records/{record['record_id']}", somebody.token)).json()
    assert found["ended_at"] is None
    history = (await work.get(f"/changes/shift/{shift_id}", work.station)).json()["items"]
    assert [change["act"] for change in history] == ["shortened"]


async def test_a_shift_is_called_off_while_it_runs(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    absent = await work.volunteer()
    signup = (await work.sign_up(shift_id, absent)).json()
    await work.clock.set(NOW + 2 * HOUR)
    called_off = await work.post(
        f"/shifts/{shift_id}/cancellation", {"version": 1, "reason": "weather"}, work.leader.token
    )
    assert called_off.status_code == 200, called_off.text
    shift = called_off.json()["shifts"][0]
    assert instant(shift["cancelled_at"]) == instant(shift["ends_at"]) == NOW + 2 * HOUR
    assert shift["taken"] == 1, "who came keeps the place"
    found = (await work.get(f"/attendance/records/{record['record_id']}", somebody.token)).json()
    assert (found["status"], found["closed_by"], instant(found["ended_at"]), found["minutes"]) == (
        "provisional", "auto", NOW + 2 * HOUR, 60,
    )  # fmt: skip
    ended = (await work.get("/signups", absent.token)).json()["items"]
    assert [(item["signup_id"], item["status"]) for item in ended] == [(signup["signup_id"], "cancelled")]
    assert [event["signup_id"] for event in await work.events("signups") if "cancelled_at" in event] == [
        signup["signup_id"]
    ]
    somebody_else = await work.volunteer()
    assert refused(await work.sign_up(shift_id, somebody_else)) == (409, "shift-cancelled")
    assert (await work.check("in", shift_id, somebody_else)).status_code in (403, 409)
    again = await work.post(f"/shifts/{shift_id}/cancellation", {"version": 2, "reason": "other"}, work.leader.token)
    assert refused(again) == (409, "shift-cancelled")


async def test_a_shift_is_called_off_before_it_begins_and_its_activity_does_not_count(work: Work) -> None:
    activity, somebody = await work.activity((HOUR, 2 * HOUR)), await work.volunteer()
    shift_id = activity["shifts"][0]["shift_id"]
    await work.sign_up(shift_id, somebody)
    period = {"from": at(-HOUR), "to": at(50 * HOUR)}
    assert (await work.get("/reports/district", **period)).json()["activities"] == 1
    cancellation = {"version": 1, "reason": "too-few-people"}
    assert refused(await work.post(f"/shifts/{shift_id}/cancellation", cancellation, work.other_station))[0] == 403
    key = "call-off-once"
    first = await work.post(f"/shifts/{shift_id}/cancellation", cancellation, work.station, key=key)
    again = await work.post(f"/shifts/{shift_id}/cancellation", cancellation, work.station, key=key)
    assert (first.status_code, again.json()) == (200, first.json())
    assert (await work.get("/shifts", somebody.token)).json()["items"] == []
    assert (await work.get(f"/shifts/{shift_id}", somebody.token)).json()["cancelled_at"] is not None
    assert (await work.get("/reports/district", **period)).json()["activities"] == 0
    elsewhere = await work.shift(HOUR, 2 * HOUR)
    assert (await work.sign_up(elsewhere, somebody)).status_code == 201, "the time is free again"


async def test_residents_served_are_corrected_after_closing_with_history(work: Work) -> None:
    activity, _ = await begun(work)
    path = f"/activities/{activity['activity_id']}"
    early = await patch(work, path, {"version": 1, "residents_served": 9})
    assert refused(early) == (409, "activity-not-closed")
    await work.post(f"{path}/close", {"residents_served": 860}, work.leader.token)
    await work.clock.set(NOW + 10 * HOUR)
    corrected = await patch(work, path, {"version": 2, "residents_served": 86, "note": "多打了一个零"})
    assert (corrected.status_code, corrected.json()["residents_served"]) == (200, 86)
    change = (await work.get(f"/changes/activity/{activity['activity_id']}")).json()["items"][0]
    assert (change["before"], change["after"]) == (
        {"note": None, "residents_served": 860},
        {"note": None, "residents_served": 86},
    )
    await work.clock.set(NOW + 20 * HOUR)
    period = {"from": at(-HOUR), "to": at(50 * HOUR)}
    now, then = [
        (await work.get("/reports/district", **period, **more)).json() for more in ({}, {"as_of": at(5 * HOUR)})
    ]
    assert (now["residents_served"], then["residents_served"]) == (86, 860)


async def test_only_staff_plan_a_shift_that_has_begun(work: Work) -> None:
    body = work.body((-HOUR, HOUR))
    assert refused(await work.post("/activities", body, work.leader.token)) == (422, "shift-times-invalid")
    assert (await work.post("/activities", body, work.station)).status_code == 201


async def test_a_kiosk_records_nobody_at_a_shift_that_was_called_off_before_it_began(work: Work) -> None:
    shift_id, device, somebody = await work.shift(), await work.device(), await work.volunteer()
    cancellation = {"version": 1, "reason": "no-leader"}
    assert (await work.post(f"/shifts/{shift_id}/cancellation", cancellation, work.station)).status_code == 200
    await work.clock.set(NOW + 4 * HOUR)
    row = {
        "upload_id": "u1", "volunteer_number": somebody.number, "shift_id": shift_id,
        "started_at": at(HOUR), "ended_at": at(2 * HOUR),
    }  # fmt: skip
    answer = (await work.post("/attendance/batches", work.batch(device, row), work.station)).json()
    assert (answer["accepted"], [each["detail"] for each in answer["refused"]]) == (
        0,
        ["The shift was called off before it began."],
    )
    assert await work.count("select count(*) from attendance_records") == 0


async def test_a_kiosk_row_counts_until_its_running_shift_was_called_off(work: Work) -> None:
    shift_id, device, somebody = await work.shift(), await work.device(), await work.volunteer()
    await work.clock.set(NOW + 2 * HOUR)
    cancellation = {"version": 1, "reason": "weather"}
    assert (await work.post(f"/shifts/{shift_id}/cancellation", cancellation, work.station)).status_code == 200
    await work.clock.set(NOW + 4 * HOUR)
    row = {
        "upload_id": "u1", "volunteer_number": somebody.number, "shift_id": shift_id,
        "started_at": at(90 * MINUTE), "ended_at": at(3 * HOUR),
    }  # fmt: skip
    answer = (await work.post("/attendance/batches", work.batch(device, row), work.station)).json()
    assert answer["accepted"] == 1, answer
    assert await work.count("select minutes from attendance_records") == 30


async def test_the_deadline_for_withdrawing_is_edited_and_kept_in_the_history(work: Work) -> None:
    volunteer, activity = await work.volunteer(), await work.activity((3 * HOUR, 4 * HOUR))
    shift_id = activity["shifts"][0]["shift_id"]
    answer = await patch(work, f"/shifts/{shift_id}", {"version": 1, "withdraw_minutes": 240})
    assert answer.json()["shifts"][0]["withdraw_minutes"] == 240
    changes = (await work.get(f"/changes/shift/{shift_id}")).json()["items"]
    assert [change["after"] for change in changes] == [{"withdraw_minutes": 240}]
    signup_id = (await work.sign_up(shift_id, volunteer)).json()["signup_id"]
    assert (await work.post(f"/signups/{signup_id}/cancel", {}, volunteer.token)).json()["late"] is True
