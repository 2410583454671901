"""Waitlists through HTTP on a real database: order, offers, and many at once."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from services.recruitment.signups.waitlist import timers
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.people import ROOT, Answer
from tests.integration.recruitment.work import DAY, HOUR, NOW, Volunteer, Work, instant


async def join(work: Work, shift_id: str, volunteer: Volunteer) -> Answer:
    answer = await work.post(f"/shifts/{shift_id}/waitlist", {}, volunteer.token)
    assert answer.status_code == 201, answer.text
    made: Answer = answer.json()
    return made


async def patiently(work: Work, path: str, token: str) -> httpx.Response:
    """A POST that is sent again under its key while the service is too busy to answer."""
    key = str(new_id())
    while (answer := await work.post(path, {}, token, key=key)).status_code == 503:
        await asyncio.sleep(0)
    assert isinstance(answer, httpx.Response)
    return answer


async def view(work: Work, shift_id: str, volunteer: Volunteer) -> Answer:
    found: Answer = (await work.get(f"/shifts/{shift_id}", volunteer.token)).json()
    return found


async def own(work: Work, volunteer: Volunteer) -> Answer:
    found: Answer = (await work.get("/waitlist", volunteer.token)).json()["items"][0]
    return found


async def notices(work: Work, kind: str) -> list[Answer]:
    """The events of a waitlist of one kind."""
    events = await work.events("signups")
    return [event for event in events if event["headers"]["ce_type"] == f"volunteering.waitlist.{kind}.v1"]


async def full(work: Work, start: timedelta, count: int) -> tuple[str, list[Volunteer], str]:
    """A shift of one place that is taken: (shift, people, sign-up of the first of them)."""
    people = await work.people(count)
    shift_id = await work.shift(start, start + 2 * HOUR, capacity=1)
    signup = (await join(work, shift_id, people[0]))["signup"]
    assert signup["status"] == "active", "a free place is taken at once"
    return shift_id, people, signup["signup_id"]


async def test_a_released_place_goes_to_the_first_who_waits(work: Work) -> None:
    shift_id, (first, second, third), signup_id = await full(work, DAY, 3)
    refused = await work.sign_up(shift_id, second)
    assert (refused.status_code, refused.json()["type"]) == (409, "shift-full")
    assert [(await join(work, shift_id, each))["entry"]["rank"] for each in (second, third)] == [1, 2]
    again = await work.post(f"/shifts/{shift_id}/waitlist", {}, second.token)
    assert (again.status_code, again.json()["type"]) == (409, "already-waiting")
    seen = await view(work, shift_id, third)
    assert (seen["waiting"], seen["rank"], seen["entry_status"], seen["remaining"]) == (2, 2, "waiting", 0)
    roster = (await work.get(f"/shifts/{shift_id}/roster", work.station)).json()
    assert [(row["rank"], row["volunteer_number"]) for row in roster["waiting"]] == [
        (1, second.number),
        (2, third.number),
    ]
    assert (await work.post(f"/signups/{signup_id}/cancel", {}, first.token)).status_code == 200
    assert (await view(work, shift_id, second))["signed_up"]
    seen = await view(work, shift_id, third)
    assert (seen["waiting"], seen["rank"], seen["remaining"]) == (1, 1, 0)
    assert [event["volunteer_id"] for event in await notices(work, "promoted")] == [second.volunteer_id]
    placed = [event for event in await work.events("signups") if event.get("source") == "waitlist"]
    assert [event["volunteer_id"] for event in placed] == [second.volunteer_id]


async def test_late_places_are_offered_kept_and_passed_on(work: Work, recruitment_db: Database) -> None:
    shift_id, (first, second, third, stranger), signup_id = await full(work, 6 * HOUR, 4)
    for each in (second, third):
        await join(work, shift_id, each)
    await work.post(f"/signups/{signup_id}/cancel", {}, first.token)
    offer = await own(work, second)
    assert (offer["status"], instant(offer["offer_until"])) == ("offered", NOW + 2 * HOUR)
    grabbed = await work.sign_up(shift_id, stranger)
    assert (grabbed.status_code, grabbed.json()["type"]) == (409, "shift-full"), "an offered place is kept"
    theirs = await work.post(f"/waitlist/{offer['entry_id']}/acceptance", {}, third.token)
    assert (theirs.status_code, theirs.json()["type"]) == (404, "waitlist-entry-unknown")
    await work.clock.set(NOW + 2 * HOUR)
    over = await work.post(f"/waitlist/{offer['entry_id']}/acceptance", {}, second.token)
    assert (over.status_code, over.json()["type"]) == (409, "offer-over")
    assert sum(await asyncio.gather(*(timers.run_due(recruitment_db) for _ in range(3)))) == 2
    assert (await own(work, second))["status"] == "lapsed"
    offer = await own(work, third)
    assert (offer["status"], offer["rank"]) == ("offered", 1)
    accepted = await work.post(f"/waitlist/{offer['entry_id']}/acceptance", {}, third.token)
    assert accepted.status_code == 201, accepted.text
    seen = await view(work, shift_id, third)
    assert (seen["signed_up"], seen["taken"], seen["waiting"]) == (True, 1, 0)
    again = await work.post(f"/waitlist/{offer['entry_id']}/withdrawal", {}, third.token)
    assert (again.status_code, again.json()["allowed"]) == (409, ["waiting", "offered"])
    assert [event["cause"] for event in await notices(work, "ended")] == ["lapsed"]
    assert len(await notices(work, "offered")) == 2


async def test_a_declined_offer_goes_on_and_the_list_ends_with_the_start(work: Work, recruitment_db: Database) -> None:
    shift_id, (first, second, third, fourth), signup_id = await full(work, 6 * HOUR, 4)
    for each in (second, third, fourth):
        await join(work, shift_id, each)
    await work.post(f"/signups/{signup_id}/cancel", {}, first.token)
    entry_id = (await own(work, second))["entry_id"]
    assert (await work.post(f"/waitlist/{entry_id}/withdrawal", {}, second.token)).json()["status"] == "declined"
    assert (await own(work, third))["status"] == "offered"
    await work.clock.set(NOW + 6 * HOUR)
    assert await timers.run_due(recruitment_db) == 2
    assert await timers.run_due(recruitment_db) == 0
    assert [(await own(work, each))["status"] for each in (third, fourth)] == ["lapsed", "closed"]
    late = await work.post(f"/shifts/{shift_id}/waitlist", {}, second.token)
    assert (late.status_code, late.json()["type"]) == (409, "shift-begun")
    assert (await work.sign_up(shift_id, second)).status_code == 201, "free places go to arrivals"


async def test_added_places_go_to_the_list_and_a_called_off_shift_ends_it(work: Work) -> None:
    shift_id, people, _ = await full(work, DAY, 4)
    for each in people[1:]:
        await join(work, shift_id, each)
    headers = {"authorization": f"Bearer {work.leader.token}"}
    body: Answer = {"version": 1, "capacity": 3}
    edited = await work.district.http.patch(f"{ROOT}/shifts/{shift_id}", json=body, headers=headers)
    assert (edited.status_code, edited.json()["shifts"][0]["taken"]) == (200, 3)
    assert [(await view(work, shift_id, each))["signed_up"] for each in people] == [True, True, True, False]
    body = {"version": 2, "reason": "weather"}
    answer = await work.post(f"/shifts/{shift_id}/cancellation", body, work.leader.token)
    assert (answer.status_code, answer.json()["shifts"][0]["taken"]) == (200, 0)
    assert (await own(work, people[3]))["status"] == "closed"
    assert [event["cause"] for event in await notices(work, "ended")] == ["called-off"]


async def test_who_is_busy_is_passed_over_once_and_considered_when_free_again(
    work: Work, recruitment_db: Database
) -> None:
    shift_id, (first, second, third), signup_id = await full(work, DAY, 3)
    for each in (second, third):
        await join(work, shift_id, each)
    other = await work.shift(DAY + HOUR, DAY + 3 * HOUR)
    elsewhere = (await work.sign_up(other, second)).json()
    await work.post(f"/signups/{signup_id}/cancel", {}, first.token)
    assert (await view(work, shift_id, third))["signed_up"]
    waiting = await own(work, second)
    assert (waiting["status"], waiting["skipped"], waiting["rank"]) == ("waiting", "overlap", 1)
    assert len(await notices(work, "skipped")) == 1
    await work.post(f"/signups/{elsewhere['signup_id']}/cancel", {}, second.token)
    assert await timers.run_due(recruitment_db) == 0, "there is no place"
    signup = (await work.get("/signups", third.token, status="active")).json()["items"][0]
    await work.post(f"/signups/{signup['signup_id']}/cancel", {}, third.token)
    assert (await own(work, second))["status"] == "placed"


async def test_a_place_that_a_locked_volunteer_could_not_take_is_given_by_the_timer(
    work: Work, recruitment_db: Database
) -> None:
    shift_id, (first, second, third), signup_id = await full(work, DAY, 3)
    for each in (second, third):
        await join(work, shift_id, each)
    async with recruitment_db.transaction() as tx:
        await tx.execute("select 1 from volunteers where volunteer_id = $1 for no key update", second.volunteer_id)
        await work.post(f"/signups/{signup_id}/cancel", {}, first.token)
        assert not (await view(work, shift_id, third))["signed_up"], "the order stays"
        newcomer = await work.sign_up(shift_id, first)
        assert (newcomer.status_code, newcomer.json()["type"]) == (409, "waitlist-first")
    assert await timers.run_due(recruitment_db) == 1
    assert (await view(work, shift_id, second))["signed_up"]


@pytest.mark.parametrize(("count", "places"), [(24, 4), pytest.param(300, 20, marks=pytest.mark.deep)])
async def test_many_at_once_are_in_or_wait_in_order_and_as_many_withdraw_at_once(
    work: Work, recruitment_db: Database, count: int, places: int
) -> None:
    people = await work.people(count)
    shift_id = await work.shift(DAY, DAY + 2 * HOUR, capacity=places)

    async def come(volunteer: Volunteer) -> Answer:
        return (await patiently(work, f"/shifts/{shift_id}/waitlist", volunteer.token)).json()  # type: ignore[no-any-return]

    answers = await asyncio.gather(*(come(each) for each in people))
    signups = [each["signup"] for each in answers if each["signup"]]
    ranks = {each["entry"]["volunteer_id"]: each["entry"]["rank"] for each in answers if each["entry"]}
    assert len(signups) == places
    assert sorted(ranks.values()) == list(range(1, count - places + 1))
    waiting = (await work.get(f"/shifts/{shift_id}/roster", work.station)).json()["waiting"]
    assert {row["volunteer_id"]: row["rank"] for row in waiting} == ranks
    tokens = {each.volunteer_id: each.token for each in people}
    withdrawn = await asyncio.gather(
        *(patiently(work, f"/signups/{each['signup_id']}/cancel", tokens[each["volunteer_id"]]) for each in signups)
    )
    assert {answer.status_code for answer in withdrawn} == {200}
    await timers.run_due(recruitment_db)
    promoted = [event["volunteer_id"] for event in await notices(work, "promoted")]
    assert promoted == [row["volunteer_id"] for row in waiting[:places]], "the first, once each and in order"
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == places
    active = "select count(*) from signups where shift_id = $1 and status = 'active'"
    assert await work.count(active, shift_id) == places
