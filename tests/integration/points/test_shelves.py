"""Counts, limits, time-outs per site, reminders and photos of rewards, and the leaders' board; the audit is clean."""

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from ops.audit.main import audit
from services.points.leaders.domain import BoardPeriod, span
from services.points.rewards.domain import PHOTO_BYTES
from services.points.rewards.waiting import remind
from shared.cloudevents import decode
from shared.contracts import RedemptionReminder
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, SITE, Api, Ledger, record, serving
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as api:
        yield api


@pytest.fixture(autouse=True)
async def clean_at_the_end(ledger: Ledger, dsn_for: Callable[[str], str]) -> AsyncIterator[None]:
    yield
    report = await audit(dsn_for("auditor"), settled=True, direct_feed=True)
    assert report.ok, report.as_json()


def problem(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["type"])


async def test_a_count_adjusts_the_stock_with_its_reason(api: Api, ledger: Ledger, points_db: Database) -> None:
    reward = await api.reward(10, stock=5)
    held = await api.hold(await ledger.volunteer(), reward)
    count = {"site_id": str(SITE), "counted": 4, "reason": "一件破损"}
    answer = await api.station.post(f"/rewards/{reward}/counts", count)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["difference"], found["received"], found["free"], found["reserved"]) == (-1, 4, 3, 1)
    again = (await api.station.post(f"/rewards/{reward}/counts", count)).json()
    assert again["difference"] == 0
    more = (await api.station.post(f"/rewards/{reward}/counts", {**count, "counted": 9})).json()
    assert (more["difference"], more["free"]) == (5, 8)
    none = await api.station.post(f"/rewards/{reward}/counts", {**count, "counted": 0})
    assert problem(none, 409) == "stock-below-zero"
    elsewhere = await api.station.post(f"/rewards/{reward}/counts", {**count, "site_id": str(OTHER_SITE)})
    assert problem(elsewhere, 403) == "site-out-of-bounds"
    assert held["status"] == "held"
    assert await points_db.pool.fetchval("select count(*) from reward_count") == 3


async def test_a_person_takes_no_more_than_their_share(api: Api, ledger: Ledger, clock: Clock) -> None:
    volunteer, reward = await ledger.volunteer(), await api.reward(10, per_person_limit=1)
    held = await api.hold(volunteer, reward)
    await clock.set(NOW + timedelta(days=20))
    body = {"reward_id": str(reward), "site_id": str(SITE)}
    assert problem(await api.volunteer(volunteer).post("/redemptions", body), 409) == "reward-limit-reached"
    await api.volunteer(volunteer).post(f"/redemptions/{held['redemption_id']}/release", {})
    await api.hold(volunteer, reward)


async def test_a_hold_waits_as_long_as_its_site_says(api: Api, ledger: Ledger) -> None:
    reward = await api.reward(10)
    before = await api.hold(await ledger.volunteer(), reward)
    answer = await api.station.put(f"/rewards/{reward}/sites/{SITE}/hold-days", {"hold_days": 5})
    assert answer.status_code == 200, answer.text
    after = await api.hold(await ledger.volunteer(), reward)
    assert before["expires_at"].startswith((NOW + timedelta(days=30)).date().isoformat())
    assert after["expires_at"].startswith((NOW + timedelta(days=5)).date().isoformat())
    elsewhere = await api.station.put(f"/rewards/{reward}/sites/{OTHER_SITE}/hold-days", {"hold_days": 5})
    assert problem(elsewhere, 403) == "site-out-of-bounds"


