"""One person behind several accounts counts once: as staff, as leader, and as the volunteer whose hours they are."""

from uuid import UUID

from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from tests.integration.recruitment.work import HOUR, NOW, Volunteer, Work
from tests.support.approvals import entered
from tests.support.hour_doors import a_row, record_of, slug, upload


async def same_person(work: Work, username: str, volunteer: Volunteer) -> None:
    """The holder of the account registered as this volunteer; nothing was said of it."""
    async with work.database.transaction() as tx:
        await tx.execute(
            "update volunteers set person_id = (select person_id from staff where username = $1)"
            " where volunteer_id = $2",
            username,
            UUID(volunteer.volunteer_id),
        )


async def test_staff_who_register_as_volunteers_are_known_to_be_both(work: Work) -> None:
    site_id = work.sites["惠民社区"]
    await work.district.add_staff("later", "station", site_id)
    somebody = await work.volunteer()
    await same_person(work, "later", somebody)
    token = await work.district.password("later")
    assert (await work.get("/auth/me", token)).json()["volunteer_id"] == somebody.volunteer_id
    shift_id, device = await work.shift(), await work.device(token=token)
    await work.clock.set(NOW + 5 * HOUR)
    answer = (await work.post("/attendance/batches", work.batch(device, a_row(1, somebody, shift_id)), token)).json()
    assert answer["accepted"] == 0
    assert "hours of their own" in answer["refused"][0]["detail"]


async def test_staff_who_register_as_volunteers_do_not_decide_on_themselves(work: Work) -> None:
    (record_id,), (person,) = await entered(work)
    await same_person(work, "donghu", person)
    assert await work.approvals(work.other_station) == []
    assert slug(await work.decide([record_id], work.other_station)) == "own-record"


async def test_a_code_that_staff_show_to_themselves_is_refused(work: Work) -> None:
    shift_id, somebody, other = await work.shift(), await work.volunteer(), await work.volunteer()
    await same_person(work, "huimin", somebody)
    serving = mint(
        work.district.settings,
        Caller(
            subject=new_id(),
            roles=frozenset({Role.STATION}),
            volunteer_id=UUID(somebody.volunteer_id),
            site_ids=frozenset({UUID(work.sites["惠民社区"])}),
        ),
    )
    for each in (somebody, other):
        await work.sign_up(shift_id, each)
    await work.clock.set(NOW + HOUR)
    own = await work.code(shift_id, serving)
    assert slug(await work.check("in", shift_id, somebody, code=own)) == "staff-own-code"
    ticket = (await work.post("/attendance/tickets", {"shift_id": shift_id, "code": own})).json()["ticket"]
    assert slug(await work.check("in", shift_id, somebody, ticket=ticket)) == "staff-own-code"
    assert (await work.check("in", shift_id, other, code=own)).status_code == 201
    by_leader = await work.code(shift_id, work.leader.token)
    assert (await work.check("in", shift_id, somebody, code=by_leader)).status_code == 201


async def test_staff_of_elsewhere_may_scan_what_serving_staff_show(work: Work) -> None:
    shift_id, somebody = await work.shift(), await work.volunteer()
    await same_person(work, "donghu", somebody)
    caller = Caller(
        subject=new_id(),
        roles=frozenset({Role.STATION}),
        volunteer_id=new_id(),
        site_ids=frozenset({UUID(work.sites["惠民社区"])}),
    )
    await work.sign_up(shift_id, somebody)
    await work.clock.set(NOW + HOUR)
    code = await work.code(shift_id, mint(work.district.settings, caller))
    assert (await work.check("in", shift_id, somebody, code=code)).status_code == 201


async def test_a_leaders_own_code_is_refused_to_a_token_from_before_the_appointment(work: Work) -> None:
    shift_id, old = await work.shift(), work.token(UUID(work.leader.volunteer_id))
    before = Volunteer(work.leader.volunteer_id, work.leader.number, old)
    await work.sign_up(shift_id, before)
    await work.clock.set(NOW + HOUR)
    code = await work.code(shift_id, work.leader.token)
    assert slug(await work.check("in", shift_id, before, code=code)) == "leaders-own-code"


async def test_staff_who_lead_a_team_have_one_cap_for_both(work: Work) -> None:
    await same_person(work, "huimin", work.leader)
    morning = await work.shift(HOUR, 6 * HOUR)
    evening = await work.shift(6 * HOUR, 11 * HOUR)
    device, (person,) = await work.device(), await work.people(1)
    await work.clock.set(NOW + 12 * HOUR)
    kiosk = a_row(1, person, morning, HOUR, 6 * HOUR)
    (first,) = (await upload(work, work.batch(device, kiosk)))["records"]
    roll_call = work.batch(device, a_row(2, person, evening, 6 * HOUR, 11 * HOUR), provenance="leader")
    (second,) = (await upload(work, roll_call, work.leader.token))["records"]
    assert (first["waits_for"], second["waits_for"]) == ([], ["cap"])


async def test_overtime_that_another_site_rejected_counts_on_nobodys_word_at_the_site(work: Work) -> None:
    settings = work.district.app.state.settings
    work.district.app.state.settings = settings.model_copy(update={"asserted_minutes_per_volunteer": 20})
    shift_id, somebody, record = await work.serving()
    await work.clock.set(NOW + 4 * HOUR)
    await work.check("out", shift_id, somebody)
    path = f"/attendance/records/{record['record_id']}/overtime"
    await work.post(path, {"reason": "收尾"}, work.station)
    await work.decide([record["record_id"]], work.other_station, "reject")
    work.district.app.state.settings = settings
    colleague = await work.staff("colleague", "惠民社区")
    answer = (await work.post(path, {"reason": "收尾"}, colleague)).json()
    assert (answer["minutes"], answer["overtime_minutes"]) == (120, 0)
    assert (await record_of(work, record["record_id"]))["waits_for"] == ["cap"]
