"""How long a rehearsal of much history takes: ``python -m dev.bench.rehearsal [--records N]``.

It fills a durable PostgreSQL of its own with a ledger that the rules in force explain, and lets the real process replay
a draft over it. The draft concerns every bucket, so that each is worked out twice: the slowest case.
"""

import argparse
import asyncio
import cProfile
import os
import pstats
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil

from dev.stack.postgres import Postgres, forget
from ops import database as ops_database
from ops.database import Server
from ops.secrets import make_secrets
from services.points.policy import policy_of
from services.points.rehearsals import handlers, share, store
from services.points.rules import handlers as rules
from shared.auth.tokens import Caller, Role
from shared.ids import new_id
from shared.postgres import Database
from shared.postgres.migrations import migrate
from shared.postgres.queries import parse_queries

__all__ = ["DRAFT", "NOW", "OPERATOR", "Measured", "cpu_of", "fill", "ledger_of", "run"]

ROOT = Path(__file__).resolve().parents[2]
BEGIN = date(2024, 3, 10)
DAYS = 720
NOW = datetime(2026, 3, 4, tzinfo=UTC)
"""Business time of the ledger that `fill` makes: after its last record, before its first point expires."""
PORTION = 500_000
OPERATOR = Caller(subject=UUID(int=1), roles=frozenset({Role.OPERATOR}), site_ids=None)
DRAFT = """
version: 1
name: 试行规则
effective_from: 2024-01-01
zone: Asia/Shanghai
earning:
  provenances: [scanned, kiosk, leader]
  points_per_hour: 12
  minimum_minutes: 15
  rates: [{name: 雷锋月, months: [3], points_per_hour: 15}]
caps: {day_minutes: 480}
first_service: {points: 20}
expiry: {months: 24}
"""
_SQL = parse_queries(Path(__file__).with_suffix(".sql").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rehearsal took; ``rss_mb`` is the most that its processes held together, ``cpu_seconds`` their
    processor time; PostgreSQL apart.
    """

    records: int
    volunteers: int
    seconds: float
    replay_seconds: float
    rss_mb: float
    cpu_seconds: float
    result: dict[str, Any]

    @property
    def records_per_s(self) -> float:
        return self.records / self.seconds


async def fill(owner_dsn: str, records: int, volunteers: int | None = None, say: Any = print) -> None:
    """Make a ledger of so many records, of a tenth as many volunteers unless said otherwise, at most one a day each.

    The schema is migrated and empty but for the rules that the service ships; business time should be `NOW`. Badges
    are not awarded.
    """
    people = max(1, records // 10 if volunteers is None else volunteers)
    assert records <= people * DAYS, "nobody serves twice a day here"
    conn: Any = await asyncpg.connect(owner_dsn)
    try:
        began = time.perf_counter()
        await conn.execute(_SQL["without_indexes"])
        for start in range(0, records, PORTION):
            end = min(records, start + PORTION)
            await conn.execute(_SQL["fill_records"], start, end, records, people, DAYS, BEGIN)
        for step in ("fill_buckets", "fill_firsts", "fill_lots", "fill_transfers", "with_indexes", "fill_volunteers"):
            say(f"  {step} at {time.perf_counter() - began:.0f} s")
            await conn.execute(_SQL[step])
        await conn.execute(_SQL["vacuum"])
        counted = dict(await conn.fetchrow(_SQL["counted"]))
        say(f"  filled in {time.perf_counter() - began:.0f} s: {counted}")
    finally:
        await conn.close()


async def run(app_dsn: str, draft: str = DRAFT) -> Measured:
    """Rehearse a draft over the points database at ``app_dsn`` by the service's own process, and measure it.

    Raises:
        RuntimeError: the rehearsal did not come to a result.
    """
    database = await Database.open(app_dsn, "points", size=2)
    try:
        async with database.transaction() as tx:
            version = (await rules.draft(tx, OPERATOR, draft)).document.version
        async with database.transaction() as tx:
            rehearsal_id = (await handlers.request(tx, OPERATOR, version)).rehearsal_id
        began, before = time.perf_counter(), os.times()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.points", "rehearse", str(rehearsal_id)),
            cwd=ROOT,
            env={
                **os.environ,
                "WEIGUANG_ENVIRONMENT": "embedded",
                "WEIGUANG_DATABASE_URL": app_dsn,
                "WEIGUANG_LOG_LEVEL": "WARNING",
            },
        )
        peak = await _peak_memory(process)
        seconds, after = time.perf_counter() - began, os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        async with database.snapshot() as tx:
            found = await handlers.find(tx, rehearsal_id)
    finally:
        await database.close()
    if found.status != "done" or found.summary is None or found.started_at is None or found.finished_at is None:
        raise RuntimeError(f"the rehearsal is {found.status}: {found.problem}")
    took = (found.finished_at - found.started_at).total_seconds()
    summary = found.summary
    told = {"before": summary.before, "after": summary.after, "winners": summary.winners, "losers": summary.losers}
    return Measured(summary.records, summary.volunteers, seconds, took, peak, cpu, told)


async def _peak_memory(process: asyncio.subprocess.Process) -> float:
    """Wait for the process; returns the most that it and its children held, in MB."""
    ended, peak = asyncio.create_task(process.wait()), 0
    tree = psutil.Process(process.pid)
    while not ended.done():
        held = 0
        try:
            for one in (tree, *tree.children(recursive=True)):
                held += one.memory_info().rss
        except psutil.NoSuchProcess:
            pass
        peak = max(peak, held)
        await asyncio.wait({ended}, timeout=0.1)
    return peak / 1e6


def cpu_of(server: psutil.Process) -> float:
    """Processor seconds of PostgreSQL, of processes that have ended too."""
    own = server.cpu_times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for process in server.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended since it was listed
            times = process.cpu_times()
            seconds += times.user + times.system
    return seconds


async def _profile(app_dsn: str, portions: int = 20) -> None:
    """Where one process's time goes, over some portions of the last rehearsal; what it would write is there already."""
    database = await Database.open(app_dsn, "points", size=3)
    profiler = cProfile.Profile()
    try:
        async with database.snapshot() as tx:
            picture = await store.picture(tx)
            in_force = (await rules.rulebook(tx)).rules
            everything = [stored.document.rule() for stored in await rules.listed(tx)]
            nobody = store.Attempt(new_id(), everything[-1].version, 1)
            connect = partial(Database.open, app_dsn, "points", size=3)
            task = share.Task(connect, picture.statement, list(in_force), everything[-1], everything, nobody)
            one = share.Share(task, asyncio.Runner())
            await one.open()
            profiler.enable()
            for portion in (await store.portions(tx, 10_000))[:portions]:
                await one.replay(portion)
            profiler.disable()
            await one.close()
    finally:
        await database.close()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


@asynccontextmanager
async def ledger_of(records: int, volunteers: int | None) -> AsyncIterator[tuple[Server, psutil.Process]]:
    """A server of its own with the ledger of `fill`, and its process; nothing is left behind, also after a SIGTERM."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    directory = ROOT / "var" / "bench" / f"rehearsal-{os.getpid()}-{new_id().hex[:6]}"
    secrets = make_secrets()
    postgres = Postgres(directory / "postgres", directory / "postgres.log", secrets.passwords["postgres"])
    directory.mkdir(parents=True, exist_ok=True)
    try:
        await postgres.start()
        server = Server("127.0.0.1", postgres.port, secrets.passwords)
        await ops_database.bootstrap(postgres.superuser_dsn, "bench", driven_time=True, passwords=secrets.passwords)
        await migrate(server.dsn("points_owner", "bench"), "points", "points_app", ROOT / "services/points/migrations")
        await ops_database.set_now(server.dsn("clock_driver", "bench"), NOW)
        database = await Database.open(server.dsn("points_app", "bench"), "points", size=1)
        await policy_of(database)
        await database.close()
        print(f"filling with {records} records", flush=True)
        await fill(server.dsn("points_owner", "bench"), records, volunteers)
        assert postgres.process is not None
        yield server, psutil.Process(postgres.process.pid)
    finally:
        await postgres.stop()
        forget(directory / "postgres")
        shutil.rmtree(directory, ignore_errors=True)


async def _measure(records: int, volunteers: int | None, draft: str, profile: bool) -> None:
    """A rehearsal over a ledger, and the numbers that it gives."""
    async with ledger_of(records, volunteers) as (server, backends):
        there = cpu_of(backends)
        found = await run(server.dsn("points_app", "bench"), draft)
        print(
            f"{found.records} records of {found.volunteers} volunteers in {found.seconds:.1f} s "
            f"({found.replay_seconds:.1f} s without starting processes): {found.records_per_s:,.0f} records/s, "
            f"peak memory {found.rss_mb:.0f} MB in Python, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        python, theirs = found.cpu_seconds / found.records * 1e6, (cpu_of(backends) - there) / found.records * 1e6
        print(f"processor time per record: Python {python:.1f} µs, PostgreSQL {theirs:.1f} µs; {found.result}")
        if profile:
            await _profile(server.dsn("points_app", "bench"))


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--volunteers", type=int, default=None, help="a tenth of the records unless said otherwise")
    parser.add_argument("--draft", type=Path, help="a rule in YAML; one of 12 points an hour unless said otherwise")
    parser.add_argument("--profile", action="store_true", help="and show where a process's time goes")
    chosen = parser.parse_args()
    draft = DRAFT if chosen.draft is None else chosen.draft.read_text("utf-8")
    asyncio.run(_measure(chosen.records, chosen.volunteers, draft, chosen.profile))


if __name__ == "__main__":
    main()
