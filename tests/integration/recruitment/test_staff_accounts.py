"""Staff accounts over HTTP: invitations, the second person, closing, passwords by their holder, second factors."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest

from shared.clock import real_now
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, PASSWORD, ROOT, Answer, District, district_of
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory
from tests.support.staff import add_staff

OWN = "three quiet rivers 2026"


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


async def invite(
    district: District, username: str = "new-one", token: str | None = None, **changes: Any
) -> httpx.Response:
    body = {"username": username, "name": "赵新", "phone": district.phone(), "role": "operator", "site_id": None}
    return await district.post("/staff/invitations", {**body, **changes}, token or district.operator)


async def accept(district: District, invitation: Answer, password: str = OWN) -> httpx.Response:
    link = invitation["link"].rpartition("/")[2]
    asked = await district.http.post(f"{ROOT}/staff/invitations/by-token/{link}/codes")
    assert asked.status_code == 202, asked.text
    body = {"challenge_id": asked.json()["challenge_id"], "code": district.last_code(), "password": password}
    return await district.post(f"/staff/invitations/by-token/{link}/acceptance", body)


async def sign_in(district: District, username: str, password: str = OWN) -> tuple[int, Answer]:
    answer = await district.http.post(f"{ROOT}/auth/sessions", json={"username": username, "password": password})
    return answer.status_code, answer.json()


async def problem(call: Any) -> tuple[int, str]:
    answer = await call
    return answer.status_code, answer.json()["type"]


async def test_an_operator_cannot_make_their_own_second_person(district: District, clock: Clock) -> None:
    invited = await invite(district)
    assert invited.status_code == 201, invited.text
    made = await accept(district, invited.json())
    assert (made.status_code, made.json()["state"]) == (201, "pending"), made.text
    staff_id = made.json()["staff_id"]
    assert (await sign_in(district, "new-one"))[1]["type"] == "account-pending"

    path = f"/staff/{staff_id}/activation"
    assert await problem(district.post(path, {}, district.operator)) == (403, "second-person-needed")
    state = district.app.state
    await add_staff(state.database, state.cipher, "young", PASSWORD, "operator", created_at=NOW)
    assert await problem(district.post(path, {}, await district.password("young"))) == (403, "second-person-needed")
    second = await district.staff("second", "operator", None)
    assert (await district.post(path, {}, second)).json()["state"] == "active"
    assert await problem(district.post(path, {}, second)) == (409, "account-not-pending")

    status, opened = await sign_in(district, "new-one")
    assert status == 200
    # What they invite in turn is not activated by who invited them.
    third = await accept(district, (await invite(district, "third", opened["session"]["access_token"])).json())
    path = f"/staff/{third.json()['staff_id']}/activation"
    assert await problem(district.post(path, {}, district.operator)) == (403, "second-person-needed")
    assert (await district.post(path, {}, second)).status_code == 200
    listed = (await district.get("/staff", district.operator)).json()["items"]
    made_by = {item["username"]: (item["created_by"], item["activated_by"]) for item in listed}
    assert made_by["new-one"] == ("centre", "second")
    assert made_by["third"] == ("new-one", "second")


async def test_an_operator_cannot_make_two_station_accounts_alone(district: District) -> None:
    sites = await district.sites()
    north = await district.staff("north-office", "operator", sites["north"])
    for name, token in (("惠民社区", district.operator), ("窗口", north)):
        invited = await invite(district, f"station-of-{len(name)}", token, role="station", site_id=sites[name])
        made = (await accept(district, invited.json())).json()
        path = f"/staff/{made['staff_id']}/activation"
        assert await problem(district.post(path, {}, token)) == (403, "second-person-needed")
        assert (await sign_in(district, made["username"]))[1]["type"] == "account-pending"


async def test_a_bounded_operator_activates_station_staff_within_their_bounds(district: District) -> None:
    sites = await district.sites()
    north = await district.staff("north-office", "operator", sites["north"])
    wanted = {"inside": ("station", "窗口"), "outside": ("station", "东湖社区"), "office": ("operator", "north")}
    made = {}
    for username, (role, name) in wanted.items():
        invited = await invite(district, username, role=role, site_id=sites[name])
        made[username] = f"/staff/{(await accept(district, invited.json())).json()['staff_id']}/activation"
    assert await problem(district.post(made["outside"], {}, north)) == (404, "staff-unknown")
    assert await problem(district.post(made["office"], {}, north)) == (403, "centre-only")
    assert (await district.post(made["inside"], {}, north)).json()["state"] == "active"
    assert (await sign_in(district, "inside"))[0] == 200


async def test_nobody_sets_the_password_of_another(district: District) -> None:
    body = {"username": "someone", "password": PASSWORD, "name": "某人", "role": "operator"}
    answer = await district.post("/staff", body, district.operator)
    assert answer.status_code == 405, "there is no such door"
    invitation = (await invite(district)).json()
    link = invitation["link"].rpartition("/")[2]
    own = await district.code(district.phone())
    body = {"challenge_id": list(district.challenges.values())[-1], "code": own, "password": OWN}
    path = f"/staff/invitations/by-token/{link}/acceptance"
    assert await problem(district.post(path, body)) == (401, "code-wrong"), "a code of the inviter's own phone"
    assert await problem(accept(district, invitation, "new-one-2026-x")) == (422, "password-weak")
    assert (await accept(district, invitation)).status_code == 201
    assert await problem(look(district, link)) == (404, "invitation-unknown")


async def look(district: District, link: str) -> httpx.Response:
    """Open an invitation's link."""
    return await district.http.get(f"{ROOT}/staff/invitations/by-token/{link}")


