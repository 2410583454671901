"""How fast the points service folds attendance: ``python -m dev.bench.fold [--records N] [--broker] [--profile]``.

The complete fold into a durable PostgreSQL of its own, from the messages' bytes on: records, buckets, explanations,
transfers, lots, balances, badges, outbox; with ``--broker`` from the topic on. Beside the rate it prints the processor
time per event of both sides, which is what holds when the machine is shared.
"""

import argparse
import asyncio
import cProfile
import gc
import pstats
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TextIO

import uvloop

from dev.bench.history import Sent, history
from dev.bench.meters import Meter
from dev.bench.rig import rigged
from services.points.ingest.stream import GROUP, TOPICS, IngestStream
from services.points.policy import policy_of
from shared.heap import collect_rarely, use_huge_pages
from shared.kafka.consumer import BatchConsumer, Message, apply_halving
from shared.postgres import Database
from shared.settings import Settings

__all__ = ["as_messages", "directly", "measure"]


def as_messages(sent: Sequence[Sent]) -> list[Message]:
    """What was sent, as the consumer hands it over."""
    topic = "bench.volunteering.attendance.v1"
    return [
        Message(topic, "attendance", one.partition, offset, one.key, one.value, one.headers(), 0)
        for offset, one in enumerate(sent)
    ]


Fold = Callable[[IngestStream], Awaitable[None]]


def directly(messages: list[Message], batch: int) -> Fold:
    """The messages as they are, batch by batch."""

    async def fold(stream: IngestStream) -> None:
        for start in range(0, len(messages), batch):
            await apply_halving(messages[start : start + batch], stream.handle, stream.dead_letter)

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


async def measure(dsn: str, server_pid: int, count: int, fold: Fold, how: str, profile: TextIO | None) -> None:
    """Fold everything and print what it took, to ``profile`` with where it went."""
    database = await Database.open(dsn, "points", size=4, generic_plans=True)
    try:
        stream = IngestStream(database, await policy_of(database))
        server = Meter([server_pid])
        profiler = cProfile.Profile() if profile is not None else None
        server.begin()
        here, began = time.process_time(), time.perf_counter()
        if profiler is not None:
            profiler.enable()
        await fold(stream)
        if profiler is not None:
            profiler.disable()
        seconds, python = time.perf_counter() - began, time.process_time() - here
        server.cpu()
        mine, theirs = python / count * 1e6, server.usage.cpu / count * 1e6
        print(f"{count} events in {seconds:.1f} s: {count / seconds:,.0f} events/s, {how}", file=profile)
        print(f"processor time per event: Python {mine:.1f} µs, PostgreSQL {theirs:.1f} µs", file=profile)
        print(f"so two idle cores bear at most {1e6 / max(mine, theirs):,.0f} events/s", file=profile)
        if profiler is not None:
            pstats.Stats(profiler, stream=profile).sort_stats("tottime").print_stats(30)
    finally:
        await database.close()


async def run(chosen: argparse.Namespace) -> None:
    """A server, a schema, a history, a measurement; nothing is left behind."""
    made = history(chosen.records, chosen.volunteers)
    async with rigged("fold") as rig:
        await rig.make_template(None)
        database = await rig.fresh("fold")
        fold, how = directly(as_messages(made.messages), chosen.batch), f"batches of {chosen.batch}, no broker"
        if chosen.broker:
            await rig.fill(made.messages)
            fold = consumed(rig.settings(), chosen.records, chosen.batch)
            how = f"batches of at most {chosen.batch}, joining the group included, broker: {rig.broker.version}"
        gc.freeze()  # the worker holds one batch, not the history
        collect_rarely()
        use_huge_pages()
        profile = sys.stdout if chosen.profile else None
        await measure(rig.dsn("points_app", database), rig.postgres_pid, chosen.records, fold, how, profile)


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
