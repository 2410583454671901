"""Use cases of lists: the resident's orders, the desk, offers to leaders, and teams for an order with the reasons."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.orders import guards
from services.recruitment.orders import store as orders
from services.recruitment.orders.board import store
from services.recruitment.orders.matching.domain import TeamMatch, rank
from services.recruitment.orders.store import FoundOrder, StepRow
from services.recruitment.orders.terms.domain import ENDED, Desk, OrderActor, OrderState
from shared.auth.tokens import Caller
from shared.errors import Forbidden
from shared.postgres import Tx

__all__ = ["OrderView", "desk", "mine", "offers", "read", "suggestions", "view"]


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as a caller sees it: what they are to it, its steps, and for an offer, why their teams match."""

    found: FoundOrder
    held: frozenset[OrderActor]
    steps: list[StepRow]
    matches: list[TeamMatch]


async def view(tx: Tx, caller: Caller, found: FoundOrder) -> OrderView:
    """An order that was decided on, as the caller sees it now."""
    held = await guards.relations(tx, caller, found)
    order_id = found.order.order_id
    return OrderView(found, held, (await orders.list_changes(tx, [order_id]))[order_id], [])


async def read(tx: Tx, caller: Caller, order_id: UUID) -> OrderView:
    """One order.

    Raises:
        NotFound: there is none, or it is another person's.
    """
    found, _ = await guards.visible(tx, caller, order_id)
    return await view(tx, caller, found)


async def mine(tx: Tx, caller: Caller, before: UUID | None, limit: int) -> list[OrderView]:
    """A page of what the caller ordered or is served by, newest first.

    Raises:
        Forbidden: the caller is no resident.
    """
    resident_id = await guards.resident_of(tx, caller)
    if resident_id is None:
        raise Forbidden("residents-only", "Sign in as a resident or volunteer to see your own orders.")
    found = await store.list_mine(tx, resident_id, before, limit)
    return await _views(tx, found, frozenset({OrderActor.RESIDENT}))


async def desk(
    tx: Tx,
    caller: Caller,
    *,
    site_id: UUID | None,
    state: OrderState | None,
    late: bool,
    waits_at: Desk | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[OrderView]:
    """A page of the orders at the caller's sites: open ones due first, or those that ended in a state, latest first."""
    site_ids: Collection[UUID] | None = caller.site_ids
    if site_id is not None:
        caller.require_site(site_id)
        site_ids = [site_id]
    if state is not None and state in ENDED:
        found = await store.list_ended(tx, site_ids=site_ids, state=state, before=after, limit=limit)
    else:
        late_at = await tx.now() if late else None
        found = await store.list_open(
            tx, site_ids=site_ids, state=state, late_at=late_at, desk=waits_at, after=after, limit=limit
        )
    return await _views(tx, found, frozenset({OrderActor.STAFF}))


async def offers(tx: Tx, caller: Caller, after: tuple[datetime, UUID] | None, limit: int) -> list[OrderView]:
    """A page of what the caller's teams have or may accept, due first, each offer with why a team matches."""
    found = await store.list_offers(tx, caller.team_ids, after, limit)
    views = await _views(tx, found, frozenset({OrderActor.LEADER}))
    parents, now = await store.parents(tx), await tx.now()
    for each in views:
        order = each.found.order
        if order.state is OrderState.OFFERED:
            teams = await store.measure_teams(
                tx, order.need_tag_id, order.order_id, order.site_id, caller.team_ids, now
            )
            each.matches.extend(rank(parents, order.site_id, teams))
    return views


async def suggestions(tx: Tx, caller: Caller, order_id: UUID) -> list[TeamMatch]:
    """The teams that serve an order's need, the best first, each with the reasons; for staff of its site.

    Raises:
        NotFound, Forbidden: it is not the caller's.
    """
    found, held = await guards.visible(tx, caller, order_id)
    guards.require_as(held, OrderActor.STAFF)
    order = found.order
    teams = await store.measure_teams(tx, order.need_tag_id, order_id, order.site_id, None, await tx.now())
    return rank(await store.parents(tx), order.site_id, teams)


async def _views(tx: Tx, found: list[FoundOrder], held: frozenset[OrderActor]) -> list[OrderView]:
    steps = await orders.list_changes(tx, [each.order.order_id for each in found])
    return [OrderView(each, held, steps[each.order.order_id], []) for each in found]
