"""Late withdrawals, unused places, swaps and reminders through HTTP on a real database."""

import asyncio

import httpx

from services.recruitment.settings import RecruitmentSettings
from services.recruitment.signups.reminders import timers
from services.recruitment.volunteers.domain import volunteer_number
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Volunteer, Work


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def signed_up(work: Work, shift_id: str, volunteer: Volunteer) -> str:
    answer = await work.sign_up(shift_id, volunteer)
    assert answer.status_code == 201, answer.text
    signup_id: str = answer.json()["signup_id"]
    return signup_id


async def test_unused_places_are_counted_and_pause_own_sign_ups_where_set(work: Work) -> None:
    volunteer, coming = await work.volunteer(), await work.shift(5 * DAY, 5 * DAY + HOUR)
    late = await signed_up(work, await work.shift(HOUR, 2 * HOUR), volunteer)
    await signed_up(work, await work.shift(3 * HOUR, 4 * HOUR), volunteer)
    assert (await work.post(f"/signups/{late}/cancel", {}, volunteer.token)).json()["late"] is True
    cancelled = [event for event in await work.events("signups") if "cancelled_at" in event]
    assert [(event["cause"], event["late"]) for event in cancelled] == [("self", True)]
    await work.clock.set(NOW + 5 * HOUR)
    seen = (await work.get("/signups/reliability", volunteer.token)).json()
    assert (seen["missed"], seen["late"], seen["allowed"], seen["paused_until"]) == (1, 1, None, None)
    own = (await work.get("/signups", volunteer.token, status="active")).json()["items"]
    assert {each["withdraw_minutes"] for each in own} == {120}, "the page says when a cancellation is late"
    settings: RecruitmentSettings = work.district.app.state.settings
    work.district.app.state.settings = settings.model_copy(update={"unused_places_allowed": 1})
    try:
        answer = await work.sign_up(coming, volunteer)
        assert refused(answer) == (409, "sign-ups-paused")
        [lack] = (await work.get(f"/shifts/{coming}/eligibility", volunteer.token)).json()["missing"]
        assert (lack["type"], lack["missed"], lack["late"]) == ("sign-ups-paused", 1, 1), "said before signing up"
        body = {"volunteer_id": volunteer.volunteer_id}
        assert (await work.post(f"/shifts/{coming}/signups", body, work.operator)).status_code == 201
    finally:
        work.district.app.state.settings = settings


