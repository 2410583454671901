"""notify's operator routes over HTTP, and its inbox as a consumer whose templates may be missing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.notify.__main__ import api
from services.notify.inbox.stream import GROUP, InboxStream
from services.notify.templates.handlers import Catalogue, load_catalogue
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import PointsPosted
from shared.deadletters.replay import LetterReplayer
from shared.ids import new_id
from shared.kafka.consumer import Message, apply_halving
from shared.outbox import event
from shared.postgres import Database
from shared.settings import Settings
from tests.support.settings import SECRETS, SettingsFactory

__all__ = ["Desk", "Inbox", "bearer", "desk_of", "points_posted", "posted"]

MINTING = Settings(service="recruitment", environment="test", auth_signing_key=SECRETS.signing_keys["recruitment"])
NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
TOPIC = "volunteering.points.v1"


def bearer(role: Role, *sites: UUID, subject: UUID | None = None) -> dict[str, str]:
    """A token of the role, for the centre or for some sites."""
    bounds = frozenset(sites) if sites else None
    caller = Caller(subject=subject or new_id(), roles=frozenset({role}), site_ids=bounds, name=role.value)
    return {"Authorization": f"Bearer {mint(MINTING, caller)}"}


@dataclass(frozen=True, slots=True)
class Desk:
    """An engineer at the service's routes."""

    client: httpx.AsyncClient

    async def get(self, path: str, *, role: Role = Role.ENGINEER, **params: str) -> Any:
        """The answer's JSON; it must succeed."""
        answer = await self.client.get(f"/api/notify/v1/{path}", params=params, headers=bearer(role))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """The answer, whatever it is."""
        keyed = {**(headers or bearer(Role.ENGINEER)), "Idempotency-Key": str(new_id())}
        body = {"reason": "the cause is mended", **body}
        return await self.client.post(f"/api/notify/v1/{path}", json=body, headers=keyed)


@asynccontextmanager
async def desk_of(settings_for: SettingsFactory, **settings: Any) -> AsyncIterator[Desk]:
    """notify's API on the test's database."""
    app: FastAPI = api(settings_for("notify", **settings))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield Desk(client)


def points_posted(volunteer: UUID, amount: int = 10) -> PointsPosted:
    return PointsPosted(
        posting_id=new_id(), volunteer_id=volunteer, amount=amount, available=amount, held=0, debt=0, posted_at=NOW,
        reason="award",
    )  # fmt: skip


def posted(offset: int, topic: str = TOPIC, *, id: UUID | None = None) -> Message:
    """A record of points for a new volunteer."""
    data = points_posted(new_id())
    headers, value = encode(event(data, source="test", aggregate_version=1, id=id))
    return Message(topic, "points", 0, offset, str(data.volunteer_id).encode(), value, headers, 0)


class Inbox:
    """notify's handler, with the catalogue of templates or without any."""

    def __init__(self, db: Database, catalogue: Catalogue) -> None:
        self.db = db
        self._whole = catalogue
        self._empty = Catalogue.of([])
        self.mended = False
        self.batches: list[int] = []

    @classmethod
    async def of(cls, db: Database) -> "Inbox":
        return cls(db, await load_catalogue(db))

    def stream(self) -> InboxStream:
        return InboxStream(self.db, self._whole if self.mended else self._empty, asyncio.Event())

    async def handle(self, batch: Sequence[Message]) -> None:
        self.batches.append(len(batch))
        await self.stream().handle(batch)

    async def dead_letter(self, message: Message, error: Exception) -> None:
        await self.stream().dead_letter(message, error)

    async def apply(self, batch: Sequence[Message]) -> None:
        """As the consumer does."""
        await apply_halving(batch, self.handle, self.dead_letter)

    def replayer(self, *, lease: float = 30.0) -> LetterReplayer:
        return LetterReplayer(self.db, GROUP, self.apply, lambda topic: "points", lease=lease)

    async def messages(self) -> int:
        found: int = await self.db.pool.fetchval("select count(*) from messages")
        return found
