"""Proposed voids as messages: to the staff who may decide, and the decision to the account that settled the case."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.notify.inbox.stream import InboxStream
from services.notify.templates.handlers import load_catalogue
from shared.cloudevents import encode
from shared.contracts import Contract, VoidsDecided, VoidsProposed
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.outbox import event
from shared.postgres import Database

AT = datetime(2026, 3, 4, 1, tzinfo=UTC)
CASE, SETTLER = new_id(), new_id()


def sent(data: Contract, version: int) -> Message:
    headers, value = encode(event(data, source="test", aggregate_version=version))
    return Message("volunteering.proposals.v1", "proposals", 0, version, b"k", value, headers, 0)


async def messages(db: Database, recipient: UUID) -> list[tuple[str, str]]:
    rows = await db.pool.fetch("select title, body from messages where recipient_id = $1", recipient)
    return [(row["title"], row["body"]) for row in rows]


async def test_the_staff_who_may_decide_are_asked_once(notify_db: Database) -> None:
    stream = InboxStream(notify_db, await load_catalogue(notify_db), asyncio.Event())
    staff = (new_id(), new_id())
    records = (new_id(), new_id(), new_id())
    proposed = sent(
        VoidsProposed(case_id=CASE, record_ids=records, staff_ids=staff, settled_by=SETTLER, proposed_at=AT), 1
    )
    await stream.handle([proposed])
    await stream.handle([proposed])
    for one in staff:
        ((title, body),) = await messages(notify_db, one)
        assert "3 条" in title
        assert "/staff/approvals" in body
    assert await messages(notify_db, SETTLER) == []


@pytest.mark.parametrize(("outcome", "said"), [("voided", "已作废"), ("kept", "没有作废"), ("lapsed", "没有站点决定")])
async def test_who_settled_the_case_hears_what_was_decided(notify_db: Database, outcome: Any, said: str) -> None:
    stream = InboxStream(notify_db, await load_catalogue(notify_db), asyncio.Event())
    values: dict[str, Any] = {"case_id": CASE, "record_ids": (new_id(),), "outcome": outcome, "decided_at": AT}
    await stream.handle([sent(VoidsDecided(**values, settled_by=SETTLER), 2), sent(VoidsDecided(**values), 2)])
    ((_, body),) = await messages(notify_db, SETTLER)
    assert said in body
    assert f"/staff/cases/{CASE}" in body
    assert await notify_db.pool.fetchval("select count(*) from messages") == 1
