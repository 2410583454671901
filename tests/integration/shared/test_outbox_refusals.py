"""Events that the broker will not take: they stay in the outbox, are reported, and delay no other event."""

import asyncio
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import MessageSizeTooLargeError
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared import deadletters, outbox
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.kafka.topics import topic_name
from shared.outbox import relay
from shared.outbox.relay import Relay
from shared.postgres import Database, load_queries
from tests.support.brokers import TestBroker
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

Row = tuple[Any, str, str, str, bytes]


def row(key: str, value: bytes, headers: str = "{}") -> Row:
    return (new_id(), "badges", key, headers, value)


async def put(database: Database, *rows: Row) -> None:
    async with database.transaction() as tx:
        await outbox.append_raw(tx, rows)


async def refused(database: Database) -> list[Any]:
    async with database.transaction() as tx:
        return await tx.fetch("select value, refusal, sent_at from outbox where refused_at is not null order by id")


class Relaying:
    """A relay that runs, and what arrives of it."""

    def __init__(self, relay: Relay, settings: SettingsFactory, entity: str = "badges") -> None:
        self.relay, self.stop, self.seen = relay, asyncio.Event(), list[Any]()
        of = settings("notify")
        self._consumer = AIOKafkaConsumer(
            topic_name(of, entity), bootstrap_servers=of.kafka_bootstrap, auto_offset_reset="earliest"
        )

    async def __aenter__(self) -> "Relaying":
        await self._consumer.start()
        self._tasks = [asyncio.create_task(self.relay.run(self.stop)), asyncio.create_task(self._read())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        await asyncio.wait_for(self._tasks[0], WAIT_LIMIT)
        self._tasks[1].cancel()
        await asyncio.wait(self._tasks)
        await self._consumer.stop()

    async def _read(self) -> None:
        async for record in self._consumer:
            self.seen.append(record)

    def values(self, key: str) -> list[bytes]:
        return [record.value for record in self.seen if record.key == key.encode()]


def aside_now() -> float | None:
    return REGISTRY.get_sample_value("weiguang_outbox_refused", {"service": "notify"})


async def test_what_is_too_large_or_cannot_be_encoded_lies_aside_and_the_rest_goes_on_in_order(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    large = b"x" * (2 * outbox.EVENT_BYTES)
    await put(
        notify_db,
        row("a", large),
        row("a", b"a1"),
        row("b", b"b1", '{"ce_id": 7}'),
        row("b", b"b2"),
        row("a", b"a2"),
        row("c", b"c1"),
    )
    with capture_logs() as logs:
        async with Relaying(Relay(notify_db, settings_for("notify")), settings_for) as run:
            await eventually(lambda: len(run.seen) == 4)
            await put(notify_db, row("a", b"a3"))
            await eventually(lambda: len(run.seen) == 5)
            await eventually(lambda: aside_now() == 2)
            assert [run.values(key) for key in "abc"] == [[b"a1", b"a2", b"a3"], [b"b2"], [b"c1"]]
    told = [entry for entry in logs if entry["log_level"] == "error"]
    assert [(entry["topic"], entry["bytes"]) for entry in told] == [("badges", len(large)), ("badges", 2)]
    aside = await refused(notify_db)
    assert [one["value"] for one in aside] == [large, b"b1"]
    assert "larger than the maximum" in aside[0]["refusal"]
    assert "cannot be encoded" in aside[1]["refusal"]


async def test_what_lay_aside_is_tried_again_by_the_next_relay(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = b"x" * 40_000
    await put(notify_db, row("a", value), row("a", b"a1"))
    monkeypatch.setattr("shared.outbox.relay.EVENT_BYTES", 20_000)
    async with Relaying(Relay(notify_db, settings_for("notify")), settings_for) as run:
        await eventually(lambda: run.values("a") == [b"a1"])
    assert len(await refused(notify_db)) == 1
    monkeypatch.undo()
    async with Relaying(Relay(notify_db, settings_for("notify")), settings_for) as run:
        await eventually(lambda: value in run.values("a"))
    assert await refused(notify_db) == []


class _Picky:
    """A producer whose broker refuses each batch with something in it that it finds too large."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer
        self._batch: list[tuple[dict[str, Any], asyncio.Future[Any]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    async def send(self, **message: Any) -> asyncio.Future[Any]:
        future = asyncio.get_running_loop().create_future()
        self._batch.append((message, future))
        if len(self._batch) == 1:
            self._task = asyncio.create_task(self._go())
        return future

    async def _go(self) -> None:
        await asyncio.sleep(0)  # a sender that does not wait has sent by then
        batch, self._batch = self._batch, []
        if any(message["value"].startswith(b"large") for message, _ in batch):
            for _, future in batch:
                future.set_exception(MessageSizeTooLargeError())
            return
        for message, future in batch:
            future.set_result(await self._producer.send_and_wait(**message))


async def test_what_the_broker_refuses_takes_nobody_of_its_batch_with_it(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Relay._producer
    monkeypatch.setattr(Relay, "_producer", lambda relay: _Picky(make(relay)))
    await put(notify_db, row("a", b"a1"), row("b", b"large b"), row("b", b"b1"), row("a", b"large a"), row("a", b"a2"))
    async with Relaying(Relay(notify_db, settings_for("notify")), settings_for) as run:
        await eventually(lambda: len(run.seen) >= 3 and run.relay.sent == 3)
        assert [run.values(key) for key in "ab"] == [[b"a1", b"a2"], [b"b1"]]
    assert [one["value"] for one in await refused(notify_db)] == [b"large b", b"large a"]


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (b"k", b"v" * 3_000_000, []),
        (b"k", b"v" * outbox.EVENT_BYTES, [("ce_id", b"1")]),
        (b"k", b"v", [("ce_id", b"1"), ("big", b"\xff" * 1_000_000), ("late", b"2")]),
        (b"\xff" * 900_000, b"v" * 900_000, [(f"h{n}", b"x" * 100) for n in range(9_000)]),
    ],
    ids=["value", "just above", "header", "everything"],
)
async def test_the_announcement_of_a_large_dead_letter_is_cut_and_leaves(
    notify_db: Database,
    settings_for: SettingsFactory,
    broker: TestBroker,
    key: bytes,
    value: bytes,
    headers: list[tuple[str, bytes]],
) -> None:
    letter = deadletters.DeadLetter(
        Message("volunteering.points.v1", "points", 0, 1, key, value, headers, 0), "不能读" * 900
    )
    async with notify_db.transaction() as tx:
        assert await deadletters.record(tx, [letter], group="notify") == 1
    async with Relaying(Relay(notify_db, settings_for("notify")), settings_for, "points.notify.dlq") as run:
        await eventually(lambda: run.seen)
    assert await refused(notify_db) == []
    async with notify_db.transaction() as tx:
        kept = await tx.fetch("select id, key, value, headers from dead_letters")
    assert [(one["key"], one["value"]) for one in kept] == [(key, value)]
    assert len(orjson.loads(kept[0]["headers"])) == len(headers)
    told = {name: text.decode() for name, text in run.seen[0].headers}
    assert told["dead-letter-id"] == str(kept[0]["id"])
    assert told["dead-letter-cut"].endswith(f"the whole record is in the row {kept[0]['id']} of the table dead_letters")
    assert f"of {len(value)} bytes" in told["dead-letter-cut"]
    assert value.startswith(run.seen[0].value)


async def test_what_is_unsent_is_read_in_the_order_of_its_index_before_anybody_has_analysed_the_table(
    points_db: Database,
) -> None:
    """A plan that sorts reads every entry that was ever unsent, at each look: dearer with each event that was sent."""
    queries = load_queries(relay.__file__)
    async with points_db.transaction() as tx:
        await tx.execute(
            "insert into outbox (event_id, topic, key, headers, value) "
            "select gen_random_uuid(), 'points', n::text, '{}', '' from generate_series(1, 20000) n"
        )
        await tx.execute("update outbox set sent_at = now()")
    async with points_db.snapshot() as tx:
        for name, arguments in (("unsent", ["500"]), ("depth", [])):
            sql = queries[name].strip().rstrip(";")
            for place, value in enumerate(arguments, 1):
                sql = sql.replace(f"${place}", value)
            plan = "\n".join(row[0] for row in await tx.fetch(f"explain {sql}"))
            assert "Sort" not in plan, plan
            assert "Seq Scan" not in plan, plan
