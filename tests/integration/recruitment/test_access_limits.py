"""Limits on codes and passwords: by address, by account and in all; strangers cannot lock an owner out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.recruitment.access.domain import PASSWORD_DELAY, StaffRole
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.staff import passwords
from services.recruitment.staff.handlers import NewStaff, add_account
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, PASSWORD, ROOT, District, district_of
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

STRICT = {name: field.default for name, field in RecruitmentSettings.model_fields.items() if name.startswith("limit_")}


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    """With the limits of production."""
    await clock.set(NOW)

    def strict(service: str, **overrides: Any) -> Any:
        return settings_for(service, **STRICT, **overrides)

    async with district_of(strict) as district:  # type: ignore[arg-type]
        yield district


async def ask(district: District, phone: str, address: str = "192.0.2.1", browser: str = "") -> httpx.Response:
    return await district.http.post(f"{ROOT}/auth/codes", json={"phone": phone}, headers=_from(address, browser))


def _from(address: str, browser: str = "") -> dict[str, str]:
    """The headers of a request that comes through the trusted gateway."""
    return {"x-forwarded-for": address, **({"x-weiguang-browser": browser} if browser else {})}


async def password(district: District, name: str, tried: str, address: str, browser: str = "") -> tuple[int, str]:
    body = {"username": name, "password": tried}
    answer = await district.http.post(f"{ROOT}/auth/sessions", json=body, headers=_from(address, browser))
    return answer.status_code, answer.json().get("type", "")


async def test_sixty_phones_from_one_address_are_not_all_sent_codes(district: District) -> None:
    answers = [await ask(district, district.phone()) for _ in range(60)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [202] * 30 + [429] * 30
    refused = answers[-1].json()
    assert refused["type"] == "too-many-codes"
    assert 0 < refused["retry_after"] <= 3600
    assert (await ask(district, district.phone(), "192.0.2.2")).status_code == 202, "others go on"
    events = (await district.get("/security/events", district.operator, kind="limit-reached")).json()["items"]
    assert [(event["address"], event["detail"]["limit"]) for event in events] == [("192.0.2.1", "codes-address")]


async def test_a_phone_gets_five_codes_in_a_quarter_and_ten_a_day(district: District, recruitment_db: Database) -> None:
    phone = district.phone()
    assert [(await ask(district, phone, f"192.0.2.{n}")).status_code for n in range(6)] == [202] * 5 + [429]
    await recruitment_db.pool.execute(
        "update limit_counters set began_at = began_at - interval '16 minutes' where kind = 'codes-phone'"
    )
    assert [(await ask(district, phone, f"192.0.2.{n}")).status_code for n in range(6)] == [202] * 5 + [429]
    await recruitment_db.pool.execute(
        "update limit_counters set began_at = began_at - interval '16 minutes' where kind = 'codes-phone'"
    )
    assert (await ask(district, phone, "192.0.2.9")).status_code == 429


async def test_a_stranger_cannot_use_up_an_owners_codes_or_tries(district: District) -> None:
    phone, mine = district.phone(), "m" * 43
    asked = (await ask(district, phone, "198.51.100.7", mine)).json()
    body = {"name": "张三", "phone": phone, "code": district.last_code(), "consent": True}
    made = await district.http.post(
        f"{ROOT}/volunteers",
        json={**body, "challenge_id": asked["challenge_id"]},
        headers={"idempotency-key": asked["challenge_id"], **_from("198.51.100.7", mine)},
    )
    assert made.status_code == 201, made.text

    own = (await ask(district, phone, "198.51.100.7", mine)).json()
    code = district.last_code()
    for n in range(20):
        strange = await ask(district, phone, f"192.0.2.{n}")
        challenge = strange.json().get("challenge_id", own["challenge_id"].replace("-4", "-5"))
        guess = {"phone": phone, "code": "000000" if code != "000000" else "111111", "challenge_id": challenge}
        await district.http.post(f"{ROOT}/auth/tokens", json=guess, headers=_from(f"192.0.2.{n}"))
    assert (await ask(district, phone, "192.0.2.99")).status_code == 429, "strangers are at their limit"
    again = await ask(district, phone, "198.51.100.7", mine)
    assert again.status_code == 202, "the owner's browser is not"
    body = {"phone": phone, "code": code, "challenge_id": own["challenge_id"]}
    opened = await district.http.post(f"{ROOT}/auth/tokens", json=body, headers=_from("198.51.100.7", mine))
    assert opened.status_code == 200, "a stranger's tries did not count against the owner's code"


async def test_wrong_passwords_pause_their_address_and_not_the_owner(
    district: District, recruitment_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, no pause ends by itself.
    monkeypatch.setattr(passwords, "PASSWORD_DELAY", replace(PASSWORD_DELAY, first=timedelta(minutes=10)))
    for name in ("centre", "nobody"):
        tries = [await password(district, name, "wrong password", "192.0.2.1") for _ in range(7)]
        assert tries == [(401, "password-wrong")] * 5 + [(429, "too-many-attempts")] * 2, "known and unknown alike"
    side = await asyncio.gather(*(password(district, "centre", "wrong password", "192.0.2.2") for _ in range(12)))
    assert sorted(side) == [(401, "password-wrong")] * 5 + [(429, "too-many-attempts")] * 7, "side by side as well"
    assert (await password(district, "centre", PASSWORD, "198.51.100.7"))[0] == 200

    await recruitment_db.pool.execute("update limit_counters set last_at = last_at - interval '11 minutes'")
    assert (await password(district, "centre", PASSWORD, "192.0.2.1"))[0] == 200, "a pause ends"
    assert (await password(district, "centre", "wrong password", "192.0.2.1"))[0] == 401, "and its failures with it"


async def test_an_address_that_tries_many_names_is_stopped(district: District) -> None:
    tries = [await password(district, f"name-{n}", "wrong password", "192.0.2.1") for n in range(33)]
    assert [status for status, _ in tries] == [401] * 30 + [429] * 3


async def test_guessing_from_many_addresses_stops_for_strangers_only(
    district: District, recruitment_db: Database
) -> None:
    assert (await password(district, "centre", PASSWORD, "198.51.100.7", "m" * 43))[0] == 200
    await recruitment_db.pool.execute(
        "insert into limit_counters (kind, key, began_at, hits, last_at)"
        " select 'passwords-all', '', clock_timestamp(), 600, clock_timestamp()"
        " on conflict (kind, key) do update set hits = 600, began_at = clock_timestamp()"
    )
    assert (await password(district, "centre", PASSWORD, "192.0.2.77"))[0] == 429
    assert (await password(district, "centre", PASSWORD, "203.0.113.5", "m" * 43))[0] == 200, "the browser is known"
    assert (await password(district, "centre", PASSWORD, "198.51.100.7"))[0] == 200, "the address is known"
    alerts = (await district.get("/security/events", district.operator, kind="alert")).json()["items"]
    assert [alert["detail"]["limit"] for alert in alerts] == ["passwords-all"]


async def test_strangers_who_use_up_all_codes_lock_out_strangers_only(
    district: District, recruitment_db: Database
) -> None:
    phone, mine = district.phone(), "m" * 43
    asked = (await ask(district, phone, "198.51.100.7", mine)).json()
    body = {"name": "张三", "phone": phone, "code": district.last_code(), "consent": True}
    made = await district.http.post(
        f"{ROOT}/volunteers",
        json={**body, "challenge_id": asked["challenge_id"]},
        headers={"idempotency-key": asked["challenge_id"], **_from("198.51.100.7", mine)},
    )
    assert made.status_code == 201, made.text
    assert await recruitment_db.pool.execute("update limit_counters set hits = 2000 where kind = 'codes-all'")
    assert (await ask(district, district.phone(), "192.0.2.1")).status_code == 429
    assert (await ask(district, phone, "198.51.100.7", mine)).status_code == 202, "the browser is known"


async def test_a_stranger_cannot_use_up_a_colleagues_reset_or_learn_their_phone(district: District) -> None:
    async def reset(address: str) -> int:
        body, headers = {"username": "holder"}, _from(address)
        return (await district.http.post(f"{ROOT}/auth/password-resets", json=body, headers=headers)).status_code

    phone, state = district.phone(), district.app.state
    holder = NewStaff("holder", await state.passwords.hash(PASSWORD), "李站长", StaffRole.OPERATOR, phone=phone)
    async with state.database.transaction() as tx:
        await add_account(tx, state.cipher, holder)
    assert (await password(district, "holder", PASSWORD, "198.51.100.7"))[0] == 200
    assert [(await ask(district, phone, f"192.0.2.{n}")).status_code for n in range(6)] == [202] * 5 + [429]
    assert await reset("192.0.2.9") == 202, "what was asked for by phone does not show in answers for a name"
    assert [await reset(f"192.0.2.{n}") for n in range(5)] == [202] * 4 + [429]
    assert await reset("198.51.100.7") == 202, "the address is known"
