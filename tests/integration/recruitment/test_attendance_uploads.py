"""Signed batches of devices, corrections, voids, confirmations and evidence, on a real database."""

import asyncio
from typing import Any

from services.recruitment.attendance import timers
from services.recruitment.devices.signing import sign
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Work, at, instant
from tests.support.statements import statements_of
from tests.support.uploads import a_row, upload


def slug(answer: Any) -> str:
    kind: str = answer.json()["type"]
    return kind.rpartition("/")[2].rpartition(":")[2]


async def test_a_batch_is_taken_row_by_row_and_a_second_time_as_duplicates(work: Work) -> None:
    shift_id, device = await work.shift(capacity=2), await work.device()
    people = await work.people(4)
    await work.sign_up(shift_id, people[0])
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people[:3])]
    rows += [
        a_row(3, people[3], shift_id, end=HOUR),
        a_row(4, people[3], str(new_id())),
        a_row(5, people[3], shift_id, volunteer_number="LD-404"),
        a_row(6, people[3], shift_id, end=9 * HOUR),
        a_row(7, people[0], shift_id, 90 * MINUTE, 100 * MINUTE),
        a_row(1, people[1], shift_id),
        a_row(2, people[2], shift_id, end=2 * HOUR + MINUTE),
    ]
    result = await upload(work, work.batch(device, *rows))
    assert (result["accepted"], result["duplicates"]) == (3, 1)
    assert [(each["index"], each["upload_id"]) for each in result["refused"]] == [
        (3, "u3"), (4, "u4"), (5, "u5"), (6, "u6"), (7, "u7"), (9, "u2"),
    ]  # fmt: skip
    assert all(each["detail"].endswith(".") for each in result["refused"])
    assert {each["upload_id"] for each in result["records"]} == {"u0", "u1", "u2"}
    view = (await work.get(f"/shifts/{shift_id}")).json()
    assert (view["taken"], view["capacity"]) == (2, 2), "one signed up, one walk-in took the place, one had none"
    assert await work.count("select count(*) from signups where source = 'walk_in'") == 1
    assert len(await work.events("signups")) == 1, "a walk-in's place is told in no event"

    again = await upload(work, work.batch(device, *rows[:3], skew=7))
    assert (again["accepted"], again["duplicates"], again["refused"]) == (0, 3, [])
    assert sorted(each["record_id"] for each in again["records"]) == sorted(
        {each["record_id"] for each in result["records"]}
    )
    events = [AttendanceRecorded.model_validate(event) for event in await work.events("attendance")]
    assert {(each.provenance, each.status, each.closed_by, each.minutes) for each in events} == {
        ("kiosk", "confirmed", "self", 60)
    }
    assert {(each.device_ref, str(each.recorder_site_id)) for each in events} == {(device, work.sites["惠民社区"])}
    assert len(events) == 3


async def test_a_volunteer_number_counts_however_it_was_typed_into_the_device(work: Work) -> None:
    shift_id, device = await work.shift(), await work.device()
    (person,) = await work.people(1)
    await work.clock.set(NOW + 5 * HOUR)
    fullwidth = "".join(chr(ord(char) + 0xFEE0) for char in person.number)
    spellings = [person.number.lower(), person.number.replace("-", ""), f"\u200b{fullwidth}\t", person.number]
    rows = [a_row(1, person, shift_id, volunteer_number=typed) for typed in spellings]
    result = await upload(work, work.batch(device, *rows))
    assert (result["accepted"], result["duplicates"], result["refused"]) == (1, 3, []), "one row, whatever its spelling"
    wrong = f"{person.number[:-1]}{(int(person.number[-1]) + 1) % 10}"
    result = await upload(work, work.batch(device, a_row(2, person, shift_id, volunteer_number=wrong)))
    assert "a digit of the volunteer number is wrong" in result["refused"][0]["detail"]


async def test_a_batch_of_hundreds_needs_no_more_statements_than_one_of_two(work: Work) -> None:
    shift_id, device = await work.shift(capacity=600), await work.device()
    people = await work.people(500)
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people)]
    few, many = work.batch(device, *rows[:2]), work.batch(device, *rows[2:])
    async with statements_of(work.district.app.state.database) as for_few:
        assert (await upload(work, few))["accepted"] == 2
    async with statements_of(work.district.app.state.database) as for_many:
        assert (await upload(work, many))["accepted"] == 498
    # Those above the cap of one account wait, by one more statement.
    assert 5 < len(for_many) <= len(for_few) + 1, for_many
    assert await work.count("select count(*) from attendance_revisions") == 500
    assert len(await work.events("attendance")) == 500


