"""Statements as CSV, one transfer, the whole balance, and balances of the past: all of them from transfers."""

import csv
import io
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ops.audit.main import audit
from services.points.accounts import handlers
from services.points.accounts.spreadsheet import csv_text
from services.points.ledger import handlers as holds
from services.points.rewards.waiting import time_out_bare_holds
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, PHONE, Api, Ledger, record, serving
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory


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


async def rows(api: Api, volunteer_id: UUID) -> list[dict[str, str]]:
    answer = await api.volunteer(volunteer_id).get(f"/accounts/{volunteer_id}/statement.csv")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"statement-{volunteer_id}.csv" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


async def test_the_statement_as_csv_is_the_statement(api: Api, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "EXPORT_ROWS", 3)
    volunteer = new_id()
    for day in range(7):
        await ledger.feed(record(volunteer, 120, started_at=NOW - timedelta(days=day + 1)))
    await api.hold(volunteer, await api.reward(60))
    lines = (await read(api, volunteer, "/statement", limit=100))["items"]
    found = await rows(api, volunteer)
    assert [int(row["transfer_id"]) for row in found] == [line["transfer_id"] for line in lines]
    assert sum(int(row["change"]) for row in found) == (await read(api, volunteer))["available"]
    assert {row["reward"] for row in found if row["code"] == "hold"} == {"保温杯"}
    assert await rows(api, new_id()) == []
    stranger = await api.volunteer(new_id()).get(f"/accounts/{volunteer}/statement.csv")
    assert stranger.status_code == 404


def test_a_text_is_never_a_formula() -> None:
    assert csv_text([("=1+1", -5, "ok")]) == "'=1+1,-5,ok\r\n"


