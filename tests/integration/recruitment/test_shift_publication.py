"""When a shift became visible for sign-up, through HTTP on a real database."""

from tests.integration.recruitment.work import HOUR, MINUTE, NOW, Work, at, instant


async def test_a_shift_is_published_when_it_becomes_visible_for_sign_up(work: Work) -> None:
    opened = await work.activity((HOUR, 2 * HOUR), late=True)
    draft = await work.activity((HOUR, 2 * HOUR), draft=True, late=True)
    assert [instant(shift["published_at"]) for shift in opened["shifts"]] == [NOW]
    assert [shift["published_at"] for shift in draft["shifts"]] == [None]

    await work.clock.set(NOW + 10 * MINUTE)
    more = {"shifts": [{"starts_at": at(3 * HOUR), "ends_at": at(4 * HOUR), "capacity": 3}]}
    added = (await work.post(f"/activities/{opened['activity_id']}/shifts", more)).json()
    assert [instant(shift["published_at"]) for shift in added["shifts"]] == [NOW, NOW + 10 * MINUTE]
    assert (await work.get(f"/activities/{opened['activity_id']}")).json() == added

    still = (await work.post(f"/activities/{draft['activity_id']}/shifts", more)).json()
    assert {shift["published_at"] for shift in still["shifts"]} == {None}
    await work.clock.set(NOW + 20 * MINUTE)
    made = (await work.post(f"/activities/{draft['activity_id']}/open", None)).json()
    assert {instant(shift["published_at"]) for shift in made["shifts"]} == {NOW + 20 * MINUTE}
    assert (await work.get(f"/activities/{draft['activity_id']}")).json() == made
