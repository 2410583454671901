"""`audit`: the invariants A1 to A8 over one snapshot of all schemas, as a role that can only read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.audit import badges, completeness, goods, teams, worth
from ops.audit.model import Check, Report, could_not_be_checked, merged
from ops.audit.parts import walk_apart
from ops.audit.session import UNREADABLE, snapshot
from ops.audit.sql import VolunteerRange
from ops.audit.volunteers import Walked, ranges, walk
from services.points.invariants import store as invariants
from shared.errors import TransientError
from shared.postgres import TRANSIENT, Tx

__all__ = ["audit", "run_audit"]

SHOWN = 10
"""Offenders printed per check; `--json` lists more."""


async def audit(
    dsn: str,
    *,
    settled: bool = False,
    teams_too: bool = True,
    direct_feed: bool = False,
    sessions: int = 1,
    processes: int = 1,
) -> Report:
    """Run all checks in REPEATABLE READ, READ ONLY transactions over one snapshot.

    Args:
        dsn: the database, as `auditor`.
        settled: nothing is on its way any more, so a published revision that was not applied is a breach.
        teams_too: the teams' own consumer of attendance has run as well (a bench measures the ingest without it).
        direct_feed: a test or a bench writes the topic without recruitment, so records unknown to it are no forgeries.
        sessions: over so many of them, for large ledgers.
        processes: with more than one, so many further processes prove the worth of one range of volunteers each.

    Raises:
        TransientError: the database cannot be reached, or a process ended without findings.
    """
    started = time.monotonic()
    try:
        async with snapshot(dsn, sessions, shared=processes > 1) as (transactions, exported):
            apart = await ranges(transactions[0], processes) if processes > 1 else []
            # The walk takes longest, and a session that comes second needs something to do until its end.
            checks = [] if apart else [("A4", _everybody)]
            checks += _checks(settled=settled, teams_too=teams_too, direct_feed=direct_feed)

            async def work(tx: Tx) -> list[Walked | Check]:
                found: list[Walked | Check] = []
                while checks:
                    found.append(await _timed(tx, *checks.pop(0)))
                return found

            walking = [_one(walk_apart(dsn, exported, chosen)) for chosen in apart]
            found = await _side_by_side([*walking, *map(work, transactions)])
    except TRANSIENT as error:
        raise TransientError(f"PostgreSQL did not answer as expected: {error}") from error
    return Report(_report(found), settled, time.monotonic() - started)


def _checks(*, settled: bool, teams_too: bool, direct_feed: bool) -> list[tuple[str, Any]]:
    """Everything but the walk, longest first."""
    completeness_of = partial(_completeness, settled=settled, teams_too=teams_too, direct_feed=direct_feed)
    return [
        ("A4", worth.postings),
        *invariants.CHECKS,
        ("A3", completeness_of),
        ("A5", teams.prove),
        ("A8", goods.deliveries),
    ]


async def _everybody(tx: Tx) -> Walked:
    (everybody,) = VolunteerRange.between(())
    return await walk(tx, everybody)


async def _one(work: Awaitable[Walked]) -> list[Walked | Check]:
    return [await work]


async def _side_by_side(works: Iterable[Any]) -> list[Walked | Check]:
    """The findings of all; what still runs when one fails is cancelled."""
    running = [asyncio.ensure_future(one) for one in works]
    try:
        return [found for many in await asyncio.gather(*running) for found in many]
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _report(found: Sequence[Walked | Check]) -> tuple[Check, ...]:
    """One check for each invariant; A4 and A5 have several parts, each in an order of its own."""
    walks = [one for one in found if isinstance(one, Walked)]
    older = Check("A5", badges.TITLE, notes=badges.note_of_older(sum(one.older for one in walks)))
    parts: dict[str, list[Check]] = {}
    for check in found:
        if isinstance(check, Check):
            parts.setdefault(check.code, []).append(check)
    parts["A4"] = [*parts["A4"], *(one.awards for one in walks)]
    parts["A5"] = [*(one.badges for one in walks), older, *parts["A5"]]
    return tuple(merged(parts[code]) for code in sorted(parts))


async def _completeness(tx: Tx, *, settled: bool, teams_too: bool, direct_feed: bool) -> Check:
    """A3 for both consumers of attendance: the ledger and the teams."""
    check = await completeness.completeness(tx, settled=settled, direct_feed=direct_feed)
    if teams_too:
        await teams.arrived(tx, check, settled=settled)
    return check


async def _timed(tx: Tx, code: str, check: Callable[[Tx], Awaitable[Walked | Check]]) -> Walked | Check:
    started = time.monotonic()
    try:
        async with tx.conn.transaction():
            done = await check(tx)
    except UNREADABLE as error:
        done = could_not_be_checked(code, error)
    if isinstance(done, Check):  # a walk knows the time of its two checks
        done.seconds = time.monotonic() - started
    return done


async def run_audit(
    dsn: str,
    *,
    settled: bool = False,
    as_json: bool = False,
    processes: int = 1,
    console: Console | None = None,
) -> int:
    """Audit and print: a table and the offenders, or JSON. Returns the exit code: 0 clean, 1 breach, 2 no answer."""
    console = console or Console()
    try:
        report = await audit(dsn, settled=settled, sessions=min(2, processes), processes=processes)
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
