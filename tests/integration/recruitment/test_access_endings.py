"""What has ended opens nothing: reset passwords, the steps that they began, closed accounts. No guess is free."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest

from services.recruitment.access.passwords import Passwords
from services.recruitment.settings import RecruitmentSettings
from shared.clock import real_now
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, PASSWORD, ROOT, Answer, District, district_of
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

STRICT = {name: field.default for name, field in RecruitmentSettings.model_fields.items() if name.startswith("limit_")}
NEW = "three quiet rivers 2026"


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    """With the limits of production."""
    await clock.set(NOW)

    def strict(service: str, **overrides: Any) -> Any:
        return settings_for(service, **STRICT, **overrides)

    async with district_of(strict) as district:  # type: ignore[arg-type]
        yield district


async def sign_in(district: District, username: str) -> httpx.Response:
    return await district.http.post(f"{ROOT}/auth/sessions", json={"username": username, "password": PASSWORD})


async def with_factor(district: District, token: str) -> pyotp.TOTP:
    """The app of an account that has just set a second factor, by the code before the present one."""
    made = (await district.post("/auth/second-factor", {}, token)).json()
    app = pyotp.TOTP(made["secret"])
    code = {"code": app.at(int(real_now().timestamp()) - 30)}
    confirmed = await district.post("/auth/second-factor/confirmation", code, token)
    assert confirmed.status_code == 200, confirmed.text
    return app


async def step(district: District, challenge: str, code: str, address: str = "192.0.2.1") -> tuple[int, Answer]:
    body, headers = {"challenge_id": challenge, "code": code}, {"x-forwarded-for": address}
    answer = await district.http.post(f"{ROOT}/auth/sessions/second-step", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_steps_that_were_never_begun_are_limited_by_address(district: District, recruitment_db: Database) -> None:
    statuses = [(await step(district, str(uuid4()), "123456"))[0] for _ in range(63)]
    assert statuses == [401] * 60 + [429] * 3
    events = await recruitment_db.pool.fetchval("select count(*) from security_events where address = '192.0.2.1'")
    assert events <= 61, "a stranger does not fill the security log"
    assert (await step(district, str(uuid4()), "123456", "192.0.2.2"))[0] == 401, "others go on"


async def test_right_codes_of_second_factors_count_against_no_address(district: District) -> None:
    app = await with_factor(district, await district.staff("second", "operator", None))
    challenge = (await sign_in(district, "second")).json()["challenge_id"]
    for _ in range(59):
        await step(district, str(uuid4()), "123456")
    assert (await step(district, challenge, app.now()))[0] == 200
    assert (await step(district, str(uuid4()), "123456"))[0] == 401


async def test_who_has_a_password_cannot_guess_a_second_factor_away(
    district: District, recruitment_db: Database
) -> None:
    token = await district.staff("second", "operator", None)
    app = await with_factor(district, token)
    wrong = {"password": PASSWORD, "code": f"{(int(app.now()) + 1) % 1_000_000:06}"}
    assert (await district.post("/auth/second-factor/removal", wrong, token)).status_code == 422
    more = "update limit_counters set hits = hits + 20 where kind = 'factors' and hits = 1"
    assert await recruitment_db.pool.execute(more) == "UPDATE 1", "the wrong code was counted"
    right = {"password": PASSWORD, "code": app.now()}
    assert (await district.post("/auth/second-factor/removal", right, token)).status_code == 429


async def test_a_password_that_is_reset_while_it_is_verified_opens_nothing(
    district: District, recruitment_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff_id = await district.add_staff("second", "operator")
    token = await district.password("second")
    passwords: Passwords = district.app.state.passwords
    verify = passwords.verify

    async def slow(password_hash: str | None, password: str) -> bool:
        right = await verify(password_hash, password)
        await district.made(f"/staff/{staff_id}/password-reset", {})
        return right

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "verify", slow)
        assert (await sign_in(district, "second")).status_code == 401
        changed = await district.post("/auth/password", {"password": PASSWORD, "new_password": NEW}, token)
        assert changed.status_code == 403
    left = "select count(*) from sessions where staff_id = $1 and revoked_at is null"
    assert await recruitment_db.pool.fetchval(left, staff_id) == 0


async def test_a_reset_ends_a_sign_in_that_waits_for_its_second_factor(district: District) -> None:
    staff_id = await district.add_staff("second", "operator")
    app = await with_factor(district, await district.password("second"))
    challenge = (await sign_in(district, "second")).json()["challenge_id"]
    await district.made(f"/staff/{staff_id}/password-reset", {})
    assert (await step(district, challenge, app.now()))[0] == 401


async def test_a_closed_operator_changes_no_accounts_and_leaves_no_invitation(district: District) -> None:
    sites = await district.sites()
    staff_id = await district.add_staff("second", "operator")
    third_id = await district.add_staff("third", "operator")
    token = await district.password("second")
    body = {"username": "friend", "name": "赵新", "role": "station", "site_id": sites["惠民社区"]}
    left = await district.made("/staff/invitations", {**body, "phone": district.phone()}, token)
    link = f"{ROOT}/staff/invitations/by-token/{left['link'].rpartition('/')[2]}"
    assert (await district.http.get(link)).status_code == 200
    await district.made(f"/staff/{staff_id}/deactivation", {})

    assert (await district.http.get(link)).status_code == 404, "it is withdrawn"
    late = [
        await district.post("/staff/invitations", {**body, "phone": district.phone()}, token),
        await district.post(f"/staff/{third_id}/deactivation", {}, token),
        await district.post(f"/staff/{third_id}/password-reset", {}, token),
        await district.post("/auth/second-factor", {}, token),
    ]
    assert [answer.status_code for answer in late] == [401] * 4, "its access token is not old yet"


async def test_a_reset_account_gets_no_second_factor_by_its_earlier_session(district: District) -> None:
    staff_id = await district.add_staff("second", "operator")
    token = await district.password("second")
    made = (await district.post("/auth/second-factor", {}, token)).json()
    await district.made(f"/staff/{staff_id}/password-reset", {})
    code = {"code": pyotp.TOTP(made["secret"]).now()}
    assert (await district.post("/auth/second-factor/confirmation", code, token)).status_code == 401


async def test_an_address_at_its_limit_makes_no_counters_for_invented_names(
    district: District, recruitment_db: Database
) -> None:
    for n in range(40):
        body = {"username": f"name-{n}", "password": "wrong password"}
        await district.http.post(f"{ROOT}/auth/sessions", json=body, headers={"x-forwarded-for": "192.0.2.1"})
    rows = await recruitment_db.pool.fetchval("select count(*) from limit_counters where kind = 'passwords-pair'")
    assert rows == 30


async def test_a_reset_without_a_challenge_hashes_nothing(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    async def hash_of(password: str) -> str:
        hashed.append(password)
        return "$argon2"

    monkeypatch.setattr(district.app.state.passwords, "hash", hash_of)
    body = {"username": "centre", "challenge_id": str(uuid4()), "code": "123456", "password": NEW}
    answer = await district.post("/auth/password-resets/completion", body)
    assert (answer.status_code, answer.json()["type"], hashed) == (401, "code-wrong", [])


async def test_an_ended_password_takes_as_long_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def matches(_: Passwords, password_hash: str, password: str) -> bool:
        seen.append(password_hash)
        return True

    monkeypatch.setattr(Passwords, "_matches", matches)
    assert not await Passwords().verify("reset", PASSWORD)
    assert seen[0].startswith("$argon2"), "a real hash was verified"