async def test_invitations_keep_to_bounds_and_can_be_withdrawn(district: District, recruitment_db: Database) -> None:
    sites = await district.sites()
    north = await district.staff("north-office", "operator", sites["north"])
    assert await problem(invite(district, token=north)) == (403, "site-out-of-bounds")
    for changes in ({"role": "operator"}, {"role": "engineer"}, {"role": "auditor"}, {"site_id": sites["东湖社区"]}):
        said = {"role": "station", "site_id": sites["north"], **changes}
        assert await problem(invite(district, token=north, **said)) == (403, "site-out-of-bounds"), changes
    assert await problem(invite(district, role="station")) == (422, "site-required")
    assert await problem(invite(district, username="张站长")) == (422, "staff-invalid")
    own = (await invite(district, "window", north, role="station", site_id=sites["窗口"])).json()
    assert own["phone"].count("*") == 4
    assert await problem(invite(district, "window")) == (409, "username-taken")
    assert len((await district.get("/staff/invitations", north)).json()["items"]) == 1
    link = own["link"].rpartition("/")[2]
    offer = (await district.http.get(f"{ROOT}/staff/invitations/by-token/{link}")).json()
    assert (offer["username"], offer["site"]) == ("window", "窗口")
    made = (await accept(district, own)).json()
    assert made["state"] == "pending", "station staff wait for a second person too"

    other = (await invite(district, "other")).json()
    gone = await district.http.delete(
        f"{ROOT}/staff/invitations/{other['invitation_id']}", headers={"authorization": f"Bearer {district.operator}"}
    )
    assert gone.status_code == 204
    assert (await look(district, other["link"].rpartition("/")[2])).status_code == 404
    old = (await invite(district, "older")).json()
    await recruitment_db.pool.execute("update staff_invitations set expires_at = $1", real_now())
    assert (await look(district, old["link"].rpartition("/")[2])).status_code == 404
    assert (await invite(district, "older")).status_code == 201, "an expired invitation frees its name"


async def test_a_volunteer_who_becomes_staff_is_known_as_both(district: District) -> None:
    phone = district.phone()
    volunteer_id = (await district.register("王芳", phone=phone))["volunteer_id"]
    made = await accept(district, (await invite(district, phone=phone)).json())
    assert made.json()["volunteer_id"] == volunteer_id
    assert await problem(invite(district, "again", phone=phone)) == (409, "account-exists")


async def test_a_closed_account_is_out_at_once_and_the_last_operator_stays(district: District) -> None:
    sites = await district.sites()
    second_id = await district.add_staff("second", "operator")
    _, opened = await sign_in(district, "second", PASSWORD)
    second = opened["session"]
    own = (await district.get("/auth/me", district.operator)).json()["subject"]
    assert await problem(district.post(f"/staff/{own}/deactivation", {}, district.operator)) == (403, "own-account")
    closing = [
        district.post(f"/staff/{second_id}/deactivation", {}, district.operator),
        district.post(f"/staff/{own}/deactivation", {}, second["access_token"]),
    ]
    outcomes = sorted([answer.status_code for answer in await asyncio.gather(*closing)])
    assert outcomes in ([200, 409], [200, 401]), "one of two who close each other remains"
    left = district.operator if (await sign_in(district, "centre", PASSWORD))[0] == 200 else second["access_token"]
    gone = "second" if left == district.operator else "centre"
    assert (await sign_in(district, gone, PASSWORD))[0] == 401
    if gone == "second":
        refreshed = await district.http.post(f"{ROOT}/auth/refresh", json={"refresh_token": second["refresh_token"]})
        assert refreshed.status_code == 401

    north = await district.staff("north-office", "operator", sites["north"])
    station = await district.add_staff("station-1", "station", sites["惠民社区"])
    elsewhere = await district.add_staff("station-2", "station", sites["东湖社区"])
    assert await problem(district.post(f"/staff/{elsewhere}/deactivation", {}, north)) == (404, "staff-unknown")
    assert (await district.post(f"/staff/{station}/deactivation", {}, north)).json()["state"] == "deactivated"


