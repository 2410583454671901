"""Transfers in one table and in sixteen partitions: PostgreSQL's processor time, and its log, for the same rows.

``python -m dev.bench.partitions [--transfers N --rounds N]``. Medians over the rounds, both forms in turn.
"""

import argparse
import asyncio
import hashlib
import json
import random
import statistics
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import psutil

from dev.bench.report import machine
from dev.bench.rig import add_settings, rigged
from shared.postgres import load_queries

__all__ = ["measure", "parse"]

SQL = load_queries(__file__)
FORMS = ("whole", "parts")
PARTS = 16
BATCH = 2000
BATCHES = 5
COLUMNS = (
    "volunteer_id", "code", "debit", "credit", "amount", "bucket", "expires_on", "bucket_version", "rule_version",
    "lot_bucket", "lot_expires_on", "posting_id", "cause_event_id", "correlation_id", "posted_at",
)  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.partitions", description=__doc__)
    parser.add_argument("--transfers", type=int, default=5_000_000, help="that both tables hold before")
    parser.add_argument("--rounds", type=int, default=12)
    add_settings(parser)
    return parser.parse_args(arguments)


class _Tables:
    """Both forms, and one connection whose processor time is read."""

    def __init__(self, conn: Any, server: psutil.Process, volunteers: int) -> None:
        self.conn = conn
        self.server = server
        self.volunteers = volunteers
        self.chance = random.Random(42)
        self.found: dict[str, dict[str, list[float]]] = {form: defaultdict(list) for form in FORMS}

    def cpu(self) -> float:
        """Seconds of processor time until now."""
        used = self.server.cpu_times()
        return float(used.user + used.system)

    async def make(self, transfers: int) -> None:
        """Make and fill both."""
        conn = self.conn
        await conn.execute(SQL["statement_settings"])
        await conn.execute(SQL["statement_whole"])
        await conn.execute(SQL["statement_parts"])
        for number in range(PARTS):
            await conn.execute(await conn.fetchval(SQL["statement_part"], number))
        for form in FORMS:
            await conn.execute(await conn.fetchval(SQL["statement_fill"], form, transfers), timeout=3600)
        await conn.execute(SQL["statement_analyze"], timeout=3600)

    def volunteer(self) -> UUID:
        """The id of a volunteer in both tables, drawn at random."""
        return UUID(
            hashlib.md5(f"v{self.chance.randrange(self.volunteers)}".encode(), usedforsecurity=False).hexdigest()
        )

    def rows(self) -> Sequence[tuple[Any, ...]]:
        """A batch as the ingest writes it."""
        day, expires, now = "day/2026-03-05", date(2028, 3, 5), datetime.now(UTC)
        made = []
        for _ in range(BATCH):
            cause = uuid4()
            made.append(
                (self.volunteer(), "award", 0, 1, 10, day, expires, 1, 1, day, expires, cause, cause, str(cause), now)
            )
        return made

    async def round(self, form: str) -> None:
        """Batches into one form, and pages of statements out of it."""
        conn, found = self.conn, self.found[form]
        batches = [self.rows() for _ in range(BATCHES)]
        used, written = self.cpu(), await conn.fetchval(SQL["written"])
        for rows in batches:
            await conn.copy_records_to_table(form, records=rows, columns=COLUMNS, schema_name="bench")
        count = BATCH * BATCHES
        found["row_us"].append((self.cpu() - used) / count * 1e6)
        found["log_bytes_per_row"].append((await conn.fetchval(SQL["written"]) - written) / count)
        page = await conn.prepare(await conn.fetchval(SQL["statement_page"], form))
        asked = [self.volunteer() for _ in range(BATCH)]
        used = self.cpu()
        for volunteer_id in asked:
            await page.fetch(volunteer_id)
        found["page_us"].append((self.cpu() - used) / BATCH * 1e6)

    async def sums(self, form: str) -> None:
        """A sum for each volunteer."""
        used = self.cpu()
        await self.conn.fetch(await self.conn.fetchval(SQL["statement_sums"], form), timeout=3600)
        self.found[form]["sums_s"].append(self.cpu() - used)


async def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure both forms; returns medians by form and measure."""
    async with rigged("partitions", chosen.postgres) as rig:
        await rig.make_template(None)
        conn: Any = await asyncpg.connect(rig.dsn("postgres", await rig.fresh("partitions")))
        try:
            server = psutil.Process(await conn.fetchval(SQL["own_process"]))
            tables = _Tables(conn, server, max(1, chosen.transfers // 10))
            await tables.make(chosen.transfers)
            await rig.checkpoint()
            for number in range(chosen.rounds):
                for form in FORMS if number % 2 else reversed(FORMS):
                    await tables.round(form)
            for form in FORMS:
                await tables.sums(form)
        finally:
            await conn.close()
    medians = {
        form: {name: round(statistics.median(values), 1) for name, values in found.items()}
        for form, found in tables.found.items()
    }
    return {"machine": machine(), "transfers": chosen.transfers, "rounds": chosen.rounds, **medians}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(parse())), indent=2))
