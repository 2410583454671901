"""Changing one's phone and e-mail, and consents by version, through HTTP on a real database."""

from typing import Any

import httpx
import orjson

from shared.postgres import Database
from tests.integration.recruitment.people import ROOT, District
from tests.integration.recruitment.work import HOUR, NOW, Volunteer, Work


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("type", ""))


async def asked(district: District, path: str, phone: str, token: str) -> dict[str, Any]:
    """Ask for the codes of a change; returns the challenges."""
    headers = {"authorization": f"Bearer {token}"}
    answer = await district.http.post(f"{ROOT}{path}/codes", json={"phone": phone}, headers=headers)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def own_change(work: Work, volunteer: Volunteer, old: str, new: str) -> dict[str, Any]:
    """The body of a change by both codes."""
    given = await asked(work.district, "/volunteers/me/phone", new, volunteer.token)
    return {
        "phone": new,
        "old_challenge_id": given["old_challenge_id"],
        "old_code": work.district.code_of(old),
        "challenge_id": given["challenge_id"],
        "code": work.district.code_of(new),
    }


async def test_a_phone_is_changed_by_codes_to_both_and_the_old_one_logs_in_no_more(work: Work) -> None:
    old, new = work.district.phone(), work.district.phone()
    volunteer = await work.volunteer(phone=old)
    body = await own_change(work, volunteer, old, new)
    wrong = {**body, "old_code": "000000" if body["old_code"] != "000000" else "111111"}
    assert (await work.post("/volunteers/me/phone", wrong, volunteer.token)).status_code == 401
    answer = await work.post("/volunteers/me/phone", body, volunteer.token)
    assert answer.status_code == 200, answer.text
    assert (await work.district.sign_in(new)).json()["volunteer_id"] == volunteer.volunteer_id
    assert refused(await work.district.sign_in(old)) == (404, "not-registered")
    (change,) = (await work.get("/volunteers/me/phone/changes", volunteer.token)).json()["items"]
    assert change["by_staff"] is False


async def test_a_phone_of_another_person_is_refused_after_it_was_proved(work: Work) -> None:
    old, taken = work.district.phone(), work.district.phone()
    volunteer, _ = await work.volunteer(phone=old), await work.volunteer(phone=taken)
    body = await own_change(work, volunteer, old, taken)
    assert refused(await work.post("/volunteers/me/phone", body, volunteer.token)) == (409, "phone-registered")
    assert (await work.district.sign_in(old)).status_code == 200
    assert refused(await work.post("/volunteers/me/phone/codes", {"phone": old}, volunteer.token)) == (
        409,
        "phone-same",
    )


async def test_staff_of_the_site_replace_a_lost_phone_with_evidence(work: Work, recruitment_db: Database) -> None:
    old, new = work.district.phone(), work.district.phone()
    volunteer = await work.volunteer(phone=old, site_id=work.sites["惠民社区"])
    path = f"/volunteers/{volunteer.volunteer_id}/phone"
    given = await asked(work.district, path, new, work.station)
    body = {"phone": new, "challenge_id": given["challenge_id"], "code": work.district.code_of(new)}
    assert refused(await work.post(path, {**body, "evidence": "有"}, work.station))[0] == 422
    answer = await work.post(path, {**body, "evidence": "看过身份证原件"}, work.other_station)
    assert refused(answer) == (404, "volunteer-unknown")
    key = "replaced-once"
    for _ in range(2):
        assert (await work.post(path, {**body, "evidence": "看过身份证原件"}, work.station, key=key)).status_code == 200
    sent = [orjson.loads(line) for line in work.district.log.read_bytes().splitlines()]
    assert [each["phone"] for each in sent if each.get("notice") == "phone-replaced"] == [old], "warned once"
    assert (await work.district.sign_in(new)).json()["volunteer_id"] == volunteer.volunteer_id
    async with recruitment_db.transaction() as tx:
        assert "身份证" not in str(await tx.fetch("select * from phone_changes"))
        kinds = [row["kind"] for row in await tx.fetch("select kind from security_events")]
    assert "phone-changed" in kinds


async def test_an_email_address_is_changed_and_deleted(work: Work) -> None:
    volunteer = await work.volunteer()
    path = "/volunteers/me/email"
    assert refused(await work.put(path, {"email": "a,b@example.org"}, volunteer.token)) == (422, "email-invalid")
    assert (await work.put(path, {"email": "wang@example.org"}, volunteer.token)).status_code == 200
    assert "@example.org" in (await work.get("/volunteers/me", volunteer.token)).json()["email"]
    assert (await work.put(path, {"email": None}, volunteer.token)).status_code == 200
    assert (await work.get("/volunteers/me", volunteer.token)).json()["email"] is None


