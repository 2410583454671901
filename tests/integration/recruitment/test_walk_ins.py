"""Walk-ins by their own phone through HTTP on a real database: a place and a check-in, or neither."""

import asyncio

import pytest

from services.recruitment.signups.domain import Source
from tests.integration.recruitment.work import DAY, HOUR, MINUTE, Volunteer, Work


async def walk_in(work: Work, shift_id: str, volunteer: Volunteer, code: str | None = None) -> tuple[int, str]:
    body = {"shift_id": shift_id, "code": code or await work.code(shift_id)}
    answer = await work.post("/attendance/walk-ins", body, volunteer.token)
    return answer.status_code, str(answer.json().get("type", answer.json().get("provenance", "")))


async def test_one_tap_takes_a_place_and_checks_in(work: Work) -> None:
    volunteer, shift_id = await work.volunteer(), await work.shift(-MINUTE, HOUR, capacity=1)
    assert await walk_in(work, shift_id, volunteer) == (201, "scanned")
    standing = (await work.get(f"/shifts/{shift_id}", volunteer.token)).json()
    assert standing["signed_up"]
    assert standing["record_ended_at"] is None
    (row,) = (await work.get(f"/shifts/{shift_id}/roster", work.station)).json()["items"]
    assert row["source"] == Source.WALK_IN
    placed = [event["source"] for event in await work.events("signups") if event["shift_id"] == shift_id]
    assert placed == ["walk_in"]
    assert await walk_in(work, shift_id, volunteer) == (409, "already-checked-in")


async def test_who_has_a_place_uses_it(work: Work) -> None:
    volunteer, shift_id = await work.volunteer(), await work.shift(-MINUTE, HOUR, capacity=1)
    await work.sign_up(shift_id, volunteer)
    assert await walk_in(work, shift_id, volunteer) == (201, "scanned")
    assert await work.count("select count(*) from signups where shift_id = $1", shift_id) == 1


@pytest.mark.parametrize(
    ("refused", "status", "slug"),
    [
        ("full", 409, "shift-full"),
        ("early", 409, "check-in-too-early"),
        ("code", 403, "code-invalid"),
        ("ineligible", 409, "insurance-missing"),
        ("closed", 409, "shift-cancelled"),
    ],
)
async def test_a_refused_walk_in_leaves_neither_a_place_nor_a_record(
    work: Work, refused: str, status: int, slug: str
) -> None:
    volunteer, first = await work.volunteer(), await work.volunteer()
    start = DAY if refused == "early" else 30 * MINUTE
    activity = await work.activity((start, start + HOUR), capacity=1)
    shift_id, activity_id = activity["shifts"][0]["shift_id"], activity["activity_id"]
    if refused == "full":
        await work.sign_up(shift_id, first)
    if refused == "ineligible":
        asked = {"version": 0, "needs_insurance": True}
        assert (await work.put(f"/activities/{activity_id}/details", asked, work.station)).status_code == 200
    code = await work.code(shift_id)
    if refused == "closed":
        called_off = {"version": activity["version"], "reason": "weather"}
        assert (await work.post(f"/shifts/{shift_id}/cancellation", called_off, work.station)).status_code == 200
    assert await walk_in(work, shift_id, volunteer, "AAAAAAAA" if refused == "code" else code) == (status, slug)
    own = "select count(*) from {} where volunteer_id = $1"
    assert await work.count(own.format("signups"), volunteer.volunteer_id) == 0
    assert await work.count(own.format("attendance_records"), volunteer.volunteer_id) == 0
    mine = [event for event in await work.events("signups") if event["volunteer_id"] == volunteer.volunteer_id]
    assert mine == []


async def test_of_many_who_walk_in_at_once_as_many_enter_as_there_are_places(work: Work) -> None:
    people, shift_id = await work.people(6), await work.shift(-MINUTE, HOUR, capacity=2)
    code = await work.code(shift_id)
    answers = await asyncio.gather(*(walk_in(work, shift_id, one, code) for one in people))
    assert sorted(answers) == [(201, "scanned")] * 2 + [(409, "shift-full")] * 4
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == 2
    assert await work.count("select count(*) from attendance_records where shift_id = $1", shift_id) == 2
