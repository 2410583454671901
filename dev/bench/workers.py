"""The points service's own processes, started as a deployment starts them, against one database of the rig."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from dev.bench.rig import ROOT, Rig
from dev.bench.telling import heard
from dev.stack.errors import StackError
from dev.stack.processes import free_port, spawn, stop
from services.points.__main__ import ROLES
from services.points.ingest.stream import group_of

__all__ = ["AGENT_ROLES", "Running", "Workers", "start_peer", "wait_for"]

AGENT_ROLES = tuple(role for role in ("teams",) if role in ROLES)
"""Those of the service's roles that follow attendance beside the ingest, integrity among them."""
_NUMBERS = count()


@dataclass(slots=True)
class Running:
    """A process and its log."""

    name: str
    log: Path
    process: asyncio.subprocess.Process
    began: float = field(default_factory=time.time)

    @property
    def pid(self) -> int:
        return self.process.pid

    async def stop(self, patience: float = 8.0) -> None:
        """Ask it to end."""
        await stop(self.process, patience=patience)

    def tail(self, characters: int = 2000) -> str:
        """The end of its log, for a message."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]
        except OSError:
            return "(no log)"


async def wait_for(running: Running, event: str, *, within: float, every: float = 0.05) -> dict[str, object]:
    """The first line of that event in the process' log.

    Raises:
        StackError: it ended, or said nothing in time; with the end of its log.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := heard(running.log, event):
            return found[0]
        if running.process.returncode is not None:
            raise StackError(f"{running.name} ended with {running.process.returncode}:\n{running.tail()}")
        await asyncio.sleep(every)
    raise StackError(f"{running.name} did not say {event!r} within {within:.0f} s:\n{running.tail()}")


@dataclass(slots=True)
class Workers:
    """Processes of the service on one database and one topic prefix."""

    rig: Rig
    database: str
    prefix: str
    generation: int = field(default_factory=count(1).__next__)
    started: list[Running] = field(default_factory=list)

    @property
    def group(self) -> str:
        """The consumer group of its ingest: one of its own for each, which begins at the first record."""
        return group_of(self.generation)

    async def start(self, role: str) -> Running:
        """`python -m services.points <role>`."""
        name = f"{self.database}-{role}-{next(_NUMBERS)}"  # never a log in which an earlier one has spoken
        log = self.rig.directory / f"{name}.log"
        command = [sys.executable, "-m", "services.points", role]
        (self.rig.directory / "faust").mkdir(exist_ok=True)
        running = Running(name, log, await spawn(command, log=log, env=self._environment(name), cwd=ROOT))
        self.started.append(running)
        return running

    def _environment(self, name: str) -> dict[str, str]:
        """What the stack gives them, and whatever WEIGUANG_… the caller wants to try."""
        settings = self.rig.settings(self.prefix)
        return {
            **{key: value for key, value in os.environ.items() if key.startswith("WEIGUANG_")},
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": os.environ.get("HOME", "/"),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "MALLOC_ARENA_MAX": "2",
            "WEIGUANG_ENVIRONMENT": "embedded",
            "WEIGUANG_BROKER": settings.broker,
            "WEIGUANG_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "WEIGUANG_BROKER_INCARNATION": settings.broker_incarnation,
            "WEIGUANG_TOPIC_PREFIX": settings.topic_prefix,
            "WEIGUANG_TOPIC_PARTITIONS": str(settings.topic_partitions),
            "WEIGUANG_DATABASE_URL": self.rig.dsn("points_app", self.database),
            "WEIGUANG_INGEST_GENERATION": str(self.generation),
            "WEIGUANG_OPS_PORT": str(free_port()),
            "WEIGUANG_FAUST_DATA_DIR": str(self.rig.directory / "faust" / name),
            # of a batch that is put aside a line is written, of nothing else: as much as a deployment would log
            "WEIGUANG_LOG_LEVEL": os.environ.get("WEIGUANG_LOG_LEVEL", "INFO"),
        }

    async def kill(self, running: Running) -> None:
        """`kill -9`, of that process alone."""
        os.kill(running.pid, signal.SIGKILL)
        await running.process.wait()

    async def consuming(self, runnings: list[Running], *, within: float = 60.0) -> tuple[float, float]:
        """When the first of them had its partitions (seconds since 1970), and how long after its start that was."""
        found = []
        for running in runnings:
            line = await wait_for(running, "consumer.started", within=within, every=0.02)
            at = datetime.fromisoformat(str(line["at"])).timestamp()
            found.append((at, at - running.began))
        return min(found)

    def broken(self) -> Running | None:
        """One that ended by itself."""
        for running in self.started:
            if running.process.returncode not in (None, -signal.SIGKILL):
                return running
        return None

    async def stop(self) -> None:
        """End all of them."""
        await asyncio.gather(*(running.stop() for running in self.started))


async def start_peer(rig: Rig, name: str, command: list[str]) -> Running:
    """Start a measured process that is not of the service."""
    log = rig.directory / f"{name}-{next(_NUMBERS)}.log"
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "MALLOC_ARENA_MAX": "2",
    }
    return Running(name, log, await spawn(command, log=log, env=env, cwd=ROOT))
