"""What integrity costs per record: ``python -m dev.bench.integrity [--records N] [--rate R]``.

It starts a PostgreSQL, a broker (BROKER) and the service's own process on 12 partitions, as the demo has them, and
tells it of services at a steady rate: each is opened and closed, most by the person's own phone, some by a kiosk, some
by a leader. Counted is from the first record to the commit of the last.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from dev.bench.meters import Meter, metered
from dev.bench.rig import Rig, rigged
from dev.bench.workers import Workers
from services.points.integrity.stream import ACTS, ATTENDANCE, GROUP
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id
from shared.kafka.client import client_options
from shared.kafka.topics import ensure_topics, topic_name
from shared.outbox import event

__all__ = ["served"]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, SITES, LEADERS, PARTITIONS = 63, 26, 42, 12
PATIENCE = 120.0


def served(records: int, seed: int) -> Iterator[AttendanceRecorded]:
    """So many revisions: each service opened and closed, days in their order, the same for a seed."""
    chance = random.Random(seed)
    people = max(1, records // 8)
    services = records // 2
    for number in range(services):
        begin = BEGIN + timedelta(days=DAYS * number // services, minutes=chance.randrange(9 * 60))
        end = begin + timedelta(minutes=chance.randrange(30, 240))
        person, site = chance.randrange(people), chance.randrange(SITES)
        provenance = chance.choices(("scanned", "kiosk", "leader"), (70, 20, 10))[0]
        ways: dict[str, dict[str, Any]] = {
            "scanned": {"device_ref": f"phone:{derived_id('phone', person).hex}"},
            "kiosk": {"device_ref": f"kiosk-{site}"},
            "leader": {"recorded_by": derived_id("leader", chance.randrange(LEADERS))},
        }
        yield from _revisions(
            derived_id("record", seed, number), person, site, provenance, begin, end, ways[provenance]
        )


def _revisions(
    record_id: UUID, person: int, site: int, provenance: str, begin: datetime, end: datetime, brought: dict[str, Any]
) -> Iterator[AttendanceRecorded]:
    values: dict[str, Any] = {
        "record_id": record_id,
        "volunteer_id": derived_id("person", person),
        "site_id": derived_id("site", site),
        "theme": "夕阳别样红",
        "kind": "regular",
        "provenance": provenance,
        "started_at": begin,
        **brought,
    }
    yield AttendanceRecorded(**values, revision=1, status="provisional", minutes=0)
    minutes = int((end - begin).total_seconds()) // 60
    yield AttendanceRecorded(**values, revision=2, status="confirmed", closed_by="self", ended_at=end, minutes=minutes)


async def _tell(rig: Rig, records: int, rate: float) -> None:
    settings = rig.settings()
    producer = AIOKafkaProducer(
        **client_options(settings), enable_idempotence=False, linger_ms=5, max_batch_size=262_144
    )
    await producer.start()
    try:
        began, name = time.monotonic(), topic_name(settings, ATTENDANCE)
        for number, data in enumerate(served(records, 1)):
            told = event(data, source="bench", aggregate_version=data.revision, time=data.ended_at or data.started_at)
            headers, value = encode(told)
            await producer.send(name, value, key=str(data.volunteer_id).encode(), headers=headers)
            if (early := began + number / rate - time.monotonic()) > 0.02:
                await asyncio.sleep(early)
        await producer.flush()
    finally:
        await producer.stop()


async def _behind(rig: Rig, consumer: Any) -> int:
    """How many records of both topics are not committed."""
    settings = rig.settings()
    lag = 0
    client = AIOKafkaAdminClient(**client_options(settings))
    await client.start()
    try:
        for entity in (ATTENDANCE, ACTS):
            partitions = [TopicPartition(topic_name(settings, entity), number) for number in range(PARTITIONS)]
            found = await client.list_consumer_group_offsets(settings.topic_prefix + GROUP, partitions=partitions)
            # the embedded broker's answer may lie before the end, never beyond it
            for partition, end in (await consumer.end_offsets(partitions)).items():
                lag += max(0, end - max(0, found[partition].offset))
    finally:
        await client.close()
    return lag


async def _measure(records: int, rate: float, hold: float) -> None:
    async with rigged("integrity") as rig:
        rig.partitions = PARTITIONS
        await rig.make_template(None)
        database = await rig.fresh("bench_integrity")
        settings = rig.settings()
        await ensure_topics(settings)
        workers = Workers(rig, database, rig.prefix)
        process = await workers.start("integrity")
        watched = AIOKafkaConsumer(**client_options(settings))
        await watched.start()
        try:
            await _tell(rig, PARTITIONS * 10, 1000.0)
            await _caught_up(rig, watched)
            print(f"integrity is process {process.pid}", flush=True)
            meters = {"integrity": Meter([process.pid]), "broker": Meter([rig.broker_pid])}
            began = time.monotonic()
            async with metered(list(meters.values())):
                await _tell(rig, records, rate)
                await _caught_up(rig, watched)
            seconds = time.monotonic() - began
            print(f"{rig.broker.version}: {records} records in {seconds:.1f} s, {rate:.0f}/s told")
            for name, meter in meters.items():
                print(
                    f"  {name}: {1000 * meter.usage.cpu / records:.2f} s of processor time per 1,000 records,"
                    f" at most {meter.usage.peak_mb:.0f} MB (PSS)"
                )
            await asyncio.sleep(hold)
        finally:
            await watched.stop()
            for running in workers.started:
                await running.stop()


async def _caught_up(rig: Rig, consumer: Any) -> None:
    deadline, still = time.monotonic() + PATIENCE, 0
    while still < 2:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{await _behind(rig, consumer)} records behind")
        await asyncio.sleep(0.3)
        still = still + 1 if await _behind(rig, consumer) == 0 else 0


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=300.0)
    parser.add_argument("--hold", type=float, default=0.0, help="seconds to wait at the end, for a look at it")
    given = parser.parse_args()
    asyncio.run(_measure(given.records, given.rate, given.hold))


if __name__ == "__main__":
    main()
