"""Staff who are volunteers too, over the tokens that recruitment mints: they do not decide on points of their own."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.points import __main__ as points
from services.points.integrity import handlers as integrity
from services.points.policy import policy_of, stored_policy
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, Ledger, Person, record
from tests.integration.recruitment.people import PASSWORD, ROOT, District, district_of
from tests.support.databases import Clock
from tests.support.integrity_cases import flag
from tests.support.settings import SettingsFactory


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


@pytest.fixture
async def ledger(points_db: Database, district: District) -> Ledger:
    await policy_of(points_db)
    return await Ledger.open(points_db)


@pytest.fixture
async def client(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[httpx.AsyncClient]:
    app = points.api(settings_for("points"))
    app.state.database = points_db
    app.state.policy = stored_policy()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://points") as client:
        yield client


async def say(district: District, staff_id: str, volunteer_id: str | None, token: str | None = None) -> tuple[int, Any]:
    answer = await district.http.put(
        f"{ROOT}/staff/{staff_id}/volunteer",
        json={"volunteer_id": volunteer_id},
        headers={"authorization": f"Bearer {token or district.operator}"},
    )
    return answer.status_code, answer.json()


async def sign_in(district: District, username: str) -> dict[str, Any]:
    body = {"username": username, "password": PASSWORD}
    session: dict[str, Any] = (await district.http.post(f"{ROOT}/auth/sessions", json=body)).json()["session"]
    return session


def person(client: httpx.AsyncClient, token: str) -> Person:
    return Person(client, {"Authorization": f"Bearer {token}"}, new_id())


async def test_nobody_decides_on_points_of_their_own(
    district: District, ledger: Ledger, client: httpx.AsyncClient, points_db: Database
) -> None:
    volunteer_id = (await district.register("王芳"))["volunteer_id"]
    staff_id = await district.add_staff("wang-office", "operator")
    assert (await say(district, staff_id, volunteer_id))[0] == 200
    session = await sign_in(district, "wang-office")
    assert (session["roles"], session["volunteer_id"]) == (["operator"], volunteer_id)
    own, centre = person(client, session["access_token"]), person(client, district.operator)

    served = record(UUID(volunteer_id))
    await ledger.feed(served, newcomer := record(new_id()))
    adjustment = {"volunteer_id": volunteer_id, "points": 500, "reason": "整理档案", "evidence": "签字单"}
    refused = await own.post("/adjustments", adjustment)
    assert (refused.status_code, refused.json()["type"]) == (403, "own-account")
    proposed = await centre.post("/adjustments", adjustment)
    refused = await own.post(f"/adjustments/{proposed.json()['adjustment_id']}/approve", {"note": "对照过原件"})
    assert (refused.status_code, refused.json()["type"]) == (403, "own-account")
    brought = {"referrer_id": volunteer_id, "referred_id": str(newcomer.volunteer_id)}
    assert (await own.post("/referrals", brought)).json()["type"] == "own-account"
    about = flag(served, kind="long-day", about="2026-01-10")
    async with points_db.transaction() as tx:
        await integrity.report(tx, [about], stored_policy())
    settled = await own.post(f"/cases/{integrity.case_id_of(about)}/clear", {"reason": "没有问题"})
    assert (settled.status_code, settled.json()["type"]) == (403, "own-case")

    # It gives them nothing that only volunteers do.
    assert (await own.post("/redemptions", {"reward_id": str(new_id()), "site_id": str(new_id())})).status_code == 403
    assert (await district.get("/volunteers/me", session["access_token"])).status_code == 403
    assert (await own.get(f"/accounts/{volunteer_id}")).status_code == 200, "the centre reads all"


async def test_the_centre_says_it_of_staff_that_there_are(district: District, client: httpx.AsyncClient) -> None:
    volunteer_id = (await district.register("王芳"))["volunteer_id"]
    staff_id = await district.add_staff("wang-office", "operator")
    session = await sign_in(district, "wang-office")
    assert session["volunteer_id"] is None
    status, told = await say(district, staff_id, volunteer_id)
    assert (status, told["username"], told["volunteer_id"]) == (200, "wang-office", volunteer_id)
    renewed = await district.renewed(session)
    assert (await district.get("/auth/me", renewed)).json()["volunteer_id"] == volunteer_id

    for ids, slug in (
        ((str(new_id()), volunteer_id), "staff-unknown"),
        ((staff_id, str(new_id())), "volunteer-unknown"),
    ):
        status, told = await say(district, *ids)
        assert (status, told["type"]) == (404, slug)
    status, told = await say(district, staff_id, None, renewed)
    assert (status, told["type"]) == (403, "second-person-needed"), "nobody says of themselves that they are none"
    assert (await say(district, staff_id, None))[0] == 200
    assert (await sign_in(district, "wang-office"))["volunteer_id"] is None


async def test_who_is_bound_to_sites_says_it_of_nobody(district: District, recruitment_db: Database) -> None:
    sites = await district.sites()
    volunteer_id = (await district.register("王芳", site_id=sites["窗口"]))["volunteer_id"]
    north = await district.staff("north-office", "operator", sites["north"])
    staff_id = await district.add_staff("other", "station", sites["窗口"])
    assert (await say(district, staff_id, volunteer_id, north))[1]["type"] == "centre-only"
