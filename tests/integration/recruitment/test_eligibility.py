"""Requirements of activities, through HTTP on a real database."""

from typing import Any

import httpx

from tests.integration.recruitment.people import ROOT
from tests.integration.recruitment.work import DAY, HOUR, NOW, Volunteer, Work


async def put(work: Work, activity_id: str, body: dict[str, Any], token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token or work.leader.token}"}
    return await work.district.http.put(f"{ROOT}/activities/{activity_id}/details", json=body, headers=headers)


async def asking(work: Work, start: Any = DAY, **asked: Any) -> tuple[str, str]:
    """An activity that asks for something, and its shift."""
    activity = await work.activity((start, start + HOUR), capacity=1)
    answer = await put(work, activity["activity_id"], {"version": 0, **asked})
    assert answer.status_code == 200, answer.text
    return activity["activity_id"], activity["shifts"][0]["shift_id"]


async def refusal(work: Work, shift_id: str, volunteer: Volunteer) -> tuple[int, Any]:
    answer = await work.sign_up(shift_id, volunteer)
    return answer.status_code, answer.json().get("missing")


async def test_details_are_shown_to_all_and_written_by_those_who_run_the_activity(work: Work) -> None:
    activity_id, _ = await asking(work, bring="雨伞", map_link="https://map.example/1", contact="王队长")
    volunteer = await work.volunteer()
    shown = (await work.get(f"/activities/{activity_id}/details", volunteer.token)).json()
    assert (shown["bring"], shown["version"], shown["min_age"]) == ("雨伞", 1, None)
    assert (await put(work, activity_id, {"version": 1, "bring": "水"}, work.other_station)).status_code == 403
    stale = await put(work, activity_id, {"version": 0, "bring": "水"})
    assert (stale.status_code, stale.json()["type"]) == (409, "details-changed")
    reversed_ages = await put(work, activity_id, {"version": 1, "min_age": 60, "max_age": 18})
    assert (reversed_ages.status_code, reversed_ages.json()["type"]) == (422, "ages-reversed")
    script = await put(work, activity_id, {"version": 1, "map_link": "javascript:alert(1)"})
    assert script.status_code == 422


async def test_an_age_is_checked_on_the_day_of_the_shift_without_being_said(work: Work) -> None:
    _, shift_id = await asking(work, min_age=18)
    young = await work.volunteer(birth_date="2008-03-06")
    grown = await work.volunteer(birth_date="2008-03-05")
    unknown = await work.volunteer()
    assert await refusal(work, shift_id, young) == (409, ["too-young"])
    said = (await work.get(f"/shifts/{shift_id}/eligibility", young.token)).json()
    assert (said["eligible"], [(each["type"], each["years"]) for each in said["missing"]]) == (
        False, [("too-young", 18)],
    )  # fmt: skip
    assert "2008" not in str(said)
    assert await refusal(work, shift_id, unknown) == (409, ["age-unknown"])
    assert await refusal(work, shift_id, grown) == (201, None)


async def test_skills_and_insurance_count_while_staff_vouch_for_them(work: Work) -> None:
    _, shift_id = await asking(work, needs_skills=["barber"], needs_insurance=True)
    volunteer = await work.volunteer(site_id=work.sites["惠民社区"])
    path = f"/volunteers/{volunteer.volunteer_id}/facts"
    assert await refusal(work, shift_id, volunteer) == (409, ["skill-missing", "insurance-missing"])
    assert (await work.post(path, {"kind": "skill", "code": "barber"}, work.other_station)).status_code == 404
    endless = await work.post(path, {"kind": "insurance", "code": "accident"}, work.station)
    assert (endless.status_code, endless.json()["type"]) == (422, "end-missing")
    skill = await work.district.made(path, {"kind": "skill", "code": "barber"}, work.station)
    expired = {"kind": "insurance", "code": "accident", "valid_until": "2026-03-04"}
    await work.district.made(path, expired, work.station)
    assert await refusal(work, shift_id, volunteer) == (409, ["insurance-missing"]), "it ends before the shift"
    await work.district.made(path, {**expired, "valid_until": "2026-03-05"}, work.station)
    revoke = f"/facts/{skill['fact_id']}/revocation"
    assert (await work.post(revoke, {}, work.station)).status_code == 200
    assert (await work.post(revoke, {}, work.station)).json()["type"] == "fact-revoked"
    assert await refusal(work, shift_id, volunteer) == (409, ["skill-missing"])
    await work.district.made(path, {"kind": "skill", "code": "barber"}, work.station)
    assert await refusal(work, shift_id, volunteer) == (201, None)
    assert len((await work.get("/volunteers/me/facts", volunteer.token)).json()["items"]) == 4


