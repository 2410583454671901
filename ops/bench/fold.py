"""How fast the points service folds attendance: ``python -m ops.bench.fold [--records N] [--broker] [--profile]``.

The complete fold into a durable PostgreSQL of its own, from the messages' bytes on: records, buckets, explanations,
transfers, lots, balances, badges, outbox; with ``--broker`` from the topic on. Beside the rate it prints the processor
time per event of both sides, which is what holds when the machine is shared.
"""

import argparse
import asyncio
import cProfile
import gc
import os
import pstats
import random
import shutil
import time
from bisect import bisect
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from uuid import UUID

import psutil
import uvloop
from aiokafka import AIOKafkaProducer

from ops import database as ops_database
from ops.database import Server
from ops.stack.broker import make_broker
from ops.stack.postgres import Postgres, forget
from ops.stack.secrets import make_secrets
from services.points.app import GC_THRESHOLD
from services.points.ledger.stream import GROUP, TOPICS, IngestStream
from services.points.policy import policy_of
from shared import outbox
from shared.cloudevents import encode
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id
from shared.kafka.consumer import BatchConsumer, Message
from shared.kafka.topics import ensure_topics, topic_name
from shared.postgres import Database
from shared.postgres.migrations import migrate
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PARTITIONS = 4
BEGIN = datetime(2024, 3, 5, tzinfo=UTC)
THEMES = ("夕阳别样红", "佳节尚文明志愿关爱行", "创城有我志愿先行", "踏寻雷锋足迹弘扬时代新风")


def history(records: int, volunteers: int, seed: int = 42) -> Iterator[Message]:
    """Seeded attendance of 24 months: Zipf 1.1 over volunteers, 5 % repeated, 2 % raised to a second revision."""
    chance = random.Random(seed)
    weights = list(accumulate(1 / rank**1.1 for rank in range(1, volunteers + 1)))
    people = [derived_id("bench-volunteer", number) for number in range(volunteers)]
    recent: list[AttendanceRecorded] = []
    for number in range(records):
        draw = chance.random()
        if recent and draw < 0.05:
            data = chance.choice(recent)
        elif recent and draw < 0.07:
            before = chance.choice(recent)
            data = before.model_copy(update={"revision": 2, "minutes": before.minutes + 5, "closed_by": "correction"})
        else:
            data = _record(number, records, people[bisect(weights, chance.random() * weights[-1])], chance)
            recent.append(data)
            del recent[:-1000]
        yield _message(data, number)


