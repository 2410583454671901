"""E-mails to a real SMTP server: one attempt at a time, and never blindly a second one."""

import asyncio
import contextlib
import json
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP

from services.notify.deliveries import handlers
from services.notify.deliveries.domain import Address, Outcome, Result
from services.notify.deliveries.handlers import Postman, claim, expire, record_result
from services.notify.deliveries.smtp import SmtpMailer
from services.notify.preferences import store as preferences
from services.notify.preferences.domain import Preferences
from services.notify.templates.handlers import load_catalogue
from shared.errors import TransientError
from shared.ids import new_id
from shared.postgres import Database
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

LEASE = timedelta(seconds=60)
ALWAYS = Preferences(email=True, quiet_from=None, quiet_to=None)
SENDER = "weiguang@example.org"


@dataclass
class Catcher:
    """Keeps what arrives; ``answers`` replace the next replies to a letter, ``hang`` stops before replying."""

    letters: list[bytes] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    rcpt_answers: list[str] = field(default_factory=list)
    hang: asyncio.Event | None = None
    drop: bool = False
    port: int = 0

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

    async def now_due(self) -> None:
        await self.database.pool.execute("update deliveries set next_attempt_at = now() where status = 'pending'")

    async def announced(self) -> list[str]:
        rows = await self.database.pool.fetch(
            "select convert_from(value, 'utf8')::jsonb as data from outbox where topic = 'notifications' order by id"
        )
        events = [json.loads(row["data"]) for row in rows]
        return [event["status"] for event in events if event["channel"] == "email"]


@pytest.fixture
async def post(notify_db: Database, catcher: Catcher) -> Post:
    book = Book()
    mailer = SmtpMailer("127.0.0.1", catcher.port, SENDER, timeout=2)
    return Post(notify_db, Postman(notify_db, await load_catalogue(notify_db), book, mailer, LEASE), book, catcher)


async def test_a_letter_arrives_once_and_greets_by_name(post: Post) -> None:
    await post.message()
    assert await post.postman.round(8) == 1
    assert await post.postman.round(8) == 0
    letter = message_from_bytes(post.catcher.letters[0], policy=default)
    assert letter["Subject"] == "获得 10 分"
    assert letter["To"] == "zhang@example.org"
    assert "张红，您好" in letter.get_content()
    assert await post.state() == ("sent", ["sent"])
    assert await post.announced() == ["sent"]


async def test_nothing_personal_stays_in_notify(post: Post) -> None:
    await post.message()
    post.catcher.answers = ["550 <zhang@example.org> 张红 unknown"]
    await post.postman.round(8)
    tables = ("messages", "deliveries", "delivery_attempts", "outbox", "preferences")
    for table in tables:
        text = str(await post.database.pool.fetch(f"select t::text from {table} t"))
        assert "张红" not in text
        assert "example.org" not in text
    assert await post.state() == ("refused", ["refused"])
    assert await post.announced() == ["refused"]


async def test_only_those_who_asked_for_it_are_written_to_and_nobody_is_looked_up_for_nothing(post: Post) -> None:
    for chosen in (None, Preferences(False, None, None)):
        await post.message(chosen=chosen)
    assert await post.postman.round(8) == 0
    assert post.book.asked == 0
    assert await post.state() == (None, [])


async def test_who_turned_it_off_meanwhile_gets_none(post: Post) -> None:
    zhang = await post.message()
    async with post.database.transaction() as tx:
        await preferences.put(tx, zhang, Preferences(False, None, None), await tx.now())
    assert await post.postman.round(8) == 0
    assert await post.state() == ("suppressed", [])


@pytest.mark.parametrize("email", [None, ""])
async def test_no_address(post: Post, email: str | None) -> None:
    await post.message()
    post.book.email = email
    await post.postman.round(8)
    assert await post.state() == ("no_address", ["no_address"])


@pytest.mark.parametrize("email", ["zhang", "a@b\r\nRCPT TO:<x@y>", "a b@c", "<a@b>", "张@例子"])
async def test_what_is_no_address_never_reaches_the_server(post: Post, email: str) -> None:
    await post.message()
    post.book.email = email
    await post.postman.round(8)
    assert await post.state() == ("refused", ["refused"])
    assert post.catcher.letters == []


async def test_a_temporary_refusal_is_tried_again_after_a_pause(post: Post) -> None:
    await post.message()
    post.catcher.answers = ["451 try later"]
    assert await post.postman.round(8) == 1
    assert await post.state() == ("pending", ["deferred"])
    assert await post.postman.round(8) == 0, "the pause holds"
    await post.now_due()
    assert await post.postman.round(8) == 1
    assert await post.state() == ("sent", ["deferred", "sent"])
    ids = {message_from_bytes(letter)["Message-ID"] for letter in post.catcher.letters}
    assert len(ids) == 1


async def test_before_any_byte_was_sent_it_is_tried_again(post: Post) -> None:
    await post.message()
    post.book.away = 1
    await post.postman.round(8)
    await post.now_due()
    post.catcher.rcpt_answers = ["450 mailbox busy"]
    await post.postman.round(8)
    await post.now_due()
    port, post.postman._mailer._port = post.postman._mailer._port, _closed_port()  # type: ignore[attr-defined]
    await post.postman.round(8)
    assert await post.state() == ("pending", ["deferred"] * 3)
    assert post.catcher.letters == []
    post.postman._mailer._port = port  # type: ignore[attr-defined]
    await post.now_due()
    await post.postman.round(8)
    assert await post.state() == ("sent", ["deferred", "deferred", "deferred", "sent"])


