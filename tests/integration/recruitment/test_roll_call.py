"""The roll-call of staff and leaders, and the schedule that shows what came of it, through HTTP on a real database."""

from typing import Any

from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Volunteer, Work, at


async def call(work: Work, shift_id: str, tick: str, *people: Volunteer, token: str | None = None) -> Any:
    body = {"tick": tick, "volunteer_numbers": [person.number for person in people]}
    return await work.post(f"/shifts/{shift_id}/roll-call", body, token or work.leader.token)


async def standing(work: Work, token: str | None = None, **query: Any) -> list[Answer]:
    answer = await work.get("/schedule", token or work.station, **{"from": at(-DAY), "to": at(DAY), **query})
    assert answer.status_code == 200, answer.text
    items: list[Answer] = answer.json()["items"]
    return items


async def test_a_leader_ticks_who_comes_and_who_leaves_and_it_counts_as_roll_call(work: Work) -> None:
    shift_id, volunteer, absent = await work.shift(), await work.volunteer(), await work.volunteer()
    for person in (volunteer, absent):
        assert (await work.sign_up(shift_id, person)).status_code == 201
    await work.clock.set(NOW + HOUR)
    came = (await call(work, shift_id, "in", volunteer)).json()
    record = came["recorded"][0]["record"]
    assert (record["provenance"], record["status"], record["ended_at"]) == ("leader", "provisional", None)
    again = (await call(work, shift_id, "in", volunteer)).json()
    assert again["recorded"][0]["record"]["record_id"] == record["record_id"], "a second tick changes nothing"
    await work.clock.set(NOW + 2 * HOUR)
    assert [(one["present"], one["absent"], one["taken"]) for one in await standing(work)] == [(1, 1, 2)]
    await work.clock.set(NOW + 2 * HOUR + 30 * MINUTE)
    left = (await call(work, shift_id, "out", volunteer, absent)).json()
    record = left["recorded"][0]["record"]
    assert (record["status"], record["closed_by"], record["minutes"]) == ("confirmed", "staff", 90)
    assert [(one["volunteer_number"], one["type"]) for one in left["refused"]] == [(absent.number, "not-checked-in")]
    notes = [event for event in await work.events("assertions") if event["record_id"] == record["record_id"]]
    assert [(event["act"], event["minutes"]) for event in notes] == [("recorded", 90)]


async def test_a_roll_call_stays_within_the_caps_and_waits_beyond_them(work: Work) -> None:
    volunteer = await work.volunteer()
    for number in range(2):
        shift_id = await work.shift(number * 6 * HOUR + HOUR, number * 6 * HOUR + 6 * HOUR)
        assert (await work.sign_up(shift_id, volunteer)).status_code == 201
        await work.clock.set(NOW + number * 6 * HOUR + HOUR)
        await call(work, shift_id, "in", volunteer)
        await work.clock.set(NOW + number * 6 * HOUR + 6 * HOUR)
        left = (await call(work, shift_id, "out", volunteer)).json()["recorded"][0]
        expected: tuple[str, list[str]] = ("confirmed", []) if number == 0 else ("provisional", ["cap"])
        assert (left["record"]["status"], left["waits_for"]) == expected
    assert await work.count("select count(*) from attendance_assertions where kind = 'roll-call'") == 1


async def test_callers_tick_neither_themselves_nor_a_shift_of_another_team(work: Work) -> None:
    shift_id = await work.shift()
    assert (await work.sign_up(shift_id, work.leader)).status_code == 201
    await work.clock.set(NOW + HOUR)
    own = (await call(work, shift_id, "in", work.leader)).json()
    assert [one["type"] for one in own["refused"]] == ["own-record"]
    assert (await call(work, shift_id, "in", work.leader, token=work.station)).json()["refused"] == []
    volunteer = await work.volunteer()
    assert (await call(work, shift_id, "in", volunteer, token=work.other_station)).status_code == 403


async def test_a_walk_in_takes_a_free_place_and_strangers_are_answered_like_none(work: Work) -> None:
    shift_id, walk_in = await work.shift(capacity=1), await work.volunteer(site_id=work.sites["惠民社区"])
    stranger, late = await work.volunteer(), await work.volunteer(site_id=work.sites["惠民社区"])
    await work.clock.set(NOW + HOUR)
    answer = (await call(work, shift_id, "in", walk_in, stranger, late, token=work.station)).json()
    assert [one["volunteer_number"] for one in answer["recorded"]] == [walk_in.number, late.number]
    assert [one["type"] for one in answer["refused"]] == ["volunteer-unknown"]
    [shift] = await standing(work)
    assert (shift["taken"], shift["present"]) == (1, 2), "who came is recorded, and places are not exceeded"


async def test_an_end_without_a_witness_is_confirmed_by_the_site(work: Work) -> None:
    shift_id, volunteer, other = await work.shift(), await work.volunteer(), await work.volunteer()
    for person in (volunteer, other):
        assert (await work.sign_up(shift_id, person)).status_code == 201
    await work.clock.set(NOW + HOUR)
    await call(work, shift_id, "in", volunteer, other)
    await work.clock.set(NOW + 2 * HOUR)
    own = (await work.check("out", shift_id, volunteer)).json()
    assert (own["provenance"], own["status"]) == ("leader", "provisional"), "the beginning is the leader's word alone"
    [shift] = await standing(work)
    assert shift["to_confirm"] == 1
    todo = (await work.get("/attendance/records", work.station, todo="confirm")).json()["items"]
    assert [(one["record_id"], one["volunteer_number"]) for one in todo] == [(own["record_id"], volunteer.number)]
    confirmed = await work.post(
        f"/attendance/records/{own['record_id']}/confirm", {"reason": "一直在"}, work.leader.token
    )
    assert confirmed.json()["status"] == "confirmed"
    assert (await work.get("/attendance/records", work.station, todo="confirm")).json()["items"] == []


async def test_records_with_time_after_the_shift_are_listed_until_it_is_approved(work: Work) -> None:
    shift_id, volunteer, record = await work.serving()
    await work.clock.set(NOW + 3 * HOUR + 20 * MINUTE)
    assert (await work.check("out", shift_id, volunteer)).status_code == 201
    [found] = (await work.get("/attendance/records", work.station, todo="overtime")).json()["items"]
    assert (found["record_id"], found["stayed_minutes"]) == (record["record_id"], 20)
    assert [shift["overtime"] for shift in await standing(work)] == [1]
    path = f"/attendance/records/{record['record_id']}/overtime"
    assert (await work.post(path, {"reason": "还没理完发"}, work.leader.token)).status_code == 201
    assert (await work.get("/attendance/records", work.station, todo="overtime")).json()["items"] == []


async def test_the_schedule_shows_each_caller_the_shifts_that_they_run(work: Work) -> None:
    shift_id = await work.shift()
    draft = await work.activity((HOUR, 2 * HOUR), draft=True)
    shown = {one["shift_id"] for one in await standing(work)}
    assert shown == {shift_id, draft["shifts"][0]["shift_id"]}, "drafts are shown to those who run them"
    assert {one["shift_id"] for one in await standing(work, work.leader.token)} == shown
    assert await standing(work, work.other_station) == []
    assert await standing(work, team_id=work.other_team) == []
    assert await standing(work, **{"from": at(3 * HOUR)}) == [], "the period is half-open"
    long = await work.get("/schedule", work.station, **{"from": at(-DAY), "to": at(90 * DAY)})
    assert (long.status_code, long.json()["type"]) == (422, "period-too-long")