async def test_the_version_in_force_is_asked_for_until_it_is_accepted(work: Work, recruitment_db: Database) -> None:
    volunteer = await work.volunteer()
    fresh = (await work.get("/volunteers/me/consent", volunteer.token)).json()
    assert (fresh["accepted"], fresh["due"]) == (fresh["current"], False)
    (imported,) = await work.people(1, agreed=False)
    asked_of = (await work.get("/volunteers/me/consent", imported.token)).json()
    assert (asked_of["accepted"], asked_of["due"]) == (None, True)
    path = "/volunteers/me/consents"
    assert refused(await work.post(path, {"version": 1}, imported.token)) == (409, "consent-outdated")
    for _ in range(2):
        assert (await work.post(path, {"version": fresh["current"]}, imported.token)).status_code == 201
    assert (await work.get("/volunteers/me/consent", imported.token)).json()["due"] is False
    async with recruitment_db.transaction() as tx:
        assert (
            len(await tx.fetch("select from consents where volunteer_id = $1::text::uuid", imported.volunteer_id)) == 1
        )


async def test_a_child_accepts_with_a_guardian(work: Work, recruitment_db: Database) -> None:
    child = await work.volunteer(birth_date="2016-05-01", guardian_consent=True)
    async with recruitment_db.transaction() as tx:
        given = await tx.fetch("select guardian from consents where volunteer_id = $1::text::uuid", child.volunteer_id)
    assert [row["guardian"] for row in given] == [True]
    found = (await work.get("/volunteers/me/consent", child.token)).json()
    assert found["guardian_needed"] is True
    body = {"version": found["current"]}
    assert refused(await work.post("/volunteers/me/consents", body, child.token)) == (422, "guardian-missing")


async def test_volunteers_without_any_consent_neither_sign_up_nor_check_in(work: Work) -> None:
    (imported,) = await work.people(1, agreed=False)
    shift_id = await work.shift()
    assert refused(await work.sign_up(shift_id, imported)) == (403, "consent-due")
    by_staff = await work.post(f"/shifts/{shift_id}/signups", {"volunteer_id": imported.volunteer_id})
    assert by_staff.status_code == 201
    await work.clock.set(NOW + HOUR)
    assert refused(await work.check("in", shift_id, imported)) == (403, "consent-due")


async def agreed_before(work: Work, db: Database) -> list[Volunteer]:
    """Two volunteers who accepted the terms before those in force."""
    volunteers = await work.people(2, agreed=False)
    async with db.transaction() as tx:
        for one in volunteers:
            await tx.execute(
                "insert into consents (volunteer_id, version, accepted_at, guardian)"
                " values ($1::text::uuid, 1, now(), false)",
                one.volunteer_id,
            )
    return volunteers


async def test_own_acts_wait_for_the_terms_in_force_and_those_of_staff_do_not(
    work: Work, recruitment_db: Database
) -> None:
    one, other = await agreed_before(work, recruitment_db)
    shift_id = await work.shift()
    answer = await work.sign_up(shift_id, one)
    assert refused(answer) == (403, "consent-due")
    assert (answer.json()["version"], answer.json()["accepted"]) == (2, 1)
    assert await work.count("select count(*) from signups") == 0
    by_staff = await work.post(f"/shifts/{shift_id}/signups", {"volunteer_id": str(other.volunteer_id)})
    assert by_staff.status_code == 201
    await work.clock.set(NOW + HOUR)
    assert refused(await work.check("in", shift_id, other)) == (403, "consent-due")
    body = {"tick": "in", "volunteer_numbers": [other.number]}
    ticked = (await work.post(f"/shifts/{shift_id}/roll-call", body)).json()
    assert len(ticked["recorded"]) == 1
    assert (await work.check("out", shift_id, other)).status_code == 201, "leaving never waits"
    assert (await work.post("/volunteers/me/consents", {"version": 2}, one.token)).status_code == 201
    assert (await work.sign_up(shift_id, one)).status_code == 201
    assert (await work.check("in", shift_id, one)).status_code == 201


async def test_staff_add_a_missing_date_of_birth_once_and_the_volunteer_sees_it(work: Work) -> None:
    here = work.sites["惠民社区"]
    grown, child, known = (
        await work.volunteer(site_id=here),
        await work.volunteer(site_id=here),
        await work.volunteer(site_id=here, birth_date="1990-05-01"),
    )

    async def add(who: Volunteer, born: str, token: str = work.station, **more: Any) -> httpx.Response:
        body = {"birth_date": born, "purpose": "看过身份证原件", **more}
        answer: httpx.Response = await work.put(f"/volunteers/{who.volunteer_id}/birth-date", body, token)
        return answer

    assert refused(await add(grown, "2036-01-01")) == (422, "birth-date-invalid")
    assert refused(await add(grown, "1990-05-01", work.other_station)) == (404, "volunteer-unknown")
    assert (await add(grown, "1990-05-01")).status_code == 200
    assert refused(await add(grown, "1991-05-01")) == (409, "birth-date-on-file")
    assert refused(await add(known, "1991-05-01")) == (409, "birth-date-on-file")
    looks = (await work.get("/volunteers/me/looks", grown.token)).json()["items"]
    assert [look["purpose"] for look in looks] == ["看过身份证原件"]
    assert refused(await add(child, "2019-05-01")) == (422, "guardian-missing")
    assert (await add(child, "2019-05-01", guardian_consent=True)).status_code == 200
    standing = (await work.get("/volunteers/me/consent", child.token)).json()
    assert standing["guardian_needed"] is True
