"""Processor time and memory of process trees, while something is measured."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

__all__ = ["Meter", "Usage", "metered"]

CPU_EVERY = 0.2
MEMORY_EVERY = 1.0
_Identity = tuple[int, float]


@dataclass(slots=True)
class Usage:
    """``cpu``: seconds of processor time; ``peak_mb``: the most memory at once, each shared page counted once (PSS)."""

    cpu: float = 0.0
    peak_mb: float = 0.0


@dataclass(slots=True)
class Meter:
    """One group of process trees; processes that end keep the time they were last seen with."""

    roots: list[int]
    usage: Usage = field(default_factory=Usage)
    _first: dict[_Identity, float] = field(default_factory=dict)
    _last: dict[_Identity, float] = field(default_factory=dict)

    def begin(self) -> None:
        """From now on; what was used before does not count."""
        self._last.clear()
        self._look()
        self._first = dict(self._last)

    def _processes(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for pid in self.roots:
            with contextlib.suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                found += [root, *root.children(recursive=True)]
        return found

    def _look(self) -> None:
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                self._last[process.pid, process.create_time()] = times.user + times.system

    def cpu(self) -> None:
        """Take the processor times."""
        self._look()
        self.usage.cpu = sum(seconds - self._first.get(key, 0.0) for key, seconds in self._last.items())

    def memory(self) -> None:
        """Take the memory."""
        total = 0
        for process in self._processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
        self.usage.peak_mb = max(self.usage.peak_mb, total / 1e6)


@asynccontextmanager
async def metered(meters: Sequence[Meter]) -> AsyncIterator[None]:
    """Measure while the block runs."""
    for meter in meters:
        meter.begin()

    async def watch() -> None:
        seen = 0.0
        while True:
            for meter in meters:
                meter.cpu()
                if time.monotonic() - seen >= MEMORY_EVERY:
                    # walking a server's page tables takes milliseconds: not on the loop that also listens
                    await asyncio.to_thread(meter.memory)
            if time.monotonic() - seen >= MEMORY_EVERY:
                seen = time.monotonic()
            await asyncio.sleep(CPU_EVERY)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        for meter in meters:
            meter.cpu()
            await asyncio.to_thread(meter.memory)
