"""`make bench`: the service's ingest beside the limit and beside peers, in one run, interleaved, on the same input.

``python -m dev.bench [--records N --volunteers N --rounds N --workers 1,2,4 --peers all|none|a,b …]``; BROKER names the
broker. Writes var/bench/ingest.json, ingest.png, ours.profile.txt and limit.profile.txt. Exit code 1 if an audit is
breached or a row of our own lost anything.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from dev.bench.disk import flushes
from dev.bench.fold import as_messages, directly, measure
from dev.bench.history import History, history
from dev.bench.latency import Latency, steady
from dev.bench.report import machine, row, show
from dev.bench.rig import ROOT, VAR, Rig, add_settings, rigged
from dev.bench.rounds import PEERS, Round, bench_python, limit, ours, peer
from dev.bench.workers import AGENT_ROLES
from dev.stack.errors import StackError
from shared.errors import WeiguangError

__all__ = ["Options", "bench", "parse"]

Options = argparse.Namespace
console = Console(width=None if sys.stdout.isatty() else 150)
DISK_SECONDS = 10.0
PROFILED = 100_000
"""Messages of which a profile is taken; it takes three times as long as without."""


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def parse(arguments: list[str] | None = None) -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--volunteers", type=int, help="a tenth of the records if not given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=_numbers, default="1", help="worker processes of (a); 1,2,4: a row for each")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--peers", default="all", help=f"all, none, or some of {','.join(PEERS)}")
    parser.add_argument("--limit-batch", type=int, default=2000, help="records per transaction of (b)")
    parser.add_argument("--rate", type=int, default=2000, help="records a second while latency is measured")
    parser.add_argument("--seconds", type=float, default=40.0, help="for how long; 0 leaves it out")
    parser.add_argument("--only-rounds", action="store_true", help="no kill, no agents, no profiles")
    add_settings(parser)
    parser.add_argument("--output", type=Path, default=VAR, help="folder of ingest.json, ingest.png and the profiles")
    chosen = parser.parse_args(arguments)
    chosen.volunteers = chosen.volunteers or max(1, chosen.records // 10)
    names = {"all": list(PEERS), "none": []}.get(chosen.peers, chosen.peers.split(","))
    if unknown := set(names) - set(PEERS):
        parser.error(f"there is no peer {', '.join(sorted(unknown))}")
    chosen.peers = names
    return chosen


def _say(text: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}", highlight=False)


def _tell(found: Round) -> None:
    state = "" if found.ok else f"  [red]✗ {found.why}[/]"
    _say(f"{found.name}: {found.events_per_s:,.0f} events/s in {found.seconds:.1f} s{state}")


class Bench:
    """One run."""

    def __init__(self, rig: Rig, history: History, chosen: Options) -> None:
        self.rig = rig
        self.history = history
        self.chosen = chosen
        self.workers = {f"ours_{number}" if place else "ours": number for place, number in enumerate(chosen.workers)}
        self.found: dict[str, list[Round]] = {name: [] for name in (*self.workers, "limit", *chosen.peers)}
        self.problems: list[str] = []

    async def rounds(self) -> None:
        """All rows, round by round, each round beginning with another row."""
        names = list(self.found)
        for number in range(self.chosen.rounds):
            _say(f"round {number + 1} of {self.chosen.rounds}")
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                if (found := await self.once(name, number)) is not None:
                    self.found[name].append(found)
                    _tell(found)

    async def once(self, name: str, number: int) -> Round | None:
        """One round of one row; a peer that cannot run on this broker is left out and told of."""
        rig = self.rig
        if name in PEERS:
            if any(problem.startswith(f"{name} ") for problem in self.problems):
                return None
            try:
                return await peer(rig, self.history, name, f"bench-{name}-{number}")
            except StackError as error:
                self.problems.append(f"{name} did not run on {rig.broker.version}: {error}")
                _say(f"[red]✗ {name} did not run[/]")
                return None
        database = await rig.fresh(f"{name}_{number}")
        try:
            if name == "limit":
                return await limit(rig, self.history, database, batch=self.chosen.limit_batch)
            return await ours(rig, self.history, database, workers=self.workers[name], name=name)
        finally:
            await rig.drop(database)

    async def faults(self) -> dict[str, Any]:
        """(a) with a kill at half, and beside the agents."""
        found: dict[str, Any] = {}
        points = self.found["ours"][0].more["digest"]
        for key in ("with_kill", "with_agents"):
            database = await self.rig.fresh(key)
            one = await ours(
                self.rig,
                self.history,
                database,
                workers=self.workers["ours"],
                kill=key == "with_kill",
                agents=key == "with_agents",
                name=key,
            )
            await self.rig.drop(database)
            same = one.more["digest"] == points
            # Beside the agents, what integrity finds at two sites at once is held back: then the audit alone judges.
            if not same and key != "with_agents":
                one.fail("the final points are not those of the rounds without")
            if not one.ok:
                self.problems.append(f"{key}: {one.why}")
            _tell(one)
            more = {name: one.more[name] for name in ("agents", "killed_at_records") if name in one.more}
            found[key] = row([one]) | {"same_points": same} | more
        return found

    async def latency(self) -> dict[str, Any]:
        """Produce → commit at a steady rate; what the disk alone takes to flush; and the same rate without flushing,
        which tells whose the slow ones are.
        """
        rig = self.rig
        flushed = asdict(await self._steady("steady"))
        disk = asdict(await asyncio.to_thread(flushes, rig.directory, DISK_SECONDS))
        await rig.restart({"fsync": "off"})
        bare = await self._steady("unflushed")
        await rig.restart({})
        found = flushed | disk | {"p50_unflushed_ms": bare.p50_ms, "p99_unflushed_ms": bare.p99_ms}
        return {name: round(value, 2) for name, value in found.items()}

    async def _steady(self, name: str) -> Latency:
        chosen = self.chosen
        database = await self.rig.fresh(name)
        found = await steady(
            self.rig,
            self.history.messages,
            database,
            rate=chosen.rate,
            seconds=chosen.seconds,
            workers=1,  # two make small batches smaller
        )
        await self.rig.drop(database)
        return found

    async def profiles(self) -> None:
        """Where the time goes, of both."""
        output: Path = self.chosen.output
        database = await self.rig.fresh("profiled")
        await limit(
            self.rig, self.history, database, batch=self.chosen.limit_batch, profile=output / "limit.profile.txt"
        )
        part = self.history.messages[:PROFILED]
        with (output / "ours.profile.txt").open("w", encoding="utf-8") as out:
            dsn = self.rig.dsn("points_app", database)
            how = "one process, no broker, under the profiler"
            await measure(dsn, self.rig.postgres_pid, len(part), directly(as_messages(part), 2000), how, out)
        await self.rig.drop(database)

    def document(self, extra: dict[str, Any]) -> dict[str, Any]:
        """Everything as plain data."""
        chosen = self.chosen
        mine, least = row(self.found["ours"]), row(self.found["limit"])
        peers = {
            name: row(self.found[name]) if self.found[name] else {"why": "it did not run"} for name in chosen.peers
        }
        digests = {one.more["digest"] for name in self.workers for one in self.found[name]}
        if len(digests) > 1:
            self.problems.append("the rounds of (a) do not agree on everybody's points")
        for name, rounds in self.found.items():
            self.problems += [f"{name}: {one.why}" for one in rounds if not one.ok]
        more = {str(self.workers[name]): row(self.found[name]) for name in self.workers if name != "ours"}
        parts = [mine, *more.values(), *(extra[key] for key in extra if key.startswith("with_"))]
        good = len(digests) == 1 and all(part["ok"] for part in parts)
        return {
            "ours": mine,
            "more_workers": more,
            "limit": least,
            "peers": peers,
            "ratio_to_limit": round(mine["events_per_s"] / least["events_per_s"], 3) if least["events_per_s"] else None,
            "ratio_to_peers": {
                name: round(mine["events_per_s"] / found["events_per_s"], 2)
                for name, found in peers.items()
                if found.get("events_per_s")
            },
            "p50_ms": extra.get("latency", {}).get("p50_ms"),
            "p99_ms": extra.get("latency", {}).get("p99_ms"),
            "audit_ok": good,
            "broker": self.rig.broker.version,
            "problems": self.problems,
            "records": chosen.records,
            "volunteers": chosen.volunteers,
            "rounds": chosen.rounds,
            "workers": self.workers["ours"],
            "seed": chosen.seed,
            "shares": self.history.shares(),
            "poison": dict(self.history.poison),
            "postgres": "PostgreSQL 18, durable (fsync, synchronous_commit)",
            "agents_run": list(AGENT_ROLES),
            **extra,
        }


async def bench(chosen: Options) -> dict[str, Any]:
    """Measure everything; returns the document, which also lies in the output folder.

    Raises:
        StackError: a server does not come up, or our own processes do not do what they should.
    """
    about = machine()
    chosen.output.mkdir(parents=True, exist_ok=True)
    _say(f"making {chosen.records:,} records of {chosen.volunteers:,} volunteers, seed {chosen.seed}")
    made = history(chosen.records, chosen.volunteers, chosen.seed)
    gc.freeze()  # what is measured beside it are other processes; this one must not stop to look through its input
    async with rigged("ingest", chosen.postgres) as rig:
        await rig.make_template(made)
        await rig.fill(made.messages)
        run = Bench(rig, made, chosen)
        await run.rounds()
        extra: dict[str, Any] = {"machine": about}
        if not chosen.only_rounds:
            extra |= await run.faults()
        if chosen.seconds:
            extra["latency"] = await run.latency()
        if not chosen.only_rounds:
            await run.profiles()
        document = run.document(extra)
    target = chosen.output / "ingest.json"
    target.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return document


def _draw(output: Path) -> None:
    """The picture, by the environment that can draw."""
    if not bench_python().exists():
        _say("no picture: `make bench` makes the environment that draws it")
        return
    command = [str(bench_python()), "-m", "dev.bench.plot", str(output / "ingest.json"), str(output / "ingest.png")]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        _say("[red]✗ the picture could not be drawn[/]")


def main() -> int:
    """Run, print, and say by the exit code whether the numbers count."""
    chosen = parse()
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # a topic's first moments on Apache Kafka are told at length
    if set(chosen.peers) - {"kafka-streams"} and not bench_python().exists():
        console.print("[bold red]✗[/] the peers are not installed: run `make bench`, or give --peers none")
        return 2
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            document = runner.run(bench(chosen))
    except WeiguangError as error:
        console.print(f"[bold red]✗[/] {error}", highlight=False)
        return 1
    _draw(chosen.output)
    show(document, console)
    return 0 if document["audit_ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
