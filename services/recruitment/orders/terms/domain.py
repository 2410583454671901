"""Terms of orders: states, acts, reasons, deadlines, and the order itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

__all__ = [
    "ACTS",
    "ASK_REASONS",
    "BEFORE_SERVICE",
    "BY",
    "CANCEL_REASONS",
    "DECLINE_REASONS",
    "ENDED",
    "REFUSE_REASONS",
    "Deadline",
    "Desk",
    "Order",
    "OrderAct",
    "OrderActor",
    "OrderChange",
    "OrderPolicy",
    "OrderState",
    "Outcome",
    "SeriesEvery",
    "TakenBy",
    "Then",
    "deadlines",
]


class OrderState(StrEnum):
    """The states of an order; the last five are final, a rated one unless it is reopened."""

    PLACED = "placed"
    UNDER_REVIEW = "under_review"
    NEEDS_INFORMATION = "needs_information"
    OFFERED = "offered"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    SERVED = "served"
    RATED = "rated"
    REFUSED = "refused"
    CLOSED = "closed"
    UNFULFILLED = "unfulfilled"
    CANCELLED = "cancelled"


class OrderAct(StrEnum):
    """The acts on an order; those after the first fourteen are the timer's."""

    PLACE = "place"
    TAKE = "take"
    ASK = "ask"
    ANSWER = "answer"
    OFFER = "offer"
    REFUSE = "refuse"
    ACCEPT = "accept"
    DECLINE = "decline"
    DISPATCH = "dispatch"
    SCHEDULE = "schedule"
    COMPLETE = "complete"
    RATE = "rate"
    REOPEN = "reopen"
    CANCEL = "cancel"
    ESCALATE = "escalate"
    """The desk above takes over."""
    LAPSE = "lapse"
    """The resident did not answer."""
    RELEASE = "release"
    """The team did not answer, did not plan, or is no longer there; or the shift was called off."""
    REMIND = "remind"
    """The service is over and was not completed: staff take over."""
    DEFAULT = "default"
    """The resident did not rate."""
    MOVE = "move"
    """The site was closed: the site above takes over."""


class OrderActor(StrEnum):
    """The parties that act on an order."""

    RESIDENT = "resident"
    STAFF = "staff"
    LEADER = "leader"
    TIMER = "timer"


class Desk(StrEnum):
    """The desk that an order waits at, from below."""

    STATION = "station"
    INSTITUTE = "institute"
    CENTRE = "centre"


class TakenBy(StrEnum):
    """How an order came: by its resident's own page, or through staff."""

    PAGE = "page"
    PHONE = "phone"
    COUNTER = "counter"
    VISIT = "visit"


class SeriesEvery(StrEnum):
    """The interval of a series."""

    WEEK = "week"
    MONTH = "month"


class Outcome(StrEnum):
    """The outcome of a shift that was planned for an order."""

    SERVED = "served"
    UNATTENDED = "nobody_came"
    ABSENT = "absent"


REFUSE_REASONS = frozenset({"not-voluntary", "unsafe", "untrue", "duplicate", "out-of-district", "other"})
ASK_REASONS = frozenset({"address", "time", "need", "safety", "other"})
DECLINE_REASONS = frozenset({"no-time", "no-people", "no-skill", "too-far", "unsafe", "other"})
CANCEL_REASONS = frozenset({"no-longer-needed", "helped-otherwise", "wrong-entry", "unsafe", "no-team", "other"})
"""``no-team`` is staff's: the need stays unfulfilled."""

_LEADERS_AND_STAFF = frozenset({OrderActor.LEADER, OrderActor.STAFF})
_RESIDENT_AND_STAFF = frozenset({OrderActor.RESIDENT, OrderActor.STAFF})
_STAFF, _LEADER = frozenset({OrderActor.STAFF}), frozenset({OrderActor.LEADER})
BY: Mapping[OrderAct, frozenset[OrderActor]] = {
    OrderAct.TAKE: _STAFF,
    OrderAct.ASK: _STAFF,
    OrderAct.ANSWER: _RESIDENT_AND_STAFF,
    OrderAct.OFFER: _STAFF,
    OrderAct.REFUSE: _STAFF,
    OrderAct.ACCEPT: _LEADER,
    OrderAct.DECLINE: _LEADER,
    OrderAct.DISPATCH: _STAFF,
    OrderAct.SCHEDULE: _LEADERS_AND_STAFF,
    OrderAct.COMPLETE: _LEADERS_AND_STAFF,
    OrderAct.RATE: _RESIDENT_AND_STAFF,
    OrderAct.REOPEN: _RESIDENT_AND_STAFF,
    OrderAct.CANCEL: _RESIDENT_AND_STAFF,
}
"""Whose acts they are."""

