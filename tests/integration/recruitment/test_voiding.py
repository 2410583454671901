"""Voiding an activity as it was previewed, through HTTP on a real database."""

from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Volunteer, Work

WHY = {"reason": "活动没有办", "evidence": "现场照片"}


async def served(work: Work, shift_id: str) -> Volunteer:
    volunteer = await work.volunteer()
    await work.clock.set(NOW)
    await work.sign_up(shift_id, volunteer)
    assert (await work.check("in", shift_id, volunteer)).status_code == 201
    return volunteer


async def test_an_activity_is_voided_as_it_was_seen_or_shown_again(work: Work) -> None:
    activity = await work.activity((MINUTE, 2 * HOUR))
    shift_id, activity_id = activity["shifts"][0]["shift_id"], activity["activity_id"]
    people = [await served(work, shift_id) for _ in range(2)]
    await work.clock.set(NOW + HOUR)
    for one in people:
        assert (await work.check("out", shift_id, one)).status_code == 201
    path = f"/activities/{activity_id}"
    seen = (await work.get(f"{path}/void-preview", work.station)).json()
    assert (seen["records"], seen["people"], seen["confirmed_minutes"], seen["waiting"]) == (2, 2, 118, 0)
    late = await work.volunteer()
    await work.sign_up(shift_id, late)
    await work.check("in", shift_id, late)
    answer = await work.post(f"{path}/void", {**WHY, "digest": seen["digest"]}, work.station)
    assert (answer.status_code, answer.json()["type"]) == (409, "preview-changed")
    assert await work.count("select count(*) from attendance_records where status = 'void'") == 0
    again = (await work.get(f"{path}/void-preview", work.station)).json()
    assert again["digest"] == answer.json()["digest"]
    done = await work.post(f"{path}/void", {**WHY, "digest": again["digest"]}, work.station)
    assert done.json() == again
    assert await work.count("select count(*) from attendance_records where status = 'void'") == 3
    told = [event for event in await work.events("assertions") if event["act"] == "voided"]
    assert len(told) == 3
    nothing = (await work.get(f"{path}/void-preview", work.station)).json()
    assert nothing["records"] == 0


async def test_only_staff_of_the_site_see_and_do_it(work: Work) -> None:
    activity = await work.activity((MINUTE, HOUR))
    path = f"/activities/{activity['activity_id']}/void-preview"
    for token in (work.leader.token, work.other_station):
        assert (await work.get(path, token)).status_code == 403
