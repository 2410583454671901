"""Fixtures: inbox and API; messages that read in English too; a mail server and a postman on a test's own database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from aiosmtpd.smtp import SMTP

from services.notify.__main__ import api
from services.notify.deliveries.handlers import Postman
from services.notify.deliveries.smtp import SmtpMailer
from services.notify.inbox.stream import InboxStream
from services.notify.templates.domain import ENGLISH
from services.notify.templates.handlers import load_catalogue
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.notify.mailing import LEASE, SENDER, Book, Catcher, Post
from tests.support.settings import SettingsFactory


@pytest.fixture
def database_of() -> str:
    """Databases of these tests have the schema of notify alone."""
    return "notify"


@pytest.fixture
async def notify_db(notify_db: Database) -> AsyncIterator[Database]:
    """The database of the service; what a test put into inboxes can be read in English."""
    yield notify_db
    english = await load_catalogue(notify_db, ENGLISH)
    for row in await notify_db.pool.fetch("select template, params from messages where params is not null"):
        text = english.render(row["template"], orjson.loads(row["params"]))
        assert text.title[0] == text.title[0].upper(), text.title


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    found = Catcher()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(found, loop=loop), "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    if found.hang is not None:
        found.hang.set()
    server.close()


@pytest.fixture
async def post(notify_db: Database, catcher: Catcher) -> Post:
    book = Book()
    mailer = SmtpMailer("127.0.0.1", catcher.port, SENDER, timeout=60)
    return Post(notify_db, Postman(notify_db, await load_catalogue(notify_db), book, mailer, LEASE), book, catcher)


@pytest.fixture
async def stream(notify_db: Database) -> InboxStream:
    return InboxStream(notify_db, await load_catalogue(notify_db), asyncio.Event())


@pytest.fixture
async def client(settings_for: SettingsFactory) -> AsyncIterator[httpx.AsyncClient]:
    app = api(settings_for("notify"))
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            yield client


@pytest.fixture
def token(settings_for: SettingsFactory) -> Any:
    settings = settings_for("recruitment")

    def make(role: Role = Role.VOLUNTEER, volunteer_id: UUID | None = None) -> dict[str, str]:
        caller = Caller(subject=volunteer_id or new_id(), roles=frozenset({role}), volunteer_id=volunteer_id)
        return {"Authorization": f"Bearer {mint(settings, caller)}"}

    return make
