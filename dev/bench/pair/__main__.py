"""A consumer of this checkout beside an older one's: ``python -m dev.bench.pair --old PATH [--records N --batch N]``.

``--stream ingest`` (points) or ``index`` (operations), which gets as many drives as attendance.
Each side is a process with a PostgreSQL of its own. Both apply the same batches in turn, each batch one after the
other, and the first of a pair is the other side each time; so what slows the machine meets both. Reported are processor
seconds per event of Python and of PostgreSQL and bytes of its log, as medians, and the median of the ratios of pairs.
"""

import argparse
import asyncio
import json
import os
import pickle
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dev.bench.history import history
from dev.bench.rig import ROOT, VAR
from shared.cloudevents import encode
from shared.contracts import DriveOpened
from shared.ids import derived_id
from shared.outbox import event

__all__ = ["Pair", "indexed", "parse", "report"]

SIDE = Path(__file__).with_name("side.py")
WITHIN = 120.0
Pair = tuple[dict[str, float], dict[str, float]]
"""What a batch took in the older checkout and in this one."""
SITES = 26
Sent = tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]
"""A message: topic, partition, key, value, headers."""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench.pair", description=__doc__)
    parser.add_argument("--old", type=Path, required=True, help="path of the other checkout, its .venv included")
    parser.add_argument("--stream", choices=("ingest", "index"), default="ingest")
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--volunteers", type=int, help="a tenth of the records if not given")
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--skip", type=int, default=2, help="batches that do not count: plans and caches are made")
    chosen = parser.parse_args(arguments)
    chosen.volunteers = chosen.volunteers or max(1, chosen.records // 10)
    return chosen


class _Side:
    """A process that applies batches of one checkout."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, checkout: Path, directory: Path, sent: Path, stream: str) -> "_Side":
        python = checkout / ".venv" / "bin" / "python"
        process = await asyncio.create_subprocess_exec(
            *(str(python if python.exists() else sys.executable), "-P", str(SIDE), str(directory), str(sent), stream),
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return cls(process)

    async def hear(self) -> dict[str, Any]:
        """The next line of JSON.

        Raises:
            SystemExit: the process ended or gave no answer.
        """
        assert self.process.stdout is not None
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), WITHIN)
            if not line:
                raise SystemExit("one side ended; what it wrote stands above")
            if line.startswith(b"{") and ("ready" in (found := json.loads(line)) or "python" in found):
                return dict(found)

    async def apply(self, count: int) -> dict[str, Any]:
        """Have it apply its next messages."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n".encode())
        return await self.hear()

    async def stop(self) -> None:
        """Close its input, which ends it and its server."""
        if self.process.stdin is not None and self.process.returncode is None:
            self.process.stdin.close()
            await asyncio.wait_for(self.process.wait(), WITHIN)


def report(pairs: Sequence[Pair]) -> list[tuple[str, float, float, float]]:
    """For each part: the old and the new median per event (µs, for ``wal`` bytes), and the median ratio."""
    found = []
    for part in ("python", "postgres", "both", "wal"):
        members = ("python", "postgres") if part == "both" else (part,)
        scale = 1.0 if part == "wal" else 1e6
        each = [[sum(one[member] for member in members) / one["records"] * scale for one in pair] for pair in pairs]
        old, new = (statistics.median(pair[side] for pair in each) for side in (0, 1))
        found.append((part, old, new, statistics.median(pair[1] / pair[0] for pair in each if pair[0])))
    return found


def _attendance(records: int, volunteers: int) -> Iterator[Sent]:
    for one in history(records, volunteers).messages:
        yield "attendance", one.partition, one.key, one.value, one.headers()


def indexed(records: int, volunteers: int) -> Iterator[Sent]:
    """Attendance and drives in turn: an event of the one names its site each time, one of the other a place."""
    at = datetime.now(UTC)
    for number, one in enumerate(_attendance(records // 2, volunteers)):
        yield one
        opened = DriveOpened(
            drive_id=derived_id("drive", number), code="bench", name="志愿红进广场", place_kind="square",
            site_id=derived_id("site", number % SITES), starts_at=at, ends_at=at + timedelta(hours=2),
        )  # fmt: skip
        headers, value = encode(event(opened, source="bench", aggregate_version=1))
        yield "drives", 0, str(opened.drive_id).encode(), value, headers


async def run(chosen: argparse.Namespace) -> None:
    """Measure and print."""
    VAR.mkdir(parents=True, exist_ok=True)
    made = list({"ingest": _attendance, "index": indexed}[chosen.stream](chosen.records, chosen.volunteers))
    with tempfile.TemporaryDirectory(dir=VAR, prefix="pair_") as place:
        sent = Path(place) / "messages"
        sent.write_bytes(pickle.dumps(made))
        sides = [
            await _Side.start(checkout, Path(place) / name, sent, chosen.stream)
            for name, checkout in (("old", chosen.old.resolve()), ("new", ROOT))
        ]
        pairs: list[Pair] = []
        try:
            for side in sides:
                await side.hear()
            for number in range(len(made) // chosen.batch):
                turn = (0, 1) if number % 2 == 0 else (1, 0)
                took = {which: await sides[which].apply(chosen.batch) for which in turn}
                if number >= chosen.skip:
                    pairs.append((took[0], took[1]))
        finally:
            for side in sides:
                await side.stop()
    print(f"{len(pairs)} pairs of batches of {chosen.batch}")
    for part, old, new, ratio in report(pairs):
        unit = "bytes" if part == "wal" else "µs"
        print(f"{part:9} {old:8.1f} → {new:8.1f} {unit} per event, ratio {ratio:.3f}")


def main() -> None:
    """Read the arguments and run."""
    asyncio.run(run(parse()))


if __name__ == "__main__":
    main()
