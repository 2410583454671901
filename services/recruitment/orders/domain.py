"""The state machine of orders: what each act makes of an order, and what the timer does at its deadline. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.orders.calendar.domain import DISTRICT, WorkingCalendar
from services.recruitment.orders.terms.domain import (
    ACTS,
    ASK_REASONS,
    BEFORE_SERVICE,
    BY,
    CANCEL_REASONS,
    DECLINE_REASONS,
    REFUSE_REASONS,
    Desk,
    Order,
    OrderAct,
    OrderActor,
    OrderChange,
    OrderPolicy,
    OrderState,
    Outcome,
    SeriesEvery,
    Then,
    deadlines,
)

__all__ = [
    "Timing",
    "accept",
    "allowed",
    "answer",
    "cancel",
    "complete",
    "decline",
    "dispatch",
    "follow",
    "forget",
    "move",
    "pass_deadline",
    "place",
    "rate",
    "release",
    "reopen",
    "review",
    "schedule",
    "series_dates",
]

_REVIEWS = {
    OrderAct.TAKE: OrderState.UNDER_REVIEW,
    OrderAct.OFFER: OrderState.OFFERED,
    OrderAct.ASK: OrderState.NEEDS_INFORMATION,
    OrderAct.REFUSE: OrderState.REFUSED,
}
_REVIEW_REASONS = {OrderAct.REFUSE: REFUSE_REASONS, OrderAct.ASK: ASK_REASONS}


@dataclass(frozen=True, slots=True)
class Timing:
    """The present, and by what deadlines are counted."""

    now: datetime
    calendar: WorkingCalendar
    policy: OrderPolicy


def allowed(order: Order, actor: OrderActor, policy: OrderPolicy) -> tuple[OrderAct, ...]:
    """The acts that an actor of this kind may do now."""
    acts = tuple(act for act in ACTS[order.state] if actor in BY[act])
    return acts if _reopens(order, policy) else tuple(act for act in acts if act is not OrderAct.REOPEN)


def place(order: Order, by: OrderActor, timing: Timing) -> OrderChange | DomainRefusal:
    """A new order."""
    if order.wished_to <= order.wished_from:
        return DomainRefusal("order-window-invalid", "The wished time must end after it begins.", 422)
    if order.wished_to <= timing.now:
        return DomainRefusal("order-window-past", "The wished time is over already; name a later one.", 422)
    least = timing.policy.frail_people if order.frail else 1
    placed = replace(order, people=max(order.people, least))
    return OrderChange(_enter(placed, OrderState.PLACED, timing), OrderAct.PLACE, by, timing.now)


def review(order: Order, act: OrderAct, reason: str | None, timing: Timing) -> OrderChange | DomainRefusal:
    """Take an order up, ask for what is missing, offer it to the teams, or refuse it, by staff."""
    if (refused := _guard(order, act, OrderActor.STAFF, timing.policy)) is not None:
        return refused
    if (refused := _wrong_reason(reason, _REVIEW_REASONS.get(act))) is not None:
        return refused
    desk = order.desks[0] if act is OrderAct.OFFER else order.desk
    return _change(replace(order, desk=desk), act, OrderActor.STAFF, _REVIEWS[act], timing, reason)


def answer(order: Order, by: OrderActor, timing: Timing) -> OrderChange | DomainRefusal:
    """The resident says what was missing; the review goes on."""
    refused = _guard(order, OrderAct.ANSWER, by, timing.policy)
    return refused or _change(order, OrderAct.ANSWER, by, OrderState.UNDER_REVIEW, timing)


def accept(order: Order, team_id: UUID, timing: Timing) -> OrderChange | DomainRefusal:
    """A team accepts what is offered to all, or was dispatched to it."""
    if (refused := _guard(order, OrderAct.ACCEPT, OrderActor.LEADER, timing.policy)) is not None:
        return refused
    if order.state is OrderState.DISPATCHED and order.team_id != team_id:
        return DomainRefusal("order-of-another-team", "This order was dispatched to another team.")
    taken = replace(order, team_id=team_id)
    return _change(taken, OrderAct.ACCEPT, OrderActor.LEADER, OrderState.ACCEPTED, timing, team_id=team_id)


def decline(order: Order, team_id: UUID, reason: str, timing: Timing) -> OrderChange | DomainRefusal:
    """A team does not take an order: one that is offered to all stays so, one of its own goes back."""
    if (refused := _guard(order, OrderAct.DECLINE, OrderActor.LEADER, timing.policy)) is not None:
        return refused
    if (refused := _wrong_reason(reason, DECLINE_REASONS)) is not None:
        return refused
    if order.state is OrderState.OFFERED:
        kept = replace(order, version=order.version + 1)
        return OrderChange(kept, OrderAct.DECLINE, OrderActor.LEADER, timing.now, reason, team_id)
    if order.team_id != team_id:
        return DomainRefusal("order-of-another-team", "This order is another team's.")
    return _given_back(order, OrderAct.DECLINE, OrderActor.LEADER, reason, timing)


def dispatch(order: Order, team_id: UUID, timing: Timing) -> OrderChange | DomainRefusal:
    """Staff dispatch an offered order to a team."""
    refused = _guard(order, OrderAct.DISPATCH, OrderActor.STAFF, timing.policy)
    if refused is not None:
        return refused
    given = replace(order, team_id=team_id)
    return _change(given, OrderAct.DISPATCH, OrderActor.STAFF, OrderState.DISPATCHED, timing, team_id=team_id)


def schedule(
    order: Order,
    by: OrderActor,
    activity_id: UUID,
    shift_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    timing: Timing,
) -> OrderChange | DomainRefusal:
    """The team plans the service: an activity with a shift."""
    if (refused := _guard(order, OrderAct.SCHEDULE, by, timing.policy)) is not None:
        return refused
    if starts_at <= timing.now:
        return DomainRefusal("order-plan-past", "The service must begin in the future.", 422)
    planned = replace(order, activity_id=activity_id, shift_id=shift_id, starts_at=starts_at, ends_at=ends_at)
    return _change(planned, OrderAct.SCHEDULE, by, OrderState.SCHEDULED, timing, team_id=order.team_id)


def complete(
    order: Order, by: OrderActor, outcome: Outcome, residents_served: int, timing: Timing
) -> OrderChange | DomainRefusal:
    """Close the service with its outcome: served, or to be planned anew."""
    if (refused := _guard(order, OrderAct.COMPLETE, by, timing.policy)) is not None:
        return refused
    if order.starts_at is not None and timing.now < order.starts_at:
        return DomainRefusal(
            "order-not-begun", "The service has not begun yet; call the shift off or postpone it instead."
        )
    if (outcome is Outcome.SERVED) != (residents_served > 0):
        return DomainRefusal(
            "order-served-mismatch", "A service serves at least one resident; one that was not held serves none.", 422
        )
    if outcome is Outcome.SERVED:
        served = replace(order, residents_served=residents_served)
        return _change(served, OrderAct.COMPLETE, by, OrderState.SERVED, timing, team_id=order.team_id)
    reason = "absent" if outcome is Outcome.ABSENT else "unattended"
    return _change(_unplanned(order), OrderAct.COMPLETE, by, OrderState.ACCEPTED, timing, reason, team_id=order.team_id)


def rate(order: Order, by: OrderActor, stars: int, complaint: bool, timing: Timing) -> OrderChange | DomainRefusal:
    """The resident rates the service."""
    if (refused := _guard(order, OrderAct.RATE, by, timing.policy)) is not None:
        return refused
    rated = replace(order, stars=stars, complaint=complaint)
    return _change(rated, OrderAct.RATE, by, OrderState.RATED, timing, team_id=order.team_id)


def reopen(order: Order, by: OrderActor, same_team: bool, timing: Timing) -> OrderChange | DomainRefusal:
    """Offer a badly rated order anew, once, at the centre's desk; to the same team only if the resident agrees."""
    if (refused := _guard(order, OrderAct.REOPEN, by, timing.policy)) is not None:
        return refused
    again = replace(
        _unplanned(order),
        team_id=None,
        desk=order.desks[-1],
        reopened=True,
        declines=0,
        residents_served=None,
        stars=None,
        complaint=False,
    )
    reason = "same-team" if same_team else "another-team"
    return _change(again, OrderAct.REOPEN, by, OrderState.OFFERED, timing, reason, team_id=order.team_id)


