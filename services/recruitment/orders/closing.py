"""Use case of closing an activity: the order that it was planned for is completed with the same figure."""

from uuid import UUID

from services.recruitment.activities import handlers as activities
from services.recruitment.activities.guards import STAFF, actor_id, unwrap
from services.recruitment.activities.handlers import Planned
from services.recruitment.orders import domain, journal, store
from services.recruitment.orders.details import store as details
from services.recruitment.orders.handlers import followed, timing_of
from services.recruitment.orders.terms.domain import OrderActor, OrderPolicy, OrderState, Outcome
from shared.auth.tokens import Caller
from shared.postgres import Tx

__all__ = ["close_activity"]


async def close_activity(
    tx: Tx, caller: Caller, policy: OrderPolicy, activity_id: UUID, residents_served: int, note: str | None
) -> Planned:
    """Close an activity with its result; its order is served then, or planned anew if no resident was served.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's.
        Refusal: it is closed already, was never opened, or a shift has not begun.
    """
    order_id = await details.find_of_activity(tx, activity_id)
    if order_id is not None:
        await store.lock_order(tx, order_id)  # before the activity, as every act on an order does
    planned = await activities.close(tx, caller, activity_id, residents_served, note)
    found = None if order_id is None else await store.find_order(tx, order_id)
    if found is None or found.order.state is not OrderState.SCHEDULED or found.order.activity_id != activity_id:
        return planned
    found = await followed(tx, found, policy)
    by = OrderActor.STAFF if caller.has(*STAFF) else OrderActor.LEADER
    outcome = Outcome.SERVED if residents_served else Outcome.UNATTENDED
    timing = await timing_of(tx, policy)
    change = unwrap(domain.complete(found.order, by, outcome, residents_served, timing))
    await journal.keep(tx, found, change, actor_id(caller))
    return planned
