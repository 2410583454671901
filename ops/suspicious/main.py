"""`report suspicious`: doubtful service records, read by a role that can only read. It decides nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table

from shared.errors import TransientError
from shared.postgres import TRANSIENT, load_queries

__all__ = ["Doubt", "find_doubts", "run_report"]

SHOWN = 20
"""Rows printed per kind; `--json` lists all."""
LONG_DAY_MINUTES = 480
_SQL = load_queries(__file__)
_SESSION = {"search_path": "pg_catalog", "timezone": "UTC", "application_name": "weiguang-report", "jit": "off"}
_KINDS = {
    "stretched": "corrected to longer than its first content, or outside of it",
    "new_device": "its device was registered less than 24 hours before the shift",
    "late_shift": "its shift was planned after it had begun",
    "late_volunteer": "its volunteer registered after the shift had begun",
    "same_site": "entered and approved by the same site",
    "long_day": f"more than {LONG_DAY_MINUTES} minutes of one day on one account's word",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A record, or a volunteer's day, that a person should check; ``excess`` minutes beyond what is usual.

    ``account`` recorded, corrected or approved it: a member of staff, or a leader's volunteer id.
    """

    kind: str
    record_id: UUID | None
    volunteer_id: UUID
    site_id: UUID | None
    account: UUID | None
    started_at: datetime
    minutes: int
    excess: int | None


async def find_doubts(dsn: str) -> list[Doubt]:
    """All doubtful records over one snapshot, by kind and then by time.

    Raises:
        TransientError: the database cannot be reached.
    """
    try:
        conn: Any = await asyncpg.connect(dsn, timeout=10, server_settings=_SESSION)
    except TRANSIENT as error:
        raise TransientError(f"PostgreSQL did not answer as expected: {error}") from error
    found: list[Doubt] = []
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            for kind in _KINDS:
                arguments = (LONG_DAY_MINUTES,) if kind == "long_day" else ()
                found += [Doubt(kind=kind, **dict(row)) for row in await conn.fetch(_SQL[kind], *arguments)]
    except TRANSIENT as error:
        raise TransientError(f"PostgreSQL did not answer as expected: {error}") from error
    finally:
        await conn.close()
    return found


async def run_report(dsn: str, *, as_json: bool = False, console: Console | None = None) -> int:
    """Print the doubtful records as tables or JSON; returns the exit code: 0, or 2 without an answer."""
    console = console or Console()
    try:
        doubts = await find_doubts(dsn)
    except TransientError as error:
        console.print(f"The report could not run: {error}", style="red", markup=False)
        return 2
    if as_json:
        console.file.write(
            json.dumps([asdict(each) for each in doubts], ensure_ascii=False, indent=2, default=_said) + "\n"
        )
        return 0
    for kind, meaning in _KINDS.items():
        _show(console, kind, meaning, [each for each in doubts if each.kind == kind])
    console.print(f"{len(doubts):,} doubtful; nothing was changed: a person checks and decides.", highlight=False)
    return 0


def _show(console: Console, kind: str, meaning: str, doubts: Sequence[Doubt]) -> None:
    if not doubts:
        return
    table = Table(title=f"{kind} ({len(doubts):,}): {meaning}", title_justify="left")
    for column in ("Record", "Volunteer", "Site", "Account", "Started (UTC)", "Minutes", "Excess"):
        table.add_column(column, justify="right" if column in ("Minutes", "Excess") else "left", overflow="fold")
    for each in doubts[:SHOWN]:
        ids = (each.record_id, each.volunteer_id, each.site_id, each.account)
        excess = "" if each.excess is None else f"{each.excess:,}"
        table.add_row(
            *(str(one or "") for one in ids), f"{each.started_at:%Y-%m-%d %H:%M}", f"{each.minutes:,}", excess
        )
    console.print(table)
    if len(doubts) > SHOWN:
        console.print(f"… and {len(doubts) - SHOWN:,} more; --json lists all", markup=False)


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
