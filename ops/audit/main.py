"""`audit`: the invariants A1 to A8 over one snapshot of all schemas, as a role that can only read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from ops.audit import completeness, goods, teams, worth
from ops.audit.model import Check, Report
from ops.audit.sql import SQL
from services.points.invariants import store as invariants
from shared.errors import TransientError
from shared.postgres import TRANSIENT, Tx

__all__ = ["audit", "run_audit"]

SHOWN = 10
"""Offenders printed per check; `--json` lists more."""

SESSION = {
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "application_name": "weiguang-audit",
    "work_mem": "64MB",
    "jit": "off",
}
CheckFunction = Callable[[Tx], Awaitable[Check]]


async def audit(
    dsn: str, *, settled: bool = False, teams_too: bool = True, direct_feed: bool = False, sessions: int = 1
) -> Report:
    """Run all checks in REPEATABLE READ, READ ONLY transactions over one snapshot.

    Args:
        dsn: the database, as `auditor`.
        settled: nothing is on its way any more, so a published revision that was not applied is a breach.
        teams_too: the teams' own consumer of attendance has run as well (a bench measures the ingest without it).
        direct_feed: a test or a bench writes the topic without recruitment, so records unknown to it are no forgeries.
        sessions: over so many of them, for large ledgers: some checks keep this process busy, others the server.

    Raises:
        TransientError: the database cannot be reached.
    """
    # Longest first, for who comes second to have something to do until the end.
    checks: list[tuple[str, CheckFunction]] = [
        ("A4", worth.awards),
        ("A3", partial(_completeness, settled=settled, teams_too=teams_too, direct_feed=direct_feed)),
        ("A5", _badges),
        *invariants.CHECKS,
        ("A8", goods.deliveries),
    ]
    started = time.monotonic()
    done: list[Check] = []

    async def work(tx: Tx) -> None:
        while checks:
            done.append(await _timed(tx, *checks.pop(0)))

    async with _snapshot(dsn, sessions) as transactions:
        working = [asyncio.create_task(work(tx)) for tx in transactions]
        try:
            await asyncio.gather(*working)
        finally:
            for one in working:
                one.cancel()
            await asyncio.gather(*working, return_exceptions=True)
    return Report(tuple(sorted(done, key=lambda check: check.code)), settled, time.monotonic() - started)


async def _completeness(tx: Tx, *, settled: bool, teams_too: bool, direct_feed: bool) -> Check:
    """A3 for both consumers of attendance: the ledger and the teams."""
    check = await completeness.completeness(tx, settled=settled, direct_feed=direct_feed)
    if teams_too:
        await teams.arrived(tx, check, settled=settled)
    return check


async def _badges(tx: Tx) -> Check:
    """A5 for volunteers and teams."""
    check = await worth.badges(tx)
    await teams.prove(tx, check)
    return check


@asynccontextmanager
async def _snapshot(dsn: str, sessions: int) -> AsyncIterator[list[Tx]]:
    """One state of everything. No service's pool: to sum a large ledger may take longer than a request ever should."""
    found: list[Tx] = []
    try:
        async with AsyncExitStack() as stack:
            for number in range(sessions):
                conn: Any = await asyncpg.connect(dsn, timeout=10, server_settings=SESSION)
                stack.push_async_callback(conn.close)
                await stack.enter_async_context(conn.transaction(isolation="repeatable_read", readonly=True))
                if number == 0 and sessions > 1:
                    exported = await conn.fetchval(SQL["export_snapshot"])
                elif number > 0:
                    await conn.execute(f"set transaction snapshot '{exported}'")  # takes no parameter
                found.append(Tx(conn))
            yield found
    except TRANSIENT as error:
        raise TransientError(f"PostgreSQL did not answer as expected: {error}") from error


async def _timed(tx: Tx, code: str, check: CheckFunction) -> Check:
    started = time.monotonic()
    try:
        async with tx.conn.transaction():
            done = await check(tx)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError) as error:
        # Not being able to look is no proof that all is well.
        done = Check(code, "could not be checked")
        done.add_violation("the audit", str(error))
    done.seconds = time.monotonic() - started
    return done


async def run_audit(dsn: str, *, settled: bool = False, as_json: bool = False, console: Console | None = None) -> int:
    """Audit and print: a table and the offenders, or JSON. Returns the exit code: 0 clean, 1 breach, 2 no answer."""
    console = console or Console()
    try:
        report = await audit(dsn, settled=settled)
    except TransientError as error:
        console.print(f"The audit could not run: {error}", style="red", markup=False)
        return 2
    if as_json:
        console.file.write(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n")
    else:
        show(report, console)
    return 0 if report.ok else 1


def show(report: Report, console: Console) -> None:
    """Print a report for people."""
    table = Table(title="Audit", title_justify="left")
    for column in ("Check", "What holds", "Examined", "Breaches", "Seconds"):
        table.add_column(column, justify="right" if column in ("Examined", "Breaches", "Seconds") else "left")
    for check in report.checks:
        style = None if check.ok else "red"
        figures = (f"{check.examined:,}", f"{check.breaches:,}", f"{check.seconds:.2f}")
        table.add_row(check.code, check.title, *figures, style=style)
    console.print(table)
    for check in report.checks:
        for note in check.notes[:SHOWN]:
            console.print(f"{check.code} note: {note}", markup=False)
        for offender in check.offenders[:SHOWN]:
            console.print(f"{check.code} {offender.subject}: {offender.detail}", style="red", markup=False)
        if check.breaches > SHOWN:
            console.print(f"{check.code} … and {check.breaches - SHOWN} more", style="red", markup=False)
    verdict = "clean" if report.ok else "BREACHED"
    console.print(f"Audit {verdict} in {report.seconds:.1f} s.", style="green" if report.ok else "bold red")
