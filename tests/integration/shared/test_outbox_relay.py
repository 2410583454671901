"""From the outbox to the broker and into a consumer: nothing lost, order kept, everything again after a rebirth."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared import cloudevents, deadletters, outbox
from shared.contracts import BadgeAwarded
from shared.errors import TransientError
from shared.ids import derived_id, new_id
from shared.kafka.consumer import BatchConsumer, Message
from shared.outbox.packs import count_events
from shared.outbox.relay import Relay
from shared.postgres import Database, Tx, load_queries
from tests.support.brokers import TestBroker
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

Seen = list[Message]
QUERIES = load_queries(outbox.__file__)


def badge(volunteer_id: UUID, number: int) -> BadgeAwarded:
    return BadgeAwarded(
        award_id=derived_id(volunteer_id, number),
        volunteer_id=volunteer_id,
        badge=str(number),
        name="n",
        criteria_version="1",
        awarded_at=datetime(2026, 3, 4, tzinfo=UTC),
    )


async def emit(tx: Tx, volunteer_id: UUID, *numbers: int) -> None:
    events = [outbox.event(badge(volunteer_id, n), source="test", aggregate_version=n) for n in numbers]
    await outbox.append(tx, *events)


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, WAIT_LIMIT)


def consumer(settings: SettingsFactory, seen: Seen, *, fail_first: int = 0, poison: bytes = b"\xff") -> BatchConsumer:
    failures = iter(range(fail_first))

    async def handle(batch: Sequence[Message]) -> None:
        if next(failures, None) is not None:
            raise TransientError("not yet")
        if any(message.value == poison for message in batch):
            raise ValueError("poison")
        seen.extend(batch)

    async def aside(message: Message, _: Exception) -> None:
        seen.append(message)

    return BatchConsumer(settings("notify"), topics=["badges"], group="test", handle=handle, dead_letter=aside)


def numbers(seen: Seen, volunteer_id: UUID) -> list[int]:
    events = [cloudevents.decode(message.headers, message.value) for message in seen]
    return [event.aggregate_version for event in events if event.data.volunteer_id == volunteer_id]


async def test_events_arrive_in_order_of_their_key_and_are_marked(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    people = [new_id() for _ in range(7)]
    seen: Seen = []
    relay = Relay(notify_db, settings_for("notify"))
    async with running(consumer(settings_for, seen, fail_first=2).run), running(relay.run):
        for n in range(20):
            async with notify_db.transaction() as tx:
                for person in people:
                    await emit(tx, person, n)
        await eventually(lambda: len(seen) >= 140)
    assert all(numbers(seen, person) == list(range(20)) for person in people)
    async with notify_db.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where sent_at is null") == 0


async def test_events_of_packs_arrive_one_by_one_in_order(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    people = [new_id() for _ in range(7)]
    events = [outbox.event(badge(one, n), source="test", aggregate_version=n) for n in range(20) for one in people]
    seen: Seen = []
    async with notify_db.transaction() as tx:
        await outbox.append_many(tx, [outbox.raw(event) for event in events])
        kept = await tx.fetch(QUERIES["unsent"], 1000)
        assert [count_events(row["headers"]) for row in kept] == [50, 50, 40]
        assert await tx.fetchval(QUERIES["depth"]) == 140
    relay = Relay(notify_db, settings_for("notify"))
    async with running(consumer(settings_for, seen).run), running(relay.run):
        await eventually(lambda: len(seen) >= 140)
    assert all(numbers(seen, person) == list(range(20)) for person in people)
    assert {cloudevents.decode(one.headers, one.value).id for one in seen} == {event.id for event in events}
    assert relay.sent == len(seen) == 140
    async with notify_db.transaction() as tx:
        assert await tx.fetchval("select count(*) from outbox where sent_at is null") == 0


async def test_what_is_rolled_back_is_never_sent(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    person = new_id()
    seen: Seen = []
    async with running(consumer(settings_for, seen).run), running(Relay(notify_db, settings_for("notify")).run):
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction is what must fail
            async with notify_db.transaction() as tx:
                await emit(tx, person, 1)
                raise ZeroDivisionError
        async with notify_db.transaction() as tx:
            await emit(tx, person, 2)
        await eventually(lambda: seen)
    assert numbers(seen, person) == [2]


async def test_a_lower_id_that_commits_later_is_sent_all_the_same(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    slow, fast = new_id(), new_id()
    seen: Seen = []
    async with running(consumer(settings_for, seen).run), running(Relay(notify_db, settings_for("notify")).run):
        async with notify_db.transaction() as first:
            await emit(first, slow, 1)
            async with notify_db.transaction() as second:
                await emit(second, fast, 1)
            await eventually(lambda: numbers(seen, fast))
            assert numbers(seen, slow) == []
        await eventually(lambda: numbers(seen, slow))


async def test_a_new_incarnation_gets_everything_again_in_order(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    person = new_id()
    seen: Seen = []
    async with running(consumer(settings_for, seen).run):
        async with running(Relay(notify_db, settings_for("notify")).run):
            async with notify_db.transaction() as tx:
                await emit(tx, person, 1, 2, 3)
            await eventually(lambda: len(seen) == 3)
        async with notify_db.transaction() as tx:
            await emit(tx, person, 4)
        reborn = settings_for("notify", broker_incarnation="another life")
        async with running(Relay(notify_db, reborn).run):
            await eventually(lambda: len(seen) == 7)
        # The same incarnation again: nothing is repeated.
        async with running(Relay(notify_db, reborn).run):
            async with notify_db.transaction() as tx:
                await emit(tx, person, 5)
            await eventually(lambda: len(seen) >= 8)
    assert numbers(seen, person) == [1, 2, 3, 1, 2, 3, 4, 5]


async def test_only_one_relay_of_a_service_is_active(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    person = new_id()
    seen: Seen = []
    relays = [Relay(notify_db, settings_for("notify")) for _ in range(2)]
    async with running(consumer(settings_for, seen).run):
        async with running(relays[1].run):
            async with running(relays[0].run):
                async with notify_db.transaction() as tx:
                    await emit(tx, person, *range(50))
                await eventually(lambda: len(seen) >= 50)
                # Counted after the acknowledgement, so perhaps after the consumer has them.
                await eventually(lambda: sorted(relay.sent for relay in relays) == [0, 50])
    assert numbers(seen, person) == list(range(50))


async def test_poison_is_put_aside_once_and_the_rest_goes_on(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    person = new_id()
    seen: Seen = []
    async with running(consumer(settings_for, seen, poison=b"{").run):
        async with running(Relay(notify_db, settings_for("notify")).run):
            async with notify_db.transaction() as tx:
                await emit(tx, person, 1)
                await outbox.append_raw(tx, [(new_id(), "badges", str(person), '{"ce_id": "x"}', b"{")])
                await emit(tx, person, 2)
            await eventually(lambda: len(seen) == 3)
    assert [message.value == b"{" for message in seen] == [False, True, False]


async def test_a_dead_letter_is_a_row_and_an_event_once(notify_db: Database) -> None:
    def message(offset: int) -> Message:
        headers = [("ce_id", b"\xff\x00"), ("traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")]
        return Message("volunteering.attendance.v1", "attendance", 3, offset, b"k\x00", b"\x00{", headers, 0)

    for offset in (5, 9):
        async with notify_db.transaction() as tx:
            letter = deadletters.DeadLetter(message(offset), "broken \0 JSON")
            assert await deadletters.record(tx, [letter], group="points-ingest") == (1 if offset == 5 else 0)
    async with notify_db.transaction() as tx:
        rows = await tx.fetch("select * from dead_letters")
        sent = await tx.fetch("select * from outbox")
    assert len(rows) == 1
    assert (rows[0]["offset_"], rows[0]["value"], rows[0]["status"]) == (5, b"\x00{", "open")
    assert rows[0]["traceparent"].startswith("00-1")
    assert [row["topic"] for row in sent] == ["attendance.points-ingest.dlq"]
    assert sent[0]["value"] == b"\x00{"


async def test_a_stop_does_not_wait_until_the_group_is_joined(
    settings_for: SettingsFactory, broker: TestBroker
) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(consumer(settings_for, []).run(stop))
    await asyncio.wait({task}, timeout=0.5)  # by now the embedded broker makes it wait for other members
    stop.set()
    await asyncio.wait_for(task, WAIT_LIMIT)
