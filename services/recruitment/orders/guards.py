"""Guards of orders: the parts of a caller in an order, and the acts that they allow."""

from collections.abc import Collection
from uuid import UUID

from services.recruitment.activities.guards import is_staff_of
from services.recruitment.orders import domain, store
from services.recruitment.orders.parties import store as parties
from services.recruitment.orders.parties.store import ActingTeam
from services.recruitment.orders.store import FoundOrder
from services.recruitment.orders.terms.domain import Order, OrderAct, OrderActor, OrderPolicy, OrderState
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden, NotFound
from shared.postgres import Tx

__all__ = ["acting_team", "acts_of", "relations", "require_as", "resident_of", "visible"]


async def resident_of(tx: Tx, caller: Caller) -> UUID | None:
    """The resident that the caller is; None for staff and for accounts without one."""
    if caller.resident_id is not None or caller.volunteer_id is None or not caller.acts_as(caller.volunteer_id):
        return caller.resident_id
    return await parties.resident_of_volunteer(tx, caller.volunteer_id)


async def relations(tx: Tx, caller: Caller, found: FoundOrder) -> frozenset[OrderActor]:
    """The caller's parts in an order: resident or beneficiary, staff of its site, leader of a team that may act."""
    order, held = found.order, set[OrderActor]()
    if is_staff_of(caller, order.site_id):
        held.add(OrderActor.STAFF)
    resident_id = await resident_of(tx, caller)
    if resident_id is not None and resident_id in (order.resident_id, order.beneficiary_id):
        held.add(OrderActor.RESIDENT)
    if caller.has(Role.LEADER) and await _answers(tx, caller, order):
        held.add(OrderActor.LEADER)
    return frozenset(held)


async def visible(tx: Tx, caller: Caller, order_id: UUID) -> tuple[FoundOrder, frozenset[OrderActor]]:
    """An order that the caller may see, and what they are to it.

    Raises:
        NotFound: there is none, or it is another person's, which is answered alike.
    """
    found = await store.find_order(tx, order_id)
    if found is not None and (held := await relations(tx, caller, found)):
        return found, held
    raise NotFound("order-unknown", "There is no such order that is yours to see.")


def require_as(held: Collection[OrderActor], *actors: OrderActor) -> OrderActor:
    """The first of the actors that the caller is.

    Raises:
        Forbidden: the caller sees the order as another one.
    """
    for actor in actors:
        if actor in held:
            return actor
    names = " or ".join(str(each) for each in actors)
    raise Forbidden("order-act-of-others", f"This is for the order's {names}.")


async def acting_team(tx: Tx, caller: Caller, found: FoundOrder, team_id: UUID) -> ActingTeam:
    """A team that the caller leads, as the rows say it, held against being closed.

    Raises:
        Forbidden: the caller does not lead the team.
    """
    order = found.order
    team = await parties.find_acting_team(tx, team_id, order.need_tag_id, order.order_id)
    if team is None or not caller.acts_as(team.leader_volunteer_id):
        raise Forbidden("not-your-team", "Only the leader of the team answers for it.")
    return team


def acts_of(found: FoundOrder, held: Collection[OrderActor], policy: OrderPolicy) -> list[OrderAct]:
    """The acts that the caller may do now, in the order of the state's."""
    acts: dict[OrderAct, None] = {}
    for actor in (OrderActor.STAFF, OrderActor.LEADER, OrderActor.RESIDENT):
        if actor in held:
            acts.update(dict.fromkeys(domain.allowed(found.order, actor, policy)))
    return list(acts)


async def _answers(tx: Tx, caller: Caller, order: Order) -> bool:
    """Whether a team that the caller leads has the order, or may accept it."""
    if order.state is OrderState.OFFERED:
        return await parties.serves_any(tx, order.order_id, caller.team_ids, order.need_tag_id)
    return order.team_id is not None and order.team_id in caller.team_ids