ACTS: Mapping[OrderState, tuple[OrderAct, ...]] = {
    OrderState.PLACED: (OrderAct.TAKE, OrderAct.CANCEL),
    OrderState.UNDER_REVIEW: (OrderAct.OFFER, OrderAct.ASK, OrderAct.REFUSE, OrderAct.CANCEL),
    OrderState.NEEDS_INFORMATION: (OrderAct.ANSWER, OrderAct.CANCEL),
    OrderState.OFFERED: (OrderAct.ACCEPT, OrderAct.DECLINE, OrderAct.DISPATCH, OrderAct.CANCEL),
    OrderState.DISPATCHED: (OrderAct.ACCEPT, OrderAct.DECLINE, OrderAct.CANCEL),
    OrderState.ACCEPTED: (OrderAct.SCHEDULE, OrderAct.DECLINE, OrderAct.CANCEL),
    OrderState.SCHEDULED: (OrderAct.COMPLETE, OrderAct.CANCEL),
    OrderState.SERVED: (OrderAct.RATE,),
    OrderState.RATED: (OrderAct.REOPEN,),
    OrderState.REFUSED: (),
    OrderState.CLOSED: (),
    OrderState.UNFULFILLED: (),
    OrderState.CANCELLED: (),
}
"""The acts of people that each state allows."""

ENDED = frozenset(
    {OrderState.RATED, OrderState.REFUSED, OrderState.CLOSED, OrderState.UNFULFILLED, OrderState.CANCELLED}
)
BEFORE_SERVICE = frozenset(OrderState) - ENDED - {OrderState.SERVED}


class Then(StrEnum):
    """The acts of the timer when the deadline of a state passes."""

    ESCALATE = "escalate"
    LAPSE = "lapse"
    RELEASE = "release"
    REMIND = "remind"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Deadline:
    """The length of a state's deadline in days, and what happens after it."""

    days: int
    then: Then
    working: bool = False


@dataclass(frozen=True, slots=True)
class OrderPolicy:
    """Lengths of deadlines in days, and bounds; the settings fill it. Working days where it says so."""

    review_working_days: int = 1
    answer_days: int = 14
    offer_working_days: int = 2
    dispatch_working_days: int = 1
    accept_days: int = 3
    completion_days: int = 3
    rating_days: int = 7
    most_declines: int = 3
    bad_stars: int = 2
    frail_people: int = 2


def deadlines(policy: OrderPolicy) -> Mapping[OrderState, Deadline]:
    """The deadline of each state that has one; that of a scheduled order counts from the end of its shift."""
    return {
        OrderState.PLACED: Deadline(policy.review_working_days, Then.ESCALATE, working=True),
        OrderState.UNDER_REVIEW: Deadline(policy.review_working_days, Then.ESCALATE, working=True),
        OrderState.NEEDS_INFORMATION: Deadline(policy.answer_days, Then.LAPSE),
        OrderState.OFFERED: Deadline(policy.offer_working_days, Then.ESCALATE, working=True),
        OrderState.DISPATCHED: Deadline(policy.dispatch_working_days, Then.RELEASE, working=True),
        OrderState.ACCEPTED: Deadline(policy.accept_days, Then.RELEASE),
        OrderState.SCHEDULED: Deadline(policy.completion_days, Then.REMIND),
        OrderState.SERVED: Deadline(policy.rating_days, Then.DEFAULT),
    }


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands. Ids are pseudonymous; what says who needs what where lies sealed beside it.

    ``due_at`` is the deadline that people see, ``next_at`` when the timer acts; None when nothing happens by itself.
    ``desks`` are the desks of its site, from below. ``declines`` counts teams that declined or did not answer.
    """

    order_id: UUID
    number: str
    state: OrderState
    desk: Desk
    desks: tuple[Desk, ...]
    need_tag_id: UUID
    site_id: UUID
    resident_id: UUID
    beneficiary_id: UUID | None
    taken_by: TakenBy
    minutes: int
    people: int
    frail: bool
    wished_from: datetime
    wished_to: datetime
    placed_at: datetime
    since: datetime
    due_at: datetime | None = None
    next_at: datetime | None = None
    team_id: UUID | None = None
    activity_id: UUID | None = None
    shift_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    declines: int = 0
    reopened: bool = False
    escalations: int = 0
    stars: int | None = None
    rated_by_default: bool = False
    complaint: bool = False
    residents_served: int | None = None
    reason: str | None = None
    series_id: UUID | None = None
    series_every: SeriesEvery | None = None
    series_times: int | None = None
    version: int = 1

    @property
    def ended(self) -> bool:
        """Whether no act is expected any more."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class OrderChange:
    """One step of an order: the order after it, what happened, by whom, and the code of the reason.

    ``team_id`` is the team that it concerns, also when the order no longer has one.
    """

    order: Order
    act: OrderAct
    by: OrderActor
    at: datetime
    reason: str | None = None
    team_id: UUID | None = None