async def test_a_place_is_passed_on_freely_without_a_list(work: Work) -> None:
    people = await work.people(3)
    shift_id = await work.shift(DAY, DAY + HOUR, capacity=1)
    signup_id = await signed_up(work, shift_id, people[0])
    path = f"/signups/{signup_id}/swaps"
    stranger = await work.volunteer()
    body = {"volunteer_number": stranger.number}
    assert refused(await work.post(path, body, people[1].token)) == (404, "signup-unknown")
    assert refused(await work.post(path, {"volunteer_number": "没有"}, people[0].token)) == (
        422,
        "volunteer-number-invalid",
    )
    swap = (await work.post(path, body, people[0].token)).json()
    assert swap["to_id"] is None, "the proposer does not learn whom the number has"
    assert refused(await work.post(path, body, people[0].token)) == (409, "swap-open")
    accept = f"/swaps/{swap['swap_id']}/acceptance"
    assert refused(await work.post(accept, {}, people[2].token)) == (404, "swap-unknown")
    assert refused(await work.post(accept, {}, people[0].token)) == (404, "swap-unknown")
    answers = await asyncio.gather(*(work.post(accept, {}, stranger.token) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    roster = (await work.get(f"/shifts/{shift_id}/roster", work.station)).json()["items"]
    assert [row["volunteer_id"] for row in roster] == [stranger.volunteer_id]
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == 1
    causes = [event.get("cause") or event.get("source") for event in await work.events("signups")]
    assert causes[-2:] == ["swap", "swap"]


async def test_a_number_that_no_volunteer_has_is_answered_like_any_other_ten_times_a_day(work: Work) -> None:
    one, other = await work.volunteer(), await work.volunteer()
    shift_id = await work.shift(DAY, DAY + HOUR)
    path = f"/signups/{await signed_up(work, shift_id, one)}/swaps"
    unknown = volunteer_number(2026, 654321)
    seen = []
    for number in (other.number, unknown):
        swap = await work.post(path, {"volunteer_number": number}, one.token)
        (listed,) = (await work.get("/swaps", one.token)).json()["items"]
        assert listed["to_number"] == number
        assert (await work.post(f"/swaps/{swap.json()['swap_id']}/end", {}, one.token)).status_code == 200
        seen.append(
            (swap.status_code, {**swap.json(), "swap_id": "", "proposed_at": ""}, sorted(listed), listed["to_id"])
        )
    assert seen[0] == seen[1]
    for _ in range(8):
        swap = (await work.post(path, {"volunteer_number": unknown}, one.token)).json()
        await work.post(f"/swaps/{swap['swap_id']}/end", {}, one.token)
    answer = await work.post(path, {"volunteer_number": unknown}, one.token)
    assert refused(answer) == (429, "swaps-of-the-day")
    await work.clock.set(NOW + 25 * HOUR)
    assert refused(await work.post(path, {"volunteer_number": unknown}, one.token))[1] != "swaps-of-the-day"


async def test_a_swap_carries_the_post_along(work: Work) -> None:
    one, other = await work.volunteer(), await work.volunteer()
    shift_id = await work.shift(DAY, DAY + HOUR)
    signup_id = await signed_up(work, shift_id, one)
    posts = {"posts": [{"name": "引导", "capacity": 1}]}
    arranged = (await work.put(f"/shifts/{shift_id}/posts", posts, work.leader.token)).json()["items"]
    chosen = {"post_id": arranged[0]["post_id"]}
    assert (await work.put(f"/signups/{signup_id}/post", chosen, one.token)).status_code < 300
    swap = (await work.post(f"/signups/{signup_id}/swaps", {"volunteer_number": other.number}, one.token)).json()
    assert (await work.post(f"/swaps/{swap['swap_id']}/acceptance", {}, other.token)).status_code == 200
    found = (await work.get(f"/shifts/{shift_id}/posts", other.token)).json()
    assert (found["own"], found["items"][0]["taken"]) == (chosen["post_id"], 1)


async def test_where_others_wait_the_leader_agrees_too(work: Work) -> None:
    first, second, third = await work.volunteer(), await work.volunteer(), await work.volunteer()
    shift_id = await work.shift(DAY, DAY + HOUR, capacity=1)
    signup_id = await signed_up(work, shift_id, first)
    await work.post(f"/shifts/{shift_id}/waitlist", {}, third.token)
    body = {"volunteer_number": second.number}
    swap = (await work.post(f"/signups/{signup_id}/swaps", body, first.token)).json()
    path = f"/swaps/{swap['swap_id']}"
    assert (await work.post(f"{path}/acceptance", {}, second.token)).json()["state"] == "agreed"
    listed = (await work.get("/swaps", work.leader.token, shift_id=shift_id)).json()["items"]
    assert [(each["from_number"], each["to_number"]) for each in listed] == [(first.number, second.number)]
    assert (await work.post(f"{path}/approval", {}, second.token)).status_code == 403
    assert (await work.post(f"{path}/approval", {}, work.leader.token)).json()["state"] == "done"
    assert (await work.get(f"/shifts/{shift_id}", second.token)).json()["signed_up"]
    assert (await work.get(f"/shifts/{shift_id}", third.token)).json()["rank"] == 1
    assert refused(await work.post(f"{path}/end", {}, first.token)) == (409, "swap-decided")


async def test_a_leader_signs_members_up_at_once_and_learns_who_got_no_place(work: Work) -> None:
    shift_id, busy = await work.shift(DAY, DAY + HOUR, capacity=2), await work.shift(DAY, DAY + 2 * HOUR)
    people = [await work.volunteer(site_id=work.sites["惠民社区"]) for _ in range(4)]
    await signed_up(work, busy, people[0])
    path, ids = f"/shifts/{shift_id}/team-signups", [each.volunteer_id for each in people]
    stranger = str(new_id())
    answer = await work.post(path, {"volunteer_ids": [*ids, stranger, ids[1]]}, work.station)
    assert answer.status_code == 201, answer.text
    rows = answer.json()["items"]
    assert [row["volunteer_id"] for row in rows] == [*ids, stranger]
    assert [row["type"] for row in rows] == ["signup-overlaps", None, None, "shift-full", "volunteer-unknown"]
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == 2
    sources = [event["source"] for event in await work.events("signups") if event.get("shift_id") == shift_id]
    assert sources == ["team", "team"]
    assert (await work.post(path, {"volunteer_ids": ids}, people[0].token)).status_code == 403
    assert (await work.post(path, {"volunteer_ids": ids}, work.other_station)).status_code == 403


async def test_reminders_are_published_once_and_not_for_late_sign_ups(work: Work, recruitment_db: Database) -> None:
    shift_id = await work.shift(2 * DAY, 2 * DAY + HOUR)
    early, late = await work.volunteer(), await work.volunteer()
    await signed_up(work, shift_id, early)
    assert await timers.remind_due(recruitment_db) == 0
    await work.clock.set(NOW + DAY)
    await signed_up(work, shift_id, late)
    assert sum(await asyncio.gather(*(timers.remind_due(recruitment_db) for _ in range(3)))) == 1
    await work.clock.set(NOW + 2 * DAY - 2 * HOUR)
    assert sum(await asyncio.gather(*(timers.remind_due(recruitment_db) for _ in range(3)))) == 1
    await work.clock.set(NOW + 2 * DAY - MINUTE)
    assert await timers.remind_due(recruitment_db) == 0
    reminders = [event for event in await work.events("signups") if "reminded_at" in event]
    assert [(event["volunteer_id"], event["hours"]) for event in reminders] == [
        (early.volunteer_id, 24), (early.volunteer_id, 2),
    ]  # fmt: skip
