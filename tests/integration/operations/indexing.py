"""Records as the index's consumer hands them over, and an API on the same database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.operations.__main__ import api
from services.operations.events.stream import IndexStream
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import Contract, PointsPosted, RedemptionHeld, SignupCancelled, SignupPlaced
from shared.ids import new_id
from shared.kafka.messages import Message
from shared.outbox import event
from shared.postgres import Database
from tests.support.settings import SettingsFactory

__all__ = ["AT", "Indexed", "cancelled", "held", "indexing", "message_of", "posted", "signup"]

AT = datetime(2026, 3, 4, 9, tzinfo=UTC)
API = "/api/operations/v1"


def message_of(
    data: Contract, offset: int, *, partition: int = 0, version: int = 1, sent_at: datetime | None = None, **more: Any
) -> Any:
    """The record of an event."""
    made = event(data, source="test", aggregate_version=version, **more)
    headers, value = encode(made)
    stamp = int((sent_at or datetime.now(UTC)).timestamp() * 1000)
    key = made.subject.encode()
    return Message(f"volunteering.{data.topic}.v1", data.topic, partition, offset, key, value, headers, stamp)


def posted(volunteer_id: UUID | None = None, **more: Any) -> PointsPosted:
    values: dict[str, Any] = {"reason": "award", "amount": 10, "available": 10, "held": 0, "debt": 0, "posted_at": AT}
    return PointsPosted(posting_id=new_id(), volunteer_id=volunteer_id or new_id(), **(values | more))


def signup(site_id: UUID, activity_id: UUID | None = None) -> SignupPlaced:
    return SignupPlaced(
        signup_id=new_id(),
        volunteer_id=new_id(),
        shift_id=new_id(),
        activity_id=activity_id or new_id(),
        activity_title="晨光问候",
        site_id=site_id,
        starts_at=AT,
        ends_at=AT + timedelta(hours=2),
        placed_at=AT,
    )


def cancelled(placed: SignupPlaced) -> SignupCancelled:
    names = ("signup_id", "volunteer_id", "shift_id", "activity_id")
    return SignupCancelled(**{name: getattr(placed, name) for name in names}, cancelled_at=AT)


def held(site_id: UUID) -> RedemptionHeld:
    return RedemptionHeld(
        redemption_id=new_id(),
        volunteer_id=new_id(),
        reward_id=new_id(),
        reward_name="保温杯",
        site_id=site_id,
        points=10,
        expires_at=AT,
    )


@dataclass(slots=True)
class Indexed:
    """An index, and its API with a caller for each kind of bounds."""

    db: Database
    stream: IndexStream
    app: FastAPI
    client: httpx.AsyncClient
    settings_for: SettingsFactory
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, role: Role = Role.ENGINEER, sites: Sequence[UUID] | None = None) -> str:
        """A token that is bound to the sites, or to none."""
        bounds = None if sites is None else frozenset(sites)
        caller = Caller(subject=new_id(), roles=frozenset({role}), site_ids=bounds)
        return mint(self.settings_for("recruitment"), caller)

    async def get(self, path: str, token: str | None = None, **query: Any) -> httpx.Response:
        """Call a route as an engineer, or with the token."""
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        return await self.client.get(f"{API}{path}", params=query, headers=headers)

    async def items(self, token: str | None = None, **query: Any) -> list[Any]:
        """All events of a search, page by page."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            answer = await self.get("/events", token, **query, **more)
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return found


@asynccontextmanager
async def indexing(db: Database, settings_for: SettingsFactory, **overrides: Any) -> AsyncIterator[Indexed]:
    """An index of the test's own, without a broker."""
    app = api(settings_for("operations", **overrides))
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            yield Indexed(db, IndexStream(db, "first", 30), app, client, settings_for)
