"""Alerts as messages: one per event, read by each engineer for themselves, and by no other person."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notify.inbox.stream import InboxStream
from services.notify.templates.handlers import load_catalogue
from shared.auth.tokens import Role
from shared.cloudevents import encode
from shared.contracts import AlertCleared, AlertRaised, Contract
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.outbox import event
from shared.postgres import Database
from tests.support.operating import Desk, bearer, desk_of
from tests.support.settings import SettingsFactory

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
ALERT = new_id()


def raised(**more: Any) -> AlertRaised:
    values: dict[str, Any] = {
        "watched": "lag:points-ingest", "alert_id": ALERT, "monitor": "lag", "subject": "points-ingest",
        "reading": 1200, "threshold": 1000, "threshold_version": 1, "raised_at": NOW,
    }  # fmt: skip
    return AlertRaised(**(values | more))


def cleared() -> AlertCleared:
    return AlertCleared(
        watched="lag:points-ingest", alert_id=ALERT, monitor="lag", subject="points-ingest", reading=0, raised_at=NOW,
        cleared_at=NOW + timedelta(minutes=7),
    )  # fmt: skip


def record(data: Contract, version: int) -> Message:
    headers, value = encode(event(data, source="test", aggregate_version=version))
    return Message("volunteering.alerts.v1", "alerts", 0, version, b"lag:points-ingest", value, headers, 0)


async def inbox(desk: Desk, subject: UUID, role: Role = Role.ENGINEER, *sites: UUID) -> dict[str, Any]:
    answer = await desk.client.get("/api/notify/v1/inbox", headers=bearer(role, *sites, subject=subject))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_every_engineer_reads_an_alert_for_themselves_and_others_do_not(
    notify_db: Database, settings_for: SettingsFactory
) -> None:
    stream = InboxStream(notify_db, await load_catalogue(notify_db), asyncio.Event())
    batch = [record(raised(), 1), record(cleared(), 2)]
    await stream.handle(batch)
    await stream.handle(batch)
    zhao, qian = new_id(), new_id()
    async with desk_of(settings_for) as desk:
        found = await inbox(desk, zhao)
        assert (len(found["items"]), found["unread"]) == (2, 2)
        titles = sorted(one["title"] for one in found["items"])
        assert titles == [
            "告警解除：积压增长 · Cleared: growing lag (points-ingest)",
            "告警：积压增长 · Alert: growing lag (points-ingest)",
        ]
        first = next(one for one in found["items"] if one["kind"] == "alert_raised")
        assert "读数 1200 条，阈值 1000 条" in first["body"]
        assert "reading 1200 records, threshold 1000 records" in first["body"]
        for _ in range(2):
            headers = {**bearer(Role.ENGINEER, subject=zhao), "Idempotency-Key": str(new_id())}
            path = f"/api/notify/v1/inbox/{first['message_id']}/read"
            assert (await desk.client.post(path, headers=headers)).status_code == 200
        assert (await inbox(desk, zhao))["unread"] == 1
        assert (await inbox(desk, qian))["unread"] == 2
        assert (await inbox(desk, new_id(), Role.OPERATOR))["items"] == []
        assert (await inbox(desk, new_id(), Role.ENGINEER, new_id()))["items"] == []
        headers = {**bearer(Role.AUDITOR), "Idempotency-Key": str(new_id())}
        assert (await desk.client.post(path, headers=headers)).status_code == 404
    assert await notify_db.pool.fetchval("select count(*) from outbox where topic = 'notifications'") == 0


async def test_the_name_of_a_site_is_not_in_the_message(notify_db: Database, settings_for: SettingsFactory) -> None:
    site = new_id()
    stream = InboxStream(notify_db, await load_catalogue(notify_db), asyncio.Event())
    await stream.handle([record(raised(monitor="silence", subject=str(site), site_id=site, reading=45), 1)])
    async with desk_of(settings_for) as desk:
        (message,) = (await inbox(desk, new_id()))["items"]
    assert message["title"] == "告警：班次中没有签到 · Alert: no check-in during a shift"
    assert "45 分钟" in message["body"]
