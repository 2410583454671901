"""Which phone somebody scanned with: kept, told, looked at by integrity, and never taken for a registered device."""

from typing import Any

import orjson
import pytest

from services.points.integrity import documents
from services.points.integrity.domain import SeenRevision, ThresholdsInForce, acts_of, find
from services.points.records.decoding import decode
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.kafka.consumer import Message
from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Volunteer, Work, at

THEIRS, OTHER = "4f1c0b0a9d7e4c3b8a6f5e2d1c0b9a87", "zz-ZZ_0000000000"


async def scanned(work: Work, people: list[Volunteer], **body: Any) -> str:
    """A shift to which these people signed up and checked in; its id."""
    shift_id = await work.shift()
    for person in people:
        assert (await work.sign_up(shift_id, person)).status_code == 201
    await work.clock.set(NOW + HOUR)
    for person in people:
        answer = await work.check("in", shift_id, person, **body)
        assert answer.status_code == 201, answer.text
    return shift_id


async def test_the_phone_of_each_scan_is_kept_and_told(work: Work) -> None:
    (person,) = await work.people(1)
    shift_id = await scanned(work, [person], device_id=THEIRS)
    await work.clock.set(NOW + 2 * HOUR)
    closed = (await work.check("out", shift_id, person, device_id=OTHER)).json()
    assert closed["device_ref"] == f"phone:{OTHER}"
    told = [AttendanceRecorded.model_validate(event) for event in await work.events("attendance")]
    assert [(each.revision, each.device_ref) for each in told] == [(1, f"phone:{THEIRS}"), (2, f"phone:{OTHER}")]
    path = f"/attendance/records/{closed['record_id']}"
    times = {"started_at": at(HOUR), "ended_at": at(90 * MINUTE), "reason": "早退", "evidence": "签到表"}
    assert (await work.post(f"{path}/corrections", times, work.station)).status_code == 201
    found = (await work.get(path, person.token)).json()
    assert found["device_ref"] == f"phone:{OTHER}", "a correction is made with no phone"
    assert [each["device_ref"] for each in found["revisions"]] == [
        f"phone:{THEIRS}", f"phone:{OTHER}", f"phone:{OTHER}",
    ]  # fmt: skip


async def test_a_phone_that_names_itself_not_is_welcome_all_the_same(work: Work) -> None:
    (person,) = await work.people(1)
    shift_id = await scanned(work, [person])
    await work.clock.set(NOW + 2 * HOUR)
    assert (await work.check("out", shift_id, person)).json()["device_ref"] is None


async def test_nonsense_is_refused_and_nobody_passes_for_a_registered_device(work: Work) -> None:
    registered = await work.device()
    shift_id, (person,) = await work.shift(), await work.people(1)
    await work.sign_up(shift_id, person)
    await work.clock.set(NOW + HOUR)
    code = await work.code(shift_id)
    nonsense: list[Any] = [
        "", "short", "x" * 65, "phone:" + "a" * 20, f"{THEIRS}\n", THEIRS + "\u0000", "手机" * 10, " " * 20, "a|b" * 8,
        5, True, [THEIRS], {"id": THEIRS},
    ]  # fmt: skip
    for what in ("ins", "outs"):
        for device_id in nonsense:
            body: Answer = {"shift_id": shift_id, "code": code, "device_id": device_id}
            answer = await work.post(f"/attendance/check-{what}", body, person.token)
            assert answer.status_code in (400, 422), (device_id, answer.text)
            if answer.json()["type"] == "invalid-input":
                assert answer.json()["detail"].startswith("device_id must "), answer.text
        body = {"shift_id": shift_id, "code": code, "device_ref": registered}
        assert (await work.post(f"/attendance/check-{what}", body, person.token)).status_code == 422
    assert await work.count("select count(*) from attendance_records") == 0
    opened = await work.check("in", shift_id, person, device_id=registered)
    assert opened.json()["device_ref"] == f"phone:{registered}", "who says so is no kiosk"


async def test_the_tables_keep_phones_and_registered_devices_apart(work: Work) -> None:
    (person,) = await work.people(1)
    await scanned(work, [person], device_id=THEIRS)
    for ref in (str(new_id()), "phone:short", f"phone:{THEIRS}|"):
        with pytest.raises(Exception, match="records_device"):
            async with work.database.transaction() as tx:
                await tx.execute("update attendance_records set device_ref = $1", ref)
    with pytest.raises(Exception, match="records_device"):
        async with work.database.transaction() as tx:
            await tx.execute("update attendance_records set provenance = 'kiosk'")


async def test_four_who_scan_with_one_phone_are_what_integrity_looks_for(work: Work) -> None:
    """What is told here is read there: the events as they leave, decided by the thresholds that are shipped."""
    people = await work.people(8)
    await scanned(work, people[:4], device_id=THEIRS)
    for number, person in enumerate(people[4:]):
        await scanned(work, [person], device_id=f"{OTHER}{number}")
    thresholds = ThresholdsInForce([documents.shipped()[0].thresholds()])
    async with work.database.transaction() as tx:
        rows = await tx.fetch("select key, headers, value from outbox where topic = 'attendance' order by id")
    changed = [
        decode(Message("t", "attendance", 0, place, row["key"].encode(), row["value"], headers, 0))
        for place, row in enumerate(rows)
        for headers in [[(name, value.encode()) for name, value in orjson.loads(row["headers"]).items()]]
    ]
    seen = [SeenRevision(*(getattr(one, name) for name in SeenRevision._fields)) for one in changed]
    acts = [act for one in seen for act in acts_of(thresholds, one)]
    assert {act.kind for act in acts} == {"many-accounts"}
    flags = find(thresholds, {one.record_id for one in changed}, [], acts)
    flagged = {f"{flag.kind} {flag.subject}": {str(who) for _, who in flag.records} for flag in flags}
    assert flagged == {f"many-accounts phone:{THEIRS}": {person.volunteer_id for person in people[:4]}}