async def test_a_reminder_comes_once_three_days_before(
    api: Api, ledger: Ledger, points_db: Database, clock: Clock
) -> None:
    volunteer = await ledger.volunteer()
    held = await api.hold(volunteer, await api.reward(10, hold_days=10))
    await api.hold(volunteer, await api.reward(10, hold_days=2))
    await clock.set(NOW + timedelta(days=6, hours=23))
    assert await remind(points_db) == 0
    await clock.set(NOW + timedelta(days=7))
    assert await remind(points_db) == 1
    assert await remind(points_db) == 0
    query = "select headers, value from outbox where topic = 'redemptions' order by id desc limit 1"
    row = await points_db.pool.fetchrow(query)
    headers = [(name, value.encode()) for name, value in orjson.loads(row["headers"]).items()]
    event = decode(headers, row["value"])
    assert isinstance(event.data, RedemptionReminder)
    assert str(event.data.redemption_id) == held["redemption_id"]
    assert event.aggregate_version == 2
    captured = await api.station.post(
        f"/redemptions/{held['redemption_id']}/capture", {"pickup_code": held["pickup_code"]}
    )
    assert captured.json()["status"] == "captured"


async def test_a_photo_is_small_an_image_and_cached(api: Api, ledger: Ledger) -> None:
    reward = await api.reward(10)
    path = f"/rewards/{reward}/photo"
    assert (await api.client.get(f"/api/points/v1{path}")).status_code == 404
    put = await api.operator.put(path, PNG, **{"Content-Type": "image/png"})
    assert put.status_code == 200, put.text
    found = await api.client.get(put.json()["url"])
    assert (found.status_code, found.content, found.headers["content-type"]) == (200, PNG, "image/png")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in found.headers["cache-control"]
    known = {"If-None-Match": found.headers["etag"]}
    assert (await api.client.get(put.json()["url"], headers=known)).status_code == 304
    assert problem(await api.operator.put(path, b"<svg onload='x'/>"), 415) == "photo-type-unknown"
    assert problem(await api.operator.put(path, PNG + bytes(PHOTO_BYTES)), 413) == "photo-too-large"
    assert problem(await api.operator.put(f"/rewards/{new_id()}/photo", PNG), 404) == "reward-unknown"
    assert problem(await api.station.put(path, PNG), 403) == "role-not-allowed"


async def test_leaders_are_only_those_who_agreed(api: Api, ledger: Ledger) -> None:
    team, shy, wang = new_id(), new_id(), new_id()
    await ledger.feed(
        record(shy, 300, started_at=NOW - timedelta(days=1)),
        record(wang, 120, started_at=NOW - timedelta(days=1), team_id=team),
        record(wang, 60, started_at=NOW - timedelta(days=20)),
        record(wang, 90, started_at=NOW - timedelta(days=1), provenance="backfilled"),
    )
    person = api.volunteer(wang)
    assert (await person.get("/leaders")).json()["items"] == []
    assert (await person.get(f"/accounts/{wang}/visibility")).json()["shown"] is False
    agreed = await person.put(f"/accounts/{wang}/visibility", {"shown": True})
    assert agreed.status_code == 200, agreed.text
    number = f"LD{wang.int % 10**8:08}"

    async def board(**query: Any) -> list[tuple[int, str, int]]:
        answer = await api.volunteer(shy).get("/leaders", **query)
        assert str(wang) not in answer.text
        return [(at["rank"], at["volunteer_number"], at["minutes"]) for at in answer.json()["items"]]

    assert await board() == [(1, number, 120)]
    assert await board(period="month") == [(1, number, 120)]
    assert await board(period="year", site_id=str(SITE)) == [(1, number, 180)]
    assert await board(period="year", team_id=str(team)) == [(1, number, 120)]
    assert await board(site_id=str(OTHER_SITE)) == []
    assert problem(await person.put(f"/accounts/{shy}/visibility", {"shown": True}), 404) == "account-unknown"
    await person.put(f"/accounts/{wang}/visibility", {"shown": False})
    assert await board() == []


def test_the_periods_of_the_board() -> None:
    assert span(BoardPeriod.WEEK, date(2026, 3, 4)) == (date(2026, 3, 2), date(2026, 3, 8))
    assert span(BoardPeriod.MONTH, date(2028, 2, 29)) == (date(2028, 2, 1), date(2028, 2, 29))
    assert span(BoardPeriod.YEAR, date(2026, 3, 4)) == (date(2026, 1, 1), date(2026, 12, 31))
