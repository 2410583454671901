"""One round of each row: the service's own ingest, the limit, a peer. The clock is the same for all.

The topic is full before. A row's clock starts when it has its partitions (a peer's: when its first record is in hand)
and ends with the commit, or the addition, of the last record. Joining the group is told apart.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from dev.bench.history import PARTITIONS, History
from dev.bench.meters import Meter, Usage, metered
from dev.bench.rig import ROOT, SQL, Rig, committed
from dev.bench.workers import AGENT_ROLES, Workers, start_peer, wait_for
from dev.stack.errors import StackError
from dev.stack.jars import find_java, resolve_jars
from ops.audit.main import audit
from shared.kafka.client import client_options
from shared.kafka.topics import topic_name

__all__ = ["PEERS", "Audited", "Round", "audited", "bench_python", "counted", "limit", "ours", "peer"]

PEERS = {"faust": "faust_sum", "faststream": "faststream_sum", "faststream-batches": "faststream_batch_sum",
         "quix": "quix_sum", "kafka-streams": "streams"}  # fmt: skip
STREAMS = Path(__file__).with_name("peers") / "streams"
WITHIN = 1800.0
AGENT_GROUPS = {"teams": ("points-teams",)}


@dataclass(slots=True)
class Round:
    """What one round took. ``ok``: everything was applied, and (a)'s audit is clean; ``why`` if not."""

    name: str
    events: int
    seconds: float
    join_seconds: float
    python: Usage = field(default_factory=Usage)
    postgres: Usage = field(default_factory=Usage)
    broker: Usage = field(default_factory=Usage)
    ok: bool = True
    why: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def events_per_s(self) -> float:
        return self.events / self.seconds if self.seconds > 0 else 0.0

    def fail(self, why: str) -> None:
        """It does not count."""
        self.ok = False
        self.why = f"{self.why}; {why}" if self.why else why


@dataclass(slots=True)
class Audited:
    """The audit of one database, in short; ``digest``: everybody's points and badges as one number."""

    ok: bool
    seconds: float
    digest: str
    breaches: list[str]
    checks: dict[str, float] = field(default_factory=dict)
    """Seconds of each invariant; what several processes do at once is added up."""


def bench_python() -> Path:
    """The interpreter of the peers' environment (`make bench` makes it)."""
    return ROOT / ".venv-bench" / "bin" / "python"


async def ours(
    rig: Rig,
    history: History,
    database: str,
    *,
    workers: int = 1,
    kill: bool = False,
    agents: bool = False,
    name: str = "ours",
    held: Mapping[str, int] | None = None,
) -> Round:
    """(a): the worker processes from the topic to committed rows, then the audit.

    ``held``: what a ledger that is not empty held before, as `counts` tells it; such a one is audited by the caller.

    Raises:
        StackError: a worker ended by itself, or nothing moves.
    """
    events = len(history.messages)
    service = Workers(rig, database, rig.prefix)
    admin = AIOKafkaAdminClient(**client_options(rig.settings()))
    await admin.start()
    try:
        beside = [await service.start(role) for role in AGENT_ROLES] if agents else []
        for one in beside:
            await wait_for(one, "ops.listening", within=60)
        running = [await service.start("worker") for _ in range(workers)]
        found = Round(name, events, 0.0, 0.0)
        began, found.join_seconds = await service.consuming(running)
        meters = _meters(rig, found, [one.pid for one in running])
        lags = _Lags(rig, admin, service.group, beside=bool(beside))
        async with metered(meters):
            killed_at: float | None = None
            while (done := await committed(admin, rig.settings(), service.group)) < events:
                if kill and killed_at is None and done >= events // 2:
                    killed_at = time.time()
                    await service.kill(running[0])
                    again = await service.start("worker")
                    meters[0].roots.append(again.pid)
                    found.more["killed_at_records"] = done
                if (broken := service.broken()) is not None:
                    raise StackError(f"{broken.name} ended with {broken.process.returncode}:\n{broken.tail()}")
                if time.time() - began > WITHIN:
                    raise StackError(f"after {WITHIN:.0f} s only {done} of {events} records are applied")
                await lags.look()
                await asyncio.sleep(0.02 if kill and killed_at is None else 0.1)
            done_at = time.time()
        if kill and killed_at is None:
            found.fail("it was done before it could be killed")
        if beside:
            found.more["agents"] = await lags.drained(within=300)
    finally:
        await admin.close()
        await service.stop()
    await _settle(rig, history, database, found, began, held, teams_too=bool(beside))
    if beside:  # what they hold back is committed later, and is no part of the ingest
        found.seconds = min(found.seconds, done_at - began)
    return found


