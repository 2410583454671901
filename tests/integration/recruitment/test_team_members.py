"""Members of teams through HTTP on a real database: joining, deciding, leaving, leaders and deputies."""

import asyncio

import httpx

from tests.integration.recruitment.people import Answer
from tests.integration.recruitment.work import HOUR, NOW, Volunteer, Work


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def ask(work: Work, volunteer: Volunteer, team: str | None = None) -> httpx.Response:
    answer: httpx.Response = await work.post(f"/teams/{team or work.team}/requests", {}, volunteer.token)
    return answer


async def act(work: Work, membership: Answer, what: str, token: str, **body: str) -> httpx.Response:
    path = f"/memberships/{membership['membership_id']}/{what}"
    answer: httpx.Response = await work.post(path, body or None, token)
    return answer


async def members(work: Work, token: str | None = None, **query: object) -> list[Answer]:
    answer = await work.get(f"/teams/{work.team}/members", token or work.station, **query)
    assert answer.status_code == 200, answer.text
    items: list[Answer] = answer.json()["items"]
    return items


async def test_a_volunteer_asks_the_leader_approves_and_the_list_masks_the_name(work: Work) -> None:
    volunteer = await work.volunteer(name="张晓梅")
    asked = await ask(work, volunteer)
    assert (asked.status_code, asked.json()["status"]) == (201, "requested")
    assert refused(await ask(work, volunteer)) == (409, "already-member")
    assert refused(await act(work, asked.json(), "approval", volunteer.token)) == (403, "role-not-allowed")
    other = await work.post(f"/memberships/{asked.json()['membership_id']}/approval", None, work.other_station)
    assert refused(other) == (404, "membership-unknown")
    approved = await act(work, asked.json(), "approval", work.leader.token)
    assert (approved.status_code, approved.json()["status"]) == (200, "active")
    again = await act(work, asked.json(), "approval", work.leader.token)
    assert refused(again) == (409, "membership-state")
    assert again.json()["allowed"] == ["leave", "remove"]

    listed = await members(work, work.leader.token)
    assert [(each["volunteer_number"], each["role"], each["status"]) for each in listed] == [
        (work.leader.number, "leader", "active"),
        (volunteer.number, "member", "active"),
    ]
    assert listed[1]["name"] == "张**"
    own = (await work.get("/memberships", volunteer.token)).json()["items"]
    assert [(each["team_name"], each["status"], each["site_name"]) for each in own] == [
        ("红纽带", "active", "惠民社区")
    ]
    assert (await work.get(f"/teams/{work.team}/members", work.other_station)).status_code == 403
    assert (await work.get(f"/teams/{work.team}/members", volunteer.token)).status_code == 403


async def test_declined_and_removed_volunteers_see_the_reason_and_may_ask_again(work: Work) -> None:
    volunteer = await work.volunteer()
    first = (await ask(work, volunteer)).json()
    assert refused(await act(work, first, "decline", work.station)) == (422, "invalid-input")
    assert (await act(work, first, "decline", work.station, reason="full")).json()["status"] == "declined"
    second = (await ask(work, volunteer)).json()
    assert (await act(work, second, "withdrawal", volunteer.token)).json()["status"] == "withdrawn"
    third = (await ask(work, volunteer)).json()
    assert (await act(work, third, "approval", work.station)).status_code == 200
    assert refused(await act(work, third, "withdrawal", volunteer.token)) == (409, "membership-state")
    assert (await act(work, third, "removal", work.leader.token, reason="moved")).json()["status"] == "removed"
    own = (await work.get("/memberships", volunteer.token)).json()["items"]
    assert [(each["status"], each["reason"]) for each in own] == [
        ("removed", "moved"),
        ("withdrawn", None),
        ("declined", "full"),
    ]
    fourth = (await ask(work, volunteer)).json()
    assert (await act(work, fourth, "approval", work.station)).status_code == 200
    assert (await act(work, fourth, "leaving", volunteer.token)).json()["status"] == "left"
    assert [each["volunteer_id"] for each in await members(work)] == [work.leader.volunteer_id]


