"""Complaints in ratings of orders: kept once each, decided once by a person, and recorded as complaints."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.points import __main__ as points
from services.points.complaints.proposals.stream import GROUP, OrderComplaintStream
from services.points.policy import policy_of, stored_policy
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import OrderChanged
from shared.ids import new_id
from shared.kafka.messages import Message
from shared.outbox import event
from shared.postgres import Database
from tests.support.settings import SettingsFor

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
ROOT = "http://points/api/points/v1"


@pytest.fixture
async def http(points_db: Database, settings_for: SettingsFor) -> AsyncIterator[httpx.AsyncClient]:
    await policy_of(points_db)
    app = points.api(settings_for("points"))
    app.state.database = points_db
    app.state.policy = stored_policy()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ROOT) as http:
        yield http


def rated(site_id: UUID, **more: Any) -> Message:
    values = {
        **dict.fromkeys(OrderChanged.model_fields),
        "order_id": new_id(), "act": "rate", "state": "rated", "by": "resident", "need": "haircut", "need_name": "理发",
        "site_id": site_id, "desk": "station", "resident_id": new_id(), "leader_ids": [], "staff_ids": [], "stars": 1,
        "rated_by_default": False, "complaint": True, "activity_id": new_id(), "changed_at": NOW, **more,
    }  # fmt: skip
    headers, value = encode(event(OrderChanged.model_validate(values), source="test", aggregate_version=9))
    return Message("volunteering.orders.v1", "orders", 0, 0, b"k", value, headers, 0)


async def test_a_complaint_in_a_rating_waits_for_a_person_and_is_decided_once(
    points_db: Database, http: httpx.AsyncClient, settings_for: SettingsFor
) -> None:
    here, there = new_id(), new_id()
    stream = OrderComplaintStream(points_db)
    ours, praise, other = rated(here), rated(here, complaint=False), rated(there)
    poison = Message("volunteering.orders.v1", "orders", 0, 1, b"k", b"{", [], 0)
    await stream.handle([ours, praise, poison, other, ours])
    await stream.handle([ours])
    letters = "select count(*) from dead_letters where consumer_group = $1"
    assert await points_db.pool.fetchval(letters, GROUP) == 1

    def headers(*sites: UUID) -> dict[str, str]:
        caller = Caller(
            subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=frozenset(sites) if sites else None
        )
        return {
            "Authorization": f"Bearer {mint(settings_for('recruitment'), caller)}",
            "Idempotency-Key": str(new_id()),
        }

    assert len((await http.get("/complaints/proposals", headers=headers())).json()["items"]) == 2
    (found,) = (await http.get("/complaints/proposals", headers=headers(here))).json()["items"]
    path = f"/complaints/proposals/{found['proposal_id']}/decision"
    body = {"decision": "record", "reason": "电话核实"}
    foreign = await http.post(path, json=body, headers=headers(there))
    assert (foreign.status_code, foreign.json()["type"]) == (404, "complaint-proposal-unknown")
    decided = await http.post(path, json=body, headers=headers())
    assert (decided.status_code, decided.json()["state"]) == (200, "recorded"), decided.text
    again = await http.post(path, json={**body, "decision": "dismiss"}, headers=headers())
    assert (again.status_code, again.json()["type"]) == (409, "complaint-proposal-decided")
    listed = (await http.get("/complaints", headers=headers())).json()["items"]
    assert [(each["complaint_id"], each["activity_id"]) for each in listed] == [
        (decided.json()["complaint_id"], found["activity_id"])
    ]
    assert (await http.get("/complaints/proposals", headers=headers(here))).json()["items"] == []

    async def decided_here() -> list[tuple[Any, ...]]:
        found = await http.get("/complaints/proposals?view=decided", headers=headers(here))
        return [(each["state"], each["reason"], each["withdrawn_at"] is None) for each in found.json()["items"]]

    assert found["order_id"] == decided.json()["order_id"] is not None
    assert await decided_here() == [("recorded", "电话核实", True)]
    await http.post(
        f"/complaints/{decided.json()['complaint_id']}/withdraw", json={"reason": "误会"}, headers=headers()
    )
    assert await decided_here() == [("recorded", "电话核实", False)]