def cancel(order: Order, by: OrderActor, reason: str, timing: Timing) -> OrderChange | DomainRefusal:
    """Withdraw an order before its service; where staff find no team, the need stays unfulfilled."""
    if (refused := _guard(order, OrderAct.CANCEL, by, timing.policy)) is not None:
        return refused
    unfulfilled = reason == "no-team"
    possible = CANCEL_REASONS if by is OrderActor.STAFF else CANCEL_REASONS - {"no-team"}
    if (refused := _wrong_reason(reason, possible)) is not None:
        return refused
    state = OrderState.UNFULFILLED if unfulfilled else OrderState.CANCELLED
    return _change(order, OrderAct.CANCEL, by, state, timing, reason, team_id=order.team_id)


def pass_deadline(order: Order, timing: Timing) -> OrderChange | None:
    """The step of the timer; None while the deadline lies ahead."""
    deadline = deadlines(timing.policy).get(order.state)
    if deadline is None or order.next_at is None or timing.now < order.next_at:
        return None
    if deadline.then is Then.ESCALATE:
        higher = order.desks[order.desks.index(order.desk) + 1 :]
        raised = replace(order, desk=higher[0], escalations=order.escalations + 1)
        return _change(raised, OrderAct.ESCALATE, OrderActor.TIMER, order.state, timing, since=order.since)
    if deadline.then is Then.LAPSE:
        return _change(order, OrderAct.LAPSE, OrderActor.TIMER, OrderState.CLOSED, timing, "no-answer")
    if deadline.then is Then.DEFAULT:
        rated = replace(order, rated_by_default=True)
        return _change(rated, OrderAct.DEFAULT, OrderActor.TIMER, OrderState.RATED, timing, team_id=order.team_id)
    if deadline.then is Then.REMIND:
        late = replace(order, next_at=None, version=order.version + 1)
        return OrderChange(late, OrderAct.REMIND, OrderActor.TIMER, timing.now, team_id=order.team_id)
    reason = "no-answer" if order.state is OrderState.DISPATCHED else "not-planned"
    return _given_back(order, OrderAct.RELEASE, OrderActor.TIMER, reason, timing)


