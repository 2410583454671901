"""Drafts, and the real process that rehearses them, for tests."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from dev.stack.forking import spawn
from dev.stack.processes import ChildProcess
from services.points.rehearsals import handlers, store
from services.points.rehearsals.store import Rehearsal
from services.points.rules import handlers as rules
from shared.auth.tokens import Caller, Role
from shared.ids import new_id
from shared.postgres import Database
from shared.settings import Settings
from tests.support.waiting import WAIT_LIMIT

OPERATOR = Caller(subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=None)
LEDGER = (
    "records", "superseded_revisions", "volunteers", "buckets", "bucket_history", "lots", "transfers", "holds",
    "badge_awards", "complaints", "referrals", "adjustments", "outbox", "rule_versions",
)  # fmt: skip
"""What a rehearsal may not touch."""


def draft_text(effective_from: str = "2026-01-01", **changes: str) -> str:
    """The district's rule with 12 points an hour and a bonus of 5; ``changes`` replace its lines."""
    lines = {
        "name": "name: 试行规则",
        "earning": "earning: {provenances: [scanned, kiosk, leader], points_per_hour: 12, minimum_minutes: 15}",
        "caps": "caps: {day_minutes: 480}",
        "first_service": "first_service: {points: 5}",
        "expiry": "expiry: {months: 24}",
    } | changes
    return "\n".join(["version: 1", f"effective_from: {effective_from}", "zone: Asia/Shanghai", *lines.values()])


async def draft(database: Database, text: str) -> int:
    """A draft's number."""
    async with database.transaction() as tx:
        return (await rules.draft(tx, OPERATOR, text)).document.version


async def ask(database: Database, version: int) -> UUID:
    """Queue a rehearsal."""
    async with database.transaction() as tx:
        return (await handlers.request(tx, OPERATOR, version)).rehearsal_id


async def look(database: Database, rehearsal_id: UUID) -> Rehearsal:
    """A rehearsal as it is now."""
    async with database.snapshot() as tx:
        return await handlers.find(tx, rehearsal_id)


async def results(database: Database, rehearsal_id: UUID) -> dict[UUID, tuple[int, int, int]]:
    """Volunteer → (records, before, after), of everybody."""
    async with database.snapshot() as tx:
        found = await store.results_by_volunteer(tx, rehearsal_id, after=None, limit=1_000_000)
    return {one.volunteer_id: (one.records, one.before, one.after) for one in found}


async def budget(database: Database, rehearsal_id: UUID) -> list[Any]:
    async with database.snapshot() as tx:
        return list(await store.budget(tx, rehearsal_id, after=None, limit=1_000_000))


@asynccontextmanager
async def rehearsing(settings: Settings, rehearsal_id: UUID) -> AsyncIterator[ChildProcess]:
    """``python -m services.points rehearse …``, as the worker starts it; killed at the end if it still runs."""
    values = settings.model_dump(mode="json", exclude={"auth_public_keys", "auth_signing_key", "service"})
    environment = {
        f"WEIGUANG_{name.upper()}": json.dumps(value) if isinstance(value, dict | list) else str(value)
        for name, value in values.items()
        if value is not None
    }
    command = [sys.executable, "-m", "services.points", "rehearse", str(rehearsal_id)]
    process = await spawn(command, env={**os.environ, **environment})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


async def rehearse(database: Database, settings: Settings, version: int) -> Rehearsal:
    """Ask for a rehearsal, let the process replay it, and return what came of it."""
    rehearsal_id = await ask(database, version)
    async with rehearsing(settings, rehearsal_id) as process:
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    return await look(database, rehearsal_id)


async def fingerprint(database: Database) -> dict[str, str]:
    """A hash of each table of the ledger, down to where its rows lie and which transactions wrote or locked them; of
    the rules' table without the latter, as a rehearsal refers to its version.
    """
    async with database.snapshot() as tx:
        found = {}
        for table in LEDGER:
            row = "t.ctid::text || t.xmin::text || t::text" + (" || t.xmax::text" if table != "rule_versions" else "")
            found[table] = await tx.fetchval(
                f"select md5(coalesce(string_agg({row}, '|' order by t.ctid), '')) from {table} t"
            )
        return found
