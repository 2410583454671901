"""What one account can make of hours at each door: counted at once, waiting for another site, or refused."""

import asyncio
from datetime import timedelta
from typing import Any

from services.recruitment.attendance import timers
from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Work, at, instant
from tests.support.hour_doors import WHY, a_row, record_of, slug, upload


async def credit_minutes(work: Work) -> int:
    """Minutes that points would be earned by."""
    return await work.count(
        "select coalesce(sum(minutes), 0)::int from attendance_records"
        " where status = 'confirmed' and provenance in ('scanned', 'kiosk', 'leader')"
    )


async def test_a_correction_cannot_stretch_a_scan_nor_move_it_to_another_day(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.check("out", shift_id, somebody)
    await work.clock.set(NOW + DAY)
    path = f"/attendance/records/{record['record_id']}/corrections"
    for start, end in ((-16 * HOUR, 0 * HOUR), (HOUR, 3 * HOUR), (HOUR, HOUR + MINUTE)):
        refused = await work.post(path, {"started_at": at(start), "ended_at": at(end), **WHY}, work.station)
        assert slug(refused) == "correction-only-shortens"
    assert (await record_of(work, record["record_id"]))["minutes"] == 0
    assert await credit_minutes(work) == 0


async def test_one_account_alone_makes_no_hours_of_past_shifts(work: Work) -> None:
    await work.clock.set(NOW + 8 * DAY)
    person = await work.volunteer(late=True)
    device = await work.device(token=work.station, late=True)
    days = [n * DAY for n in range(7)]
    made = await work.activity(*((day, day + 10 * HOUR) for day in days), late=True, token=work.station)
    shifts = [each["shift_id"] for each in made["shifts"]]
    rows = [
        a_row(n, person, shift_id, day, day + 10 * HOUR)
        for n, (shift_id, day) in enumerate(zip(shifts, days, strict=True))
    ]
    result = await upload(work, work.batch(device, *rows))
    assert {tuple(each["waits_for"]) for each in result["records"]} == {("backfilled",)}
    for each in result["records"]:
        record = await record_of(work, each["record_id"])
        assert (record["provenance"], record["status"]) == ("backfilled", "provisional")
    assert await credit_minutes(work) == 0
    records = [each["record_id"] for each in result["records"]]
    assert slug(await work.decide(records, work.station)) == "another-site-needed"
    confirm = f"/attendance/records/{records[0]}/confirm"
    assert slug(await work.post(confirm, {"reason": "我说是"}, work.station)) == "another-site-needed"


async def test_a_second_account_of_the_same_site_is_no_other_site(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    await work.clock.set(NOW + 5 * HOUR)
    second_centre = await work.staff("centre2", None, work_role("operator"))
    second_station = await work.staff("huimin2", "惠民社区")
    north, south = await work.staff("north1", "north"), await work.staff("south1", "south")
    body = work.batch(device, a_row(1, person, shift_id), provenance="backfilled", evidence="签到表")
    (entered,) = (await upload(work, body, work.operator))["records"]
    record_id = entered["record_id"]
    for token in (work.operator, second_centre, work.station, second_station, work.other_station, south):
        assert slug(await work.decide([record_id], token)) == "another-site-needed"
        assert await work.approvals(token) == []
    assert [each["record_id"] for each in await work.approvals(north)] == [record_id]
    assert (await work.decide([record_id], north)).status_code == 201, "the institute that the activity concerns"
    record = await record_of(work, record_id)
    assert (record["status"], record["provenance"], record["approval_level"]) == ("confirmed", "backfilled", "site")


def work_role(name: str) -> Any:
    from services.recruitment.access.domain import StaffRole

    return StaffRole(name)


async def test_coming_early_and_leaving_late_counts_the_shift_only(work: Work) -> None:
    shift_id, somebody = await work.shift(21 * HOUR, 22 * HOUR), await work.volunteer()
    await work.sign_up(shift_id, somebody)
    await work.clock.set(NOW + 20 * HOUR)
    record = (await work.check("in", shift_id, somebody)).json()
    await work.clock.set(NOW + 22 * HOUR + 30 * MINUTE)
    closed = (await work.check("out", shift_id, somebody)).json()
    assert (closed["minutes"], closed["status"]) == (60, "confirmed")
    assert (instant(closed["started_at"]), instant(closed["ended_at"])) == (
        NOW + 20 * HOUR,
        NOW + 22 * HOUR + 30 * MINUTE,
    )
    path = f"/attendance/records/{record['record_id']}/overtime"
    assert (await work.post(path, {"reason": "r"}, somebody.token)).status_code == 403
    assert (await work.post(path, {"reason": "r"}, work.other_station)).status_code == 404
    longer = (await work.post(path, {"reason": "收拾场地"}, work.leader.token)).json()
    assert (longer["minutes"], longer["overtime_minutes"], longer["provenance"]) == (90, 30, "scanned")
    assert slug(await work.post(path, {"reason": "r"}, work.station)) == "no-overtime"
    assert [event["minutes"] for event in await work.events("attendance")] == [0, 60, 90]
    assert await work.count("select minutes from attendance_assertions where kind = 'overtime'") == 30


async def test_a_kiosk_row_counts_inside_the_shift_too(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    await work.clock.set(NOW + 8 * HOUR)
    row = a_row(1, person, shift_id, 10 * MINUTE, 6 * HOUR)
    (made,) = (await upload(work, work.batch(device, row)))["records"]
    record = await record_of(work, made["record_id"])
    assert (record["minutes"], record["status"], made["waits_for"]) == (120, "confirmed", [])


async def test_what_is_new_on_the_day_waits_for_another_site(work: Work) -> None:
    shift_id, late_shift = await work.shift(), await work.shift(3 * HOUR, 5 * HOUR, late=True)
    old_device, new_device = await work.device(), await work.device(late=True)
    (known,), newcomer = await work.people(1), await work.volunteer(late=True)
    await work.clock.set(NOW + 6 * HOUR)
    for device, row, waits_for in (
        (old_device, a_row(1, known, shift_id), []),
        (new_device, a_row(2, known, late_shift, 3 * HOUR, 5 * HOUR), ["device-new", "shift-late"]),
        (old_device, a_row(3, newcomer, shift_id), ["volunteer-new"]),
    ):
        (made,) = (await upload(work, work.batch(device, row)))["records"]
        assert made["waits_for"] == waits_for
        record = await record_of(work, made["record_id"])
        assert (record["status"], record["waits_for"]) == ("provisional" if waits_for else "confirmed", waits_for)
        assert record["provenance"] == "kiosk"
    assert await credit_minutes(work) == 120
    waiting = await work.approvals(work.other_station)
    assert [each["reasons"] for each in waiting] == [["device-new", "shift-late"], ["volunteer-new"]]
    approved = await work.decide([each["record_id"] for each in waiting], work.other_station)
    assert [each["status"] for each in approved.json()["records"]] == ["confirmed", "confirmed"]
    assert await credit_minutes(work) == 360


async def test_a_drives_own_kiosk_registers_and_checks_in_and_another_site_approves_the_list(work: Work) -> None:
    shift_id, device = await work.shift(2 * HOUR, 4 * HOUR), await work.device()
    drive = await work.district.drive(work.sites["惠民社区"])
    await work.clock.set(NOW + HOUR)
    people = [await work.volunteer(drive_code=drive["code"]) for _ in range(3)]
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id, 2 * HOUR, 4 * HOUR) for n, person in enumerate(people)]
    result = await upload(work, work.batch(device, *rows))
    assert {tuple(each["waits_for"]) for each in result["records"]} == {("drive",)}
    listed = await work.approvals(work.other_station, drive_id=drive["drive_id"])
    assert len(listed) == 3
    assert {(each["drive_name"], each["activity_id"] is None) for each in listed} == {(drive["name"], False)}
    for view, token in (("decidable", work.other_station), ("recorded", work.station)):
        kept = {"view": view, "activity_id": listed[0]["activity_id"]}
        assert len(await work.approvals(token, **kept)) == 3
        assert await work.approvals(token, **{**kept, "activity_id": work.theme}) == []
        assert await work.approvals(token, **kept, drive_id=work.theme) == []
    answer = await work.decide([each["record_id"] for each in listed], work.other_station)
    assert {each["status"] for each in answer.json()["records"]} == {"confirmed"}
    assert await credit_minutes(work) == 360


async def test_beyond_eight_hours_a_day_one_accounts_word_waits(work: Work) -> None:
    shifts = [await work.shift(n * HOUR, (n + 3) * HOUR) for n in (0, 3, 6)]
    device, (person,) = await work.device(), await work.people(1)
    await work.clock.set(NOW + 10 * HOUR)
    rows = [a_row(n, person, shift, n * 3 * HOUR, (n + 1) * 3 * HOUR) for n, shift in enumerate(shifts)]
    one_by_one = [(await upload(work, work.batch(device, row)))["records"][0]["waits_for"] for row in rows]
    assert one_by_one == [[], [], ["cap"]]
    assert await credit_minutes(work) == 360
    again = await upload(work, work.batch(device, *rows))
    assert again["duplicates"] == 3
    voided = await work.post(f"/attendance/records/{again['records'][0]['record_id']}/void", WHY, work.station)
    assert voided.status_code == 201
    more = await work.shift(9 * HOUR, 12 * HOUR)
    await work.clock.set(NOW + 13 * HOUR)
    row = a_row(9, person, more, 9 * HOUR, 12 * HOUR)
    assert (await upload(work, work.batch(device, row)))["records"][0]["waits_for"] == ["cap"], "a void makes no room"


async def test_two_uploads_at_once_stay_within_the_cap_together(work: Work) -> None:
    shifts = [await work.shift(n * HOUR, (n + 3) * HOUR) for n in (0, 3, 6)]
    devices, (person,) = [await work.device() for _ in range(3)], await work.people(1)
    await work.clock.set(NOW + 10 * HOUR)
    rows = [a_row(n, person, shift, n * 3 * HOUR, (n + 1) * 3 * HOUR) for n, shift in enumerate(shifts)]
    results = await asyncio.gather(
        *(upload(work, work.batch(device, row)) for device, row in zip(devices, rows, strict=True))
    )
    assert sorted(result["records"][0]["waits_for"] for result in results) == [[], [], ["cap"]]


async def test_an_automatic_close_is_confirmed_within_the_cap_and_a_late_shift_waits(work: Work) -> None:
    work.district.app.state.settings = work.district.settings.model_copy(update={"asserted_minutes_per_volunteer": 120})
    first, second = await work.shift(HOUR, 3 * HOUR), await work.shift(4 * HOUR, 5 * HOUR)
    somebody = await work.volunteer()
    records = []
    for shift_id, start in ((first, HOUR), (second, 4 * HOUR)):
        await work.sign_up(shift_id, somebody)
        await work.clock.set(NOW + start)
        records.append((await work.check("in", shift_id, somebody)).json()["record_id"])
        await work.clock.set(NOW + start + 3 * HOUR)
        await timers.close_overdue(work.database)
    confirmed = (await work.post(f"/attendance/records/{records[0]}/confirm", {"reason": "在场"}, work.station)).json()
    assert confirmed["status"] == "confirmed"
    waits = (await work.post(f"/attendance/records/{records[1]}/confirm", {"reason": "在场"}, work.station)).json()
    assert waits["status"] == "provisional"
    assert (await record_of(work, records[1]))["waits_for"] == ["cap"]
    assert slug(await work.post(f"/attendance/records/{records[1]}/confirm", {"reason": "x"}, work.station)) == (
        "another-site-needed"
    )
    late = (await work.check("out", second, somebody)).json()
    assert (late["status"], late["minutes"]) == ("confirmed", 60), "a real check-out needs no approval"
    assert await work.approvals(work.other_station) == []


async def test_uploads_that_come_late_wait_or_become_entered_hours(work: Work) -> None:
    shift_id = await work.shift(capacity=20)
    device, people = await work.device(), await work.people(6)

    async def made(number: int, after: timedelta, **more: Any) -> tuple[str, str, list[str]]:
        await work.clock.set(NOW + 3 * HOUR + after)
        body = work.batch(device, a_row(number, people[number], shift_id), **more)
        (result,) = (await upload(work, body))["records"]
        record = await record_of(work, result["record_id"])
        return record["provenance"], record["status"], result["waits_for"]

    assert await made(0, 72 * HOUR, sequence=1) == ("kiosk", "confirmed", [])
    assert await made(1, 72 * HOUR + MINUTE, sequence=2) == ("kiosk", "provisional", ["late-upload"])
    assert await made(2, 73 * HOUR) == ("backfilled", "provisional", ["backfilled"]), "without a number"
    assert await made(3, 74 * HOUR, sequence=4) == ("backfilled", "provisional", ["backfilled"]), "one is missing"
    assert await made(4, 75 * HOUR, sequence=5) == ("backfilled", "provisional", ["backfilled"]), "since the shift"
    assert await made(5, 31 * DAY, sequence=6) == ("backfilled", "provisional", ["backfilled"]), "after 30 days"
    assert await work.count("select count(*) from attendance_evidence") == 4, "the signed row is the evidence"
    again = await upload(work, work.batch(device, *(a_row(n, people[n], shift_id) for n in range(6)), sequence=7))
    assert (again["accepted"], again["duplicates"]) == (0, 6)
    kept = await work.count("select count(*) from attendance_records where revision = 1 and provenance = 'kiosk'")
    assert kept == 2, "rows accepted once do not change by being sent again"


async def test_a_shift_that_was_planned_after_its_start_takes_no_scans(work: Work) -> None:
    await work.clock.set(NOW + 90 * MINUTE)
    shift_id, somebody = await work.shift(HOUR, 3 * HOUR, late=True), await work.volunteer()
    await work.sign_up(shift_id, somebody)
    assert slug(await work.check("in", shift_id, somebody)) == "shift-planned-late"


async def test_forgotten_time_is_a_second_record_and_the_first_keeps_its_minutes(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 2 * HOUR)
    await work.check("out", shift_id, somebody)
    await work.clock.set(NOW + 6 * HOUR)
    path = f"/attendance/records/{record['record_id']}/additions"
    body = {"started_at": at(2 * HOUR), "ended_at": at(3 * HOUR), **WHY}
    for token, status in ((somebody.token, 403), (work.leader.token, 403), (work.other_station, 404)):
        assert (await work.post(path, body, token)).status_code == status
    added = (await work.post(path, body, work.station)).json()
    assert (added["provenance"], added["status"], added["minutes"]) == ("backfilled", "provisional", 60)
    assert added["linked_record_id"] == record["record_id"]
    assert (await record_of(work, record["record_id"]))["minutes"] == 60
    assert (await work.decide([added["record_id"]], work.other_station)).status_code == 201
    assert await credit_minutes(work) == 60, "entered hours earn no points"
    seen = await work.post(
        f"/attendance/records/{added['record_id']}/evidence", {"purpose": "核对"}, work.other_station
    )
    assert seen.status_code == 404, "decided, so no longer another site's to see"


async def test_a_leaders_roll_call_does_not_name_who_registered_its_device(work: Work) -> None:
    shift_id, device = await work.shift(), await work.device(token=work.station)
    (person,) = await work.people(1)
    async with work.database.transaction() as tx:
        await tx.execute(
            "update staff set volunteer_id = $1, volunteer_said_by = staff_id, volunteer_said_at = now()"
            " where username = 'huimin'",
            person.volunteer_id,
        )
    await work.clock.set(NOW + 5 * HOUR)
    body = work.batch(device, a_row(1, person, shift_id), provenance="leader")
    answer = (await work.post("/attendance/batches", body, work.leader.token)).json()
    assert "registered its device" in answer["refused"][0]["detail"]


async def test_a_shift_that_was_called_off_before_it_began_counts_nothing(work: Work) -> None:
    made = await work.activity((HOUR, 3 * HOUR))
    shift_id, device, somebody = made["shifts"][0]["shift_id"], await work.device(), await work.volunteer()
    await work.sign_up(shift_id, somebody)
    await work.clock.set(NOW + 30 * MINUTE)
    record = (await work.check("in", shift_id, somebody)).json()
    body = {"version": made["version"], "reason": "weather"}
    answer = await work.post(f"/shifts/{shift_id}/cancellation", body, work.station)
    assert answer.status_code == 200, answer.text
    closed = await record_of(work, record["record_id"])
    assert (closed["closed_by"], closed["minutes"]) == ("auto", 0)
    assert instant(closed["ended_at"]) == NOW + 30 * MINUTE
    await work.clock.set(NOW + 5 * HOUR)
    await timers.close_overdue(work.database)
    row = a_row(1, somebody, shift_id)
    refused = (await work.post("/attendance/batches", work.batch(device, row), work.station)).json()["refused"]
    assert "called off" in refused[0]["detail"]
    assert await credit_minutes(work) == 0


async def test_a_shift_that_was_called_off_counts_until_then(work: Work) -> None:
    made = await work.activity((HOUR, 3 * HOUR))
    shift_id, somebody = made["shifts"][0]["shift_id"], await work.volunteer()
    late = await work.volunteer()
    for each in (somebody, late):
        await work.sign_up(shift_id, each)
    await work.clock.set(NOW + HOUR)
    record = (await work.check("in", shift_id, somebody)).json()
    await work.clock.set(NOW + 2 * HOUR)
    body = {"version": made["version"], "reason": "weather"}
    assert (await work.post(f"/shifts/{shift_id}/cancellation", body, work.station)).status_code == 200
    closed = await record_of(work, record["record_id"])
    assert (closed["status"], closed["closed_by"], closed["minutes"]) == ("provisional", "auto", 60)
    real = (await work.check("out", shift_id, somebody)).json()
    assert (real["status"], real["minutes"]) == ("confirmed", 60)


async def test_denied_or_rejected_hours_do_not_count_at_once_under_another_upload(work: Work) -> None:
    shift_id, device, people = await work.shift(), await work.device(), await work.people(3)
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people)]
    denied, shortened, rejected = [
        each["record_id"] for each in (await upload(work, work.batch(device, *rows)))["records"]
    ]
    for record_id, person in zip((denied, shortened, rejected), people, strict=True):
        answer = await work.post(f"/attendance/records/{record_id}/denial", {"reason": "我没有去"}, person.token)
        assert answer.status_code == 201, answer.text
    assert (await work.post(f"/attendance/records/{denied}/void", WHY, work.station)).status_code == 201
    short = {"started_at": at(HOUR), "ended_at": at(HOUR + MINUTE), **WHY}
    assert (await work.post(f"/attendance/records/{shortened}/corrections", short, work.station)).status_code == 201
    assert (await work.decide([rejected], work.other_station, "reject")).status_code == 201
    again = [
        a_row(10, people[0], shift_id),
        a_row(11, people[1], shift_id, HOUR + 2 * MINUTE),
        a_row(12, people[2], shift_id, 2 * HOUR),
    ]
    made = (await upload(work, work.batch(device, *again)))["records"]
    assert [each["waits_for"] for each in made] == [["denied"]] * 3
    assert await credit_minutes(work) == 0
    assert (await work.decide([made[0]["record_id"]], work.other_station)).status_code == 201
    assert await credit_minutes(work) == 120
