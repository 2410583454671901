"""Runs of the audit to rows and back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.points.audits.domain import AuditRun, ClaimedRun
from services.points.invariants.domain import Check
from shared.postgres import Tx, load_queries

__all__ = ["claim", "extend", "find", "finish", "insert", "listed", "progress"]

_SQL = load_queries(__file__)


async def insert(tx: Tx, run_id: UUID, requested_by: UUID, reason: str, checks: int) -> bool:
    """Add a run that waits; False where another one is under way."""
    return await tx.fetchval(_SQL["insert"], run_id, requested_by, reason, checks) is not None


async def find(tx: Tx, run_id: UUID) -> AuditRun | None:
    """A run, None if there is none."""
    row = await tx.fetchrow(_SQL["find"], run_id)
    return None if row is None else _run(row)


async def listed(tx: Tx, *, before: tuple[datetime, UUID] | None, limit: int) -> list[AuditRun]:
    """Runs, newest first."""
    at, run_id = before or (None, None)
    return [_run(row) for row in await tx.fetch(_SQL["list"], at, run_id, limit)]


async def claim(tx: Tx, lease: float) -> ClaimedRun | None:
    """Claim the run that waits for a worker, for ``lease`` seconds."""
    row = await tx.fetchrow(_SQL["claim"], lease)
    return None if row is None else ClaimedRun(row["run_id"], row["attempts"])


async def extend(tx: Tx, claimed: ClaimedRun, lease: float) -> bool:
    """Go on owning a run; False where another worker owns it."""
    return await tx.fetchval(_SQL["extend"], claimed.run_id, claimed.attempt, lease) is not None


async def progress(tx: Tx, claimed: ClaimedRun, checks: Sequence[Check]) -> bool:
    """Store the checks that are done; False where another worker owns the run."""
    report = orjson.dumps([check.as_json() for check in checks]).decode()
    found = sum(check.breaches for check in checks)
    return await tx.fetchval(_SQL["progress"], claimed.run_id, claimed.attempt, len(checks), found, report) is not None


async def finish(tx: Tx, claimed: ClaimedRun, problem: str | None) -> None:
    """End a run: done, or failed for a reason."""
    state = "done" if problem is None else "failed"
    await tx.fetchval(_SQL["finish"], claimed.run_id, claimed.attempt, state, problem)


def _run(row: Any) -> AuditRun:
    values = dict(row)
    return AuditRun(**values | {"report": orjson.loads(values["report"])})