def release(order: Order, reason: str, timing: Timing) -> OrderChange | None:
    """Give an order a way on when its team or its shift is gone; None if it needs neither."""
    if order.state in (OrderState.DISPATCHED, OrderState.ACCEPTED) or (
        order.state is OrderState.SCHEDULED and reason != "called-off"
    ):
        released = replace(_unplanned(order), team_id=None)
        to = OrderState.OFFERED
    elif order.state is OrderState.SCHEDULED:
        released, to = _unplanned(order), OrderState.ACCEPTED
    else:
        return None
    return _change(released, OrderAct.RELEASE, OrderActor.TIMER, to, timing, reason, team_id=order.team_id)


def move(order: Order, site_id: UUID, desks: Sequence[Desk], timing: Timing) -> OrderChange | None:
    """Move an order of a closed site to the site above; None once it has ended."""
    if order.ended:
        return None
    desk = order.desk if order.desk in desks else desks[0]
    moved = replace(order, site_id=site_id, desks=tuple(desks), desk=desk)
    next_at = _next_at(moved, order.due_at) if order.state in _ESCALATING else order.next_at
    moved = replace(moved, next_at=next_at, version=order.version + 1)
    return OrderChange(moved, OrderAct.MOVE, OrderActor.TIMER, timing.now, "site-closed")


def forget(order: Order, timing: Timing) -> OrderChange | None:
    """End an order whose resident was erased; None once it has ended."""
    if order.ended:
        return None
    if order.state not in BEFORE_SERVICE:
        rated = replace(order, rated_by_default=True)
        return _change(rated, OrderAct.DEFAULT, OrderActor.TIMER, OrderState.RATED, timing, "erased", order.team_id)
    return _change(order, OrderAct.CANCEL, OrderActor.TIMER, OrderState.CANCELLED, timing, "erased", order.team_id)