def _record(number: int, records: int, volunteer_id: object, chance: random.Random) -> AttendanceRecorded:
    minutes = chance.choice((30, 45, 60, 60, 90, 120))
    # Everybody's days advance with the log, as they do in life; some uploads come days late.
    day = number * 730 // records - chance.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 9))
    started_at = BEGIN + timedelta(days=day, minutes=chance.randrange(0, 840, 5))
    record_id = UUID(int=int(started_at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62))
    return AttendanceRecorded.model_validate(
        {
            "record_id": record_id,
            "revision": 1,
            "volunteer_id": volunteer_id,
            "activity_id": derived_id("bench-activity", number // 12),
            "shift_id": derived_id("bench-shift", number // 12),
            "site_id": derived_id("bench-site", number % 26),
            "team_id": derived_id("bench-team", number % 42),
            "drive_id": derived_id("bench-drive", number % 20) if number % 3 == 0 else None,
            "theme": chance.choice(THEMES),
            "kind": "visit",
            "provenance": chance.choice(("scanned", "scanned", "kiosk", "leader")),
            "closed_by": "self",
            "status": "confirmed",
            "started_at": started_at,
            "ended_at": started_at + timedelta(minutes=minutes),
            "minutes": minutes,
            "planned_minutes": minutes,
            "distance_m": 12,
        }
    )


def _message(data: AttendanceRecorded, offset: int) -> Message:
    event = outbox.event(
        data,
        source="weiguang/recruitment",
        aggregate_version=data.revision,
        id=derived_id("bench", data.record_id, data.revision),
        time=data.started_at,
    )
    headers, value = encode(event)
    key = str(data.volunteer_id).encode()
    partition = data.volunteer_id.int % PARTITIONS
    return Message("volunteering.attendance.v1", "attendance", partition, offset, key, value, headers, 0)


Fold = Callable[[IngestStream], Awaitable[None]]


def directly(messages: list[Message], batch: int) -> Fold:
    """The messages as they are, batch by batch."""

    async def fold(stream: IngestStream) -> None:
        for start in range(0, len(messages), batch):
            await stream.handle(messages[start : start + batch])

    return fold


def consumed(settings: Settings, count: int, batch: int) -> Fold:
    """The messages from the topic, by the worker's own consumer; joining the group is part of the time."""

    async def fold(stream: IngestStream) -> None:
        consumer = BatchConsumer(
            settings,
            topics=TOPICS,
            group=GROUP,
            handle=stream.handle,
            dead_letter=stream.dead_letter,
            max_records=batch,
        )
        stop = asyncio.Event()
        running = asyncio.create_task(consumer.run(stop))
        while consumer.applied < count and not running.done():
            await asyncio.wait({running}, timeout=0.05)
        stop.set()
        await running

    return fold


async def produce(settings: Settings, messages: list[Message]) -> None:
    """Put the messages on the topic, each into its partition."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False, linger_ms=20)
    await producer.start()
    try:
        name = topic_name(settings, "attendance")
        for start in range(0, len(messages), 5000):
            sent = [
                await producer.send(name, one.value, key=one.key, partition=one.partition, headers=list(one.headers))
                for one in messages[start : start + 5000]
            ]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def measure(dsn: str, server_pid: int, count: int, fold: Fold, how: str, profile: bool) -> None:
    """Fold everything and print what it took."""
    database = await Database.open(dsn, "points", size=4)
    try:
        stream = IngestStream(database, await policy_of(database))
        backends = psutil.Process(server_pid)
        profiler = cProfile.Profile() if profile else None
        here, there, began = time.process_time(), _cpu(backends), time.perf_counter()
        if profiler is not None:
            profiler.enable()
        await fold(stream)
        if profiler is not None:
            profiler.disable()
            pstats.Stats(profiler).sort_stats("tottime").print_stats(28)
        seconds = time.perf_counter() - began
        python, postgres = time.process_time() - here, _cpu(backends) - there
        print(f"{count} events in {seconds:.1f} s: {count / seconds:,.0f} events/s, {how}")
        mine, theirs = python / count * 1e6, postgres / count * 1e6
        print(f"processor time per event: Python {mine:.1f} µs, PostgreSQL {theirs:.1f} µs")
        print(f"so two idle cores bear at most {1e6 / max(mine, theirs):,.0f} events/s")
    finally:
        await database.close()


def _cpu(server: psutil.Process) -> float:
    """Processor seconds of PostgreSQL: all processes that are alive now, background writers included."""
    processes = [server, *server.children(recursive=True)]
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


async def run(chosen: argparse.Namespace) -> None:
    """A server, a schema, a history, a measurement; nothing is left behind."""
    directory = ROOT / "var" / "bench" / str(os.getpid())
    secrets = make_secrets()
    postgres = Postgres(directory / "postgres", directory / "postgres.log", secrets.passwords["postgres"])
    broker = make_broker(os.environ.get("BROKER") or "embedded", directory / "broker") if chosen.broker else None
    directory.mkdir(parents=True, exist_ok=True)
    try:
        await postgres.start()
        server = Server("127.0.0.1", postgres.port, secrets.passwords)
        await ops_database.bootstrap(postgres.superuser_dsn, "bench", driven_time=True, passwords=secrets.passwords)
        await migrate(server.dsn("points_owner", "bench"), "points", "points_app", ROOT / "services/points/migrations")
        await ops_database.set_now(server.dsn("clock_driver", "bench"), BEGIN + timedelta(days=730))
        messages = list(history(chosen.records, chosen.volunteers))
        fold, how = directly(messages, chosen.batch), f"batches of {chosen.batch}, no broker"
        if broker is not None:
            await broker.start(topic_prefix="bench.")
            settings = Settings.model_validate(
                {"kafka_bootstrap": broker.bootstrap, "broker": broker.name, "topic_prefix": "bench."}
                | {"topic_partitions": PARTITIONS}
            )
            await ensure_topics(settings)
            await produce(settings, messages)
            fold = consumed(settings, chosen.records, chosen.batch)
            how = f"batches of at most {chosen.batch}, joining the group included, broker: {broker.version}"
        gc.freeze()  # the worker holds one batch, not the history
        gc.set_threshold(*GC_THRESHOLD)
        assert postgres.process is not None
        dsn = server.dsn("points_app", "bench")
        await measure(dsn, postgres.process.pid, len(messages), fold, how, chosen.profile)
    finally:
        if broker is not None:
            await broker.stop()
        await postgres.stop()
        forget(directory / "postgres")
        shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--volunteers", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--broker", action="store_true", help="through the broker that BROKER names")
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(chosen))


if __name__ == "__main__":
    main()
