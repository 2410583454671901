"""Messages about residents' orders: to the resident, the leaders and the staff of the desk, once each."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from services.notify.inbox.stream import InboxStream
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import OrderChanged
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.outbox import event
from shared.postgres import Database
from tests.support.settings import SettingsFactory

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


def step(order_id: UUID, version: int, act: str, state: str, **more: Any) -> Message:
    values: dict[str, Any] = {
        **dict.fromkeys(OrderChanged.model_fields),
        "order_id": order_id, "act": act, "state": state, "by": "staff", "need": "haircut", "need_name": "理发",
        "site_id": new_id(), "desk": "station", "resident_id": new_id(), "leader_ids": [], "staff_ids": [],
        "rated_by_default": False, "complaint": False, "changed_at": NOW, **more,
    }  # fmt: skip
    headers, value = encode(event(OrderChanged(**values), source="test", aggregate_version=version))
    return Message("volunteering.orders.v1", "orders", 0, version, b"k", value, headers, 0)


async def test_the_title_of_each_message_says_its_step(stream: InboxStream, notify_db: Database) -> None:
    resident, staff, leader, order = [new_id() for _ in range(4)]
    acts = (
        ("place", "placed"), ("take", "under_review"), ("ask", "needs_information"), ("answer", "under_review"),
        ("offer", "offered"), ("escalate", "offered"), ("dispatch", "dispatched"), ("accept", "accepted"),
        ("schedule", "scheduled"), ("remind", "scheduled"), ("complete", "accepted"), ("complete", "served"),
        ("default", "rated"), ("reopen", "offered"), ("release", "offered"), ("move", "offered"),
        ("cancel", "cancelled"), ("lapse", "closed"), ("refuse", "refused"), ("cancel", "unfulfilled"),
    )  # fmt: skip
    people: dict[str, Any] = {"resident_id": resident, "staff_ids": [staff], "leader_ids": [leader]}
    await stream.handle([step(order, n, *each, **people) for n, each in enumerate(acts, 1)])
    for recipient in (resident, staff):
        rows = await notify_db.pool.fetch("select title, body from messages where recipient_id = $1", recipient)
        assert len({row["title"] for row in rows}) == len(rows) > 7
        assert all(row["title"].endswith("：理发") for row in rows)
        assert all("（/orders）" in row["body"] or "（/staff/orders）" in row["body"] for row in rows)


async def test_each_party_of_an_order_reads_its_own_message(
    stream: InboxStream, client: httpx.AsyncClient, settings_for: SettingsFactory
) -> None:
    resident, daughter, leader, staff, order = [new_id() for _ in range(5)]
    people: dict[str, Any] = {"resident_id": daughter, "beneficiary_id": resident}
    settings = settings_for("recruitment")

    async def titles(caller: Caller) -> list[str]:
        headers = {"Authorization": f"Bearer {mint(settings, caller)}"}
        answer = await client.get("/api/notify/v1/inbox", headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["unread"] == len(answer.json()["items"])
        return [each["body"] for each in reversed(answer.json()["items"])]

    messages = [
        step(order, 1, "place", "placed", by="resident", staff_ids=[staff], **people),
        step(order, 2, "offer", "offered", leader_ids=[leader], staff_ids=[staff], **people),
        step(order, 3, "schedule", "scheduled", by="leader", leader_ids=[leader], starts_at=NOW, **people),
        step(order, 4, "cancel", "unfulfilled", cause="no-team", staff_ids=[staff], **people),
    ]
    await stream.handle(messages)
    await stream.handle(messages[:2])
    as_resident = await titles(Caller(subject=resident, resident_id=resident, roles=frozenset({Role.RESIDENT})))
    assert len(as_resident) == 4
    assert [each for each in as_resident if "3月4日 09:00" in each]
    assert [each for each in as_resident if "没有队伍能承接" in each]
    volunteer = new_id()
    both = Caller(
        subject=volunteer,
        volunteer_id=volunteer,
        resident_id=daughter,
        roles=frozenset({Role.RESIDENT, Role.VOLUNTEER}),
    )
    assert sorted(await titles(both)) == sorted(as_resident)
    assert len(await titles(Caller(subject=staff, roles=frozenset({Role.STATION})))) == 2
    leads = Caller(subject=leader, volunteer_id=leader, roles=frozenset({Role.VOLUNTEER, Role.LEADER}))
    assert len(await titles(leads)) == 1
