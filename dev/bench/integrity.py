"""What integrity costs per record: ``python -m dev.bench.integrity [--records N]``.

It starts a PostgreSQL, a broker (BROKER) and the service's ingest on 12 partitions, as the demo has them, and publishes
services: each is opened and closed, most by the person's own phone, some by a kiosk, some by a leader. Integrity begins
when the ingest is done; counted is until no mark is left.
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

import asyncpg
from aiokafka import AIOKafkaProducer

from dev.bench.meters import Meter, metered
from dev.bench.rig import SQL, Rig, rigged
from dev.bench.workers import Workers
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id
from shared.kafka.client import client_options
from shared.kafka.topics import ensure_topics, topic_name
from shared.outbox import event

__all__ = ["served"]

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS, SITES, LEADERS, PARTITIONS = 63, 26, 42, 12
PATIENCE = 600.0


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


async def _publish(rig: Rig, records: int) -> None:
    settings = rig.settings()
    producer = AIOKafkaProducer(
        **client_options(settings), enable_idempotence=False, linger_ms=5, max_batch_size=262_144
    )
    await producer.start()
    try:
        name = topic_name(settings, "attendance")
        for data in served(records, 1):
            when = data.ended_at or data.started_at
            outgoing = event(data, source="bench", aggregate_version=data.revision, time=when)
            headers, value = encode(outgoing)
            await producer.send(name, value, key=str(data.volunteer_id).encode(), headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


async def _until(rig: Rig, database: str, query: str, wanted: int) -> None:
    """Wait until the query's number is the wanted one."""
    deadline = time.monotonic() + PATIENCE
    connection = await asyncpg.connect(rig.dsn("postgres", database))
    try:
        while (found := await connection.fetchval(SQL[query])) != wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{query}: {found}, not {wanted}")
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _measure(records: int) -> None:
    async with rigged("integrity") as rig:
        rig.partitions = PARTITIONS
        await rig.make_template(None)
        database = await rig.fresh("bench_integrity")
        await ensure_topics(rig.settings())
        workers = Workers(rig, database, rig.prefix)
        try:
            await workers.start("worker")
            await _publish(rig, records)
            await _until(rig, database, "revisions_applied", records)
            process = await workers.start("teams")
            meter = Meter([process.pid])
            began = time.monotonic()
            async with metered([meter]):
                await _until(rig, database, "marks_left", 0)
            seconds = time.monotonic() - began
            print(f"{rig.broker.version}: {records} revisions followed in {seconds:.1f} s")
            print(
                f"  {1000 * meter.usage.cpu / records:.2f} s of processor time per 1,000 revisions,"
                f" at most {meter.usage.peak_mb:.0f} MB (PSS)"
            )
        finally:
            for running in workers.started:
                await running.stop()


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    asyncio.run(_measure(parser.parse_args().records))


if __name__ == "__main__":
    main()
