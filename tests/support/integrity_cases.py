"""Records that contradict each other, and the cases that integrity opens on them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ops.audit.main import audit
from services.points.integrity import handlers
from services.points.integrity.domain import CaseStatus, Flag
from services.points.policy import stored_policy
from shared.auth.tokens import Caller, Role
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import NOW, OTHER_SITE, Api, Ledger, record, serving
from tests.support.audits import by_code
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory

__all__ = ["MORNING", "OPERATOR", "api", "available", "flag", "ledger", "opened", "pair", "proven", "settled"]

MORNING = datetime(2026, 1, 10, 1, 0, tzinfo=UTC)

OPERATOR = Caller(subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=None)


@pytest.fixture
async def ledger(points_db: Database, clock: Clock) -> Ledger:
    await clock.set(NOW)
    return await Ledger.open(points_db)


@pytest.fixture
async def api(points_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Api]:
    async with serving(points_db, settings_for) as running:
        yield running


def pair(volunteer_id: UUID) -> tuple[AttendanceRecorded, AttendanceRecorded]:
    """Two hours at two sites, of which they share one."""
    return (
        record(volunteer_id, 120),
        record(volunteer_id, 120, started_at=MORNING + timedelta(hours=1), site_id=OTHER_SITE),
    )


def flag(*records: AttendanceRecorded, kind: Any = "two-sites", about: str = "") -> Flag:
    return Flag(
        kind,
        "volunteer" if kind != "burst" else "recorder",
        str(records[0].volunteer_id),
        about or "|".join(sorted(str(found.record_id) for found in records)),
        tuple(sorted((found.record_id, found.volunteer_id) for found in records)),
        tuple(sorted({found.site_id for found in records if found.site_id is not None})),
        {"day": "2026-01-10", "measured": 60, "limit": 1, "unit": "minutes"},
        1,
    )


async def opened(database: Database, *flags: Flag) -> int:
    async with database.transaction() as tx:
        return await handlers.report(tx, flags, stored_policy())


async def settled(database: Database, found: Flag, status: CaseStatus) -> None:
    async with database.transaction() as tx:
        await handlers.settle(tx, OPERATOR, handlers.case_id_of(found), status, "looked into", stored_policy())


async def available(database: Database, volunteer_id: UUID) -> tuple[int, int]:
    """Points, and the counter of flags that stand."""
    row = await database.pool.fetchrow(
        "select available, standing_flags from volunteers where volunteer_id = $1", volunteer_id
    )
    return row["available"], row["standing_flags"]


async def proven(test_database: TestDatabase) -> None:
    """A1, A2, A4, A5 and A6 hold."""
    checks = by_code(await audit(test_database.dsn_for("auditor")))
    for code in ("A1", "A2", "A4", "A5", "A6"):
        assert checks[code].ok, checks[code].as_json()
