"""Monitors on a real database: what they read, alerts once each, thresholds as versions."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.operations.monitors.handlers import Verdict, judge_all, note_beat
from services.operations.monitors.stream import beat_of
from shared import outbox
from shared.auth.tokens import Role
from shared.contracts import AssertionNoted, ConsumerBeat, ProcessBeat, ServiceBeat, TopicBeat
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.operations.indexing import API, AT, Indexed, cancelled, message_of, signup
from tests.support.databases import Clock
from tests.support.live_agents import service

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
INCARNATION = "first"


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def beat(seconds: float, *, lag: int = 0, paused: bool = False, age: float = 0.0, crashes: int = 0) -> ServiceBeat:
    lives = tuple(
        ProcessBeat(start_id=new_id(), role="worker", started_at=at(seconds - 90), seen_at=at(seconds - 60))
        for _ in range(crashes)
    )
    group = ConsumerBeat(
        group="notify", paused=paused, running=True, topics=(TopicBeat(topic="points", position=10, end=10 + lag),)
    )
    return ServiceBeat(
        service="notify", at=at(seconds), outbox_depth=int(age > 0), outbox_age_seconds=age, processes=lives,
        consumers=(group,),
    )  # fmt: skip


async def judged(db: Database, seconds: float, **more: Any) -> list[tuple[bool, str, str, int]]:
    """Changes after a beat at that time."""
    await note_beat(db, beat(seconds, **more))
    return changes(await judge_all(db, at(seconds), INCARNATION))


def changes(verdict: Verdict) -> list[tuple[bool, str, str, int]]:
    return [(one.raised, one.monitor, one.subject, one.reading) for one in verdict.news]


async def published(db: Database) -> list[dict[str, Any]]:
    rows = await db.pool.fetch("select key, headers, value from outbox where topic = 'alerts' order by id")
    return [
        orjson.loads(row["value"]) | {"version": orjson.loads(row["headers"])["ce_aggregateversion"]} for row in rows
    ]


async def test_an_alert_is_raised_once_and_clears_after_it_is_calm(operations_db: Database) -> None:
    assert await judged(operations_db, 0, age=90) == []
    assert await judged(operations_db, 20, age=110) == []
    assert await judged(operations_db, 31, age=121) == [(True, "outbox-age", "notify", 121)]
    assert await judged(operations_db, 36, age=500) == []
    assert await judged(operations_db, 41) == []
    assert await judged(operations_db, 101) == [(False, "outbox-age", "notify", 0)]
    assert await judged(operations_db, 106) == []
    raised, cleared = await published(operations_db)
    assert (raised["watched"], raised["reading"], raised["threshold"], raised["version"]) == (
        "outbox-age:notify", 121, 60, "1",
    )  # fmt: skip
    assert (cleared["alert_id"], cleared["reading"], cleared["version"]) == (raised["alert_id"], 0, "2")
    (row,) = await operations_db.pool.fetch("select worst, cleared_reading from alerts")
    assert tuple(row) == (500, 0)


async def test_a_lag_that_grows_behind_a_pause_raises_and_the_pause_is_no_standstill(operations_db: Database) -> None:
    for seconds in range(0, 70, 10):
        news = await judged(operations_db, seconds, lag=2000, paused=True)
    assert news == [(True, "lag", "notify", 2000)]
    assert await judged(operations_db, 400, lag=2000, paused=True) == []
    assert await judged(operations_db, 405) == []
    assert await judged(operations_db, 470) == [(False, "lag", "notify", 0)]


async def test_processes_that_crash_again_and_again_raise(operations_db: Database) -> None:
    assert await judged(operations_db, 0, crashes=2) == []
    assert await judged(operations_db, 5, crashes=3) == [(True, "restarts", "notify-worker", 3)]


async def test_a_crash_between_raising_and_publishing_leaves_one_alert(
    operations_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(outbox, "append", killed)
        with pytest.raises(RuntimeError):
            await judged(operations_db, 0, crashes=5)
    assert await operations_db.pool.fetchval("select count(*) from alerts") == 0
    assert await judged(operations_db, 5, crashes=5) == [(True, "restarts", "notify-worker", 5)]
    assert await judged(operations_db, 10, crashes=5) == []
    assert len(await published(operations_db)) == 1


async def test_two_judges_at_once_raise_one_alert(operations_db: Database) -> None:
    await note_beat(operations_db, beat(0, crashes=5))
    verdicts = await asyncio.gather(*(judge_all(operations_db, at(0), INCARNATION) for _ in range(4)))
    assert sum(len(one.news) for one in verdicts) == 1
    assert len(await published(operations_db)) == 1


async def test_dead_letters_and_corrections_that_surge_are_counted_from_the_index(index: Indexed) -> None:
    site, real = new_id(), datetime.now(UTC)
    letters = [message_of(service(site), n)._replace(entity="attendance.points-ingest.dlq") for n in range(10)]
    noted = [
        AssertionNoted(
            record_id=new_id(), revision=2, volunteer_id=new_id(), act=act, site_id=site, provenance="scanned",
            status="confirmed", minutes=30, started_at=AT,
        )
        for act in ["corrected"] * 15 + ["voided"] * 5 + ["confirmed"] * 30
    ]  # fmt: skip
    await index.stream.handle([*letters, *(message_of(one, n) for n, one in enumerate(noted))])
    news = changes(await judge_all(index.db, real, INCARNATION))
    assert news == [(True, "corrections", str(site), 20), (True, "dead-letters", "points-ingest", 10)]
    later = real + timedelta(hours=2)
    assert changes(await judge_all(index.db, later, INCARNATION)) == []
    cleared = changes(await judge_all(index.db, later + timedelta(minutes=10), INCARNATION))
    assert sorted(cleared) == [(False, "corrections", str(site), 0), (False, "dead-letters", "points-ingest", 0)]


async def silence(index: Indexed, seconds: int = 0) -> dict[UUID, int]:
    await judge_all(index.db, at(seconds), INCARNATION)
    rows = await index.db.pool.fetch("select site_id, reading from monitor_states where monitor = 'silence'")
    return {row["site_id"]: row["reading"] for row in rows}


async def test_a_device_that_is_due_is_silent_until_it_sends_a_record(index: Indexed, clock: Clock) -> None:
    site, due, rare, phone = new_id(), new_id(), new_id(), f"phone:{new_id()}"

    def sent(device: object, offset: int, days: int, minutes: int = 0) -> Any:
        record = service(site).model_copy(update={"device_ref": str(device)})
        return message_of(record, offset, time=AT - timedelta(days=days) + timedelta(minutes=minutes))

    days = [(due, 1), (due, 2), (due, 9), (rare, 1), (rare, 2), (phone, 1), (phone, 2), (phone, 3)]
    batch = [sent(device, n, before) for n, (device, before) in enumerate(days)]
    await index.stream.handle([message_of(signup(site), 0), *batch])
    await clock.set(AT + timedelta(minutes=45))

    async def readings(seconds: int) -> dict[str, int]:
        await judge_all(index.db, at(seconds), INCARNATION)
        rows = await index.db.pool.fetch("select subject, reading from monitor_states where monitor = 'device-silence'")
        return {row["subject"]: row["reading"] for row in rows}

    assert await readings(0) == {str(due): 45}
    await index.stream.handle([sent(due, 50, 0, 40)])
    assert await readings(5) == {str(due): 0}
    await clock.set(AT + timedelta(days=20))
    assert await readings(10) == {str(due): 0}
    assert await index.db.pool.fetchval("select count(*) from device_days") == 0


async def test_a_site_is_silent_where_a_shift_runs_and_no_one_checks_in(index: Indexed, clock: Clock) -> None:
    quiet, busy, empty, off = new_id(), new_id(), new_id(), new_id()
    placed = {site: signup(site) for site in (quiet, busy, empty)}
    batch: Sequence[Any] = [
        *(message_of(one, n) for n, one in enumerate(placed.values())),
        message_of(cancelled(placed[empty]), 3),
        message_of(
            signup(off).model_copy(update={"starts_at": AT + timedelta(days=1), "ends_at": AT + timedelta(days=2)}), 4
        ),
        message_of(service(busy), 0, time=AT + timedelta(minutes=4)),
        message_of(service(quiet), 1, time=AT - timedelta(days=1)),
    ]
    await index.stream.handle(batch)
    await clock.set(AT + timedelta(minutes=45))
    assert await silence(index) == {quiet: 45, busy: 0}
    await index.stream.handle([message_of(service(quiet), 2, time=AT + timedelta(minutes=46))])
    assert await silence(index, 5) == {quiet: 0, busy: 0}
    await clock.set(AT + timedelta(hours=3))
    assert await silence(index, 10) == {quiet: 0, busy: 0}
    assert await index.db.pool.fetchval("select count(*) from expected_shifts") == 1


async def test_a_record_on_the_topic_that_is_no_beat_is_passed_by_and_unknown_groups_are_left_out() -> None:
    assert beat_of(message_of(signup(new_id()), 0)) is None
    assert beat_of(message_of(beat(0), 0)._replace(value=b"{")) is None
    old = beat(0).model_copy(update={"consumers": (ConsumerBeat(group="gone", paused=False, running=False),)})
    found = beat_of(message_of(old, 0))
    assert found is not None
    assert found.consumers == ()


async def change(index: Indexed, token: str, **more: Any) -> Any:
    body = {
        "monitor": "lag", "replaces": 1, "trip": 5, "clear": 1, "hold_seconds": 0, "calm_seconds": 0,
        "reason": "a quiet district",
    } | more  # fmt: skip
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}
    return await index.client.post(f"{API}/thresholds", json=body, headers=headers)


async def test_thresholds_are_versions_with_maker_and_reason_and_take_effect_at_once(index: Indexed) -> None:
    engineer = index.token()
    made = await change(index, engineer)
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["reason"]) == (2, "a quiet district")
    assert await judged(index.db, 0, lag=5) == [(True, "lag", "notify", 5)]
    stale = await change(index, engineer)
    assert (stale.status_code, stale.json()["type"].rsplit("/")[-1]) == (409, "threshold-changed")
    wrong = await change(index, engineer, replaces=2, trip=3, clear=4)
    assert (wrong.status_code, wrong.json()["type"].rsplit("/")[-1]) == (422, "threshold-contradictory")
    assert (await change(index, index.token(Role.OPERATOR), replaces=2)).status_code == 403
    assert (await change(index, index.token(sites=[new_id()]), replaces=2)).status_code == 403
    listed = {one["monitor"]: one for one in (await index.get("/monitors")).json()["items"]}
    assert [one["version"] for one in listed["lag"]["thresholds"]] == [2, 1]
    assert [(one["subject"], one["reading"]) for one in listed["lag"]["readings"]] == [("notify", 5)]
    (act,) = (await index.get("/audit/own")).json()["items"]
    assert (act["act"], act["reason"], act["target"]["trip"]) == ("threshold", "a quiet district", 5)


async def test_alerts_are_listed_open_ones_first_and_page_by_page(index: Indexed) -> None:
    await judged(index.db, 0, crashes=5)
    await judged(index.db, 10, age=90)
    await judged(index.db, 45, age=90)
    await judged(index.db, 1000, age=90)
    await judged(index.db, 1700, age=90)
    found, cursor = [], None
    while True:
        page = (await index.get("/alerts", limit=1, **({"cursor": cursor} if cursor else {}))).json()
        found += [(one["monitor"], one["cleared_at"] is None, one["notified"]) for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == [("outbox-age", True, ["engineer"]), ("restarts", False, ["engineer"])]
    assert [one["monitor"] for one in (await index.get("/alerts", state="cleared")).json()["items"]] == ["restarts"]
    assert (await index.get("/alerts", index.token(Role.AUDITOR))).status_code == 200
    assert (await index.get("/alerts", index.token(Role.STATION))).status_code == 403
    assert (await index.get("/monitors")).json()["open_alerts"] == 1
