"""Dead letters in PostgreSQL: what one of them provokes stays with it."""

import pytest

from shared import deadletters
from shared.deadletters import DeadLetter
from shared.errors import TransientError
from shared.kafka.consumer import Message
from shared.postgres import Database, Tx


def letter(offset: int, value: bytes, name: str = "ce_id", **more: object) -> DeadLetter:
    message = Message("volunteering.signups.v1", "signups", 2, offset, b"k", value, [(name, None)], 0)
    return DeadLetter(message._replace(**more), "broken")  # type: ignore[arg-type]


async def test_a_letter_that_cannot_be_stored_is_stored_reduced_and_the_others_as_they_are(
    notify_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers_of = deadletters._text_headers

    def spoilt(message: Message) -> dict[str, str]:
        return {"nul": "\0"} if message.value == b"spoilt" else headers_of(message)

    monkeypatch.setattr(deadletters, "_text_headers", spoilt)
    batch = [letter(1, b"one"), letter(2, b"spoilt"), letter(3, b"three")]
    for expected in (3, 0):
        async with notify_db.transaction() as tx:
            assert await deadletters.record(tx, batch, group="notify") == expected
            await tx.execute("select 1")
    async with notify_db.transaction() as tx:
        rows = await tx.fetch("select offset_, last_offset, value, reason, headers from dead_letters order by offset_")
        announced = await tx.fetch("select topic from outbox")
    assert [(row["offset_"], row["value"]) for row in rows] == [(1, b"one"), (2, None), (3, b"three")]
    assert [row["last_offset"] for row in rows] == [None, 2, None]
    assert "dead-letter-reduced" in rows[1]["headers"]
    assert [row["topic"] for row in announced] == ["signups.notify.dlq"] * 3


async def test_a_database_that_has_no_room_is_waited_for_and_no_letter_is_reduced(
    notify_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fetch(tx: Tx, *_: object) -> None:
        await tx.conn.execute("do $$ begin raise exception using errcode = 'disk_full'; end $$")

    async def store() -> None:
        async with notify_db.transaction() as tx:
            await deadletters.record(tx, [letter(1, b"one")], group="notify")

    monkeypatch.setattr(Tx, "fetch", fetch)
    with pytest.raises(TransientError):
        await store()


async def test_an_unreadable_range_is_one_row_that_names_its_offsets(notify_db: Database) -> None:
    for _ in range(2):
        async with notify_db.transaction() as tx:
            await deadletters.record(tx, [letter(4, b"\x00", unreadable_to=9)], group="notify")
    async with notify_db.transaction() as tx:
        rows = await tx.fetch("select offset_, last_offset from dead_letters")
    assert [tuple(row) for row in rows] == [(4, 9)]
