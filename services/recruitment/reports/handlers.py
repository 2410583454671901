"""Use case: the district's report of a period, as it stands or as it was known."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.recruitment.activities.guards import unwrap
from services.recruitment.orders.figures import store as order_figures
from services.recruitment.orders.figures.store import OrderTotals
from services.recruitment.periods.domain import ReportPeriod, period_of
from services.recruitment.reports import domain, store
from services.recruitment.reports.store import Attendance, ReportCounts
from shared.clock import DISTRICT_ZONE
from shared.postgres import Database

__all__ = ["ReportFigures", "district"]


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """All figures of one reading. ``as_of`` None: everything committed when it was read."""

    period: ReportPeriod
    as_of: datetime | None
    horizon: datetime
    counts: ReportCounts
    coverage: dict[str, tuple[int, int]]
    pillars: dict[str, int]
    attendance: Attendance
    orders: OrderTotals


async def district(db: Database, start: datetime | None, end: datetime | None, as_of: datetime | None) -> ReportFigures:
    """The report of [start, end); without bounds, the calendar year so far.

    Raises:
        Refusal: the period is reversed or longer than ten years.
    """
    # The horizon first, in a transaction of its own: what commits after it is above it, and seen or not is both right.
    async with db.transaction() as tx:
        horizon, now = await store.horizon(tx)
    year_start = datetime(now.astimezone(DISTRICT_ZONE).year, 1, 1, tzinfo=DISTRICT_ZONE).astimezone(UTC)
    period = unwrap(period_of(start, end, year_start, now))
    known = domain.clamp(as_of, horizon)
    async with db.snapshot() as tx:
        return ReportFigures(
            period=period,
            as_of=known,
            horizon=horizon,
            counts=await store.counts(tx, period, known),
            coverage=await store.coverage(tx, period, known),
            pillars=await store.pillars(tx, period, known),
            attendance=await store.attendance(tx, period, known),
            orders=await order_figures.totals(tx, period.start, period.end, None, known),
        )
