"""Volunteers with points, and the HTTP of rewards and accounts, for tests of both and of the audit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from fastapi import APIRouter

from services.points.accounts.api import router as accounts
from services.points.adjustments.api import router as adjustments
from services.points.badges import handlers as badges
from services.points.ingest.handlers import Policy, ingest
from services.points.integrity.api import router as integrity
from services.points.leaders.api import router as leaders
from services.points.policy import stored_policy
from services.points.records.decoding import decode
from services.points.rewards.api import router as rewards
from services.points.rewards.catalogue.api import router as catalogue
from services.points.rewards.pickups.api import router as pickups
from services.points.rewards.shelf_api import router as shelves
from services.points.rules import handlers as rules
from shared import outbox
from shared.auth.tokens import Caller, Role, mint
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.http.app import create_app
from shared.ids import derived_id, new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from shared.sealing import TextCipher
from tests.support.apps import borrowed_app
from tests.support.settings import SECRETS, SettingsFactory

NOW = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)
SITE = UUID(int=0x517E)
OTHER_SITE = UUID(int=0x517F)
EVIDENCE = TextCipher(SECRETS.evidence_key, "WEIGUANG_EVIDENCE_KEY")
PHONE = "phone:4f1c0b0a9d7e4c3b8a6f5e2d1c0b9a87"


def record(volunteer_id: UUID, minutes: int = 120, **changes: Any) -> AttendanceRecorded:
    """A confirmed, scanned record of two hours in January; anything may be said otherwise."""
    started_at = changes.pop("started_at", datetime(2026, 1, 10, 1, 0, tzinfo=UTC))
    return AttendanceRecorded(
        **{
            "record_id": new_id(),
            "revision": 1,
            "volunteer_id": volunteer_id,
            "activity_id": UUID(int=0xAC),
            "shift_id": UUID(int=0x5F),
            "site_id": SITE,
            "theme": "夕阳别样红",
            "kind": "visit",
            "provenance": "scanned",
            "closed_by": "self",
            "status": "confirmed",
            "started_at": started_at,
            "ended_at": started_at + timedelta(minutes=minutes),
            "minutes": minutes,
            "planned_minutes": minutes,
            "device_ref": PHONE if changes.get("provenance", "scanned") == "scanned" else None,
            **changes,
        }
    )


def message(data: AttendanceRecorded, offset: int = 0, emitted_at: datetime = NOW) -> Message:
    """The record as it lies on the topic; the same record is the same event."""
    event_id = derived_id("test", data.model_dump_json())
    headers, value = encode(
        outbox.event(data, source="weiguang/recruitment", aggregate_version=data.revision, id=event_id, time=emitted_at)
    )
    key = str(data.volunteer_id).encode()
    return Message("volunteering.attendance.v1", "attendance", 0, offset, key, value, headers, 0)


@dataclass(slots=True)
class Ledger:
    """Feeds attendance to the ledger of one database, as the worker would."""

    database: Database
    policy: Policy

    @classmethod
    async def open(cls, database: Database) -> "Ledger":
        """With the shipped rules and criteria in force."""
        return cls(database, Policy(await rules.install(database), await badges.install(database)))

    async def feed(self, *records: AttendanceRecorded) -> None:
        """Apply records in one batch."""
        async with self.database.transaction() as tx:
            await ingest(tx, [decode(message(data)) for data in records], self.policy)

    async def volunteer(self, minutes: int = 480) -> UUID:
        """A new volunteer who has served so long on one day: 10 points an hour and 20 for the first service."""
        volunteer_id = new_id()
        await self.feed(record(volunteer_id, minutes))
        return volunteer_id

    async def volunteers(self, number: int, minutes: int = 480) -> list[UUID]:
        """Many of them, in one batch."""
        ids = [new_id() for _ in range(number)]
        await self.feed(*(record(volunteer_id, minutes) for volunteer_id in ids))
        return ids


@dataclass(frozen=True, slots=True)
class Person:
    """A caller with a token."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    subject: UUID

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """Read."""
        return await self.client.get(f"/api/points/v1{path}", params=params, headers=self.headers)

    async def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Set; a body of bytes is sent as it is."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.client.put(f"/api/points/v1{path}", headers={**self.headers, **more}, **content)

    async def post(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """Act, under a key of its own unless one is given."""
        headers = {**self.headers, "Idempotency-Key": key or str(new_id())}
        return await self.client.post(f"/api/points/v1{path}", json=body, headers=headers)


@dataclass(frozen=True, slots=True)
class Api:
    """The app of rewards and accounts, without a socket."""

    client: httpx.AsyncClient
    signer: Any

    def person(
        self, *roles: Role, volunteer_id: UUID | None = None, sites: Sequence[UUID] | None = (), **account: Any
    ) -> Person:
        """Somebody with these roles, as recruitment mints them: staff who are a volunteer too are still only staff.
        `sites=None` is the centre; ``account`` says where the staff account comes from.
        """
        serving = volunteer_id is not None and Role.VOLUNTEER in roles
        caller = Caller(
            subject=volunteer_id if volunteer_id is not None and serving else new_id(),
            roles=frozenset(roles),
            volunteer_id=volunteer_id,
            site_ids=None if sites is None else frozenset(sites),
            name=f"LD{volunteer_id.int % 10**8:08}" if volunteer_id is not None and serving else "staff",
            **account,
        )
        return Person(self.client, {"Authorization": f"Bearer {mint(self.signer, caller)}"}, caller.subject)

    def volunteer(self, volunteer_id: UUID) -> Person:
        """A volunteer."""
        return self.person(Role.VOLUNTEER, volunteer_id=volunteer_id)

    @property
    def operator(self) -> Person:
        """The centre."""
        return self.person(Role.OPERATOR, sites=None)

    @property
    def station(self) -> Person:
        """Staff of `SITE`."""
        return self.person(Role.STATION, sites=[SITE])

    async def reward(self, price: int = 60, *, stock: int = 10, **fields: Any) -> UUID:
        """A reward with stock at `SITE`."""
        operator = self.operator
        answer = await operator.post("/rewards", {"name": "保温杯", "description": "", "price": price, **fields})
        assert answer.status_code == 201, answer.text
        reward_id = UUID(answer.json()["reward_id"])
        if stock:
            body = {"site_id": str(SITE), "quantity": stock, "note": "delivery"}
            answer = await operator.post(f"/rewards/{reward_id}/stock", body)
            assert answer.status_code == 201, answer.text
        return reward_id

    async def hold(self, volunteer_id: UUID, reward_id: UUID) -> dict[str, Any]:
        """A redemption of the volunteer's, held at `SITE`."""
        body = {"reward_id": str(reward_id), "site_id": str(SITE)}
        answer = await self.volunteer(volunteer_id).post("/redemptions", body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def serving(database: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    """The app, talking to this database."""
    routers = [pickups, rewards, catalogue, shelves, accounts, adjustments, leaders, integrity]
    async with routed(database, settings_for("points"), routers) as client:
        yield Api(client, settings_for("recruitment"))


@asynccontextmanager
async def routed(database: Database, settings: Any, routers: Sequence[APIRouter]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of these routers, talking to this database."""
    name = f"points {[id(router) for router in routers]}"
    with borrowed_app(name, settings, partial(create_app, title="points", routers=routers)) as app:
        app.state.database = database
        app.state.evidence_cipher = EVIDENCE
        app.state.policy = stored_policy()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
            yield client
