"""`make bench-scale`: the ingest on an empty ledger and on one of ten million transfers, then a rehearsal over it all.

``python -m dev.bench.scale [--ledger-volunteers N --records N --rounds N …]``; BROKER names the broker. Half of the
volunteers who serve are known to the large ledger. Each round has an input of its own, and empty and full take turns in
going first. PostgreSQL has a quarter of the memory as shared buffers, for both, and the large ledger's indexes in them,
as on a server that has run for days. Writes var/bench/scale.json. Exit code 1 if an audit is breached.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import json
import logging
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import UUID

import asyncpg
import psutil
import uvloop
from rich.console import Console

from dev.bench.history import History, history
from dev.bench.report import machine, row
from dev.bench.rig import VAR, Rig, add_settings, publish, rigged
from dev.bench.rounds import Audited, Round, audited, counted, ours
from dev.bench.scale import fill as filling
from dev.bench.scale.server import check_room, sized_settings
from shared.errors import WeiguangError
from shared.ids import derived_id

__all__ = ["main", "people", "scale"]

console = Console(width=None if sys.stdout.isatty() else 150)
FULL = "full"


class Measured(Protocol):
    """What a rehearsal took."""

    records: int
    seconds: float
    rss_mb: float
    result: dict[str, Any]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.scale", description=__doc__)
    parser.add_argument("--ledger-volunteers", type=int, default=1_000_000, help="each with ten records before")
    parser.add_argument("--transfers", type=int, help="in place of --ledger-volunteers: eleven for each of them")
    parser.add_argument("--records", type=int, default=500_000, help="records of each round")
    parser.add_argument("--volunteers", type=int, help="who serve in a round; a tenth of the records if not given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=142)
    parser.add_argument("--only-rounds", action="store_true", help="no rehearsal, no audit of the large ledger")
    add_settings(parser)
    parser.add_argument("--output", type=Path, default=VAR, help="folder of scale.json")
    chosen = parser.parse_args(arguments)
    chosen.volunteers = chosen.volunteers or max(1, chosen.records // 10)
    if chosen.transfers is not None:
        chosen.ledger_volunteers = max(1, chosen.transfers // filling.TRANSFERS_EACH)
    return chosen


def _say(text: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}", highlight=False)


def people(serving: int, known: int, round_: int = 0) -> list[UUID]:
    """Who serves, by rank: every second is one of the large ledger's, spread over it; the others are new. Each round
    has people of its own, else it would find the days that it is about full of the round before.
    """
    step = max(1, known // max(1, serving))
    return [
        filling.volunteer_id((rank * step + round_ % step) % known)
        if rank % 2
        else derived_id("bench-volunteer", round_, rank)
        for rank in range(serving)
    ]


class Scale:
    """One run."""

    def __init__(self, rig: Rig, chosen: argparse.Namespace) -> None:
        self.rig = rig
        self.chosen = chosen
        self.empty: list[Round] = []
        self.full: list[Round] = []
        self.problems: list[str] = []
        self.seconds: dict[str, float] = {}

    async def timed(self, name: str, work: Awaitable[Any]) -> Any:
        """Do it, and remember how long it took."""
        began = time.monotonic()
        found = await work
        self.seconds[name] = round(time.monotonic() - began, 1)
        _say(f"{name}: {self.seconds[name]:.0f} s")
        return found

    async def round(self, number: int) -> None:
        """One input on both ledgers."""
        chosen, rig = self.chosen, self.rig
        made = history(
            chosen.records,
            chosen.volunteers,
            chosen.seed + number,
            people=people(chosen.volunteers, chosen.ledger_volunteers, number),
        )
        gc.freeze()
        rig.prefix = f"scale{number}."
        await rig.fill(made.messages)
        steps: list[Callable[[History, int], Awaitable[None]]] = [self._on_empty, self._on_full]
        for step in steps if number % 2 == 0 else reversed(steps):
            await step(made, number)
        gc.unfreeze()

    async def _on_empty(self, made: History, number: int) -> None:
        database = await self.rig.fresh(f"empty_{number}")
        await self._publish(database, made)
        found = await self._counting(made, database, name="empty")
        await self.rig.drop(database)
        self.empty.append(found)
        self._tell(found)

    async def _on_full(self, made: History, number: int) -> None:
        await self._publish(FULL, made)
        held = await counted(self.rig, FULL)
        found = await self._counting(made, FULL, name="full", held=held)
        self.full.append(found)
        self._tell(found)

    async def _counting(
        self, made: History, database: str, *, name: str, held: Mapping[str, int] | None = None
    ) -> Round:
        """One row, and beside its rate what the server logged, read and wrote for each event."""
        before = await self._costs()
        found = await ours(self.rig, made, database, workers=self.chosen.workers, name=name, held=held)
        after = await self._costs()
        found.more["per_event"] = {key: float(after[key] - before[key]) / found.events for key in after}
        return found

    async def _costs(self) -> dict[str, Any]:
        conn: Any = await asyncpg.connect(self.rig.dsn("postgres", FULL))
        try:
            await conn.execute(filling.SQL["statement_flush_statistics"])
            return dict(await conn.fetchrow(filling.SQL["costs"]))
        finally:
            await conn.close()

    async def warm(self) -> None:
        """Read what a server that has run for days has in its shared buffers."""
        conn: Any = await asyncpg.connect(self.rig.dsn("postgres", FULL))
        try:
            await conn.execute(filling.SQL["statement_prefer_indexes"])
            await conn.fetchrow(filling.SQL["warm"], UUID(int=0), timeout=1800)
        finally:
            await conn.close()

    async def _publish(self, database: str, made: History) -> None:
        conn: Any = await asyncpg.connect(self.rig.dsn("postgres", database))
        try:
            await publish(conn, made)
        finally:
            await conn.close()
        await self.rig.checkpoint()

    def _tell(self, found: Round) -> None:
        _say(f"{found.name}: {found.events_per_s:,.0f} events/s in {found.seconds:.1f} s {found.why}")
        if not found.ok:
            self.problems.append(f"{found.name}: {found.why}")

    async def rehearse(self) -> Measured | None:
        """A draft that concerns every bucket, over the whole ledger, by the service's own process."""
        try:
            rehearsal = importlib.import_module("dev.bench.rehearsal")
        except ModuleNotFoundError:
            self.problems.append("there is no bench of rehearsals here")
            return None
        run = cast(Callable[[str], Awaitable[Measured]], rehearsal.run)
        return cast(Measured, await self.timed("rehearsal", run(self.rig.dsn("points_app", FULL))))

    async def audit(self) -> Audited:
        """A1 to A8 over the large ledger with everything that was put on top of it."""
        found = cast(Audited, await self.timed("audit", audited(self.rig, FULL, processes=2)))
        self.problems += found.breaches
        _say(", ".join(f"{code} {seconds:.0f} s" for code, seconds in found.checks.items()))
        return found