async def test_leaders_and_deputies_are_dated_facts(work: Work) -> None:
    volunteer, deputy = await work.volunteer(), await work.volunteer()
    await work.sign_up(await work.shift(), volunteer)
    added = {
        name: (await work.post(f"/teams/{work.team}/members", {"volunteer_id": each.volunteer_id})).json()
        for name, each in (("volunteer", volunteer), ("deputy", deputy))
    }
    assert (await act(work, added["deputy"], "role", work.station, role="deputy")).json()["role"] == "deputy"
    assert refused(await act(work, added["deputy"], "role", work.leader.token, role="leader")) == (
        403,
        "role-not-allowed",
    )
    await work.clock.set(NOW + HOUR)
    made = await act(work, added["volunteer"], "role", work.station, role="leader")
    assert (made.status_code, made.json()["role"]) == (200, "leader")
    terms = (await work.get(f"/teams/{work.team}/terms", work.station)).json()["items"]
    assert [(each["role"], each["volunteer_number"], each["until"] is None) for each in terms] == [
        ("leader", volunteer.number, True),
        ("deputy", deputy.number, True),
        ("leader", work.leader.number, False),
    ]
    assert refused(await act(work, added["volunteer"], "leaving", volunteer.token)) == (409, "leader-stays")
    team = next(each for each in (await work.get("/teams")).json()["items"] if each["team_id"] == work.team)
    assert team["leader_volunteer_id"] == volunteer.volunteer_id
    changes = (await work.get(f"/changes/team/{work.team}", work.station)).json()["items"]
    assert changes[0]["after"] == {"leader_volunteer_id": volunteer.volunteer_id}

    assert (await act(work, added["volunteer"], "role", work.station, role="member")).json()["role"] == "member"
    team = next(each for each in (await work.get("/teams")).json()["items"] if each["team_id"] == work.team)
    assert team["leader_volunteer_id"] is None
    assert (await act(work, added["volunteer"], "leaving", volunteer.token)).status_code == 200


async def test_an_appointed_leader_is_a_member_of_the_team(work: Work) -> None:
    volunteer = await work.volunteer(site_id=work.sites["惠民社区"])
    asked = (await ask(work, volunteer)).json()
    body = {"volunteer_id": volunteer.volunteer_id}
    assert (await work.post(f"/teams/{work.team}/leader", body, work.station)).status_code == 201
    listed = await members(work)
    assert [(each["membership_id"] == asked["membership_id"], each["role"]) for each in listed] == [
        (False, "member"),
        (True, "leader"),
    ]


async def test_closing_a_team_ends_its_memberships_and_takes_no_new_ones(work: Work) -> None:
    member, waiting, late = await work.volunteer(), await work.volunteer(), await work.volunteer()
    joined = (await ask(work, member)).json()
    assert (await act(work, joined, "approval", work.station)).status_code == 200
    await ask(work, waiting)
    assert (await work.post(f"/teams/{work.team}/close", {"version": 2})).status_code == 200
    for each, status in ((member, "ended"), (waiting, "withdrawn"), (work.leader, "ended")):
        own = (await work.get("/memberships", each.token)).json()["items"]
        assert [found["status"] for found in own] == [status]
    assert refused(await ask(work, late)) == (409, "team-closed")
    assert await work.count("select count(*) from team_roles where until is null") == 0


async def test_requests_of_one_volunteer_at_once_make_one_membership(work: Work) -> None:
    volunteer = await work.volunteer()
    answers = await asyncio.gather(*(ask(work, volunteer) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert await work.count("select count(*) from team_memberships where status = 'requested'") == 1


async def test_decisions_on_one_request_at_once_leave_one_of_them(work: Work) -> None:
    volunteer = await work.volunteer()
    asked = (await ask(work, volunteer)).json()
    answers = await asyncio.gather(
        act(work, asked, "approval", work.station),
        act(work, asked, "decline", work.leader.token, reason="full"),
        act(work, asked, "withdrawal", volunteer.token),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


async def test_a_leader_signs_up_members_and_not_others(work: Work) -> None:
    shift_id = await work.shift()
    member, stranger = await work.volunteer(), await work.volunteer()
    await work.post(f"/memberships/{(await ask(work, member)).json()['membership_id']}/approval", None, work.station)
    await ask(work, stranger)
    path = f"/shifts/{shift_id}/signups"
    assert (await work.post(path, {"volunteer_id": member.volunteer_id}, work.leader.token)).status_code == 201
    answer = await work.post(path, {"volunteer_id": stranger.volunteer_id}, work.leader.token)
    assert refused(answer) == (404, "volunteer-unknown")
