"""Posts of a shift through HTTP on a real database."""

import asyncio

import httpx

from tests.integration.recruitment.work import DAY, HOUR, NOW, Volunteer, Work


async def arranged(work: Work, shift_id: str, *posts: dict[str, object]) -> httpx.Response:
    answer: httpx.Response = await work.put(f"/shifts/{shift_id}/posts", {"posts": list(posts)}, work.leader.token)
    return answer


async def entered(work: Work, shift_id: str, who: Volunteer, post_id: str | None) -> tuple[int, str]:
    answer = await work.post(f"/shifts/{shift_id}/signups", {"post_id": post_id}, who.token)
    return answer.status_code, str(answer.json().get("type", answer.json().get("signup_id", "")))


async def test_a_post_never_takes_more_than_its_places(work: Work) -> None:
    people, shift_id = await work.people(5), await work.shift(DAY, DAY + HOUR, capacity=5)
    answer = await arranged(work, shift_id, {"name": "引导", "capacity": 2}, {"name": " 登记 ", "capacity": 1}, {})
    assert answer.status_code == 200, answer.text
    guide, desk = answer.json()["items"]
    assert (guide["name"], desk["name"]) == ("引导", "登记")
    outcomes = await asyncio.gather(*(entered(work, shift_id, one, guide["post_id"]) for one in people[:4]))
    assert sorted(status for status, _ in outcomes) == [201, 201, 409, 409]
    assert {what for status, what in outcomes if status == 409} == {"post-full"}
    assert await work.count("select taken from shifts where shift_id = $1", shift_id) == 2
    late = next(one for one, (status, _) in zip(people, outcomes, strict=False) if status == 409)
    assert (await entered(work, shift_id, late, None))[0] == 201
    rows = (await work.get(f"/shifts/{shift_id}/roster", work.station)).json()["items"]
    assert sorted(str(row["post"]) for row in rows) == ["None", "引导", "引导"]


async def test_posts_lie_within_the_shift_and_keep_their_people(work: Work) -> None:
    volunteer, shift_id = await work.volunteer(), await work.shift(DAY, DAY + HOUR, capacity=3)
    guide, desk = (
        await arranged(work, shift_id, {"name": "引导", "capacity": 2}, {"name": "登记", "capacity": 1})
    ).json()["items"]
    answer = await arranged(work, shift_id, {"name": "引导", "capacity": 4})
    assert (answer.status_code, answer.json()["type"]) == (422, "posts-above-capacity")
    _, signup_id = await entered(work, shift_id, volunteer, guide["post_id"])
    answer = await arranged(work, shift_id, {"name": "登记", "capacity": 1, "post_id": desk["post_id"]})
    assert (answer.status_code, answer.json()["type"]) == (409, "post-taken")
    path = f"/signups/{signup_id}/post"
    assert (await work.put(path, {"post_id": desk["post_id"]}, volunteer.token)).status_code == 200
    assert (await work.get(f"/shifts/{shift_id}/posts", volunteer.token)).json()["own"] == desk["post_id"]
    answer = await arranged(work, shift_id, {"name": "登记台", "capacity": 1, "post_id": desk["post_id"]})
    assert [(one["name"], one["taken"]) for one in answer.json()["items"]] == [("登记台", 1)]
    changes = (await work.get(f"/changes/shift/{shift_id}")).json()["items"]
    assert changes[0]["after"] == {"posts": "登记台 1"}
    stranger = await work.volunteer()
    assert (await work.put(path, {"post_id": None}, stranger.token)).status_code == 404
    assert (await work.put(f"/shifts/{shift_id}/posts", {"posts": []}, volunteer.token)).status_code == 403
    await work.clock.set(NOW + DAY)
    answer = await work.put(path, {"post_id": None}, volunteer.token)
    assert (answer.status_code, answer.json()["type"]) == (409, "post-fixed")
    assert (await work.put(path, {"post_id": None}, work.leader.token)).status_code == 200


async def test_the_waitlist_is_the_shifts_and_its_places_have_no_post(work: Work) -> None:
    first, second = await work.volunteer(), await work.volunteer()
    shift_id = await work.shift(3 * DAY, 3 * DAY + HOUR, capacity=1)
    (guide,) = (await arranged(work, shift_id, {"name": "引导", "capacity": 1})).json()["items"]
    _, signup_id = await entered(work, shift_id, first, guide["post_id"])
    assert (await work.post(f"/shifts/{shift_id}/waitlist", {}, second.token)).status_code == 201
    assert (await work.post(f"/signups/{signup_id}/cancel", {}, first.token)).status_code == 200
    (row,) = (await work.get(f"/shifts/{shift_id}/roster", work.station)).json()["items"]
    assert (row["volunteer_id"], row["post"]) == (second.volunteer_id, None)
    (post,) = (await work.get(f"/shifts/{shift_id}/posts", second.token)).json()["items"]
    assert post["taken"] == 0