async def test_a_password_is_changed_and_reset_by_its_holder_only(district: District) -> None:
    phone = district.phone()
    sites = await district.sites()
    body = {"role": "station", "site_id": sites["惠民社区"], "phone": phone}
    made = (await accept(district, (await invite(district, "holder", **body)).json())).json()
    second = await district.staff("second", "operator", None)
    assert (await district.post(f"/staff/{made['staff_id']}/activation", {}, second)).status_code == 200
    (_, one), (_, two) = await sign_in(district, "holder"), await sign_in(district, "holder")
    token = one["session"]["access_token"]
    change = {"password": "not my password", "new_password": "another quiet river 26"}
    assert await problem(district.post("/auth/password", change, token)) == (403, "own-password-wrong")
    weak = {"password": OWN, "new_password": "惠民社区2026年春天"}
    assert await problem(district.post("/auth/password", weak, token)) == (422, "password-weak")
    changed = await district.post("/auth/password", {**change, "password": OWN}, token)
    assert changed.status_code == 204
    for session, status in ((one, 200), (two, 401)):
        renewed = {"refresh_token": session["session"]["refresh_token"]}
        assert (await district.http.post(f"{ROOT}/auth/refresh", json=renewed)).status_code == status

    # An operator can end a password, and never choose one.
    started = await district.post(f"/staff/{made['staff_id']}/password-reset", {}, district.operator)
    assert started.status_code == 200
    assert (await sign_in(district, "holder", change["new_password"]))[0] == 401
    asked = {name: await district.http.post(f"{ROOT}/auth/password-resets", json={"username": name})
             for name in ("holder", "nobody", "centre")}  # fmt: skip
    assert {answer.status_code for answer in asked.values()} == {202}
    assert len({tuple(sorted(answer.json())) for answer in asked.values()}) == 1, "the answers are alike"
    reset = {"username": "holder", "code": district.last_code(), "password": "a fourth quiet river"}
    for name, status in (("nobody", 401), ("holder", 204)):
        body = {**reset, "username": name, "challenge_id": asked[name].json()["challenge_id"]}
        answer = await district.post("/auth/password-resets/completion", body)
        assert answer.status_code == status, answer.text
    assert (await sign_in(district, "holder", "a fourth quiet river"))[0] == 200
    events = (await district.get("/security/events", district.operator, subject=made["staff_id"])).json()["items"]
    kinds = {event["kind"] for event in events}
    assert kinds >= {"invitation-accepted", "sign-in", "password-changed", "password-reset-asked", "password-reset"}


async def test_a_second_factor_is_asked_for_and_no_code_is_good_twice(
    settings_for: SettingsFactory, clock: Clock
) -> None:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        token = district.operator
        made = (await district.post("/auth/second-factor", {}, token)).json()
        app = pyotp.TOTP(made["secret"])
        assert made["uri"].startswith("otpauth://totp/")
        wrong = {"code": f"{(int(app.now()) + 1) % 1_000_000:06}"}
        refused = await problem(district.post("/auth/second-factor/confirmation", wrong, token))
        assert refused == (422, "second-factor-wrong")
        earlier = app.at(real_now() - timedelta(seconds=30))
        confirmed = await district.post("/auth/second-factor/confirmation", {"code": earlier}, token)
        codes = confirmed.json()["recovery_codes"]
        assert len(set(codes)) == 10

        async def step(code: str, challenge: str | None = None) -> tuple[int, Answer]:
            if challenge is None:
                challenge = (await sign_in(district, "centre", PASSWORD))[1]["challenge_id"]
            body = {"challenge_id": challenge, "code": code}
            answer = await district.http.post(f"{ROOT}/auth/sessions/second-step", json=body)
            return answer.status_code, answer.json()

        status, first = await sign_in(district, "centre", PASSWORD)
        assert (status, first["session"]) == (200, None), "the password alone opens nothing"
        assert (await step(earlier))[0] == 401, "the code that confirmed it was used"
        now = app.now()
        status, opened = await step(now)
        assert (status, opened["session"]["roles"]) == (200, ["operator"])
        assert (await step(now))[0] == 401
        assert (await step(codes[0].upper().replace("-", " ")))[0] == 200
        assert (await step(codes[0]))[0] == 401
        challenge = (await sign_in(district, "centre", PASSWORD))[1]["challenge_id"]
        outcomes = [(await step("000000", challenge))[0] for _ in range(7)]
        assert set(outcomes) <= {401, 429}
        assert (await step(codes[1], challenge))[0] != 200, "five tries and no more"


async def test_who_needs_a_second_factor_can_only_set_one(settings_for: SettingsFactory, clock: Clock) -> None:
    await clock.set(NOW)

    def strict(service: str, **overrides: Any) -> Any:
        return settings_for(service, second_factor="required", **overrides)

    async with district_of(strict) as district:  # type: ignore[arg-type]
        _, opened = await sign_in(district, "centre", PASSWORD)
        session = opened["session"]
        assert session["roles"] == ["enrolling"]
        assert await problem(district.get("/staff", session["access_token"])) == (403, "role-not-allowed")
        made = (await district.post("/auth/second-factor", {}, session["access_token"])).json()
        code = {"code": pyotp.TOTP(made["secret"]).now()}
        assert (await district.post("/auth/second-factor/confirmation", code, session["access_token"])).is_success
        assert (await district.get("/staff", await district.renewed(session))).status_code == 200
