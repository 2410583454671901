"""What the disk itself takes for a commit's flush, with nothing of ours on it: no latency of ours can be below it."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from dev.bench.latency import percentile

__all__ = ["Flushes", "flushes"]

_ROOM = 16 * 2**20
_WRITE = 32 * 2**10
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Flushes:
    """Milliseconds of an fdatasync after 32 KiB were written over what a file held, as into a log's segment."""

    flushes: int
    flush_p50_ms: float
    flush_p99_ms: float
    flush_max_ms: float


def flushes(directory: Path, seconds: float) -> Flushes:
    """Write and flush a hundred times a second for so long, on the disk of a folder; nothing is left behind."""
    path = directory / "flushes"
    took: list[float] = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, bytes(_ROOM))
        os.fsync(descriptor)
        end = time.monotonic() + seconds
        while time.monotonic() < end or not took:
            os.pwrite(descriptor, bytes(_WRITE), len(took) * _WRITE % _ROOM)
            began = time.perf_counter()
            os.fdatasync(descriptor)
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(_PAUSE)
    finally:
        os.close(descriptor)
        path.unlink()
    return Flushes(len(took), statistics.median(took), percentile(took, 0.99), max(took))