async def test_a_server_that_takes_the_letter_and_says_nothing_leaves_it_unknown(post: Post) -> None:
    await post.message()
    post.catcher.drop = True
    await post.postman.round(8)
    assert await post.state() == ("unknown", ["unknown"])
    await post.now_due()
    assert await post.postman.round(8) == 0
    assert len(post.catcher.letters) == 1
    assert await post.announced() == ["unknown"]


async def test_a_slow_server_leaves_it_unknown(post: Post) -> None:
    await post.message()
    post.catcher.hang = asyncio.Event()
    post.postman._mailer._timeout = 0.3  # type: ignore[attr-defined]
    await post.postman.round(8)
    assert await post.state() == ("unknown", ["unknown"])


async def test_after_six_deferrals_it_is_given_up(post: Post) -> None:
    await post.message()
    for _ in range(6):
        post.catcher.answers = ["451 later"]
        await post.now_due()
        await post.postman.round(8)
    await post.now_due()
    assert await post.postman.round(8) == 0
    assert (await post.state())[0] == "refused"


async def test_an_attempt_whose_maker_vanished_is_unknown_and_not_sent_again(post: Post) -> None:
    await post.message()
    claimed = await claim(post.database, 8, timedelta(seconds=0))
    assert len(claimed) == 1
    assert await post.state() == ("attempting", ["attempting"])
    await eventually(partial(expire, post.database), within=2)
    assert await post.state() == ("unknown", ["unknown"])
    await post.now_due()
    assert await post.postman.round(8) == 0
    # the maker was only slow, and knows better
    assert await record_result(post.database, claimed[0], Result(Outcome.SENT))
    assert await post.state() == ("sent", ["sent"])
    assert not await record_result(post.database, claimed[0], Result(Outcome.REFUSED))
    assert await post.announced() == ["unknown", "sent"]


async def test_two_postmen_never_take_the_same_letter(post: Post) -> None:
    for _ in range(20):
        await post.message()
    rounds = await asyncio.gather(*(post.postman.round(8) for _ in range(6)))
    while await post.postman.round(8):
        pass
    assert sum(rounds) <= 20
    assert len(post.catcher.letters) == 20
    assert len({message_from_bytes(letter)["Message-ID"] for letter in post.catcher.letters}) == 20


async def test_the_database_itself_refuses_a_second_attempt_in_flight(post: Post) -> None:
    await post.message()
    await claim(post.database, 1, LEASE)
    with pytest.raises(Exception, match="delivery_attempts_once"):
        await post.database.pool.execute(
            "insert into delivery_attempts select event_id, volunteer_id, channel, 2, 'attempting', null, now(), now()"
            " from delivery_attempts"
        )


async def test_at_night_it_waits_for_the_morning(post: Post, clock: Clock) -> None:
    await clock.set(datetime(2026, 3, 4, 15, 0, tzinfo=UTC))  # 23:00
    await post.message(chosen=Preferences(True, time(22), time(7)))
    assert await post.postman.round(8) == 0
    assert await post.state() == ("pending", [])
    await clock.set(datetime(2026, 3, 4, 23, 0, tzinfo=UTC))  # 07:00
    assert await post.postman.round(8) == 1
    assert await post.state() == ("sent", ["sent"])


async def test_a_killed_worker_leaves_unknown(post: Post, settings_for: SettingsFactory) -> None:
    """A real process, killed after the letter left and before the answer came."""
    await post.message()
    post.catcher.hang = asyncio.Event()
    program = textwrap.dedent(
        """
        import asyncio, sys
        from datetime import timedelta
        from services.notify.deliveries.domain import Address
        from services.notify.deliveries.handlers import Postman
        from services.notify.deliveries.smtp import SmtpMailer
        from services.notify.templates.handlers import load_catalogue
        from shared.postgres import Database

        class Book:
            async def find(self, volunteer_id):
                return Address("zhang@example.org", "x")

        async def main():
            database = await Database.open(sys.argv[1], "notify")
            mailer = SmtpMailer("127.0.0.1", int(sys.argv[2]), "a@example.org", 30)
            postman = Postman(database, await load_catalogue(database), Book(), mailer, timedelta(seconds=2))
            await postman.round(1)

        asyncio.run(main())
        """
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, post.database.dsn, str(post.catcher.port)
    )
    try:
        await eventually(lambda: len(post.catcher.letters) == 1, within=20)
        assert await post.state() == ("attempting", ["attempting"])
    finally:
        process.kill()
        await process.wait()
    post.catcher.hang.set()
    assert await post.postman.round(8) == 0
    await eventually(partial(expire, post.database), within=5)
    assert await post.state() == ("unknown", ["unknown"])
    assert await post.postman.round(8) == 0
    assert len(post.catcher.letters) == 1


async def test_the_postman_stops_when_told_to(post: Post) -> None:
    stop, wake = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(post.postman.run(stop, wake, idle=30))
    await post.message()
    wake.set()
    await eventually(lambda: len(post.catcher.letters) == 1)
    stop.set()
    wake.set()
    await asyncio.wait_for(task, 5)


def _closed_port() -> int:
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
