"""From produce to commit at a steady rate, by an open loop: a message's clock starts when it was due, sent or not.

Each message carries that moment as its correlation id, which its record keeps. The commit is taken twice: the server's
own timestamp of the transaction, and the moment at which another session was told of it by NOTIFY, from which on
everybody sees it: that one is reported as the latency. The ingest does not wait for the flush of its commits
(`shared.postgres.durability`), which follows within a quarter of a second.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from dev.bench.history import Sent
from dev.bench.rig import SQL, Rig
from dev.bench.workers import Workers
from dev.stack.errors import StackError
from shared.kafka.client import client_options
from shared.kafka.topics import ensure_topics, topic_name
from shared.settings import Settings

__all__ = ["Latency", "percentile", "steady"]

TICK = 0.005
WARM_UP = 3.0
"""Seconds whose records are not counted: statements are being prepared, ids are met for the first time."""
LINGER_MS = 5
"""What Kafka's own producer waits for company by default since 4.0 (KIP-1030). The embedded broker needs it: it looks
through all batches of a partition at each fetch that finds something, so that many small ones cost it a whole core."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from when a record was to be produced; ``late_ms`` is how far the producer itself fell behind."""

    records: int
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    p50_stamp_ms: float
    p99_stamp_ms: float
    late_ms: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed.

    Raises:
        ValueError: there is none.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1)]


async def steady(
    rig: Rig, messages: Sequence[Sent], database: str, *, rate: int = 2000, seconds: float = 30.0, workers: int = 1
) -> Latency:
    """Run the service's workers under the rate for so long, on a topic named after the database.

    Raises:
        StackError: a worker ended, or what was sent did not arrive.
    """
    prefix = f"{database}."
    settings = rig.settings(prefix)
    await ensure_topics(settings)
    service = Workers(rig, database, prefix)
    told: list[float] = []
    listener: Any = await asyncpg.connect(rig.dsn("postgres", database))
    try:
        running = [await service.start("worker") for _ in range(workers)]
        await service.consuming(running)
        await listener.add_listener("outbox_points", lambda *_: told.append(time.time()))
        count = min(len(messages), int(rate * (seconds + WARM_UP)))
        began, late = await _produce(settings, messages[:count], rate)
        pairs = await _arrived(listener, service, count)
    finally:
        await listener.close()
        await service.stop()
    counted = [(produced, committed) for produced, committed in pairs if produced >= began + WARM_UP]
    if not counted:
        raise StackError("too few messages to measure: none was sent after the warm-up")
    by_stamp = [(committed - produced) * 1000 for produced, committed in counted]
    by_notice = [(_told_at(told, committed) - produced) * 1000 for produced, committed in counted]
    return Latency(
        len(counted),
        rate,
        statistics.median(by_notice),
        percentile(by_notice, 0.99),
        max(by_notice),
        statistics.median(by_stamp),
        percentile(by_stamp, 0.99),
        late * 1000,
    )


def _told_at(told: Sequence[float], committed: float) -> float:
    """When the listener heard of a commit: the first notice after its timestamp. Its own lateness counts."""
    place = bisect_left(told, committed)
    return told[place] if place < len(told) else committed


async def _produce(settings: Settings, messages: Sequence[Sent], rate: int) -> tuple[float, float]:
    """Send on schedule; returns when it began, and by how much a tick was late at most."""
    name = topic_name(settings, "attendance")
    producer = AIOKafkaProducer(**client_options(settings), enable_idempotence=False, linger_ms=LINGER_MS)
    await producer.start()
    each = max(1, round(rate * TICK))
    began, late = time.time() + 0.05, 0.0
    pending: set[asyncio.Future[Any]] = set()  # of those that are done none is kept: the collector would look at all
    try:
        for tick, start in enumerate(range(0, len(messages), each)):
            due = began + tick * each / rate
            wait = due - time.time()
            if wait > 0:
                await asyncio.sleep(wait)
            late = max(late, time.time() - due)
            stamp = f"{due:.6f}".encode()
            for one in messages[start : start + each]:
                sent = await producer.send(
                    name, one.value, key=one.key, partition=one.partition, headers=one.headers(stamp),
                    timestamp_ms=int(due * 1000),
                )  # fmt: skip
                pending.add(sent)
                sent.add_done_callback(partial(_arrived_at_the_broker, pending))
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
    return began, late


def _arrived_at_the_broker(pending: set[asyncio.Future[Any]], sent: asyncio.Future[Any]) -> None:
    """One that failed stays, for who waits for all to hear of it."""
    if not sent.cancelled() and sent.exception() is None:
        pending.discard(sent)


async def _arrived(conn: Any, service: Workers, count: int) -> list[tuple[float, float]]:
    """Produced and committed of every record, once no more come."""
    last, quiet = -1, 0
    patience = 4  # half seconds in which nothing more comes; longer as long as too little is there
    while quiet < patience:
        if (broken := service.broken()) is not None:
            raise StackError(f"{broken.name} ended with {broken.process.returncode}:\n{broken.tail()}")
        await asyncio.sleep(0.5)
        records = (await conn.fetchrow(SQL["counts"]))["records"]
        quiet = quiet + 1 if records == last else 0
        last = records
        patience = 4 if last >= count * 0.9 else 60
    if last < count * 0.8:
        raise StackError(f"only {last} records of {count} messages have arrived")
    return [(row["produced"], row["committed"]) for row in await conn.fetch(SQL["produced_and_committed"])]
