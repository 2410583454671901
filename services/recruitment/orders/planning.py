"""Use cases of an order's service: plan it as an activity with a shift, complete it, and cancel with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.activities import handlers as activities
from services.recruitment.activities import store as activity_rows
from services.recruitment.activities.domain import State, Visibility
from services.recruitment.activities.guards import actor_id, unwrap
from services.recruitment.activities.handlers import NewActivity, NewShift
from services.recruitment.eligibility import store as eligibility
from services.recruitment.eligibility.domain import ActivityDetails
from services.recruitment.orders import domain, guards, journal, store
from services.recruitment.orders.domain import Timing
from services.recruitment.orders.handlers import OrderTerms, locked, timing_of
from services.recruitment.orders.store import FoundOrder, Need
from services.recruitment.orders.terms.domain import Order, OrderActor, OrderState, Outcome
from services.recruitment.scheduling import handlers as scheduling
from services.recruitment.scheduling.domain import CancelReason
from shared.auth.tokens import Caller, Role
from shared.clock import district_day
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["ServicePlan", "call_off", "cancel", "complete", "schedule", "steward"]

_LONGEST = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """When the service is held and for how many places; ``dates`` are the further beginnings of a series."""

    starts_at: datetime
    ends_at: datetime
    places: int
    dates: Sequence[datetime] | None = None


def steward(caller: Caller) -> Caller:
    """The caller with the centre's reach: who may act on the order was decided before, wherever its team is at home."""
    return replace(caller, roles=frozenset({Role.OPERATOR}), site_ids=None)


async def schedule(tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, plan: ServicePlan) -> FoundOrder:
    """Plan the service: an activity for the team only, with a shift; of a series, one for each date.

    Raises:
        NotFound, Forbidden: it is not the caller's.
        Refusal: ``order-state``, ``order-plan-past``, ``shift-times-invalid``.
        Invalid: ``order-places-few``, ``order-dates-wrong``.
        Conflict: ``theme-missing``.
    """
    found, held = await locked(tx, caller, terms, order_id)
    by = guards.require_as(held, OrderActor.LEADER, OrderActor.STAFF)
    _require_possible(found.order, plan)
    need = await store.find_need(tx, found.order.need_tag_id)
    assert need is not None
    timing, starts = await timing_of(tx, terms.policy), _starts(found.order, plan)
    # Refused before anything is planned.
    unwrap(domain.schedule(found.order, by, order_id, order_id, plan.starts_at, plan.ends_at, timing))
    length = plan.ends_at - plan.starts_at
    planned = await _activities(tx, caller, found, need, [(each, each + length) for each in starts], plan.places)
    activity_id, shift_id = planned[0]
    change = unwrap(domain.schedule(found.order, by, activity_id, shift_id, plan.starts_at, plan.ends_at, timing))
    kept = await journal.keep(tx, found, change, actor_id(caller))
    await _further(tx, caller, found, by, list(zip(starts, planned, strict=True))[1:], length, timing)
    return kept


async def complete(
    tx: Tx,
    caller: Caller,
    terms: OrderTerms,
    order_id: UUID,
    outcome: Outcome,
    residents_served: int,
    words: str | None,
) -> FoundOrder:
    """Close the service: its activity gets the residents served; one that was not held is planned anew.

    Raises:
        NotFound, Forbidden: it is not the caller's.
        Refusal: ``order-state``, ``order-not-begun``, ``order-served-mismatch``.
    """
    found, held = await locked(tx, caller, terms, order_id)
    by = guards.require_as(held, OrderActor.LEADER, OrderActor.STAFF)
    timing = await timing_of(tx, terms.policy)
    change = unwrap(domain.complete(found.order, by, outcome, residents_served, timing))
    await _close(tx, caller, found.order, residents_served)
    if words is not None:
        await journal.write_words(tx, terms.cipher, found.order, "completion", words)
    return await journal.keep(tx, found, change, actor_id(caller))


async def cancel(
    tx: Tx, caller: Caller, terms: OrderTerms, order_id: UUID, reason: str, words: str | None
) -> FoundOrder:
    """Cancel an order before its service, by the resident or staff; a planned shift is called off.

    Raises:
        NotFound, Forbidden: it is not the caller's.
        Refusal: ``order-state``, ``reason-unknown``; ``shift-over`` once the service is over.
    """
    found, held = await locked(tx, caller, terms, order_id)
    by = guards.require_as(held, OrderActor.STAFF, OrderActor.RESIDENT)
    change = unwrap(domain.cancel(found.order, by, reason, await timing_of(tx, terms.policy)))
    if found.order.state is OrderState.SCHEDULED:
        await call_off(tx, caller, found.order)
    if words is not None:
        await journal.write_words(tx, terms.cipher, found.order, "cancel", words)
    return await journal.keep(tx, found, change, actor_id(caller))


