"""Hours that staff enter for a volunteer of whom the shift has no record, through HTTP on a real database."""

from datetime import timedelta

import httpx

from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Volunteer, Work, at
from tests.support.hour_doors import record_of, slug

Times = tuple[timedelta, timedelta]


async def enter(
    work: Work, shift_id: str, person: Volunteer, times: Times = (HOUR, 2 * HOUR), token: str | None = None
) -> httpx.Response:
    body = {
        "volunteer_number": person.number,
        "started_at": at(times[0]),
        "ended_at": at(times[1]),
        "reason": "手机没电，没有签到",
        "evidence": "签到表第 2 页，领队证明",
    }
    answer: httpx.Response = await work.post(f"/shifts/{shift_id}/entries", body, token or work.station)
    return answer


async def test_entered_hours_wait_for_another_site_and_the_volunteer_is_notified(work: Work) -> None:
    shift_id, forgot = await work.shift(), await work.volunteer()
    assert (await work.sign_up(shift_id, forgot)).status_code == 201
    await work.clock.set(NOW + DAY)
    entered = await enter(work, shift_id, forgot, (HOUR - 20 * MINUTE, 2 * HOUR))
    assert entered.status_code == 201, entered.text
    record = entered.json()
    assert (record["provenance"], record["status"], record["closed_by"]) == ("backfilled", "provisional", "staff")
    assert record["minutes"] == 60, "what lies before the shift does not count"
    notes = [event for event in await work.events("assertions") if event["record_id"] == record["record_id"]]
    assert [(event["act"], event["waits_for"]) for event in notes] == [("added", ["backfilled"])]
    assert slug(await work.decide([record["record_id"]], work.station)) == "another-site-needed"
    assert [each["record_id"] for each in await work.approvals(work.other_station)] == [record["record_id"]]
    assert (await work.decide([record["record_id"]], work.other_station)).status_code == 201
    approved = await record_of(work, record["record_id"])
    assert (approved["status"], approved["provenance"]) == ("confirmed", "backfilled")


async def test_entries_overlap_no_record_and_lie_inside_a_shift_that_was_opened(work: Work) -> None:
    shift_id, person = await work.shift(), await work.volunteer(site_id=work.sites["惠民社区"])
    await work.clock.set(NOW + DAY)
    assert slug(await enter(work, shift_id, person, (4 * HOUR, 5 * HOUR))) == "times-invalid"
    assert slug(await enter(work, shift_id, person, (2 * HOUR, HOUR))) == "times-invalid"
    assert (await enter(work, shift_id, person)).status_code == 201
    assert slug(await enter(work, shift_id, person, (HOUR + 30 * MINUTE, 2 * HOUR))) == "attendance-overlaps"
    made = await work.activity((DAY + HOUR, DAY + 2 * HOUR), draft=True)
    await work.clock.set(NOW + 2 * DAY)
    refused = await enter(work, made["shifts"][0]["shift_id"], person, (DAY + HOUR, DAY + 2 * HOUR))
    assert slug(refused) == "activity-not-open"


async def test_entries_are_made_by_staff_of_the_site_about_people_within_reach(work: Work) -> None:
    shift_id, near, far = (
        await work.shift(),
        await work.volunteer(site_id=work.sites["惠民社区"]),
        await work.volunteer(),
    )
    await work.clock.set(NOW + DAY)
    assert (await enter(work, shift_id, near, token=work.leader.token)).status_code == 403
    assert slug(await enter(work, shift_id, near, token=work.other_station)) == "staff-only"
    assert slug(await enter(work, shift_id, far)) == "volunteer-unknown"
