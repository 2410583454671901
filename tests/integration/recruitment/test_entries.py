"""Hours that staff enter for a volunteer of whom the shift has no record, through HTTP on a real database."""

from datetime import timedelta
from typing import Any

import httpx

from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Volunteer, Work, at
from tests.support.hour_doors import record_of, slug

Times = tuple[timedelta, timedelta]


async def enter(
    work: Work,
    shift_id: str,
    *people: Volunteer | str,
    times: Times = (HOUR, 2 * HOUR),
    token: str | None = None,
    **more: Any,
) -> httpx.Response:
    body = {
        "volunteer_numbers": [one if isinstance(one, str) else one.number for one in people],
        "started_at": at(times[0]),
        "ended_at": at(times[1]),
        "reason": "手机没电，没有签到",
        "evidence": "签到表第 2 页，领队证明",
        **{name: value for name, value in more.items() if name != "key"},
    }
    path = f"/shifts/{shift_id}/entries"
    answer: httpx.Response = await work.post(path, body, token or work.station, key=more.get("key"))
    return answer


def refusals(answer: httpx.Response) -> list[str | None]:
    """For each volunteer why nothing was entered; None where a record was."""
    assert answer.status_code == 201, answer.text
    return [one["type"] for one in answer.json()["items"]]


async def test_entered_hours_wait_for_another_site_and_the_volunteer_is_notified(work: Work) -> None:
    shift_id, forgot = await work.shift(), await work.volunteer()
    assert (await work.sign_up(shift_id, forgot)).status_code == 201
    await work.clock.set(NOW + DAY)
    entered = await enter(work, shift_id, forgot, times=(HOUR - 20 * MINUTE, 2 * HOUR))
    assert entered.status_code == 201, entered.text
    record = entered.json()["items"][0]["record"]
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
    assert slug(await enter(work, shift_id, person, times=(4 * HOUR, 5 * HOUR))) == "times-invalid"
    assert slug(await enter(work, shift_id, person, times=(2 * HOUR, HOUR))) == "times-invalid"
    assert (await enter(work, shift_id, person)).status_code == 201
    again = await enter(work, shift_id, person, times=(HOUR + 30 * MINUTE, 2 * HOUR))
    assert refusals(again) == ["attendance-overlaps"]
    made = await work.activity((DAY + HOUR, DAY + 2 * HOUR), draft=True)
    await work.clock.set(NOW + 2 * DAY)
    refused = await enter(work, made["shifts"][0]["shift_id"], person, times=(DAY + HOUR, DAY + 2 * HOUR))
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
    assert refusals(await enter(work, shift_id, far)) == ["volunteer-unknown"]


async def test_several_are_entered_at_once_each_with_a_line_of_its_own(work: Work) -> None:
    shift_id, home = await work.shift(), work.sites["惠民社区"]
    first, second, busy = [await work.volunteer(site_id=home) for _ in range(3)]
    await work.clock.set(NOW + DAY)
    assert refusals(await enter(work, shift_id, busy)) == [None]
    everybody = (second, "LD-2026-999999-9", busy, first, second.number.lower())
    answer = await enter(work, shift_id, *everybody, key="once")
    assert [one["volunteer_number"] for one in answer.json()["items"]] == [
        second.number, "LD20269999999", busy.number, first.number,
    ]  # fmt: skip
    assert refusals(answer) == [None, "volunteer-unknown", "attendance-overlaps", None]
    again = await enter(work, shift_id, *everybody, key="once")
    assert again.json() == answer.json(), "the same request is answered again"
    records = {one["record"]["record_id"] for one in answer.json()["items"] if one["record"]}
    waiting = await work.approvals(work.other_station)
    assert records < {each["record_id"] for each in waiting}
    assert (len(waiting), await work.count("select count(*) from attendance_records")) == (3, 3)
    seen = await work.post(f"/attendance/records/{min(records)}/evidence", {"purpose": "核对"}, work.other_station)
    assert [each["evidence"] for each in seen.json()["items"]] == ["签到表第 2 页，领队证明"]
    notes = [event["record_id"] for event in await work.events("assertions") if event["act"] == "added"]
    assert records < set(notes)
    assert len(notes) == 3


async def test_all_or_none_enters_no_hours_when_one_is_refused(work: Work) -> None:
    shift_id, person = await work.shift(), await work.volunteer(site_id=work.sites["惠民社区"])
    await work.clock.set(NOW + DAY)
    answer = await enter(work, shift_id, person, "LD-2026-999999-9", all_or_none=True)
    assert refusals(answer) == [None, "volunteer-unknown"]
    assert [one["record"] for one in answer.json()["items"]] == [None, None]
    assert await work.count("select count(*) from attendance_records") == 0
    assert await work.events("assertions") == []
    answer = await enter(work, shift_id, person, all_or_none=True)
    assert answer.json()["items"][0]["record"] is not None
