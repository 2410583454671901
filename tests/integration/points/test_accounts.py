"""Accounts, statements and the ledger report over HTTP: every point says where it comes from."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.auth.tokens import Role
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, PHONE, SITE, Api, Ledger, message, record, serving
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

MORNING = datetime(2026, 1, 10, 1, 0, tzinfo=UTC)


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as api:
        yield api


async def read(api: Api, volunteer_id: UUID, path: str = "", **params: Any) -> Any:
    answer = await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}{path}", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_volunteer_without_events_has_zeros_and_a_first_star_ahead(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    account = await read(api, volunteer)
    assert {name: account[name] for name in ("available", "held", "debt", "earned", "minutes", "star")} == {
        "available": 0,
        "held": 0,
        "debt": 0,
        "earned": 0,
        "minutes": 0,
        "star": 0,
    }
    assert account["badges"] == []
    assert account["next_star"] == {
        "star": 1,
        "badge": "star-1",
        "name": "一星志愿者",
        "minutes": 6000,
        "remaining_minutes": 6000,
    }
    assert (await read(api, volunteer, "/statement")) == {"items": [], "next_cursor": None}
    assert (await api.operator.get(f"/accounts/{volunteer}")).status_code == 404


async def test_figures_star_and_badges(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    hours = record(volunteer, 299 * 60, provenance="imported", activity_id=None, shift_id=None, site_id=None)
    await ledger.feed(record(volunteer, 60), hours)
    account = await read(api, volunteer)
    assert (account["available"], account["earned"]) == (30, 30)
    assert (account["minutes"], account["credit_minutes"], account["imported_minutes"]) == (18000, 60, 17940)
    assert account["star"] == 2
    assert account["next_star"]["remaining_minutes"] == 18000
    assert {badge["badge"] for badge in account["badges"]} == {"first-service", "star-1", "star-2"}


async def test_each_transfer_explains_itself(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    long = record(volunteer, 420, device_ref="kiosk-3", provenance="kiosk", recorded_by=UUID(int=9))
    cut = record(volunteer, 90, started_at=MORNING + timedelta(hours=8))
    short = record(volunteer, 10, started_at=MORNING + timedelta(hours=10))
    await ledger.feed(long, cut, short)
    page = await read(api, volunteer, "/statement")
    day = next(line for line in page["items"] if line["bucket"] == "day/2026-01-10")
    assert (day["code"], day["amount"], day["rule_version"]) == ("award", 80, 1)
    assert (day["debit"], day["credit"]) == ("issuance", f"volunteer/{volunteer}/available")
    records = {line["record_id"]: line for line in day["explanation"]["records"]}
    first = records[str(long.record_id)]
    assert (first["points"], first["counted_minutes"], first["reason"]) == (70, 420, "counted")
    assert (first["provenance"], first["device_ref"], first["recorded_by"]) == ("kiosk", "kiosk-3", str(UUID(int=9)))
    second = records[str(cut.record_id)]
    assert (second["points"], second["minutes"], second["counted_minutes"], second["reason"]) == (10, 90, 60, "cut")
    third = records[str(short.record_id)]
    assert (third["points"], third["reason"], third["reason_text"]) == (0, "short", "不足最低服务时长，不计分")
    causes = {(dict(message(data).headers)["ce_id"] or b"").decode() for data in (long, cut, short)}
    assert day["cause_event_id"] in causes
    assert day["correlation_id"]
    bonus = next(line for line in page["items"] if line["bucket"] == "life/first-service")
    assert bonus["amount"] == 20
    assert bonus["explanation"]["remarks"]["first"]["record_id"] == str(long.record_id)


async def test_old_transfers_still_say_what_was_known_then(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    first = record(volunteer, 120, device_ref=PHONE)
    await ledger.feed(first)
    corrected = first.model_copy(update={"revision": 2, "minutes": 60, "closed_by": "correction", "device_ref": None})
    await ledger.feed(corrected)
    items = (await read(api, volunteer, "/statement"))["items"]
    reversal, award = (next(line for line in items if line["code"] == code) for code in ("reversal", "award"))
    assert reversal["bucket"] == "day/2026-01-10"
    (now,) = reversal["explanation"]["records"]
    assert (now["revision"], now["minutes"], now["closed_by"]) == (2, 60, "correction")
    award = next(line for line in items if line["code"] == "award" and line["bucket"] == "day/2026-01-10")
    (then,) = award["explanation"]["records"]
    assert (then["revision"], then["minutes"], then["points"], then["device_ref"]) == (1, 120, 20, PHONE)


async def test_redemptions_in_the_statement_say_what_for(api: Api, ledger: Ledger) -> None:
    volunteer = await ledger.volunteer()
    reward = await api.reward(60)
    held = await api.hold(volunteer, reward)
    await api.station.post(f"/redemptions/{held['redemption_id']}/capture", {"pickup_code": held["pickup_code"]})
    items = (await read(api, volunteer, "/statement"))["items"]
    captures = [line for line in items if line["code"] == "capture"]
    assert sum(line["amount"] for line in captures) == 60
    for line in captures:
        assert line["credit"] == "redeemed"
        explained = line["explanation"]
        assert (explained["redemption"]["reward_name"], explained["redemption"]["site_id"]) == ("保温杯", str(SITE))
        assert explained["lot"]["expires_on"] == "2028-01-10"


async def test_what_came_to_nothing_is_explained_too(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    await ledger.feed(record(volunteer, 300, provenance="backfilled", recorded_by=UUID(int=9)))
    assert (await read(api, volunteer, "/statement"))["items"] == []
    (line,) = (await read(api, volunteer, "/explanations"))["items"]
    assert (line["bucket"], line["points"]) == ("day/2026-01-10", 0)
    (only,) = line["explanation"]["records"]
    assert (only["reason"], only["reason_text"]) == ("provenance", "补录或导入的时长计入服务时长，不计积分")


@pytest.mark.parametrize("path", ["/statement", "/explanations"])
async def test_pages_are_newest_first_and_complete(api: Api, ledger: Ledger, path: str) -> None:
    volunteer = new_id()
    for day in range(7):
        await ledger.feed(record(volunteer, 60, started_at=MORNING + timedelta(days=day)))
    seen, cursor = [], None
    while True:
        page = await read(api, volunteer, path, limit=3, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= 3
        seen += [line["bucket"] for line in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    days = [bucket for bucket in seen if bucket.startswith("day/")]
    assert days == [f"day/2026-01-{day}" for day in range(16, 9, -1)]
    assert len(seen) == 8
    wrong = await api.volunteer(volunteer).get(f"/accounts/{volunteer}{path}", cursor="nonsense")
    assert wrong.status_code == 400


@pytest.mark.parametrize("path", ["", "/statement", "/statement.csv", "/explanation", "/explanations"])
async def test_an_account_is_read_by_its_volunteer_and_by_staff_who_met_them(
    api: Api, ledger: Ledger, path: str
) -> None:
    volunteer, other = await ledger.volunteers(2)
    whole = f"/accounts/{volunteer}{path}"
    assert (await api.volunteer(other).get(whole)).status_code == 404
    for reader in (api.volunteer(volunteer), api.station, api.operator):
        assert (await reader.get(whole)).status_code == 200
    assert (await api.person(Role.STATION, sites=[new_id()]).get(whole)).status_code == 404
    assert (await api.person(Role.RESIDENT).get(whole)).status_code == 403
    assert (await api.client.get(f"/api/points/v1{whole}")).status_code == 401


async def test_the_districts_ledger_adds_up_and_is_public(api: Api, ledger: Ledger) -> None:
    volunteers = await ledger.volunteers(3)
    reward = await api.reward(60)
    held = [await api.hold(volunteer, reward) for volunteer in volunteers[:2]]
    await api.station.post(f"/redemptions/{held[0]['redemption_id']}/capture", {"pickup_code": held[0]["pickup_code"]})
    report = (await api.client.get("/api/points/v1/reports/ledger")).json()
    assert report == {
        "issued": 300,
        "available": 180,
        "held": 60,
        "spent": 60,
        "expired": 0,
        "donated": 0,
        "debt": 0,
        "badges": {"first-service": 3},
        "redemptions": {"captured": 1, "held": 1},
        "volunteers": 3,
    }