async def test_the_same_batch_from_several_connections_at_once_is_taken_once(work: Work) -> None:
    shift_id, device = await work.shift(capacity=30), await work.device()
    people = await work.people(20)
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people)]
    results = await asyncio.gather(
        upload(work, work.batch(device, *rows)),
        upload(work, work.batch(device, *reversed(rows))),
        upload(work, work.batch(device, *rows[5:])),
    )
    assert sum(each["accepted"] for each in results) == 20
    assert sum(each["duplicates"] for each in results) == 35
    assert await work.count("select count(*) from attendance_records") == 20
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == 20


async def test_batches_and_check_ins_of_the_same_people_never_overlap(work: Work) -> None:
    shift_id, other_shift = await work.shift(capacity=30), await work.shift(HOUR + 30 * MINUTE, 4 * HOUR)
    device, people = await work.device(), (await work.people(6))
    for person in people:
        await work.sign_up(other_shift, person)
    await work.clock.set(NOW + 2 * HOUR)
    code = await work.code(other_shift)
    rows = [a_row(n, person, shift_id, HOUR, 2 * HOUR + MINUTE) for n, person in enumerate(people)]
    result, answers = await asyncio.gather(
        upload(work, work.batch(device, *rows)),
        asyncio.gather(*(work.check("in", other_shift, person, code=code) for person in people)),
    )
    checked_in = sum(answer.status_code == 201 for answer in answers)
    assert result["accepted"] + checked_in == 6
    assert await work.count("select count(*) from attendance_records") == 6


