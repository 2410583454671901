"""Use cases of orders: review, answer, accept, decline, dispatch, rate, reopen. Each in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.activities.guards import actor_id, unwrap
from services.recruitment.limits.handlers import RateCap
from services.recruitment.orders import domain, guards, journal, store
from services.recruitment.orders.domain import Timing
from services.recruitment.orders.parties import store as parties
from services.recruitment.orders.store import FoundOrder
from services.recruitment.orders.terms.domain import (
    Desk,
    Order,
    OrderAct,
    OrderActor,
    OrderChange,
    OrderPolicy,
    OrderState,
)
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Forbidden, Invalid
from shared.postgres import Tx

__all__ = [
    "OrderTerms",
    "accept",
    "answer",
    "decline",
    "desks_of",
    "dispatch",
    "followed",
    "locked",
    "rate",
    "reopen",
    "review",
    "timing_of",
]

_DESKS = {
    "service_point": Desk.STATION,
    "station": Desk.STATION,
    "institute": Desk.INSTITUTE,
    "centre": Desk.CENTRE,
}


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """The means of deciding on orders: the policy, the vault, and how many one resident or address may place."""

    policy: OrderPolicy
    cipher: Cipher
    per_resident: RateCap
    per_address: RateCap
    address: str


async def review(
    tx: Tx,
    caller: Caller,
    terms: OrderTerms,
    order_id: UUID,
    act: OrderAct,
    reason: str | None,
    words: str | None,
) -> FoundOrder:
    """Take an order up, ask for what is missing, offer it or refuse it, by staff of its site.

    Raises:
        NotFound, Forbidden: it is not the caller's.
        Refusal: ``order-state`` with what is possible, ``reason-unknown``.
    """
    found, held = await locked(tx, caller, terms, order_id)
    guards.require_as(held, OrderActor.STAFF)
    timing = await timing_of(tx, terms.policy)
    change = unwrap(domain.review(found.order, act, reason, timing))
    if words is not None:
        await journal.write_words(tx, terms.cipher, found.order, "review", words)
    return await journal.keep(tx, found, change, actor_id(caller))


async def answer(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, words: str) -> FoundOrder:
    """Say what the review asked for, by the resident or, on the phone, by staff.

    Raises:
        NotFound, Forbidden, Refusal: as `review`.
    """
    found, held = await locked(tx, caller, terms, order_id)
    by = guards.require_as(held, OrderActor.RESIDENT, OrderActor.STAFF)
    change = unwrap(domain.answer(found.order, by, await timing_of(tx, terms.policy)))
    await journal.write_words(tx, terms.cipher, found.order, "answer", words)
    return await journal.keep(tx, found, change, actor_id(caller))


async def accept(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, team_id: UUID) -> FoundOrder:
    """Accept an order for one's team; of two leaders who accept at once, the second finds it accepted.

    Raises:
        NotFound, Forbidden: it is not the caller's, or not the team.
        Refusal: as `review`; ``need-not-served``, ``order-declined-before``, ``team-closed``.
    """

    def decide(order: Order, timing: Timing) -> OrderChange | DomainRefusal:
        return domain.accept(order, team_id, timing)

    return await _as_leader(tx, caller, terms, order_id, team_id, decide)


async def decline(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, team_id: UUID, reason: str) -> FoundOrder:
    """Decline an order for one's team; after three teams that did not take it, the need stays unfulfilled.

    Raises:
        NotFound, Forbidden, Refusal: as `accept`.
    """

    def decide(order: Order, timing: Timing) -> OrderChange | DomainRefusal:
        return domain.decline(order, team_id, reason, timing)

    return await _as_leader(tx, caller, terms, order_id, team_id, decide)


async def dispatch(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, team_id: UUID) -> FoundOrder:
    """Dispatch an offered order to a team, by staff.

    Raises:
        NotFound, Forbidden, Refusal: as `review`; ``team-closed``, ``team-without-leader``.
        Invalid: there is no such team.
    """
    found, held = await locked(tx, caller, terms, order_id)
    guards.require_as(held, OrderActor.STAFF)
    change = unwrap(domain.dispatch(found.order, team_id, await timing_of(tx, terms.policy)))
    team = await parties.find_acting_team(tx, team_id, found.order.need_tag_id, order_id)
    if team is None:
        raise Invalid("team-unknown", "there is no such team")
    if team.closed_at is not None:
        raise Conflict("team-closed", "This team is closed; dispatch to another one.")
    if team.leader_volunteer_id is None:
        raise Conflict("team-without-leader", "This team has no leader who could accept; dispatch to another one.")
    return await journal.keep(tx, found, change, actor_id(caller))


async def rate(
    tx: Tx,
    caller: Caller,
    terms: OrderTerms,
    order_id: UUID,
    stars: int,
    words: str | None,
    channel: str,
    complaint: bool,
) -> FoundOrder:
    """Rate a service, by the resident on the page, or through staff on the phone.

    Raises:
        NotFound, Forbidden, Refusal: as `review`.
        Invalid: the channel is not the caller's.
    """
    found, held = await locked(tx, caller, terms, order_id)
    by = guards.require_as(held, OrderActor.RESIDENT, OrderActor.STAFF)
    if (channel == "phone") != (by is OrderActor.STAFF):
        raise Invalid("rating-channel-wrong", "Residents rate by page; staff enter what was said by phone.")
    change = unwrap(domain.rate(found.order, by, stars, complaint, await timing_of(tx, terms.policy)))
    if words is not None:
        await journal.write_words(tx, terms.cipher, found.order, "rating", words)
    return await journal.keep(tx, found, change, actor_id(caller), channel)


async def reopen(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, same_team: bool) -> FoundOrder:
    """Offer a badly rated order anew, once, at the centre's desk.

    Raises:
        NotFound, Forbidden, Refusal: as `review`.
    """
    found, held = await locked(tx, caller, terms, order_id)
    by = guards.require_as(held, OrderActor.RESIDENT, OrderActor.STAFF)
    if same_team and by is not OrderActor.RESIDENT:
        raise Forbidden("order-act-of-others", "Only the resident agrees that the same team comes again.")
    change = unwrap(domain.reopen(found.order, by, same_team, await timing_of(tx, terms.policy)))
    return await journal.keep(tx, found, change, actor_id(caller))


async def locked(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID) -> tuple[FoundOrder, frozenset[OrderActor]]:
    """An order that the caller may see under its lock, with the times that its shift has now, and what they are to it.

    Raises:
        NotFound: there is none, or it is another person's.
    """
    await store.lock_order(tx, order_id)
    found, held = await guards.visible(tx, caller, order_id)
    return await followed(tx, found, terms.policy), held


async def followed(tx: Tx, found: FoundOrder, policy: OrderPolicy) -> FoundOrder:
    """The locked order with the times of its shift, written if they changed."""
    if found.shift_starts_at is None or found.shift_ends_at is None:
        return found
    order = domain.follow(found.order, found.shift_starts_at, found.shift_ends_at, policy)
    if order is found.order:
        return found
    await store.follow_shift(tx, order)
    again = await store.find_order(tx, order.order_id)
    assert again is not None
    return again


async def timing_of(tx: Tx, policy: OrderPolicy) -> Timing:
    """The present and the calendar."""
    now = await tx.now()
    return Timing(now, await store.calendar(tx, district_day(now)), policy)


async def desks_of(tx: Tx, site_id: UUID) -> tuple[Desk, ...]:
    """The desks of a site, from below, once each."""
    return tuple(dict.fromkeys(_DESKS[kind] for kind in await parties.kinds_above(tx, site_id)))


async def _as_leader(
    tx: Tx,
    caller: Caller,
    terms: OrderTerms,
    order_id: UUID,
    team_id: UUID,
    decide: Callable[[Order, Timing], OrderChange | DomainRefusal],
) -> FoundOrder:
    found, held = await locked(tx, caller, terms, order_id)
    guards.require_as(held, OrderActor.LEADER)
    team = await guards.acting_team(tx, caller, found, team_id)
    change = unwrap(decide(found.order, await timing_of(tx, terms.policy)))
    if found.order.state is OrderState.OFFERED:
        if not team.serves:
            raise Conflict("need-not-served", "This team does not serve that need; its site can add the tag.")
        if team.declined:
            raise Conflict("order-declined-before", "This team declined the order already.")
    if team.closed_at is not None:
        raise Conflict("team-closed", "This team is closed.")
    return await journal.keep(tx, found, change, actor_id(caller))
