"""A check-out by mistake is undone for ten minutes, through HTTP on a real database."""

from typing import Any

import pytest

from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Volunteer, Work


async def resume(work: Work, record_id: str, volunteer: Volunteer) -> Any:
    return await work.post(f"/attendance/records/{record_id}/resumption", {}, volunteer.token)


async def test_an_early_check_out_is_undone_and_the_time_between_counts(work: Work) -> None:
    shift_id, volunteer, record = await work.serving()
    await work.clock.set(NOW + HOUR + 12 * MINUTE)
    assert (await work.check("out", shift_id, volunteer)).json()["minutes"] == 12
    await work.clock.set(NOW + HOUR + 21 * MINUTE)
    resumed = await resume(work, record["record_id"], volunteer)
    assert resumed.status_code == 201, resumed.text
    assert (resumed.json()["status"], resumed.json()["ended_at"], resumed.json()["minutes"]) == ("provisional", None, 0)
    again = await resume(work, record["record_id"], volunteer)
    assert (again.status_code, again.json()["type"]) == (409, "already-checked-in")
    await work.clock.set(NOW + 3 * HOUR)
    ended = (await work.check("out", shift_id, volunteer)).json()
    assert (ended["record_id"], ended["minutes"], ended["status"]) == (record["record_id"], 120, "confirmed")
    revisions = [event["revision"] for event in await work.events("attendance")]
    assert revisions == [1, 2, 3, 4], "each step is published"


@pytest.mark.parametrize("minutes", [10, 30])
async def test_a_check_out_stands_after_ten_minutes(work: Work, minutes: int) -> None:
    shift_id, volunteer, record = await work.serving()
    await work.clock.set(NOW + HOUR + 12 * MINUTE)
    assert (await work.check("out", shift_id, volunteer)).status_code == 201
    await work.clock.set(NOW + HOUR + (12 + minutes) * MINUTE)
    late = await resume(work, record["record_id"], volunteer)
    assert (late.status_code, late.json()["type"]) == (409, "resumption-too-late")


async def test_what_the_shift_or_another_account_ended_is_not_undone(work: Work) -> None:
    shift_id, volunteer, record = await work.serving()
    other = await work.volunteer()
    assert (await resume(work, record["record_id"], other)).status_code == 404
    await work.clock.set(NOW + 2 * HOUR)
    body = {"tick": "out", "volunteer_numbers": [volunteer.number]}
    assert (await work.post(f"/shifts/{shift_id}/roll-call", body, work.leader.token)).status_code == 201
    asserted = await resume(work, record["record_id"], volunteer)
    assert (asserted.status_code, asserted.json()["type"]) == (409, "not-resumable")


async def test_nothing_goes_on_after_the_end_of_the_shift(work: Work) -> None:
    shift_id, volunteer, record = await work.serving()
    await work.clock.set(NOW + 3 * HOUR - MINUTE)
    assert (await work.check("out", shift_id, volunteer)).status_code == 201
    await work.clock.set(NOW + 3 * HOUR)
    over = await resume(work, record["record_id"], volunteer)
    assert (over.status_code, over.json()["type"]) == (409, "resumption-too-late")