def follow(order: Order, starts_at: datetime, ends_at: datetime, policy: OrderPolicy) -> Order:
    """The scheduled order with the times that its shift has now, and the deadline that follows from them."""
    if (order.starts_at, order.ends_at) == (starts_at, ends_at) or order.state is not OrderState.SCHEDULED:
        return order
    due_at = ends_at + timedelta(days=policy.completion_days)
    return replace(order, starts_at=starts_at, ends_at=ends_at, due_at=due_at, next_at=due_at)


def series_dates(starts_at: datetime, every: SeriesEvery, times: int) -> list[datetime]:
    """The beginnings of a series by the district's calendar; the 31st becomes a shorter month's last day."""
    if every is SeriesEvery.WEEK:
        return [starts_at + timedelta(weeks=turn) for turn in range(times)]
    local = starts_at.astimezone(DISTRICT)
    return [_months_later(local, turn).astimezone(starts_at.tzinfo) for turn in range(times)]


def _months_later(at: datetime, months: int) -> datetime:
    month = at.month - 1 + months
    year, month = at.year + month // 12, month % 12 + 1
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=DISTRICT)
    last = (following - timedelta(days=1)).day
    return at.replace(year=year, month=month, day=min(at.day, last))


def _guard(order: Order, act: OrderAct, by: OrderActor, policy: OrderPolicy) -> DomainRefusal | None:
    possible = allowed(order, by, policy)
    if act in possible:
        return None
    names = [str(each) for each in possible]
    now = f"possible now: {', '.join(names)}" if names else "nothing is possible any more"
    return DomainRefusal(
        "order-state", f"This order is {order.state}; {now}.", extra={"state": str(order.state), "allowed": names}
    )


def _wrong_reason(reason: str | None, possible: frozenset[str] | None) -> DomainRefusal | None:
    if reason in possible if possible is not None else reason is None:
        return None
    names = sorted(possible or ())
    detail = f"The reason is one of: {', '.join(names)}." if names else "This decision takes no reason."
    return DomainRefusal("reason-unknown", detail, 422, {"reasons": names})


def _reopens(order: Order, policy: OrderPolicy) -> bool:
    bad = order.stars is not None and order.stars <= policy.bad_stars
    return bad and not order.rated_by_default and not order.reopened


def _given_back(order: Order, act: OrderAct, by: OrderActor, reason: str, timing: Timing) -> OrderChange:
    """The team does not do it: offered again, or unfulfilled after too many."""
    declines = order.declines + 1
    back = replace(order, team_id=None, declines=declines)
    state = OrderState.UNFULFILLED if declines >= timing.policy.most_declines else OrderState.OFFERED
    return _change(back, act, by, state, timing, reason, team_id=order.team_id)


def _unplanned(order: Order) -> Order:
    return replace(order, activity_id=None, shift_id=None, starts_at=None, ends_at=None)


def _change(
    order: Order,
    act: OrderAct,
    by: OrderActor,
    state: OrderState,
    timing: Timing,
    reason: str | None = None,
    team_id: UUID | None = None,
    **more: Any,
) -> OrderChange:
    entered = _enter(replace(order, reason=reason), state, timing)
    entered = replace(entered, version=order.version + 1, **more)
    return OrderChange(entered, act, by, timing.now, reason, team_id)


def _enter(order: Order, state: OrderState, timing: Timing) -> Order:
    deadline = deadlines(timing.policy).get(state)
    entered = replace(order, state=state, since=timing.now, due_at=None, next_at=None)
    if deadline is None:
        return entered
    start = order.ends_at if state is OrderState.SCHEDULED and order.ends_at is not None else timing.now
    span = timedelta(days=deadline.days)
    due_at = timing.calendar.add(start, deadline.days) if deadline.working else start + span
    return replace(entered, due_at=due_at, next_at=_next_at(entered, due_at, deadline.then))


def _next_at(order: Order, due_at: datetime | None, then: Then | None = None) -> datetime | None:
    """When the timer acts: not at a desk that has none above it."""
    escalates = then is Then.ESCALATE if then else order.state in _ESCALATING
    if escalates and order.desk is order.desks[-1]:
        return None
    return due_at


_ESCALATING = frozenset({OrderState.PLACED, OrderState.UNDER_REVIEW, OrderState.OFFERED})
