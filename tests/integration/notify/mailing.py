"""A mail server on loopback, an address book of one page, and what became of an e-mail."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notify.deliveries import handlers
from services.notify.deliveries.domain import Address
from services.notify.deliveries.handlers import Postman
from services.notify.preferences import store as preferences
from services.notify.preferences.domain import Preferences
from shared.errors import TransientError
from shared.ids import new_id
from shared.postgres import Database

__all__ = ["ALWAYS", "LEASE", "SENDER", "Book", "Catcher", "Post"]

LEASE = timedelta(seconds=60)
ALWAYS = Preferences(email=True, quiet_from=None, quiet_to=None)
SENDER = "weiguang@example.org"


@dataclass
class Catcher:
    """Keeps what arrives; ``answers`` replace the next replies to a letter, ``hang`` stops before replying."""

    letters: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    rcpt_answers: list[str] = field(default_factory=list)
    mail_answers: list[str] = field(default_factory=list)
    hang: asyncio.Event | None = None
    drop: bool = False
    port: int = 0

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.mail_answers:
            return self.mail_answers.pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope.content)
        if self.hang is not None:
            await self.hang.wait()
        if self.drop:
            server.transport.abort()
        return self.answers.pop(0) if self.answers else "250 OK"


class Book:
    """An address book of one page."""

    def __init__(self, email: str | None = "zhang@example.org") -> None:
        self.email = email
        self.away = 0
        self.asked = 0

    async def find(self, volunteer_id: UUID) -> Address | None:
        self.asked += 1
        if self.away:
            self.away -= 1
            raise TransientError("away")
        return Address(self.email, "张红")


@dataclass
class Post:
    database: Database
    postman: Postman
    book: Book
    catcher: Catcher

    async def message(self, volunteer: UUID | None = None, chosen: Preferences | None = ALWAYS) -> UUID:
        """A message of points to a volunteer with these preferences."""
        volunteer = volunteer or new_id()
        message, happened = new_id(), new_id()
        async with self.database.transaction() as tx:
            if chosen is not None:
                await preferences.put(tx, volunteer, chosen, await tx.now())
            await tx.execute(
                "insert into messages values ($1, $2, $3, 'points_awarded', 1, '获得 10 分', '感谢您。', 'c', now())",
                message,
                happened,
                volunteer,
            )
            new = handlers.NewMessage(message, happened, volunteer, "points_awarded", "c")
            await handlers.enqueue(tx, [new])
        return volunteer

    async def state(self) -> tuple[str | None, list[str]]:
        """The e-mail's status, and the outcomes of its attempts."""
        status = await self.database.pool.fetchval("select status from deliveries where channel = 'email'")
        rows = await self.database.pool.fetch("select outcome from delivery_attempts order by attempt")
        return status, [row["outcome"] for row in rows]

    async def due_at(self) -> datetime | None:
        """When the e-mail is tried next; None when it is not."""
        query = "select next_attempt_at from deliveries where channel = 'email' and status = 'pending'"
        found: datetime | None = await self.database.pool.fetchval(query)
        return found

    async def now_due(self) -> None:
        await self.database.pool.execute(
            "update deliveries set next_attempt_at = '2000-01-01' where status = 'pending'"
        )

    async def announced(self) -> list[str]:
        rows = await self.database.pool.fetch(
            "select convert_from(value, 'utf8')::jsonb as data from outbox where topic = 'notifications' order by id"
        )
        events = [json.loads(row["data"]) for row in rows]
        return [event["status"] for event in events if event["channel"] == "email"]