async def scale(chosen: argparse.Namespace) -> dict[str, Any]:
    """Measure; returns the document, which also lies in the output folder.

    Raises:
        StackError: a server does not come up, or a worker does not do what it should.
        PermanentError: the ledger cannot be filled as the rules are now, or the disk is too small for it.
    """
    about = machine()
    chosen.output.mkdir(parents=True, exist_ok=True)
    _say(check_room(chosen.output, chosen.ledger_volunteers * filling.TRANSFERS_EACH))
    settings = dict(sized_settings(psutil.virtual_memory().total)) | dict(chosen.postgres)
    async with rigged("scale", settings.items()) as rig:
        run = Scale(rig, chosen)
        await rig.make_template(None)
        await rig.fresh(FULL)
        dsns = (rig.dsn("postgres", FULL), rig.dsn("points_app", FULL))
        _say(f"filling a ledger of {chosen.ledger_volunteers:,} volunteers")
        await run.timed("fill", filling.fill(*dsns, chosen.ledger_volunteers, _say))
        sizes = await _sizes(rig)
        _say(f"{sizes['transfers']:,} transfers, {sizes['bytes'] / 1e9:.1f} GB")
        await run.timed("warm", run.warm())
        for number in range(chosen.rounds):
            await run.round(number)
        rehearsed = None if chosen.only_rounds else await run.rehearse()
        checked = Audited(True, 0.0, "", []) if chosen.only_rounds else await run.audit()
        document = _document(chosen, run, sizes, rehearsed, checked)
        document |= {"machine": about, "broker": rig.broker.version, "postgres": settings}
    target = chosen.output / "scale.json"
    target.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return document


async def _sizes(rig: Rig) -> dict[str, int]:
    conn: Any = await asyncpg.connect(rig.dsn("postgres", FULL))
    try:
        return dict(await conn.fetchrow(filling.SQL["sizes"], timeout=600))
    finally:
        await conn.close()


def _document(
    chosen: argparse.Namespace, run: Scale, sizes: dict[str, int], rehearsed: Measured | None, checked: Audited
) -> dict[str, Any]:
    ratios = [full.events_per_s / empty.events_per_s for full, empty in zip(run.full, run.empty, strict=True)]
    return {
        "ratio_to_empty": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "rehearsal_s": None if rehearsed is None else round(rehearsed.seconds, 1),
        "rehearsal_records": None if rehearsed is None else rehearsed.records,
        "rss_mb": None if rehearsed is None else round(rehearsed.rss_mb),
        "rehearsal": None if rehearsed is None else rehearsed.result,
        "audit_checks_s": checked.checks,
        "audit_ok": checked.ok and all(one.ok for one in (*run.empty, *run.full)),
        "empty": row(run.empty) | {"per_event": _per_event(run.empty)},
        "full": row(run.full) | {"per_event": _per_event(run.full)},
        "ledger": {**sizes, "each": filling.RECORDS_EACH},
        "seconds": run.seconds,
        "records": chosen.records,
        "rounds": chosen.rounds,
        "workers": chosen.workers,
        "seed": chosen.seed,
        "problems": run.problems,
    }


def _per_event(rounds: Sequence[Round]) -> dict[str, float]:
    """Medians of what the server logged, read and wrote for each event."""
    costs = [one.more["per_event"] for one in rounds]
    return {key: round(statistics.median(one[key] for one in costs), 3) for key in costs[0]} if costs else {}


def main() -> int:
    """Run, print, and say by the exit code whether the numbers count."""
    chosen = parse()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # a topic's first moments on Apache Kafka are told at length
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            document = runner.run(scale(chosen))
    except WeiguangError as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False)
        return 1
    console.print_json(json.dumps(document, ensure_ascii=False))
    return 0 if document["audit_ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