async def test_a_completed_training_opens_others_and_waiting_passes_over_who_lacks_it(work: Work) -> None:
    _, training = await asking(work, HOUR, training="first-aid")
    activity_id, shift_id = await asking(work, 3 * DAY, needs_trainings=["first-aid"])
    trained, other = await work.volunteer(), await work.volunteer()
    assert await refusal(work, shift_id, trained) == (409, ["training-missing"])
    assert (await work.sign_up(training, trained)).status_code == 201
    await work.clock.set(NOW + HOUR)
    assert (await work.check("in", training, trained)).status_code == 201
    assert await refusal(work, shift_id, trained) == (409, ["training-missing"]), "not before it is completed"
    await work.clock.set(NOW + 2 * HOUR)
    assert (await work.check("out", training, trained)).status_code == 201
    assert await refusal(work, shift_id, trained) == (201, None)
    refused = await work.post(f"/shifts/{shift_id}/waitlist", {}, other.token)
    assert (refused.status_code, refused.json()["type"]) == (409, "training-missing")
    assert (await put(work, activity_id, {"version": 1})).status_code == 200
    await work.post(f"/shifts/{shift_id}/waitlist", {}, other.token)
    assert (await put(work, activity_id, {"version": 2, "needs_trainings": ["first-aid"]})).status_code == 200
    signup = (await work.get("/signups", trained.token, status="active")).json()["items"][0]
    await work.post(f"/signups/{signup['signup_id']}/cancel", {}, trained.token)
    entry = (await work.get("/waitlist", other.token)).json()["items"][0]
    assert (entry["status"], entry["skipped"]) == ("waiting", "ineligible")


async def test_an_activity_asks_for_several_and_names_each_that_is_missing(work: Work) -> None:
    _, shift_id = await asking(
        work, needs_trainings=["first-aid", "fire-safety"], needs_skills=["barber", "sign-language"]
    )
    volunteer = await work.volunteer(site_id=work.sites["惠民社区"])
    path = f"/volunteers/{volunteer.volunteer_id}/facts"
    for kind, code in (("training", "fire-safety"), ("skill", "barber"), ("skill", "fire-safety")):
        await work.district.made(path, {"kind": kind, "code": code}, work.station)
    said = (await work.get(f"/shifts/{shift_id}/eligibility", volunteer.token)).json()
    assert [(each["type"], each["code"]) for each in said["missing"]] == [
        ("training-missing", "first-aid"), ("skill-missing", "sign-language"),
    ]  # fmt: skip
    for kind, code in (("training", "first-aid"), ("skill", "sign-language")):
        await work.district.made(path, {"kind": kind, "code": code}, work.station)
    assert await refusal(work, shift_id, volunteer) == (201, None)


async def test_known_trainings_and_skills_are_listed_by_name(work: Work) -> None:
    await asking(work, training="first-aid")
    volunteer = await work.volunteer(site_id=work.sites["惠民社区"])
    path = f"/volunteers/{volunteer.volunteer_id}/facts"
    for kind, code in (("training", "first-aid"), ("skill", "old-code")):
        await work.district.made(path, {"kind": kind, "code": code}, work.station)
    found = (await work.get("/qualifications", work.leader.token)).json()["items"]
    by_code = {(each["kind"], each["code"]): each["zh"] for each in found}
    assert len(by_code) == len(found), "each once"
    assert by_code["training", "first-aid"], "by the title of the activity that completes it"
    assert by_code["skill", "old-code"] is None
    assert (await work.get("/qualifications", volunteer.token)).status_code == 403