async def counted(rig: Rig, database: str) -> dict[str, int]:
    """How many records, superseded revisions, dead letters of each kind, and transfers there are."""
    conn: Any = await asyncpg.connect(rig.dsn("postgres", database))
    try:
        return dict(await conn.fetchrow(SQL["counts"]))
    finally:
        await conn.close()


async def _settle(
    rig: Rig,
    history: History,
    database: str,
    found: Round,
    began: float,
    held: Mapping[str, int] | None,
    *,
    teams_too: bool,
) -> None:
    """The end of the clock, and whether everything is where it belongs."""
    conn: Any = await asyncpg.connect(rig.dsn("postgres", database))
    try:
        last = await conn.fetchval(SQL["last_commit"])
    finally:
        await conn.close()
    found.seconds = last.timestamp() - began
    counts = found.more["counts"] = await counted(rig, database)
    for name in ("records", "superseded", "permanent", "conflict"):
        due = getattr(history.expected, name) + (0 if held is None else held[name])
        if counts[name] != due:
            found.fail(f"{counts[name]} {name} instead of {due}")
    if held is not None:
        return
    checked = await audited(rig, database, teams_too=teams_too)
    found.more["audit_seconds"], found.more["digest"] = round(checked.seconds, 1), checked.digest
    if not checked.ok:
        found.fail("the audit is breached: " + "; ".join(checked.breaches))


async def audited(rig: Rig, database: str, *, teams_too: bool = False, processes: int = 1) -> Audited:
    """A1 to A8 over the database, everything settled. ``processes``: of the audit, for a large ledger."""
    report = await audit(
        rig.dsn("auditor", database),
        settled=True,
        teams_too=teams_too,
        direct_feed=True,
        sessions=2,
        processes=processes,
    )
    conn: Any = await asyncpg.connect(rig.dsn("postgres", database))
    try:
        standing = await conn.fetchrow(SQL["standing"])
    finally:
        await conn.close()
    breaches = [
        f"{check.code} {check.breaches}: " + "; ".join(f"{one.subject}: {one.detail}" for one in check.offenders[:3])
        for check in report.checks
        if not check.ok
    ]
    each = {check.code: round(check.seconds, 1) for check in report.checks}
    return Audited(report.ok, report.seconds, str(standing["digest"]), breaches, each)


def _meters(rig: Rig, found: Round, pids: list[int]) -> list[Meter]:
    return [
        Meter(list(pids), found.python),
        Meter([rig.postgres_pid], found.postgres),
        Meter([rig.broker_pid], found.broker),
    ]


class _Lags:
    """How far the agents are behind the log of attendance, while the ingest runs and until they are done."""

    def __init__(self, rig: Rig, admin: AIOKafkaAdminClient, group: str, *, beside: bool) -> None:
        self.rig = rig
        self.admin = admin
        self.group = group
        self.roles = AGENT_ROLES if beside else ()
        self.behind: dict[str, int] = dict.fromkeys(self.roles, 0)
        self.end = 0

    async def look(self) -> None:
        """How many records each has not committed yet."""
        if not self.roles:
            return
        settings = self.rig.settings()
        ingested = await committed(self.admin, settings, self.group)
        for role in self.roles:
            done = [await committed(self.admin, settings, group) for group in AGENT_GROUPS[role]]
            self.behind[role] = ingested - min(done)
            self.end = max(self.end, ingested)

    async def drained(self, *, within: float) -> dict[str, dict[str, Any]]:
        """Their lag at the ingest's end, and how long it took them from there; None if longer than ``within``."""
        await self.look()
        at_end = dict(self.behind)
        began = time.monotonic()
        took: dict[str, float | None] = dict.fromkeys(self.roles)
        while time.monotonic() - began < within and None in took.values():
            await self.look()
            for role in self.roles:
                if took[role] is None and self.behind[role] <= 0:
                    took[role] = round(time.monotonic() - began, 1)
            await asyncio.sleep(0.2)
        return {role: {"lag_at_end": max(0, at_end[role]), "drained_after_s": took[role]} for role in self.roles}


