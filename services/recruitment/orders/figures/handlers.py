"""Use case: the figures of the orders of a period, within a caller's sites."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.recruitment.activities.guards import unwrap
from services.recruitment.orders.figures import store
from services.recruitment.orders.figures.store import OrderGroup, OrderOpinions, OrderSupply, OrderTotals, StateStay
from services.recruitment.periods.domain import ReportPeriod, period_of
from shared.auth.tokens import Caller
from shared.clock import DISTRICT_ZONE
from shared.postgres import Database

__all__ = ["OrderFigures", "figures"]


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """All figures of one reading."""

    period: ReportPeriod
    totals: OrderTotals
    opinions: OrderOpinions
    stays: list[StateStay]
    groups: list[OrderGroup]
    supply: OrderSupply


async def figures(db: Database, caller: Caller, start: datetime | None, end: datetime | None) -> OrderFigures:
    """The figures of [start, end), by default the calendar year so far, of the sites that the caller is bounded to.

    Raises:
        Refusal: the period is reversed or longer than ten years.
    """
    sites = None if caller.site_ids is None else sorted(caller.site_ids)
    async with db.snapshot() as tx:
        now = await tx.now()
        year_start = datetime(now.astimezone(DISTRICT_ZONE).year, 1, 1, tzinfo=DISTRICT_ZONE).astimezone(UTC)
        period = unwrap(period_of(start, end, year_start, now))
        bounds = period.start, period.end, sites
        return OrderFigures(
            period=period,
            totals=await store.totals(tx, *bounds),
            opinions=await store.opinions(tx, *bounds),
            stays=await store.stays(tx, *bounds),
            groups=await store.groups(tx, *bounds),
            supply=await store.supply(tx, *bounds),
        )
