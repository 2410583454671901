"""Which attempts are repeated, for how long, and what the delivery is called in the end."""

import asyncio
import contextlib
import socket
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest

from services.notify.deliveries.handlers import Postman
from services.notify.deliveries.smtp import SmtpMailer
from services.notify.templates.handlers import load_catalogue
from tests.integration.notify.mailing import LEASE, SENDER, Post
from tests.support.databases import Clock


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
    post.catcher.mail_answers = ["550 sender not known here"]
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


async def test_a_server_that_hangs_is_tried_for_two_days_and_then_undelivered(post: Post, clock: Clock) -> None:
    """The server accepts connections and never says a word."""
    connected: set[asyncio.StreamWriter] = set()
    silent = await asyncio.start_server(lambda _, writer: connected.add(writer), "127.0.0.1", 0)
    mailer = SmtpMailer("127.0.0.1", silent.sockets[0].getsockname()[1], SENDER, timeout=0.05)
    postman = Postman(post.database, await load_catalogue(post.database), post.book, mailer, LEASE)
    start = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    await clock.set(start)
    await post.message()
    made: list[datetime] = []
    while (due := await post.due_at()) is not None:
        await clock.set(due - timedelta(seconds=1))
        assert await postman.round(8) == 0, "the pause holds"
        await clock.set(due)
        assert await postman.round(8) == 1
        made.append(due)
    for writer in connected:
        writer.close()
    silent.close()
    assert (made[0], made[-1]) == (start, start + timedelta(hours=48))
    status, outcomes = await post.state()
    assert (status, set(outcomes)) == ("undelivered", {"deferred"})
    assert len(outcomes) == len(made) > 6
    assert await post.announced() == ["undelivered"]


async def test_a_server_that_comes_back_within_two_days_delivers(post: Post, clock: Clock) -> None:
    start = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    await clock.set(start)
    await post.message()
    post.catcher.rcpt_answers = ["450 greylisted"] * 10
    for _ in range(11):
        due = await post.due_at()
        assert due is not None
        await clock.set(due)
        await post.postman.round(8)
    assert await post.state() == ("sent", ["deferred"] * 10 + ["sent"])


@pytest.mark.parametrize("step", ["rcpt_answers", "answers"])
async def test_only_a_servers_final_answer_is_a_refusal(post: Post, step: str) -> None:
    await post.message()
    setattr(post.catcher, step, ["554 no"])
    await post.postman.round(8)
    assert await post.state() == ("refused", ["refused"])


async def test_an_address_book_that_is_away_costs_no_attempt(post: Post, clock: Clock) -> None:
    start = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    await clock.set(start)
    await post.message()
    post.book.away = 100
    for hour in range(100):
        await clock.set(start + timedelta(hours=hour))
        assert await post.postman.round(8) == 0
        assert await post.postman.round(8) == 0, "it is not asked again at once"
        assert await post.state() == ("pending", [])
    assert post.book.asked == 100
    await clock.set(start + timedelta(hours=100))
    post.catcher.rcpt_answers = ["450 later"]
    assert await post.postman.round(8) == 1
    assert await post.state() == ("pending", ["deferred"]), "the two days begin with the first attempt"
    await clock.set(start + timedelta(hours=101))
    assert await post.postman.round(8) == 1
    assert await post.state() == ("sent", ["deferred", "sent"])


def _closed_port() -> int:
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