async def test_a_measured_skew_is_taken_off_the_times(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    await work.clock.set(NOW + 2 * HOUR)
    fast = a_row(1, person, shift_id, HOUR + 10 * MINUTE, 2 * HOUR + 10 * MINUTE)
    assert "future" in (await upload(work, work.batch(device, fast)))["refused"][0]["detail"]
    assert (await upload(work, work.batch(device, fast, skew=600.0)))["accepted"] == 1
    (event,) = await work.events("attendance")
    assert instant(event["started_at"]) == NOW + HOUR


async def test_a_batch_needs_a_trusted_device_a_true_signature_and_somebody_who_may(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    elsewhere = await work.device("东湖社区", work.other_station)
    await work.clock.set(NOW + 5 * HOUR)
    row = a_row(1, person, shift_id)
    good = work.batch(device, row)
    path = "/attendance/batches"
    assert slug(await work.post(path, {**good, "measured_skew_seconds": 1}, work.station)) == "signature-invalid"
    assert slug(await work.post(path, {**good, "device_id": str(new_id())}, work.station)) == "device-unknown"
    assert slug(await work.post(path, good, work.other_station)) == "site-out-of-bounds"
    assert slug(await work.post(path, good, work.leader.token)) == "provenance-not-allowed"
    assert (await work.post(path, good, person.token)).status_code == 403
    refused = (await upload(work, work.batch(elsewhere, row), work.other_station))["refused"]
    assert "does not belong to" in refused[0]["detail"]
    assert (await work.post(f"/devices/{device}/revoke", None, work.other_station)).status_code == 404
    assert (await work.post(f"/devices/{device}/revoke", None, work.station)).status_code == 200
    assert slug(await work.post(path, good, work.station)) == "device-revoked"
    listed = (await work.get("/devices", work.station)).json()["items"]
    assert [each["device_id"] for each in listed] == [device]
    assert "secret" not in listed[0]
    assert await work.count("select count(*) from attendance_records") == 0


async def test_input_that_makes_no_sense_is_a_problem(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    row = a_row(1, person, shift_id)
    changes: list[Answer] = [
        {"records": []},
        {"records": [row] * 501},
        {"provenance": "scanned"},
        {"provenance": "imported"},
        {"measured_skew_seconds": 1e9},
        {"measured_skew_seconds": "0"},
        {"records": [{**row, "started_at": "2026-03-04T09:00:00"}]},
        {"records": [{**row, "upload_id": ""}]},
        {"records": [{**row, "upload_id": "\u0000"}]},
        {"records": [{**row, "minutes": 600}]},
        {"signature": "short"},
    ]
    for change in changes:
        body = {**work.batch(device, row), **change}
        if "signature" not in change:
            body["signature"] = sign(work.secrets[device], body)
        answer = await work.post("/attendance/batches", body, work.station)
        assert answer.status_code in (400, 422), (change, answer.text)
        assert answer.json()["detail"]
    assert await work.count("select count(*) from attendance_records") == 0


async def test_a_leader_calls_the_roll_of_their_own_team_and_never_themselves(work: Work) -> None:
    shift_id, (person,) = await work.shift(), await work.people(1)
    others = await work.shift(team_id=work.other_team)
    device = await work.device()
    await work.clock.set(NOW + 5 * HOUR)
    rows = (a_row(1, person, shift_id), a_row(2, work.leader, shift_id), a_row(3, person, others, 2 * HOUR, 3 * HOUR))
    result = await upload(work, work.batch(device, *rows, provenance="leader"), work.leader.token)
    assert result["accepted"] == 1
    assert ["own" in each["detail"] or "lead" in each["detail"] for each in result["refused"]] == [True, True]
    (event,) = await work.events("attendance")
    assert (event["provenance"], event["closed_by"], event["approval_level"]) == ("leader", "staff", "leader")
    assert event["recorded_by"] == work.leader.volunteer_id


async def test_backfilled_hours_need_evidence_and_the_approval_of_another_site(work: Work) -> None:
    shift_id, device, (person,) = await work.shift(), await work.device(), await work.people(1)
    await work.clock.set(NOW + 30 * HOUR)
    row = a_row(1, person, shift_id)
    path = "/attendance/batches"
    bare = await work.post(path, work.batch(device, row, provenance="backfilled"), work.station)
    assert slug(bare) == "evidence-missing"
    body = work.batch(device, row, provenance="backfilled", evidence="纸质签到表第3页，王建国")
    assert slug(await work.post(path, body, work.leader.token)) == "provenance-not-allowed"
    record_id = (await upload(work, body))["records"][0]["record_id"]
    assert (await work.events("attendance"))[0]["status"] == "provisional"
    confirm = f"/attendance/records/{record_id}/confirm"
    for token in (work.leader.token, work.station, work.operator):
        assert slug(await work.post(confirm, {"reason": "核对过"}, token)) == "another-site-needed"
    decide = {"record_ids": [record_id], "decision": "approve", "reason": "核对过"}
    path = "/attendance/approvals/decisions"
    assert slug(await work.post(path, decide, work.station)) == "another-site-needed"
    (confirmed,) = (await work.post(path, decide, work.operator)).json()["records"]
    assert (confirmed["status"], confirmed["approval_level"], confirmed["provenance"]) == (
        "confirmed",
        "centre",
        "backfilled",
    )


async def test_a_correction_and_a_void_are_revisions_with_reason_and_sealed_evidence(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 2 * HOUR)
    await work.check("out", shift_id, somebody)
    await work.clock.set(NOW + 6 * HOUR)
    path = f"/attendance/records/{record['record_id']}"
    new_times = {"started_at": at(HOUR), "ended_at": at(90 * MINUTE)}
    why = {"reason": "签退机慢了", "evidence": "王建国作证，照片第7张"}
    for token, status in ((somebody.token, 403), (work.leader.token, 403), (work.other_station, 404)):
        assert (await work.post(f"{path}/corrections", {**new_times, **why}, token)).status_code == status
    corrected = (await work.post(f"{path}/corrections", {**new_times, **why}, work.station)).json()
    assert (corrected["minutes"], corrected["closed_by"], corrected["approval_level"]) == (30, "correction", "site")
    again = await work.post(f"{path}/corrections", {**new_times, **why}, work.station)
    assert slug(again) == "nothing-to-correct"
    for bad, refused in (
        ({"ended_at": at(30 * MINUTE)}, "times-invalid"),
        ({"ended_at": at(91 * MINUTE)}, "correction-only-shortens"),
        ({"started_at": at(59 * MINUTE)}, "correction-only-shortens"),
    ):
        assert slug(await work.post(f"{path}/corrections", {**new_times, **why, **bad})) == refused
    voided = (await work.post(f"{path}/void", why, work.operator)).json()
    assert (voided["status"], voided["revision"], voided["minutes"]) == ("void", 4, 30)
    assert slug(await work.post(f"{path}/void", why)) == "record-void"

    assert [event["revision"] for event in await work.events("attendance")] == [1, 2, 3, 4]
    history = (await work.get(path, somebody.token)).json()["revisions"]
    assert [each["reason"] for each in history] == [None, None, "签退机慢了", "签退机慢了"]
    assert "王建国" not in str(history), "evidence is not part of the history that everybody may read"
    raw = await work.count("select count(*) from attendance_evidence where position('王'::bytea in sealed) > 0")
    assert raw == 0
    assert await work.count("select count(*) from attendance_evidence") == 2

    evidence = await work.post(f"{path}/evidence", {"purpose": "申诉核查"}, work.station)
    assert [each["evidence"] for each in evidence.json()["items"]] == [why["evidence"]] * 2
    assert await work.count("select count(*) from vault_reads where purpose = '申诉核查'") == 1
    assert await work.count("select count(*) from security_events where kind = 'unmasked'") == 1
    assert await work.count("select count(*) from idempotency where scope like '%/evidence'") == 0
    work.district.app.state.settings = work.district.settings.model_copy(update={"looks_per_hour": 1})
    assert slug(await work.post(f"{path}/evidence", {"purpose": "申诉核查"}, work.station)) == "looks-limited"
    assert (await work.post(f"{path}/evidence", {}, work.station)).status_code == 422, "a purpose must be given"
    assert (await work.post(f"{path}/evidence", {"purpose": "x"}, somebody.token)).status_code == 403


async def test_an_addition_may_not_overlap_another_record(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 2 * HOUR)
    await work.check("out", shift_id, somebody)
    other = await work.shift(2 * HOUR, 3 * HOUR)
    device = await work.device()
    await work.clock.set(NOW + 5 * HOUR)
    result = await upload(work, work.batch(device, a_row(1, somebody, other, 2 * HOUR, 3 * HOUR)))
    assert result["accepted"] == 1, "back to back is no overlap"
    body = {"started_at": at(2 * HOUR), "ended_at": at(2 * HOUR + MINUTE), "reason": "r", "evidence": "e"}
    answer = await work.post(f"/attendance/records/{record['record_id']}/additions", body, work.station)
    assert (slug(answer), answer.json()["record_id"]) == ("attendance-overlaps", result["records"][0]["record_id"])


async def test_an_automatically_closed_record_is_confirmed_by_the_teams_leader(work: Work) -> None:
    _, somebody, record = await work.serving()
    path = f"/attendance/records/{record['record_id']}/confirm"
    assert slug(await work.post(path, {"reason": "在场"}, work.leader.token)) == "record-open"
    await work.clock.set(NOW + 4 * HOUR)
    await timers.close_overdue(work.database)
    assert (await work.post(path, {"reason": "在场"}, somebody.token)).status_code == 403
    confirmed = (await work.post(path, {"reason": "在场"}, work.leader.token)).json()
    assert (confirmed["status"], confirmed["closed_by"], confirmed["approval_level"]) == ("confirmed", "auto", "leader")
    assert (confirmed["provenance"], confirmed["minutes"]) == ("scanned", 120)
    assert slug(await work.post(path, {"reason": "在场"}, work.station)) == "record-confirmed"


async def test_leaders_do_not_confirm_their_own_records(work: Work) -> None:
    shift_id = await work.shift()
    await work.sign_up(shift_id, work.leader)
    await work.clock.set(NOW + HOUR)
    record = (await work.check("in", shift_id, work.leader)).json()
    await work.clock.set(NOW + 4 * HOUR)
    await timers.close_overdue(work.database)
    path = f"/attendance/records/{record['record_id']}/confirm"
    assert slug(await work.post(path, {"reason": "我在"}, work.leader.token)) == "own-record"
    assert (await work.post(path, {"reason": "在场"}, work.station)).status_code == 201


async def test_many_changes_of_one_record_at_once_make_one_line_of_revisions(work: Work) -> None:
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 2 * HOUR)
    path = f"/attendance/records/{record['record_id']}"
    why = {"reason": "r", "evidence": "e"}
    code = await work.code(shift_id)
    calls = [work.check("out", shift_id, somebody, code=code)]
    for minutes in range(10, 18):
        times = {"started_at": at(HOUR), "ended_at": at(HOUR + minutes * MINUTE)}
        calls.append(work.post(f"{path}/corrections", {**times, **why}, work.station))
    calls.append(work.post(f"{path}/void", why, work.station))
    answers = await asyncio.gather(*calls)
    assert all(answer.status_code in (201, 409) for answer in answers)
    revisions = [event["revision"] for event in await work.events("attendance")]
    assert revisions == list(range(1, len(revisions) + 1))
    assert (await work.get(path)).json()["revision"] == revisions[-1]