async def limit(rig: Rig, history: History, database: str, *, batch: int, profile: Path | None = None) -> Round:
    """(b): the bare loop.

    Raises:
        StackError: it ended by itself or in no time.
    """
    settings = rig.settings()
    events = len(history.messages)
    arguments = [
        "--dsn",
        rig.dsn("points_app", database),
        "--batch",
        str(batch),
        *_common(rig, f"limit-{database}", events),
    ]
    if profile is not None:
        arguments += ["--profile", str(profile)]
    assert settings.topic_partitions == PARTITIONS
    found = await _measure(rig, "limit", [sys.executable, "-m", "dev.bench.limit", *arguments], events)
    conn: Any = await asyncpg.connect(rig.dsn("postgres", database))
    try:
        totals = dict(await conn.fetchrow(SQL["limit_totals"]))
    finally:
        await conn.close()
    if totals["points"] != totals["balances"] or totals["messages"] != events:
        found.fail(f"its books are wrong: {totals}")
    return found


async def peer(rig: Rig, history: History, name: str, group: str) -> Round:
    """(c): a peer, by its name in `PEERS`.

    Raises:
        StackError: it ended by itself or in no time, or does not run on this broker.
    """
    events = len(history.messages)
    directory = rig.directory / group
    directory.mkdir()
    arguments = ["--directory", str(directory), "--partitions", str(PARTITIONS), *_common(rig, group, events)]
    if name == "kafka-streams":
        command = await _streams(rig.settings().broker)
    else:
        command = [str(bench_python()), "-m", f"dev.bench.peers.{PEERS[name]}"]
    found = await _measure(rig, name, [*command, *arguments], events)
    if (total := found.more.pop("total")) != history.expected.minutes:
        found.fail(f"its sums are {total} instead of {history.expected.minutes}")
    if name == "kafka-streams" and found.more["points"] != (expected := history.points_of_days()):
        found.fail(f"its balances sum to {found.more['points']} points instead of {expected}")
    return found


async def _streams(broker: str) -> list[str]:
    """The command of Kafka Streams: java compiles the one source file as it starts."""
    if broker != "kafka":
        raise StackError("Kafka Streams writes in transactions, which the embedded broker does not have")
    java, jars = await find_java(), await resolve_jars(STREAMS / "pom.xml")
    return [java, "-Xmx1g", "--class-path", f"{jars}/*", str(STREAMS / "Points.java")]


def _common(rig: Rig, group: str, events: int) -> list[str]:
    settings = rig.settings()
    return [
        *("--bootstrap", settings.kafka_bootstrap, "--broker", settings.broker),
        *("--topic", topic_name(settings, "attendance"), "--group", group, "--count", str(events)),
    ]


async def _measure(rig: Rig, name: str, command: list[str], events: int) -> Round:
    running = await start_peer(rig, name, command)
    found = Round(name, events, 0.0, 0.0)
    try:
        began: Any = await wait_for(running, "consumer.started", within=120)
        found.join_seconds = began["at"] - running.began
        async with metered(_meters(rig, found, [running.pid])):
            done: Any = await wait_for(running, "done", within=WITHIN, every=0.1)
        found.seconds = done["at"] - began["at"]
        found.more |= {key: done[key] for key in ("total", "points") if key in done}
    finally:
        await running.stop(patience=3)
    return found
