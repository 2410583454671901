"""Sizes and seeds of drills, and the table at the end.

`make test` plays the same part of each drill each time, `make drill` (DRILL=full) and the depth (DEPTH=deep) all of it
by a new seed. SEED=… repeats a run.
"""

import os
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from shared.postgres import Database
from tests.drill.stage import Stage, setting
from tests.support.brokers import broker_name
from tests.support.databases import TestDatabase
from tests.support.depth import DEEP

TIMED = os.environ.get("DRILL") == "full"
"""`make drill`: alone on its machine, so that it may judge how fast the crowds are answered."""
FULL = TIMED or DEEP
SEED = int(os.environ.get("SEED") or (random.SystemRandom().randrange(10**9) if FULL else 20260305))
"""Breadth plays the same parts each time, so that it fails by no chance; whole drills are drawn anew."""


@dataclass(frozen=True, slots=True)
class Drill:
    """How much to do, by which seed, and where to write down what was done."""

    full: bool
    timed: bool
    seed: int
    note: Callable[[str, Any], None]

    def size(self, full: int, part: int) -> int:
        """So much in `make drill`, so much in `make test`."""
        return full if self.full else part

    def random(self, name: str) -> random.Random:
        """Numbers for one drill, the same for the same seed."""
        return random.Random(f"{self.seed}/{name}")

    def done(self, what: str, kills: int = 0, **figures: Any) -> None:
        """A line of the table."""
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
        self.note("drill", (what, kills, told))


@pytest.fixture
def drill(record_property: Callable[[str, Any], None]) -> Drill:
    return Drill(FULL, TIMED, SEED, record_property)


@pytest.fixture
async def stage(test_database: TestDatabase, points_db: Database) -> AsyncIterator[Stage]:
    """A database for histories, and the superuser who publishes for recruitment."""
    async with setting(test_database, points_db) as found:
        yield found


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Whoever reads of a failure reads the seed with it."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        report.sections.append(("drill", f"SEED={SEED} BROKER={broker_name()} make drill plays the same again"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was done: only for people who run drills by themselves."""
    if not TIMED:
        return
    table = Table(title=f"Drill, seed {SEED}, broker {broker_name()}", title_justify="left")
    for column in ("Drill", "Kills", "Figures", "Seconds", ""):
        table.add_column(column, justify="right" if column in ("Kills", "Seconds") else "left")
    kills = 0
    for word in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(word, ()):
            if word in ("passed", "failed") and report.when != "call":
                continue
            noted = [value for name, value in report.user_properties if name == "drill"]
            what = report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
            for title, killed, figures in noted or [(what, 0, "")]:
                kills += killed
                good = word == "passed"
                colour = "green" if good else "yellow" if word == "skipped" else "red"
                seconds = f"{report.duration:.0f}"
                table.add_row(title, str(killed or ""), figures, seconds, f"[{colour}]{word}[/]")
    table.add_row("all", str(kills), "", "", "")
    Console(width=150).print(table)
