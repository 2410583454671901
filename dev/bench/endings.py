"""How long points takes to preview the ending of a large activity: ``python -m dev.bench.endings [--records N]``.

It fills a durable PostgreSQL of its own with a ledger whose records are all of one activity, half of them confirmed and
half waiting, and calls the preview as the API does. Times are of the machine as it is; processor time is less moved by
other work.
"""

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import Any

import asyncpg

from dev.bench.rehearsal import NOW, OPERATOR, cpu_of, ledger_of
from services.points.policy import policy_of
from services.points.previews.ending import EndedWorth, preview_ending
from shared.ids import new_id
from shared.postgres import Database
from shared.postgres.queries import parse_queries

__all__ = ["preview", "run"]

_SQL = parse_queries(Path(__file__).with_suffix(".sql").read_text("utf-8"))


async def preview(owner_dsn: str, app_dsn: str) -> tuple[EndedWorth, float, float]:
    """Make the ledger one activity, add as many waiting records, and preview its ending.

    Returns:
        The preview, the seconds that it took, and the processor seconds of this process.
    """
    activity_id = new_id()
    conn: Any = await asyncpg.connect(owner_dsn)
    try:
        await conn.execute(_SQL["gather"], activity_id)
        await conn.execute(_SQL["add_waiting"])
        await conn.execute(_SQL["vacuum"])
    finally:
        await conn.close()
    database = await Database.open(app_dsn, "points", size=2)
    try:
        policy = await policy_of(database)
        async with database.transaction() as tx:
            began, before = time.perf_counter(), time.process_time()
            found = await preview_ending(tx, OPERATOR, activity_id, None, NOW, policy)
            return found, time.perf_counter() - began, time.process_time() - before
    finally:
        await database.close()


async def run(records: int) -> EndedWorth:
    """Measure the preview of so many records, half of which wait, of half as many volunteers; prints a line."""
    confirmed = records // 2
    async with ledger_of(confirmed, confirmed) as (server, backends):
        there = cpu_of(backends)
        found, seconds, python = await preview(server.dsn("points_owner", "bench"), server.dsn("points_app", "bench"))
        theirs = cpu_of(backends) - there
    print(
        f"{found.records} records, {found.waiting} of them waiting, of {confirmed} volunteers:"
        f" previewed in {seconds:.2f} s, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print(f"processor time: Python {python:.2f} s, PostgreSQL with the preparation {theirs:.2f} s")
    print(f"{found.points} points kept, {found.expected} expected")
    return found


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    asyncio.run(run(parser.parse_args().records))


if __name__ == "__main__":
    main()
