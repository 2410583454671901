"""Routes that list and read orders."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from services.recruitment.orders.api import Anybody, Leader, Staff, TermsDep
from services.recruitment.orders.board import handlers
from services.recruitment.orders.board.handlers import OrderView
from services.recruitment.orders.models import MatchOut, OrderOut, match_out, order_out
from services.recruitment.orders.terms.domain import Desk, OrderState
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, decode, page_of

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["orders"])


class SuggestionsOut(Output):
    """Teams for an order, the best first."""

    items: list[MatchOut]


@router.get("/orders/mine")
async def list_own_orders(
    db: Db, terms: TermsDep, caller: Anybody, cursor: str | None = None, limit: Limit = 50
) -> Page[OrderOut]:
    """The caller's own orders, and those that others placed for them, newest first."""
    before = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        found = await handlers.mine(tx, caller, before, limit + 1)
        now = await tx.now()
    return page_of(
        found, limit, lambda each: order_out(each, terms.policy, now), lambda each: (each.found.order.order_id,)
    )


@router.get("/orders/offers")
async def list_offers(
    db: Db, terms: TermsDep, caller: Leader, cursor: str | None = None, limit: Limit = 50
) -> Page[OrderOut]:
    """List the orders that the caller's teams may accept or have, due first."""
    after = _place(cursor)
    async with db.transaction() as tx:
        found = await handlers.offers(tx, caller, after, limit + 1)
        now = await tx.now()
    return page_of(found, limit, lambda each: order_out(each, terms.policy, now), _due)


@router.get("/orders")
async def list_orders(
    db: Db,
    terms: TermsDep,
    caller: Staff,
    site_id: UUID | None = None,
    state: OrderState | None = None,
    late: bool = False,
    waits_at: Desk | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[OrderOut]:
    """Open orders at the caller's sites, due first; or those that ended in a state, the latest first."""
    after = _place(cursor)
    async with db.transaction() as tx:
        found = await handlers.desk(
            tx, caller, site_id=site_id, state=state, late=late, waits_at=waits_at, after=after, limit=limit + 1
        )
        now = await tx.now()
    return page_of(found, limit, lambda each: order_out(each, terms.policy, now), _due)


@router.get("/orders/{order_id}")
async def read_order(db: Db, terms: TermsDep, caller: Anybody, order_id: UUID) -> OrderOut:
    """One order with its steps."""
    async with db.transaction() as tx:
        return order_out(await handlers.read(tx, caller, order_id), terms.policy, await tx.now())


@router.get("/orders/{order_id}/suggestions")
async def suggest_teams(db: Db, caller: Staff, order_id: UUID) -> SuggestionsOut:
    """Teams that serve the order's need, the best first, each with the reasons."""
    async with db.transaction() as tx:
        return SuggestionsOut(items=match_out(await handlers.suggestions(tx, caller, order_id)))


def _place(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    at, order_id = decode(cursor, (datetime, UUID))
    return at, order_id


def _due(view: OrderView) -> tuple[datetime, UUID]:
    order = view.found.order
    return order.due_at or order.since, order.order_id