async def test_one_transfer_says_everything(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    served = record(volunteer, 600, recorded_by=new_id())
    await ledger.feed(served)
    lines = (await read(api, volunteer, "/statement"))["items"]
    line = next(line for line in lines if line["bucket"] == "day/2026-01-10")
    found = await read(api, volunteer, f"/transfers/{line['transfer_id']}")
    assert {name: found[name] for name in line} == line
    assert (found["change"], found["lot_bucket"], found["lot_expires_on"]) == (80, "day/2026-01-10", "2028-01-10")
    (told,) = found["explanation"]["records"]
    assert (told["record_id"], told["revision"]) == (str(served.record_id), 1)
    assert (told["provenance"], told["device_ref"]) == ("scanned", PHONE)
    assert told["recorded_by"] == str(served.recorded_by)
    assert (told["counted_minutes"], told["uncounted_minutes"]) == (480, 120)
    assert told["reason_text"]
    assert told["event_id"] == found["cause_event_id"]
    assert told["correlation_id"] == found["correlation_id"]
    assert found["posting_id"]
    other = await api.volunteer(volunteer).get(f"/accounts/{volunteer}/transfers/{line['transfer_id'] + 1000}")
    assert other.status_code == 404
    stranger = api.volunteer(new_id())
    theirs = await stranger.get(f"/accounts/{volunteer}/transfers/{line['transfer_id']}")
    assert theirs.status_code == 404


async def test_the_whole_balance_is_its_lots(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    for day in range(4):
        await ledger.feed(record(volunteer, 120, started_at=NOW - timedelta(days=day + 1)))
    await api.hold(volunteer, await api.reward(60))
    pages, cursor = [], None
    while True:
        page = await read(api, volunteer, "/explanation", limit=2, **({"cursor": cursor} if cursor else {}))
        pages += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    account = await read(api, volunteer)
    assert sum(lot["available"] for lot in pages) == account["available"] == sum(page["movements"].values())
    assert sum(lot["held"] for lot in pages) == account["held"] == 60
    for lot in pages:
        assert sum(lot["movements"].values()) == lot["available"]
        awarded = sum(other["awarded"] for other in pages if other["bucket"] == lot["bucket"])
        assert lot["explanation"]["points"] == awarded
        assert lot["rule_version"] == lot["explanation"]["rule_version"]
    assert len({lot["bucket"] for lot in pages}) == 5
    bad = await api.volunteer(volunteer).get(f"/accounts/{volunteer}/explanation", cursor="x")
    assert bad.status_code == 400


async def test_a_bonus_and_what_is_no_award_say_which_service_the_points_came_from(api: Api, ledger: Ledger) -> None:
    volunteer = new_id()
    served = record(volunteer, 600, recorded_by=new_id())
    await ledger.feed(served)
    await ledger.feed(served.model_copy(update={"revision": 2, "distance_m": 7}))
    await api.hold(volunteer, await api.reward(90))
    lines = (await read(api, volunteer, "/statement"))["items"]
    explained = {(line["code"], line["explanation"]["lot"]["bucket"]): line["explanation"] for line in lines}
    bonus = explained["award", "life/first-service"]["first_record"]
    assert (bonus["record_id"], bonus["revision"]) == (str(served.record_id), 2)
    assert (bonus["provenance"], bonus["recorded_by"]) == (served.provenance, str(served.recorded_by))
    day = "day/2026-01-10"
    held = explained["hold", day]["lot"]
    assert (held["bucket"], held["awarded"]["bucket"], held["awarded"]["rule_version"]) == (day, day, 1)
    (counted,) = held["awarded"]["records"]
    assert (counted["record_id"], counted["revision"]) == (str(served.record_id), 2)


async def test_an_account_is_posted_to_in_the_order_of_time(api: Api, ledger: Ledger, clock: Clock) -> None:
    """Who read the time first and got the lock last does not post before the other: no past balance is one that never
    was.
    """
    volunteer, hour = new_id(), timedelta(hours=1)
    served = record(volunteer, 600)
    await ledger.feed(served)
    async with ledger.database.transaction() as slow:
        began = await slow.now()
        await clock.set(NOW + hour)
        await api.hold(volunteer, await api.reward(60))
        await holds.hold(slow, volunteer, 10, new_id(), hold_id=new_id(), expires_at=NOW + 2 * hour)
    await clock.set(NOW)
    await ledger.feed(served.model_copy(update={"revision": 2, "status": "void"}))
    lines = sorted((await read(api, volunteer, "/statement"))["items"], key=lambda line: line["transfer_id"])
    times = [datetime.fromisoformat(line["posted_at"]) for line in lines]
    assert times == sorted(times)
    assert began == NOW
    assert set(times) == {NOW, NOW + hour}
    await clock.set(NOW + 2 * hour)
    then = await read(api, volunteer, as_of=(NOW + hour / 2).isoformat())
    assert (then["available"], then["held"], then["debt"]) == (100, 0, 0)


async def test_the_balance_as_of_a_past_moment(api: Api, ledger: Ledger, clock: Clock) -> None:
    volunteer = await ledger.volunteer()
    await clock.set(NOW + timedelta(days=1))
    await api.hold(volunteer, await api.reward(60))
    figures = ("available", "held", "earned")

    async def at(days: float) -> tuple[int, ...]:
        found = await read(api, volunteer, as_of=(NOW + timedelta(days=days)).isoformat())
        assert found["as_of"] <= found["horizon"]
        return tuple(found[name] for name in figures)

    assert await at(-1) == (0, 0, 0)
    assert await at(0) == (100, 0, 100)
    assert await at(0.5) == (100, 0, 100)
    assert await at(1) == (40, 60, 100)
    later = await read(api, volunteer, as_of=(NOW + timedelta(days=9)).isoformat())
    assert later["as_of"] == later["horizon"]
    assert later["available"] == 40
    await clock.set(None)
    now = await read(api, volunteer, as_of="2199-01-01T00:00:00Z")
    assert now["available"] == 40


async def test_a_bare_hold_runs_out_to_the_lots_it_came_from(
    api: Api, ledger: Ledger, points_db: Database, clock: Clock, dsn_for: Callable[[str], str]
) -> None:
    volunteer = await ledger.volunteer()
    async with points_db.transaction() as tx:
        for _ in range(2):
            until = NOW + timedelta(days=2)
            await holds.hold(tx, volunteer, 30, new_id(), hold_id=new_id(), expires_at=until)
    kept = await api.hold(volunteer, await api.reward(10, hold_days=1))
    assert await time_out_bare_holds(points_db) == 0
    await clock.set(NOW + timedelta(days=2))
    assert await time_out_bare_holds(points_db) == 2, "the redemption's hold is not among them"
    assert await time_out_bare_holds(points_db) == 0
    account = await read(api, volunteer)
    assert (account["available"], account["held"]) == (90, 10)
    assert kept["status"] == "held"
    report = await audit(dsn_for("auditor"), settled=True, direct_feed=True)
    assert report.ok, report.as_json()
