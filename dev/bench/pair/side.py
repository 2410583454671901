"""One checkout's ingest or index with its own PostgreSQL, batch by batch as it is asked; PYTHONPATH names the checkout.

Started by `dev.bench.pair` from a file, so that an older checkout needs no such command. A line of standard input is
how many messages to apply next; the answer is a line of JSON. Nothing here may import what older checkouts lack.
"""

import asyncio
import gc
import json
import pickle
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import uvloop

from dev.bench.rig import Rig
from dev.stack.broker import make_broker
from dev.stack.postgres import Postgres, forget
from ops.database import Server
from ops.secrets import make_secrets
from services.operations.events.stream import IndexStream
from services.points.ingest.stream import IngestStream
from services.points.policy import policy_of
from shared.kafka.consumer import Message, apply_halving
from shared.postgres import Database, load_queries

SQL = load_queries(__file__)
DAYS = 30


def server_seconds(postmaster: psutil.Process) -> float:
    """Processor time of the server and of all its processes: of those that live by the nanosecond."""
    ended = postmaster.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for one in (postmaster, *postmaster.children()):
        try:
            total += int(Path(f"/proc/{one.pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue  # ended since: from now on it counts among those that have
    return total


@asynccontextmanager
async def ingest(rig: Rig, name: str) -> AsyncIterator[IngestStream]:
    """The stream of points."""
    database = await Database.open(rig.dsn("points_app", name), "points", size=4, generic_plans=True)
    try:
        yield IngestStream(database, await policy_of(database))
    finally:
        await database.close()


@asynccontextmanager
async def index(rig: Rig, name: str) -> AsyncIterator[IndexStream]:
    """The stream of operations, with pools as its worker has them."""
    database = await Database.open(rig.dsn("operations_app", name), "operations", size=4)
    try:
        yield IndexStream(database, "bench", DAYS)
    finally:
        await database.close()


Opening = Callable[[Rig, str], AbstractAsyncContextManager[IngestStream | IndexStream]]
STREAMS: dict[str, Opening] = {"ingest": ingest, "index": index}


async def serve(directory: Path, sent: Path, stream: str) -> None:
    """Start the server, then apply as many messages as each line says."""
    found: list[tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]] = pickle.loads(sent.read_bytes())  # noqa: S301 - our own file
    now = int(time.time() * 1000)
    messages = [
        pickle.dumps((f"bench.volunteering.{entity}.v1", entity, partition, offset, key, value, headers, now))
        for offset, (entity, partition, key, value, headers) in enumerate(found)
    ]
    del found
    secrets = make_secrets()
    postgres = Postgres(directory / "postgres", directory / "postgres.log", secrets.passwords["postgres"])
    postgres.settings = {"track_commit_timestamp": "on"}
    try:
        await postgres.start()
        server = Server("127.0.0.1", postgres.port, secrets.passwords)
        rig = Rig(directory, postgres, make_broker("embedded", directory / "broker"), server)
        await rig.make_template(None)
        name = await rig.fresh("pair")
        meter = await asyncpg.connect(rig.dsn("postgres", name))
        try:
            async with STREAMS[stream](rig, name) as opened:
                await answer(opened, messages, rig.postgres_pid, meter)
        finally:
            await meter.close()
    finally:
        await postgres.stop(patience=30)
        forget(directory / "postgres")
        shutil.rmtree(directory, ignore_errors=True)


def prepare_heap(*, huge_pages: bool) -> None:
    """Prepare the heap as the checkout's worker does."""
    try:
        heap: Any = import_module("shared.heap")
    except ImportError:  # an older checkout
        gc.set_threshold(3_000_000, 20, 100)
        return
    heap.collect_rarely()
    if huge_pages:
        heap.use_huge_pages()


async def answer(
    stream: IngestStream | IndexStream, messages: list[bytes], postmaster: int, meter: asyncpg.Connection
) -> None:
    """Apply and answer until standard input ends.

    Messages are made just before they are applied, as a consumer makes them, and that does not count.
    """
    gc.collect()
    gc.freeze()
    prepare_heap(huge_pages=isinstance(stream, IngestStream))
    server, place = psutil.Process(postmaster), 0
    print(json.dumps({"ready": len(messages)}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        batch = [Message(*pickle.loads(one)) for one in messages[place : place + int(line)]]  # noqa: S301 - our own
        place += len(batch)
        written = await meter.fetchval(SQL["log_position"])
        theirs, mine = server_seconds(server), time.process_time()
        await apply_halving(batch, stream.handle, stream.dead_letter)
        used = {"python": time.process_time() - mine, "postgres": server_seconds(server) - theirs}
        written = int(await meter.fetchval(SQL["log_position"]) - written)
        print(json.dumps({"records": len(batch), "wal": written, **used}), flush=True)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
