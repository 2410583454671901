"""Recipients of messages: volunteers, and the accounts that recorded their hours."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from services.notify.inbox.stream import InboxStream
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import AssertionNoted
from shared.contracts.attendance import AssertionAct
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.outbox import event
from shared.postgres import Database
from tests.support.settings import SettingsFactory

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
API = "/api/notify/v1"
Token = Callable[[UUID], dict[str, str]]


@pytest.fixture
def token(settings_for: SettingsFactory) -> Token:
    settings = settings_for("recruitment")

    def make(staff_id: UUID) -> dict[str, str]:
        caller = Caller(subject=staff_id, roles=frozenset({Role.STATION}))
        return {"Authorization": f"Bearer {mint(settings, caller)}"}

    return make


def record(data: AssertionNoted) -> Message:
    headers, value = encode(event(data, source="test", aggregate_version=data.revision))
    return Message(f"volunteering.{data.topic}.v1", data.topic, 0, 0, b"k", value, headers, 0)


def hours(volunteer: UUID, act: AssertionAct, recorded_by: UUID | None, revision: int = 1) -> AssertionNoted:
    return AssertionNoted(
        record_id=new_id(),
        revision=revision,
        volunteer_id=volunteer,
        act=act,
        provenance="backfilled",
        status="provisional",
        minutes=120,
        recorded_by=recorded_by,
        started_at=NOW,
        deniable_until=NOW + timedelta(days=14),
    )


async def test_who_recorded_hours_is_notified_of_refusals_and_denials(
    stream: InboxStream, client: httpx.AsyncClient, token: Token, notify_db: Database
) -> None:
    zhang, station = new_id(), new_id()
    acts: tuple[AssertionAct, ...] = ("recorded", "approved", "rejected", "denied", "lapsed")
    batch = [record(hours(zhang, act, station)) for act in acts]
    for _ in range(2):
        await stream.handle(batch)
    mine = token(station)
    inbox = (await client.get(f"{API}/inbox", headers=mine)).json()
    assert inbox["unread"] == 3
    assert {item["title"] for item in inbox["items"]} == {
        "您记录的时长未计入：未通过",
        "您记录的时长未计入：30 天内无人核对",
        "志愿者对您记录的时长有异议",
    }
    assert await notify_db.pool.fetchval("select count(*) from messages where recipient_id = $1", zhang) == len(acts)

    path = f"{API}/inbox/{inbox['items'][0]['message_id']}/read"
    refused = await client.post(path, headers={**token(new_id()), "Idempotency-Key": "1"})
    assert refused.status_code == 404
    read = await client.post(path, headers={**mine, "Idempotency-Key": "1"})
    assert read.json()["read_at"] is not None
    assert (await client.get(f"{API}/inbox", headers=mine)).json()["unread"] == 2

    announced = await notify_db.pool.fetchval("select count(*) from outbox")
    assert announced == len(acts), "messages to staff are published nowhere"


async def test_own_scans_and_records_without_a_recorder_notify_the_volunteer_alone(
    stream: InboxStream, notify_db: Database
) -> None:
    zhang = new_id()
    await stream.handle([record(hours(zhang, "rejected", by)) for by in (None, zhang)])
    assert await notify_db.pool.fetchval("select array_agg(distinct recipient_id) from messages") == [zhang]
