"""A small API whose POSTs may be sent twice."""

import asyncio
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, FastAPI, Request
from pydantic import SecretStr
from starlette.responses import Response

from ops.secrets import generate_pair
from shared.auth.access import allow, optional
from shared.auth.tokens import Caller, Role, mint
from shared.http.app import Db, Input, Output, create_app
from shared.http.idempotency import once
from shared.http.models import GIVEN_ONCE, GivenOnce
from shared.ids import new_id
from shared.postgres import Database, Tx
from shared.settings import Settings

__all__ = ["Noted", "Works", "bearer", "happened", "keyed", "make_app"]

SEED, PUBLIC = generate_pair()
MINTING = SimpleNamespace(service="recruitment", auth_signing_key=SecretStr(SEED))
INSERT = "insert into outbox (event_id, topic, key, headers, value) values ($1, 'test', 'k', '{}', '')"


class Note(Input):
    text: str
    repeat: int = 1


class Noted(Output):
    note_id: UUID
    text: str


class Session(GivenOnce):
    token: str = "open-sesame"


class Opened(Output):
    session: Session | None = Session()
    pin: Annotated[str | None, GIVEN_ONCE] = None
    more: tuple["Opened", ...] = ()


class Works:
    """The work of the tests: one row in the outbox per happening, and a gate that holds it open."""

    def __init__(self) -> None:
        self.started = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail: Exception | None = None

    async def do(self, tx: Tx, text: str) -> Noted | None:
        self.started += 1
        note_id = new_id()
        await tx.execute(INSERT, note_id)
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        return Noted(note_id=note_id, text=text) if text else None


def make_app(database: Database, works: Works) -> FastAPI:
    router = APIRouter()

    @router.post("/notes")
    async def note(
        request: Request, body: Note, db: Db, caller: Annotated[Caller, allow(*Role)], x: int = 0
    ) -> Response:
        return await once(request, db, caller, lambda tx: works.do(tx, body.text))

    @router.post("/open-notes")
    async def open_note(request: Request, body: Note, db: Db, caller: Annotated[Any, optional()]) -> Response:
        return await once(request, db, caller, lambda tx: works.do(tx, body.text), status=202)

    @router.post("/sessions")
    async def open_session(request: Request, body: Note, db: Db, caller: Annotated[Any, optional()]) -> Response:
        async def work(tx: Tx) -> Opened:
            await works.do(tx, body.text)
            return Opened(pin="1234", more=(Opened(),))

        return await once(request, db, caller, work)

    @router.post("/bare-sessions")
    async def open_bare(request: Request, body: Note, db: Db, caller: Annotated[Any, optional()]) -> Response:
        async def work(tx: Tx) -> Session:
            await works.do(tx, body.text)
            return Session()

        return await once(request, db, caller, work)

    @router.post("/restored")
    async def restored(request: Request, body: Note, db: Db, caller: Annotated[Caller, allow(*Role)]) -> Response:
        async def work(tx: Tx) -> Opened:
            return Opened(pin="1234")

        async def restore(tx: Tx, stored: bytes) -> Opened:
            return Opened.model_validate_json(stored).model_copy(update={"pin": "again"})

        return await once(request, db, caller, work, restore=restore)

    settings = Settings(service="notify", environment="test", auth_public_keys={"recruitment": PUBLIC})
    app: FastAPI = create_app(settings, title="Test", routers=[router])
    app.state.database = database
    return app


def bearer(subject: UUID | None = None) -> dict[str, str]:
    caller = Caller(subject=subject or uuid4(), roles=frozenset({Role.VOLUNTEER}))
    return {"Authorization": f"Bearer {mint(MINTING, caller)}"}


def keyed(key: str | None = None, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4()), **more}


async def happened(database: Database) -> tuple[int, int]:
    """(notes, stored answers)"""
    notes = await database.pool.fetchval("select count(*) from outbox where topic = 'test'")
    return notes, await database.pool.fetchval("select count(*) from idempotency")
