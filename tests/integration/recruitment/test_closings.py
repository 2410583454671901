"""Records that were closed automatically: the volunteer is told and answers, the site sees it. HTTP, real database."""

import httpx

from services.recruitment.attendance import store, timers
from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Volunteer, Work, at


async def closed(work: Work) -> tuple[Volunteer, str]:
    """A volunteer who checked in to a shift of an hour and went home without a word; and the record."""
    volunteer, shift_id = await work.volunteer(), await work.shift(MINUTE, HOUR)
    await work.sign_up(shift_id, volunteer)
    record_id: str = (await work.check("in", shift_id, volunteer)).json()["record_id"]
    await work.clock.set(NOW + 3 * HOUR)
    assert await timers.close_overdue(work.database) == 1
    return volunteer, record_id


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def test_the_volunteer_is_told_once_and_the_site_sees_the_answer(work: Work) -> None:
    volunteer, record_id = await closed(work)
    told = [event for event in await work.events("assertions") if event["act"] == "auto-closed"]
    assert [(event["record_id"], event["status"]) for event in told] == [(record_id, "provisional")]
    path = f"/attendance/records/{record_id}/answer"
    for body in ({"answer": "stayed"}, {"answer": "left", "left_at": at(30 * MINUTE)}):
        assert (await work.post(path, body, volunteer.token)).status_code == 200
    for token in (volunteer.token, work.station, work.leader.token):
        (row,) = (await work.get("/attendance/records", token, status="provisional")).json()["items"]
        assert (row["answer"], row["minutes"]) == ("left", 59)
        assert row["left_at"] is not None
    assert refused(await work.post(path, {"answer": "stayed"}, work.other_station))[0] == 403
    stranger = await work.volunteer()
    assert refused(await work.post(path, {"answer": "stayed"}, stranger.token)) == (404, "record-unknown")


async def test_an_answer_names_a_time_within_the_record_and_ends_with_the_sites_decision(work: Work) -> None:
    volunteer, record_id = await closed(work)
    path = f"/attendance/records/{record_id}/answer"
    late = {"answer": "left", "left_at": at(2 * HOUR)}
    assert refused(await work.post(path, late, volunteer.token)) == (422, "left-outside")
    assert refused(await work.post(path, {"answer": "left"}, volunteer.token)) == (422, "time-missing")
    confirmed = await work.post(f"/attendance/records/{record_id}/confirm", {"reason": "到场"}, work.station)
    assert confirmed.json()["status"] == "confirmed"
    assert refused(await work.post(path, {"answer": "absent"}, volunteer.token)) == (409, "nothing-to-answer")


async def test_the_sites_staff_are_asked_once_for_a_shift(work: Work) -> None:
    people, shift_id = [await work.volunteer() for _ in range(3)], await work.shift(MINUTE, HOUR)
    for one in people:
        await work.sign_up(shift_id, one)
        assert (await work.check("in", shift_id, one)).status_code == 201
    await work.clock.set(NOW + 3 * HOUR)
    assert await timers.close_overdue(work.database) == 3
    named = [event["staff_ids"] for event in await work.events("assertions") if event["act"] == "auto-closed"]
    assert len(named) == 3
    (staff,) = [one for one in named if one]
    site = await work.count(
        "select count(*) from staff where staff_id = any($1::text[]::uuid[]) and site_id ="
        " (select site_id from activities join shifts using (activity_id) where shift_id = $2::text::uuid)",
        staff,
        shift_id,
    )
    assert len(staff) == site > 0


async def test_without_staff_of_its_own_a_site_has_those_above_it_or_the_centre_asked(work: Work) -> None:
    shift_id = await work.shift(MINUTE, HOUR)
    async with work.database.transaction() as tx:
        place = await tx.fetchrow(
            "select site_id, parent_id from shifts join activities using (activity_id) join sites using (site_id)"
            " where shift_id = $1::text::uuid",
            shift_id,
        )
        assert place is not None
        site, parent = place
        own = await store.staff_of_site(tx, site)
        assert own
        await tx.execute("update staff set state = 'deactivated' where site_id = $1 and staff_id <> $2", site, own[0])
        await tx.execute("update staff set site_id = $2 where staff_id = $1", own[0], parent)
        assert await store.staff_of_site(tx, site) == [own[0]]
        await tx.execute("update staff set state = 'deactivated' where site_id is not null")
        found = await store.staff_of_site(tx, site)
        centre = await tx.fetch("select staff_id from staff where site_id is null and role = 'operator' and active")
        assert found == sorted(row["staff_id"] for row in centre) != []