async def call_off(tx: Tx, caller: Caller, order: Order) -> None:
    """Call off the shift of a scheduled order, unless that was done; its volunteers get a message."""
    assert order.shift_id is not None
    assert order.activity_id is not None
    activity = await activity_rows.find_activity(tx, order.activity_id)
    assert activity is not None
    shifts = await activity_rows.find_shifts(tx, [order.activity_id])
    if activity.state is State.CLOSED or any(each.cancelled_at for each in shifts if each.shift_id == order.shift_id):
        return
    await scheduling.call_off(tx, steward(caller), order.shift_id, activity.version, CancelReason.OTHER)


async def _activities(
    tx: Tx,
    caller: Caller,
    found: FoundOrder,
    need: Need,
    times: Sequence[tuple[datetime, datetime]],
    places: int,
) -> list[tuple[UUID, UUID]]:
    """ServicePlan one activity for each date; (activity, shift) of each. Nothing in them says who is served where."""
    theme_id = await store.find_theme(tx, need.theme_id)
    if theme_id is None:
        raise Conflict("theme-missing", "The district has no open theme, under which activities are planned.")
    order = found.order
    assert order.team_id is not None
    wanted = [
        NewActivity(
            title=need.zh,
            theme_id=theme_id,
            team_id=order.team_id,
            site_id=order.site_id,
            kind=need.zh,
            place=found.site_name,
            shifts=[NewShift(starts_at, ends_at, places)],
            visibility=Visibility.TEAM,
        )
        for starts_at, ends_at in times
    ]
    planned = await activities.plan(tx, steward(caller), wanted)
    now = await tx.now()
    for each in planned:
        details = ActivityDetails(each.activity.activity_id, 1, team_only=True)
        await eligibility.save_details(tx, details, actor_id(caller), now)
    return [(each.activity.activity_id, each.shifts[0].shift_id) for each in planned]


async def _further(
    tx: Tx,
    caller: Caller,
    found: FoundOrder,
    by: OrderActor,
    dates: Sequence[tuple[datetime, tuple[UUID, UUID]]],
    length: timedelta,
    timing: Timing,
) -> None:
    """Write the further dates of a series as orders of their own, accepted with the first."""
    serials = await store.next_serials(tx, len(dates)) if dates else []
    for serial, (starts_at, (activity_id, shift_id)) in zip(serials, dates, strict=True):
        child = replace(
            found.order,
            order_id=new_id(),
            number=f"DD-{district_day(timing.now).year}-{serial:06}",
            series_id=found.order.order_id,
            series_every=None,
            series_times=None,
            version=0,
        )
        change = unwrap(domain.schedule(child, by, activity_id, shift_id, starts_at, starts_at + length, timing))
        await journal.begin(tx, change, found.tag, found.zh, actor_id(caller))


async def _close(tx: Tx, caller: Caller, order: Order, residents_served: int) -> None:
    """Close the activity of an order, unless its leader has closed it already."""
    assert order.activity_id is not None
    activity = await activity_rows.find_activity(tx, order.activity_id)
    if activity is not None and activity.state is not State.CLOSED:
        await activities.close(tx, steward(caller), order.activity_id, residents_served, None)


def _require_possible(order: Order, plan: ServicePlan) -> None:
    if plan.places < order.people:
        detail = f"This order needs at least {order.people} volunteers; give at least as many places."
        raise Invalid("order-places-few", detail, people=order.people)
    if not timedelta(0) < plan.ends_at - plan.starts_at <= _LONGEST:
        raise Invalid("order-plan-length", "A service lasts more than 0 and at most 8 hours.")
    if plan.dates is not None and len(plan.dates) != (order.series_times or 1) - 1:
        raise Invalid("order-dates-wrong", "Give one further date for each further time of the series, or none at all.")
    if plan.dates is not None and sorted({plan.starts_at, *plan.dates}) != [plan.starts_at, *plan.dates]:
        raise Invalid("order-dates-wrong", "The dates of a series follow each other.")


def _starts(order: Order, plan: ServicePlan) -> list[datetime]:
    if order.series_every is None or order.series_times is None:
        return [plan.starts_at]
    if plan.dates is not None:
        return [plan.starts_at, *plan.dates]
    return domain.series_dates(plan.starts_at, order.series_every, order.series_times)
