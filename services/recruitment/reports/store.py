"""The figures, read in one snapshot."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from services.recruitment.periods.domain import ReportPeriod
from shared.postgres import Tx, load_queries

__all__ = ["Attendance", "ReportCounts", "attendance", "counts", "coverage", "horizon", "pillars"]

_SQL = load_queries(__file__)
_ALL = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """Counts of a report other than attendance."""

    sites: dict[str, int]
    teams: dict[str, int]
    docked: int
    themes: int
    drives: dict[str, int]
    appeals: int
    projects: int
    honours: int
    registered: int
    activities: int
    residents_served: int


@dataclass(frozen=True, slots=True)
class Attendance:
    """Attendance of the period; ``minutes`` of confirmed records, ``imported_minutes`` apart."""

    records: int
    participants: int
    participations: int
    minutes: int
    honour_minutes: int
    waiting: int
    provenances: dict[str, int]
    imported_minutes: int


async def horizon(tx: Tx) -> tuple[datetime, datetime]:
    """(horizon, business time); to be read in a transaction before the one that reads the figures."""
    row = await tx.fetchrow(_SQL["horizon"])
    assert row is not None
    return row["horizon"], row["now"]


async def counts(tx: Tx, period: ReportPeriod, as_of: datetime | None) -> ReportCounts:
    """Sites, teams, drives, volunteers, activities."""
    row = await tx.fetchrow(_SQL["counts"], period.start, period.end, as_of or _ALL)
    assert row is not None
    values: dict[str, Any] = dict(row)
    for name in ("sites", "teams", "drives"):
        values[name] = {} if values[name] is None else orjson.loads(values[name])
    return ReportCounts(**values)


async def coverage(tx: Tx, period: ReportPeriod, as_of: datetime | None) -> dict[str, tuple[int, int]]:
    """Level → (covered, sites)."""
    rows = await tx.fetch(_SQL["coverage"], period.start, period.end, as_of or _ALL)
    return {row["level"]: (row["covered"], row["sites"]) for row in rows}


async def pillars(tx: Tx, period: ReportPeriod, as_of: datetime | None) -> dict[str, int]:
    """Pillar → activities."""
    rows = await tx.fetch(_SQL["pillars"], period.start, period.end, as_of or _ALL)
    return {row["pillar"]: row["activities"] for row in rows}


async def attendance(tx: Tx, period: ReportPeriod, as_of: datetime | None) -> Attendance:
    """Attendance as it stands, or as it was known at ``as_of``."""
    bounds = (period.start, period.end)
    if as_of is None:
        row = await tx.fetchrow(_SQL["attendance_now"], *bounds)
        ways = await tx.fetch(_SQL["provenances_now"], *bounds)
        imported = await tx.fetchval(_SQL["imported_now"], period.end)
    else:
        row = await tx.fetchrow(_SQL["attendance_as_of"], *bounds, as_of)
        ways = await tx.fetch(_SQL["provenances_as_of"], *bounds, as_of)
        imported = await tx.fetchval(_SQL["imported_as_of"], period.end, as_of)
    assert row is not None
    provenances = {way["provenance"]: way["records"] for way in ways}
    return Attendance(**dict(row), provenances=provenances, imported_minutes=imported)
