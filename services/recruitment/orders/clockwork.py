"""Use cases of time: pass deadlines, once each however many workers run, and give stranded orders a way on."""

from uuid import UUID

from services.recruitment.orders import domain, journal, planning, store
from services.recruitment.orders.domain import Timing
from services.recruitment.orders.handlers import desks_of, followed, timing_of
from services.recruitment.orders.store import FoundOrder, Strand
from services.recruitment.orders.terms.domain import OrderChange, OrderPolicy, OrderState
from shared.auth.tokens import Caller
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["pass_deadlines", "rescue"]

_TIMER: UUID = derived_id("actor", "orders-timer")


async def pass_deadlines(tx: Tx, policy: OrderPolicy, limit: int) -> int:
    """Do what is due of up to ``limit`` orders, which stay locked until the transaction ends; returns how many."""
    timing = await timing_of(tx, policy)
    due = await store.lock_due(tx, timing.now, limit)
    for order_id in due:
        found = await followed(tx, await _found(tx, order_id), policy)
        change = domain.pass_deadline(found.order, timing)
        if change is not None:
            await journal.keep(tx, found, change, None)
    return len(due)


async def rescue(tx: Tx, policy: OrderPolicy, limit: int) -> int:
    """Move, release or end up to ``limit`` orders that lost something; returns how many changed."""
    timing, changed = await timing_of(tx, policy), 0
    for order_id in await store.stranded(tx, limit):
        found, strand = await _found(tx, order_id), await store.find_strand(tx, order_id)
        change = await _way_on(tx, found, strand, timing)
        if change is not None:
            await journal.keep(tx, found, change, None)
            changed += 1
        if strand.erased:
            await store.erase_texts(tx, order_id)
    return changed


async def _way_on(tx: Tx, found: FoundOrder, strand: Strand, timing: Timing) -> OrderChange | None:
    order = found.order
    if strand.erased:
        await _call_off(tx, found, timing)
        return domain.forget(order, timing)
    if strand.called_off:
        return domain.release(order, "called-off", timing)
    if strand.team_closed or strand.leaderless:
        await _call_off(tx, found, timing)
        return domain.release(order, "team-closed" if strand.team_closed else "leader-gone", timing)
    if strand.site_id is not None and strand.site_id != order.site_id:
        return domain.move(order, strand.site_id, await desks_of(tx, strand.site_id), timing)
    return None


async def _call_off(tx: Tx, found: FoundOrder, timing: Timing) -> None:
    order = found.order
    if order.state is OrderState.SCHEDULED and order.ends_at is not None and timing.now < order.ends_at:
        caller = Caller(subject=_TIMER, roles=frozenset(), site_ids=None)
        await planning.call_off(tx, caller, order)


async def _found(tx: Tx, order_id: UUID) -> FoundOrder:
    found = await store.find_order(tx, order_id)
    assert found is not None, "orders are never deleted"
    return found
