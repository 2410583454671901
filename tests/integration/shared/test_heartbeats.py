"""Heartbeats on a real database and broker: rows of processes, and what the relay publishes of them."""

import asyncio
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer

from shared.beats.service import ServiceBeats, topic_beats
from shared.cloudevents import decode
from shared.contracts import ServiceBeat
from shared.heartbeats.process import heartbeat
from shared.ids import new_id
from shared.kafka.topics import ensure_topics, topic_name
from shared.operators.consumers import PartitionState
from shared.outbox.relay import Relay
from shared.postgres import Database
from tests.support.brokers import TestBroker
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT


async def roles(db: Database) -> list[str]:
    return [row["role"] for row in await db.pool.fetch("select role from process_lives order by role")]


async def test_only_an_orderly_end_removes_the_row_of_a_process(notify_db: Database) -> None:
    async with heartbeat(notify_db, role="api"):
        assert await roles(notify_db) == ["api"]
    assert await roles(notify_db) == []
    with pytest.raises(ZeroDivisionError):
        async with heartbeat(notify_db, role="worker"):
            raise ZeroDivisionError
    async with heartbeat(notify_db, role="agents", crashed=lambda: True):
        pass
    assert await roles(notify_db) == ["agents", "worker"]


async def test_a_process_without_a_role_keeps_no_row(notify_db: Database) -> None:
    async with heartbeat(notify_db):
        assert await roles(notify_db) == []


def test_positions_and_ends_are_summed_by_topic_and_an_end_is_never_before_its_position() -> None:
    member = new_id()
    found = topic_beats(
        [
            PartitionState("points", 0, 5, 9, member, []),
            PartitionState("points", 1, 4, 2, member, []),
            PartitionState("badges", 0, 0, 0, member, []),
        ]
    )
    assert [(one.topic, one.position, one.end) for one in found] == [("badges", 0, 0), ("points", 9, 13)]


async def test_the_relay_publishes_processes_consumers_and_the_age_of_the_outbox(
    notify_db: Database, settings_for: SettingsFactory, broker: TestBroker
) -> None:
    settings = settings_for("notify")
    await ensure_topics(settings)
    await notify_db.pool.execute(
        "insert into consumer_members (consumer_group, member, seen_at, paused, partitions)"
        " values ('notify', gen_random_uuid(), clock_timestamp(), false, '[[\"points\", 0, 3, 7]]')"
    )
    reader = AIOKafkaConsumer(
        topic_name(settings, "beats"), bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await reader.start()
    stop = asyncio.Event()
    async with heartbeat(notify_db, role="worker"):
        relaying = asyncio.create_task(
            Relay(notify_db, settings, beat=ServiceBeats(notify_db, settings).publish).run(stop)
        )
        try:
            record = await asyncio.wait_for(reader.getone(), WAIT_LIMIT)
        finally:
            stop.set()
            await relaying
            await reader.stop()
    beat = decode(record.headers, record.value).data
    assert isinstance(beat, ServiceBeat)
    assert (beat.service, beat.outbox_depth, beat.outbox_age_seconds) == ("notify", 0, 0.0)
    assert [process.role for process in beat.processes] == ["worker"]
    assert beat.processes[0].seen_at - beat.processes[0].started_at < timedelta(seconds=1)
    group = beat.consumers[0]
    assert (group.group, group.running, group.paused) == ("notify", True, False)
    assert [(one.topic, one.position, one.end) for one in group.topics] == [("points", 3, 7)]
