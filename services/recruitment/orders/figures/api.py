"""The route of the figures of orders, for staff: sums of one site and need may be about one resident."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.recruitment.orders.figures import handlers
from services.recruitment.orders.figures.domain import FORMULAS, share
from services.recruitment.orders.figures.handlers import OrderFigures
from services.recruitment.orders.figures.store import OrderGroup, OrderTotals
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Instant, Output, ReportDb

__all__ = ["OrderTotalsOut", "order_totals_out", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["reports"])

Reader = Annotated[Caller, allow(Role.STATION, Role.OPERATOR, Role.AUDITOR)]


class OrderTotalsOut(Output):
    """Counts of orders; ``rated`` by residents and ``rated_by_default`` are apart."""

    total: int
    rated: int
    rated_by_default: int
    unfulfilled: int
    cancelled: int
    on_time: int
    escalated: int
    reopened: int
    complaints: int
    by_state: dict[str, int]


class SatisfactionOut(Output):
    """Shares from 0 to 1, null without a rating; ``mean_stars`` of the ratings that residents gave."""

    ratings: int
    defaults: int
    satisfaction: float | None
    satisfaction_with_defaults: float | None
    mean_stars: float | None


class StayOut(Output):
    """How long orders were in a state, in seconds."""

    state: str
    stays: int
    median_seconds: int
    longest_seconds: int


class OrderGroupOut(Output):
    """Orders of one site, need or month, by ``key`` and name."""

    key: str
    name: str
    name_en: str
    orders: int
    served: int
    unfulfilled: int
    satisfaction: float | None


class NeedOut(Output):
    """A need that no team serves, with its orders."""

    tag_id: UUID
    zh: str
    en: str
    orders: int


class TeamWithoutOrderOut(Output):
    """A team that accepted no order."""

    team_id: UUID
    name: str


class OrderFiguresOut(Output):
    """The figures of the orders of a period at the caller's sites, and the formula of each."""

    start: Annotated[datetime, Field(serialization_alias="from")]
    end: Annotated[datetime, Field(serialization_alias="to")]
    orders: OrderTotalsOut
    satisfaction: SatisfactionOut
    states: list[StayOut]
    by_site: list[OrderGroupOut]
    by_need: list[OrderGroupOut]
    by_month: list[OrderGroupOut]
    needs_without_teams: list[NeedOut]
    teams_without_orders: list[TeamWithoutOrderOut]
    formulas: dict[str, str]


@router.get("/reports/orders")
async def read_order_figures(
    db: ReportDb,
    caller: Reader,
    start: Annotated[Instant | None, Query(alias="from")] = None,
    end: Annotated[Instant | None, Query(alias="to")] = None,
) -> OrderFiguresOut:
    """The figures of the orders placed in [from, to), by default the year so far."""
    return _out(await handlers.figures(db, caller, start, end))


def order_totals_out(totals: OrderTotals) -> OrderTotalsOut:
    """Counts as they go out."""
    return OrderTotalsOut(
        total=totals.total,
        rated=totals.rated,
        rated_by_default=totals.rated_by_default,
        unfulfilled=totals.by_state.get("unfulfilled", 0),
        cancelled=totals.by_state.get("cancelled", 0),
        on_time=totals.on_time,
        escalated=totals.escalated,
        reopened=totals.reopened,
        complaints=totals.complaints,
        by_state=totals.by_state,
    )


def _out(found: OrderFigures) -> OrderFiguresOut:
    given = found.opinions
    return OrderFiguresOut(
        start=found.period.start,
        end=found.period.end,
        orders=order_totals_out(found.totals),
        satisfaction=SatisfactionOut(
            ratings=given.given,
            defaults=given.defaults,
            satisfaction=share(given.satisfied, given.given),
            satisfaction_with_defaults=share(given.satisfied + given.defaults, given.given + given.defaults),
            mean_stars=round(given.stars / given.given, 2) if given.given else None,
        ),
        states=[
            StayOut(
                state=one.state, stays=one.stays, median_seconds=one.median_seconds, longest_seconds=one.longest_seconds
            )
            for one in found.stays
        ],
        by_site=_groups(found.groups, "site_id", "site_name", "site_name"),
        by_need=_groups(found.groups, "need_tag_id", "need_zh", "need_en"),
        by_month=_groups(found.groups, "month", "month", "month"),
        needs_without_teams=[
            NeedOut(tag_id=tag_id, zh=zh, en=en, orders=orders) for tag_id, zh, en, orders in found.supply.needs
        ],
        teams_without_orders=[TeamWithoutOrderOut(team_id=team_id, name=name) for team_id, name in found.supply.teams],
        formulas=dict(FORMULAS),
    )


def _groups(groups: Iterable[OrderGroup], key: str, name: str, name_en: str) -> list[OrderGroupOut]:
    return [
        OrderGroupOut(
            key=str(getattr(one, key)),
            name=str(getattr(one, name)),
            name_en=str(getattr(one, name_en)),
            orders=one.orders,
            served=one.served,
            unfulfilled=one.unfulfilled,
            satisfaction=share(one.satisfied, one.rated),
        )
        for one in groups
        if getattr(one, key) is not None
    ]
