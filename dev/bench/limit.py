"""The limit that the ingest is held against: ``python -m dev.bench.limit``, run by the bench as a process of its own.

A bare aiokafka loop: read the value, then dedupe, entry, balance and offset in one statement of one durable transaction
on one connection. The next batch is read while this one is written, as in the service. What cannot be read is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer
from asyncpg.pgproto import pgproto

from dev.bench.telling import tell
from shared.postgres import load_queries

__all__ = ["main"]

SQL = load_queries(__file__)
_Columns = tuple[list[Any], list[int], list[Any], list[int]]


class _Entry(msgspec.Struct, gc=False):
    record_id: str
    revision: int
    volunteer_id: str
    minutes: int


_DECODER = msgspec.json.Decoder(_Entry)


def decode(records: Iterable[Any]) -> _Columns:
    """The four columns of the entries, in the order of their keys."""
    rows: list[tuple[Any, int, Any, int]] = []
    for record in records:
        try:
            data = _DECODER.decode(record.value)
        except msgspec.MsgspecError:
            continue
        ids = pgproto.UUID(data.record_id), pgproto.UUID(data.volunteer_id)
        rows.append((ids[0], data.revision, ids[1], data.minutes // 6))
    rows.sort(key=lambda row: (row[0], row[1]))
    if not rows:
        return [], [], [], []
    first, second, third, fourth = (list(column) for column in zip(*rows, strict=True))
    return first, second, third, fourth


class Limit:
    """The loop."""

    def __init__(self, conn: Any, consumer: Any, count: int, batch: int) -> None:
        self.conn = conn
        self.consumer = consumer
        self.count = count
        self.batch = batch
        self.seen = 0

    async def run(self) -> None:
        """Until all has been committed."""
        statement = await self.conn.prepare(SQL["limit_apply"])
        writing: asyncio.Task[Any] | None = None
        while self.seen < self.count:
            found = await self.consumer.getmany(timeout_ms=250, max_records=self.batch)
            if not found:
                continue
            columns = decode(record for records in found.values() for record in records)
            offsets = {tp.partition: records[-1].offset + 1 for tp, records in found.items()}
            self.seen += sum(len(records) for records in found.values())
            if writing is not None:
                await writing
            writing = asyncio.create_task(
                # one statement is one transaction
                statement.fetch(*columns, list(offsets), list(offsets.values()))
            )
        if writing is not None:
            await writing


async def run(chosen: argparse.Namespace) -> None:
    """Connect, join, read everything."""
    conn: Any = await asyncpg.connect(chosen.dsn)
    consumer = AIOKafkaConsumer(
        chosen.topic,
        bootstrap_servers=chosen.bootstrap,
        group_id=chosen.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000 if chosen.broker == "embedded" else 10_000,
        fetch_max_wait_ms=20 if chosen.broker == "embedded" else 500,
    )
    await consumer.start()
    try:
        profiler = cProfile.Profile() if chosen.profile else None
        tell("consumer.started", at=time.time())
        limit = Limit(conn, consumer, chosen.count, chosen.batch)
        if profiler is not None:
            profiler.enable()
        await limit.run()
        if profiler is not None:
            profiler.disable()
            with chosen.profile.open("w", encoding="utf-8") as out:
                pstats.Stats(profiler, stream=out).sort_stats("tottime").print_stats(25)
        tell("done", at=time.time(), seen=limit.seen)
    finally:
        await consumer.stop()
        await conn.close()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("dsn", "bootstrap", "topic", "group", "broker"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--profile", type=Path)
    chosen = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(chosen))


if __name__ == "__main__":
    main()
