"""Check-in and check-out, rotating codes, and the automatic close, on a real database."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.recruitment.attendance import timers
from services.recruitment.attendance.handlers import record_imported
from shared.contracts import AttendanceRecorded
from shared.errors import TransientError
from shared.ids import new_id
from shared.timers import run_timer
from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Volunteer, Work, instant
from tests.support.waiting import WAIT_LIMIT


def slug(answer: Any) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition("/")[2].rpartition(":")[2]


async def test_check_in_and_out_tell_two_revisions_of_one_record(work: Work) -> None:
    drive = await work.district.drive(work.sites["惠民社区"])
    somebody = await work.volunteer(drive_code=drive["code"])
    shift_id = await work.shift()
    await work.sign_up(shift_id, somebody)
    await work.clock.set(NOW + HOUR)
    opened = await work.check("in", shift_id, somebody, distance_m=35)
    assert opened.status_code == 201
    view = (await work.get(f"/shifts/{shift_id}", somebody.token)).json()
    assert (view["record_id"], view["record_ended_at"]) == (opened.json()["record_id"], None)
    await work.clock.set(NOW + 2 * HOUR + timedelta(minutes=5, seconds=50))
    closed = (await work.check("out", shift_id, somebody)).json()
    assert (closed["status"], closed["minutes"], closed["closed_by"], closed["revision"]) == (
        "confirmed",
        65,
        "self",
        2,
    )
    assert instant(closed["started_at"]) == NOW + HOUR

    first, second = await work.events("attendance")
    for event, answer in ((first, opened.json()), (second, closed)):
        told = AttendanceRecorded.model_validate(event)
        assert event["headers"]["ce_aggregateversion"] == str(told.revision)
        assert event["key"] == str(told.volunteer_id) == somebody.volunteer_id
        for name in ("status", "minutes", "provenance", "closed_by", "planned_minutes", "distance_m", "theme"):
            assert event[name] == answer[name], name
    assert (first["drive_id"], first["provenance"], first["distance_m"]) == (drive["drive_id"], "scanned", 35)
    assert (first["ended_at"], first["minutes"], first["planned_minutes"]) == (None, 0, 120)

    history = (await work.get(f"/attendance/records/{closed['record_id']}", somebody.token)).json()
    assert [each["change"] for each in history["revisions"]] == ["check_in", "check_out"]
    mine = (await work.get("/attendance/records", somebody.token)).json()["items"]
    assert [(each["record_id"], each["site_name"]) for each in mine] == [(closed["record_id"], "惠民社区")]


async def test_what_cannot_be_says_why_and_changes_nothing(work: Work) -> None:
    shift_id, somebody = await work.shift(), await work.volunteer()
    assert slug(await work.check("in", shift_id, somebody)) == "signup-missing"
    await work.sign_up(shift_id, somebody)
    await work.clock.set(NOW - MINUTE)
    assert slug(await work.check("in", shift_id, somebody)) == "check-in-too-early"
    await work.clock.set(NOW + HOUR)
    assert slug(await work.check("out", shift_id, somebody)) == "not-checked-in"
    opened = (await work.check("in", shift_id, somebody)).json()
    again = await work.check("in", shift_id, somebody)
    assert (slug(again), again.json()["record_id"]) == ("already-checked-in", opened["record_id"])
    await work.clock.set(NOW + 2 * HOUR)
    await work.check("out", shift_id, somebody)
    assert slug(await work.check("out", shift_id, somebody)) == "already-checked-out"
    code = await work.code(shift_id)
    assert slug(await work.check("in", str(new_id()), somebody, code=code)) == "shift-unknown"
    await work.clock.set(NOW + 3 * HOUR)
    assert slug(await work.check("in", shift_id, somebody)) == "shift-over"
    assert await work.count("select count(*) from attendance_revisions") == 2
    assert len(await work.events("attendance")) == 2


async def test_input_that_makes_no_sense_is_a_problem_and_never_a_time(work: Work) -> None:
    shift_id, somebody = await work.shift(), await work.volunteer()
    bodies: list[Answer] = [
        {"shift_id": shift_id},
        {"shift_id": shift_id, "code": "A", "ticket": "1.A"},
        {"shift_id": shift_id, "code": "A\u0000"},
        {"shift_id": shift_id, "code": 5},
        {"shift_id": shift_id, "code": "A", "started_at": NOW.isoformat()},
        {"shift_id": shift_id, "code": "A", "distance_m": -1},
        {"shift_id": shift_id, "code": "A", "distance_m": 2**63},
        {"shift_id": "1", "code": "A"},
        {"code": "A"},
    ]
    for body in bodies:
        answer = await work.post("/attendance/check-ins", body, somebody.token)
        assert answer.status_code in (400, 422), (body, answer.text)
        assert answer.json()["detail"]
    assert (await work.post("/attendance/check-ins", bodies[0], work.station)).status_code == 403
    assert await work.count("select count(*) from attendance_records") == 0


async def test_codes_are_shown_to_those_who_run_the_shift_and_a_leaders_own_does_not_count_for_them(work: Work) -> None:
    shift_id, somebody = await work.shift(), await work.volunteer()
    for token, status in ((somebody.token, 403), (work.other_station, 403), (work.leader.token, 200)):
        assert (await work.get(f"/shifts/{shift_id}/code", token)).status_code == status
    await work.sign_up(shift_id, somebody)
    await work.sign_up(shift_id, work.leader)
    await work.clock.set(NOW + HOUR)
    by_leader = await work.code(shift_id, work.leader.token)
    refused = await work.check("in", shift_id, work.leader, code=by_leader)
    assert slug(refused) == "leaders-own-code"
    assert "own hours" in refused.json()["detail"]
    assert (await work.check("in", shift_id, somebody, code=by_leader)).status_code == 201
    assert (await work.check("in", shift_id, work.leader)).status_code == 201, "with the code that staff show"


async def test_the_same_key_gives_the_same_record_and_many_keys_give_one(work: Work) -> None:
    shift_id, somebody = await work.shift(), await work.volunteer()
    await work.sign_up(shift_id, somebody)
    await work.clock.set(NOW + HOUR)
    body = {"shift_id": shift_id, "code": await work.code(shift_id)}
    first = await work.post("/attendance/check-ins", body, somebody.token, key="one")
    again = await work.post("/attendance/check-ins", body, somebody.token, key="one")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    answers = await asyncio.gather(*(work.post("/attendance/check-outs", body, somebody.token) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    assert len(await work.events("attendance")) == 2


async def test_check_ins_to_overlapping_shifts_at_once_give_one_record(work: Work) -> None:
    """The race that the volunteer's lock decides: with it exactly one record, without it two."""
    somebody = await work.volunteer()
    # Sign-up refuses overlap, so the shifts touch; early check-in is open for both.
    shifts = [await work.shift(HOUR, HOUR + 30 * MINUTE), await work.shift(HOUR + 30 * MINUTE, 2 * HOUR)]
    for shift_id in shifts:
        assert (await work.sign_up(shift_id, somebody)).status_code == 201
    await work.clock.set(NOW + HOUR)
    codes = {shift_id: await work.code(shift_id) for shift_id in shifts}
    answers = await asyncio.gather(
        *(work.check("in", shift_id, somebody, code=codes[shift_id]) for shift_id in shifts * 4)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    assert {slug(answer) for answer in answers if answer.status_code == 409} == {
        "checked-in-elsewhere",
        "already-checked-in",
    }
    assert await work.count("select count(*) from attendance_records where ended_at is null") == 1


async def test_two_open_records_of_one_shift_are_impossible_in_the_table_itself(work: Work) -> None:
    _, _, record = await work.serving()
    with pytest.raises(Exception, match="records_one_open"):
        async with work.database.transaction() as tx:
            await tx.execute(
                "insert into attendance_records select (r).* from (select jsonb_populate_record(a,"
                " jsonb_build_object('record_id', $2::text)) as r from attendance_records a where record_id = $1) x",
                record["record_id"],
                str(new_id()),
            )


async def test_revisions_are_never_changed(work: Work) -> None:
    await work.serving()
    for sql in ("update attendance_revisions set minutes = 9", "delete from attendance_revisions"):
        with pytest.raises(Exception, match="permission denied"):
            async with work.database.transaction() as tx:
                await tx.execute(sql)


async def test_what_is_left_open_is_closed_provisionally_and_a_late_check_out_replaces_it(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 3 * HOUR + 29 * MINUTE)
    assert await timers.close_overdue(work.database) == 0
    await work.clock.set(NOW + 3 * HOUR + 30 * MINUTE)
    assert await timers.close_overdue(work.database) == 1
    assert await timers.close_overdue(work.database) == 0
    found = (await work.get(f"/attendance/records/{record['record_id']}", somebody.token)).json()
    assert (found["status"], found["closed_by"], found["minutes"]) == ("provisional", "auto", 120)
    assert instant(found["ended_at"]) == NOW + 3 * HOUR
    late = (await work.check("out", shift_id, somebody)).json()
    assert (late["revision"], late["status"], late["closed_by"], late["minutes"]) == (3, "confirmed", "self", 120)
    assert instant(late["ended_at"]) == NOW + 3 * HOUR + 30 * MINUTE, (
        "the instant is kept, what is counted is the shift"
    )
    assert [event["revision"] for event in await work.events("attendance")] == [1, 2, 3]


async def test_the_timer_works_in_bounded_batches_and_leaves_the_busy_for_later(work: Work) -> None:
    shift_id, people = await work.shift(), await work.people(7)
    for person in people:
        await work.sign_up(shift_id, person)
    await work.clock.set(NOW + HOUR)
    code = await work.code(shift_id)
    for person in people:
        assert (await work.check("in", shift_id, person, code=code)).status_code == 201
    await work.clock.set(NOW + 4 * HOUR)
    busy = people[0].volunteer_id
    async with work.database.transaction() as tx:
        await tx.fetchval("select 1 from volunteers where volunteer_id = $1 for no key update", busy)
        assert await timers.close_overdue(work.database, batch=2) == 6
    assert await timers.close_overdue(work.database, batch=2) == 1


async def test_the_timer_stops_when_asked_and_survives_a_database_that_is_away(work: Work) -> None:
    await work.serving()
    await work.clock.set(NOW + 4 * HOUR)
    calls: list[int] = []
    stop = asyncio.Event()

    async def flaky() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise TransientError("away")
        closed = await timers.close_overdue(work.database)
        stop.set()
        return closed

    await asyncio.wait_for(run_timer("attendance", flaky, 0.01, stop), WAIT_LIMIT)
    assert len(calls) == 2
    assert await work.count("select count(*) from attendance_records where closed_by = 'auto'") == 1


async def test_records_are_ones_own_ones_teams_or_ones_sites_to_see(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    stranger = await work.volunteer()
    path = f"/attendance/records/{record['record_id']}"
    seen = {
        somebody.token: 200,
        stranger.token: 404,
        work.other_station: 404,
        work.station: 200,
        work.leader.token: 200,
    }
    for token, status in {**seen, work.operator: 200}.items():
        assert (await work.get(path, token)).status_code == status
    asked = {"volunteer_id": somebody.volunteer_id}
    assert (await work.get("/attendance/records", stranger.token, **asked)).status_code == 403
    assert (await work.get("/attendance/records", stranger.token)).json()["items"] == []
    for token, many in ((work.station, 1), (work.leader.token, 1), (work.other_station, 0), (work.operator, 1)):
        items = (await work.get("/attendance/records", token, shift_id=shift_id)).json()["items"]
        assert len(items) == many
    waiting = (await work.get("/attendance/records", work.station, status="provisional")).json()["items"]
    assert [each["record_id"] for each in waiting] == [record["record_id"]]


async def test_records_page_by_cursor(work: Work) -> None:
    somebody: Volunteer = await work.volunteer()
    for turn in range(5):
        shift_id = await work.shift((turn + 1) * HOUR, (turn + 2) * HOUR)
        await work.sign_up(shift_id, somebody)
        await work.clock.set(NOW + (turn + 1) * HOUR)
        await work.check("in", shift_id, somebody)
        await work.clock.set(NOW + (turn + 1) * HOUR + 30 * MINUTE)
        await work.check("out", shift_id, somebody)
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await work.get("/attendance/records", somebody.token, **params)).json()
        seen += [instant(each["started_at"]) for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [NOW + turn * HOUR for turn in (5, 4, 3, 2, 1)]


async def test_imported_hours_count_once_per_registry_reference(work: Work) -> None:
    people = await work.people(3)
    rows = [(uuid_of(person), f"龙江志愿/LJ{n}", 600 * (n + 1), NOW) for n, person in enumerate(people)]
    for _ in range(2):
        async with work.database.transaction() as tx:
            await record_imported(tx, rows)
            await record_imported(tx, [])
    events = await work.events("attendance")
    assert sorted(event["minutes"] for event in events) == [600, 1200, 1800]
    for event in events:
        told = AttendanceRecorded.model_validate(event)
        assert (told.theme, told.provenance, told.status, told.revision) == ("imported", "imported", "confirmed", 1)
        assert (told.shift_id, told.activity_id, told.site_id) == (None, None, None)
    mine = (await work.get("/attendance/records", people[0].token)).json()["items"]
    assert [(each["minutes"], each["activity_title"]) for each in mine] == [(600, None)]


def uuid_of(person: Volunteer) -> UUID:
    return UUID(person.volunteer_id)
