"""Closing and calling off as it was previewed, through HTTP on a real database."""

import asyncio

from tests.integration.recruitment.work import DAY, HOUR, MINUTE, NOW, Volunteer, Work

REASON = {"version": 1, "reason": "weather"}


async def serving(work: Work, shift_id: str) -> Volunteer:
    volunteer = await work.volunteer()
    await work.sign_up(shift_id, volunteer)
    assert (await work.check("in", shift_id, volunteer)).status_code == 201
    return volunteer


async def test_a_shift_is_called_off_as_it_was_seen_or_shown_again(work: Work) -> None:
    activity = await work.activity((MINUTE, 2 * HOUR), capacity=3)
    shift_id = activity["shifts"][0]["shift_id"]
    left, stays, absent, waits = [await work.volunteer() for _ in range(4)]
    for one in (left, stays, absent):
        await work.sign_up(shift_id, one)
    assert (await work.post(f"/shifts/{shift_id}/waitlist", {}, waits.token)).status_code == 201
    await work.clock.set(NOW + MINUTE)
    for one in (left, stays):
        assert (await work.check("in", shift_id, one)).status_code == 201
    await work.clock.set(NOW + HOUR)
    assert (await work.check("out", shift_id, left)).status_code == 201
    path, body = f"/shifts/{shift_id}/cancellation", dict(REASON)
    seen = (await work.get(f"{path}-preview", work.leader.token)).json()
    assert {name: seen[name] for name in ("shifts", "absent", "waiting", "open_records", "open_minutes")} == {
        "shifts": 1, "absent": 1, "waiting": 1, "open_records": 1, "open_minutes": 59,
    }  # fmt: skip
    assert (seen["confirmed"], seen["confirmed_minutes"], seen["unconfirmed"]) == (1, 59, 0)

    await work.clock.set(NOW + HOUR + 10 * MINUTE)
    again = (await work.get(f"{path}-preview", work.leader.token)).json()
    assert (again["open_minutes"], again["digest"]) == (69, seen["digest"]), "time alone changes no decision"
    assert (await work.check("out", shift_id, stays)).status_code == 201
    answer = await work.post(path, {**body, "digest": seen["digest"]}, work.leader.token)
    assert (answer.status_code, answer.json()["type"]) == (409, "preview-changed")
    assert await work.count("select count(*) from shifts where cancelled_at is not null") == 0
    done = await work.post(path, {**body, "digest": answer.json()["digest"]}, work.leader.token)
    assert done.status_code == 200, done.text
    assert await work.count("select count(*) from waitlist_entries where status = 'closed'") == 1


async def test_all_that_is_left_of_an_activity_is_called_off_and_each_volunteer_is_notified_once(work: Work) -> None:
    activity = await work.activity((MINUTE, HOUR), (2 * HOUR, 3 * HOUR), (DAY, DAY + HOUR))
    first, second, third = (shift["shift_id"] for shift in activity["shifts"])
    people = [await work.volunteer() for _ in range(3)]
    for shift_id, volunteer in zip((first, second, third), people, strict=True):
        await work.sign_up(shift_id, volunteer)
    await work.clock.set(NOW + 90 * MINUTE)
    path = f"/activities/{activity['activity_id']}/cancellation"
    assert (await work.get(f"{path}-preview", work.other_station)).status_code == 403
    seen = (await work.get(f"{path}-preview", work.station)).json()
    assert (seen["shifts"], seen["absent"]) == (2, 2), "what is over stays as it is"
    key = "call-off-all"
    done = await work.post(path, {**REASON, "digest": seen["digest"]}, work.station, key=key)
    assert done.status_code == 200, done.text
    assert (await work.post(path, {**REASON, "digest": seen["digest"]}, work.station, key=key)).json() == done.json()
    assert [shift["cancelled_at"] is not None for shift in done.json()["shifts"]] == [False, True, True]
    ended = [event for event in await work.events("signups") if "cancelled_at" in event]
    assert sorted(event["volunteer_id"] for event in ended) == sorted(str(one.volunteer_id) for one in people[1:])
    body = {**REASON, "version": done.json()["version"], "digest": seen["digest"]}
    assert (await work.post(path, body, work.station)).json()["type"] == "nothing-to-call-off"


async def test_an_activity_is_closed_as_it_was_seen(work: Work) -> None:
    activity = await work.activity((MINUTE, 2 * HOUR))
    shift_id, path = activity["shifts"][0]["shift_id"], f"/activities/{activity['activity_id']}"
    await work.clock.set(NOW + MINUTE)
    await serving(work, shift_id)
    seen = (await work.get(f"{path}/closing-preview", work.leader.token)).json()
    assert (seen["open_records"], seen["unconfirmed"]) == (1, 0)
    await serving(work, shift_id)
    result = {"residents_served": 4, "digest": seen["digest"]}
    answer = await work.post(f"{path}/close", result, work.leader.token)
    assert (answer.status_code, answer.json()["type"]) == (409, "preview-changed")
    done = await work.post(f"{path}/close", {**result, "digest": answer.json()["digest"]}, work.leader.token)
    assert (done.status_code, done.json()["state"]) == (200, "closed")


async def test_sign_ups_at_the_moment_of_calling_off_are_ended_or_refused_and_none_is_left(work: Work) -> None:
    activity = await work.activity((HOUR, 2 * HOUR), (3 * HOUR, 4 * HOUR))
    path = f"/activities/{activity['activity_id']}/cancellation"
    people = [await work.volunteer() for _ in range(6)]

    async def call_off() -> None:
        for _ in range(20):
            digest = (await work.get(f"{path}-preview", work.station)).json()["digest"]
            answer = await work.post(path, {**REASON, "digest": digest}, work.station)
            if answer.status_code == 200:
                return
            assert answer.json()["type"] in ("preview-changed", "shift-changed"), answer.text
        raise AssertionError("never called off")

    shifts = [shift["shift_id"] for shift in activity["shifts"]]
    answers = await asyncio.gather(
        call_off(), *(work.sign_up(shifts[n % 2], one) for n, one in enumerate(people)), return_exceptions=False
    )
    assert {answer.status_code for answer in answers[1:] if answer is not None} <= {201, 409}
    assert await work.count("select count(*) from signups where status = 'active'") == 0
    assert await work.count("select count(*) from shifts where taken <> 0") == 0
    assert (await work.get("/shifts", people[0].token)).json()["items"] == []
