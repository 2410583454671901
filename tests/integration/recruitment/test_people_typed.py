"""What people type at registration counts by its meaning, through HTTP on a real database."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.recruitment.people import NOW, PASSWORD, ROOT, Answer, District, district_of
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


IMPOSSIBLE: list[Answer] = [
    {"name": "张\u202e三"},
    {"email": "张三@example.com"},
    {"email": "a,b@example.org"},
    {"id_number": "230506202001010010"},  # six years old, no guardian
    {"id_number": "11010519491231002X", "birth_date": "1949-12-30"},
    {"id_number": "110105491331002"},
]


async def test_facts_that_cannot_be_are_refused(district: District) -> None:
    for said in IMPOSSIBLE:
        phone = district.phone()
        body = {"name": "张三", "phone": phone, "code": await district.code(phone), "consent": True, **said}
        answer = await district.post("/volunteers", body)
        assert (answer.status_code, answer.json()["type"]) == (422, "registration-invalid"), said


async def test_the_id_number_of_a_child_is_its_birth_date(district: District) -> None:
    number = "230506202001010010"
    child = await district.register("小明", id_number=number, guardian_consent=True)
    person = await district.made(f"/volunteers/{child['volunteer_id']}/unmask", {"purpose": "保险投保核对"})
    assert person["birth_date"] == "2020-01-01"


async def test_what_is_typed_counts_by_its_meaning(district: District) -> None:
    sites = await district.sites()
    drive = await district.drive(sites["centre"])
    phone = district.phone()
    code = await district.code(f"+86 {phone[:3]}\u200b–{phone[3:]}")
    body = {
        "name": "\ue863\U00031350",
        "phone": "".join(chr(ord(digit) + 0xFEE0) for digit in phone),
        "code": f" {code[:3]} {code[3:]}\t",
        "consent": True,
        "email": "ｌｉ＠Example。org",
        "id_number": "１１０１０５ 19491231 002x",
        "drive_code": f"{drive['code'][:3].lower()}-{drive['code'][3:]}",
    }
    made = await district.made("/volunteers", body)
    person = await district.made(f"/volunteers/{made['volunteer_id']}/unmask", {"purpose": "保险投保核对"})
    assert person == {
        "name": "\ue863\U00031350",
        "phone": phone,
        "email": "li@example.org",
        "birth_date": "1949-12-31",
    }
    number = made["volunteer_number"].lower().replace("-", " ")
    found = (await district.get("/volunteers", district.operator, volunteer_number=number)).json()["items"]
    assert [each["volunteer_id"] for each in found] == [made["volunteer_id"]]
    again = await district.sign_in(f"(0086) {phone}")
    assert again.status_code == 200, again.text
    staff = await district.http.post(f"{ROOT}/auth/sessions", json={"username": " Ｃentre", "password": PASSWORD})
    assert staff.status_code == 200, staff.text


async def test_a_code_of_a_wrong_form_costs_no_try(district: District) -> None:
    phone = district.phone()
    code = await district.code(phone)
    body = {"name": "张三", "phone": phone, "consent": True}
    for typed in ("12345", "1234567", "abcdef", "") * 3:
        answer = await district.post("/volunteers", {**body, "code": typed})
        assert (answer.status_code, answer.json()["type"]) == (422, "invalid-input")
        assert "six digits" in answer.json()["detail"]
    assert (await district.post("/volunteers", {**body, "code": code})).status_code == 201
