"""The figures of orders, read in one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from services.recruitment.orders.figures.domain import SATISFIED_STARS
from shared.postgres import Tx, load_queries

__all__ = [
    "OrderGroup",
    "OrderOpinions",
    "OrderSupply",
    "OrderTotals",
    "StateStay",
    "groups",
    "opinions",
    "stays",
    "supply",
    "totals",
]

_SQL = load_queries(__file__)
_ALL = datetime(9999, 1, 1, tzinfo=UTC)
Sites = Sequence[UUID] | None
"""None is all sites."""


@dataclass(frozen=True, slots=True)
class OrderTotals:
    """Counts of the orders of a period."""

    by_state: dict[str, int] = field(default_factory=dict)
    rated: int = 0
    rated_by_default: int = 0
    on_time: int = 0
    escalated: int = 0
    reopened: int = 0
    complaints: int = 0

    @property
    def total(self) -> int:
        """All orders of the period."""
        return sum(self.by_state.values())


@dataclass(frozen=True, slots=True)
class OrderOpinions:
    """Ratings: given by residents, the satisfied ones and the sum of the stars among them, and those by default."""

    given: int
    satisfied: int
    defaults: int
    stars: int


@dataclass(frozen=True, slots=True)
class StateStay:
    """How long orders were in a state that they have left."""

    state: str
    stays: int
    median_seconds: int
    longest_seconds: int


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """Orders of one site, one need or one month; the other names are None."""

    site_id: UUID | None
    site_name: str | None
    need_tag_id: UUID | None
    need_zh: str | None
    need_en: str | None
    month: str | None
    orders: int
    served: int
    unfulfilled: int
    rated: int
    satisfied: int


@dataclass(frozen=True, slots=True)
class OrderSupply:
    """Needs that no team serves, with their orders: (tag, zh, en, orders); and teams without an order: (team, name)."""

    needs: list[tuple[UUID, str, str, int]]
    teams: list[tuple[UUID, str]]


async def totals(
    tx: Tx, start: datetime, end: datetime, sites: Sites = None, as_of: datetime | None = None
) -> OrderTotals:
    """The orders placed in [start, end), as they stood at ``as_of``."""
    rows = await tx.fetch(_SQL["totals"], start, end, sites, as_of or _ALL)
    names = ("rated", "rated_by_default", "on_time", "escalated", "reopened", "complaints")
    return OrderTotals(
        {row["state"]: row["orders"] for row in rows}, **{name: sum(row[name] for row in rows) for name in names}
    )


async def opinions(tx: Tx, start: datetime, end: datetime, sites: Sites = None) -> OrderOpinions:
    """The ratings of those orders."""
    row = await tx.fetchrow(_SQL["opinions"], start, end, sites, SATISFIED_STARS)
    assert row is not None
    return OrderOpinions(**dict(row))


async def stays(tx: Tx, start: datetime, end: datetime, sites: Sites = None) -> list[StateStay]:
    """How long those orders were in each state."""
    return [StateStay(**dict(row)) for row in await tx.fetch(_SQL["stays"], start, end, sites)]


async def groups(tx: Tx, start: datetime, end: datetime, sites: Sites = None) -> list[OrderGroup]:
    """Those orders by site, by need and by month."""
    rows = await tx.fetch(_SQL["groups"], start, end, sites, SATISFIED_STARS)
    return [OrderGroup(**dict(row)) for row in rows]


async def supply(tx: Tx, start: datetime, end: datetime, sites: Sites = None) -> OrderSupply:
    """Needs without teams, and teams without orders."""
    needs = await tx.fetch(_SQL["needs_without_teams"], start, end, sites)
    teams = await tx.fetch(_SQL["teams_without_orders"], start, end, sites)
    return OrderSupply(
        [(row["tag_id"], row["zh"], row["en"], row["orders"]) for row in needs],
        [(row["team_id"], row["name"]) for row in teams],
    )
