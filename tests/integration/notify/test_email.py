"""E-mails to a real SMTP server: one attempt at a time, and never blindly a second one."""

import asyncio
import sys
import textwrap
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.policy import default
from functools import partial

import pytest

from services.notify.deliveries.domain import AttemptOutcome, AttemptResult
from services.notify.deliveries.handlers import claim, expire, record_result
from services.notify.preferences import store as preferences
from services.notify.preferences.domain import Preferences
from tests.integration.notify.mailing import LEASE, Post
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually


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


@pytest.mark.parametrize(
    "email", ["zhang", "a@b\r\nRCPT TO:<x@y>", "a b@c", "<a@b>", "张@例子", "张三@example.com", "a,b@example.org"]
)
async def test_what_is_no_address_never_reaches_the_server_and_is_not_tried_again(post: Post, email: str) -> None:
    await post.message()
    post.book.email = email
    await post.postman.round(8)
    assert await post.state() == ("undeliverable", ["undeliverable"])
    assert post.catcher.letters == []
    await post.now_due()
    assert await post.postman.round(8) == 0
    assert await post.announced() == ["undeliverable"]


async def test_an_internationalised_domain_is_written_to(post: Post) -> None:
    await post.message()
    post.book.email = "li@例子.中国"
    await post.postman.round(8)
    assert message_from_bytes(post.catcher.letters[0], policy=default)["To"] == "li@xn--fsqu00a.xn--fiqs8s"
    assert await post.state() == ("sent", ["sent"])


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
    post.postman._mailer._timeout = 3.0  # type: ignore[attr-defined]
    await post.postman.round(8)
    assert await post.state() == ("unknown", ["unknown"])


async def test_an_attempt_whose_maker_vanished_is_unknown_and_not_sent_again(post: Post) -> None:
    await post.message()
    claimed = await claim(post.database, 8, timedelta(seconds=0))
    assert len(claimed) == 1
    assert await post.state() == ("attempting", ["attempting"])
    await eventually(partial(expire, post.database))
    assert await post.state() == ("unknown", ["unknown"])
    await post.now_due()
    assert await post.postman.round(8) == 0
    # the maker was only slow, and knows better
    assert await record_result(post.database, claimed[0], AttemptResult(AttemptOutcome.SENT))
    assert await post.state() == ("sent", ["sent"])
    assert not await record_result(post.database, claimed[0], AttemptResult(AttemptOutcome.REFUSED))
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
            "insert into delivery_attempts select event_id, recipient_id, channel, 2, 'attempting', null, now(), now()"
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
        await eventually(lambda: len(post.catcher.letters) == 1)
        assert await post.state() == ("attempting", ["attempting"])
    finally:
        process.kill()
        await process.wait()
    post.catcher.hang.set()
    assert await post.postman.round(8) == 0
    await eventually(partial(expire, post.database))
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
    await asyncio.wait_for(task, WAIT_LIMIT)
