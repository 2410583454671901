"""Orders as they come in and go out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from services.recruitment.orders import guards
from services.recruitment.orders.board.handlers import OrderView
from services.recruitment.orders.matching.domain import TeamMatch
from services.recruitment.orders.store import StepRow
from services.recruitment.orders.terms.domain import (
    ENDED,
    Desk,
    OrderAct,
    OrderActor,
    OrderPolicy,
    OrderState,
    Outcome,
    SeriesEvery,
    TakenBy,
)
from shared.http.app import Input, Output
from shared.typed import FactCodeText, PhoneText

__all__ = [
    "AnswerIn",
    "CompletionIn",
    "DispatchIn",
    "MatchOut",
    "OrderCancellationIn",
    "OrderIn",
    "OrderOut",
    "OrderPersonIn",
    "PlanIn",
    "RatingIn",
    "RefusalByTeamIn",
    "ReopeningIn",
    "ReviewIn",
    "TeamAcceptanceIn",
    "match_out",
    "order_out",
]

Words = Annotated[str, Field(min_length=1, max_length=500)]
Code = FactCodeText


class OrderPersonIn(Input):
    """A person by name and phone."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    phone: PhoneText


class OrderDetailsIn(Input):
    """Where the service is held, how to reach the people there, and what to know; stored sealed."""

    address: Annotated[str, Field(min_length=1, max_length=200)]
    phone: PhoneText
    know: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class SeriesIn(Input):
    """An order that repeats."""

    every: SeriesEvery
    times: Annotated[int, Field(ge=2, le=12)]


class OrderIn(Input):
    """An order. ``resident`` and ``taken_by`` are staff's, ``beneficiary`` names who is served if it is another."""

    need_tag: UUID
    site_id: UUID | None = None
    wished_from: datetime
    wished_to: datetime
    minutes: Annotated[int, Field(ge=15, le=480)] | None = None
    people: Annotated[int, Field(ge=1, le=50)] = 1
    details: OrderDetailsIn
    beneficiary: OrderPersonIn | None = None
    frail: bool = False
    series: SeriesIn | None = None
    taken_by: Literal["phone", "counter", "visit"] | None = None
    resident: OrderPersonIn | None = None


class ReviewIn(Input):
    """The decision of a review; asking and refusing take a reason."""

    decision: Literal["take", "offer", "refuse", "ask"]
    reason_code: Code | None = None
    words: Words | None = None


class AnswerIn(Input):
    """The answer to the review."""

    words: Words


class TeamAcceptanceIn(Input):
    """The team that accepts."""

    team_id: UUID


class RefusalByTeamIn(Input):
    """The team that declines, and why."""

    team_id: UUID
    reason_code: Code


class DispatchIn(Input):
    """The team that an order is dispatched to."""

    team_id: UUID


class PlanIn(Input):
    """When the service is held; ``dates`` are the further beginnings of a series, if not by its interval."""

    starts_at: datetime
    ends_at: datetime
    places: Annotated[int, Field(ge=1, le=50)]
    dates: Annotated[list[datetime], Field(max_length=11)] | None = None


class CompletionIn(Input):
    """How the service ended."""

    outcome: Outcome
    residents_served: Annotated[int, Field(ge=0, le=1000)] = 0
    words: Words | None = None


class RatingIn(Input):
    """The resident's opinion of the service."""

    stars: Annotated[int, Field(ge=1, le=5)]
    words: Words | None = None
    channel: Literal["page", "phone"] = "page"
    complaint: bool = False


class ReopeningIn(Input):
    """Whether the same team may come again."""

    same_team: bool


class OrderCancellationIn(Input):
    """Why an order is withdrawn."""

    reason_code: Code
    words: Words | None = None


class OrderStepOut(Output):
    """A step of an order: the state after it, when, by whom, and the code of the reason."""

    act: OrderAct
    state: OrderState
    waits_at: Desk
    at: datetime
    by_kind: OrderActor
    reason_code: str | None
    team_id: UUID | None


class SeriesOut(Output):
    """The interval and the number of times of a series."""

    every: SeriesEvery
    times: int


class MatchReasonOut(Output):
    """A reason for a team's rank: ``value`` is what it rests on, ``points`` what it counts."""

    code: str
    value: float
    points: float


class MatchOut(Output):
    """A team for an order, with the reasons for its rank."""

    team_id: UUID
    team_name: str
    site_id: UUID
    members: int
    rank: int
    score: float
    reasons: list[MatchReasonOut]


class OrderOut(Output):
    """An order. ``waits_at`` is the desk that answers for it, ``waits_for`` who acts next, ``late``: past ``due_at``.

    ``allowed`` are the acts that the caller may do now; ``teams`` are the caller's teams that match an offer.
    """

    order_id: UUID
    number: str
    state: OrderState
    need_tag_id: UUID
    need_tag: str
    need_zh: str
    need_en: str
    site_id: UUID
    site_name: str
    team_id: UUID | None
    team_name: str | None
    placed_at: datetime
    since: datetime
    due_at: datetime | None
    late: bool
    waits_at: Desk
    waits_for: Literal["staff", "team", "resident"] | None
    wished_from: datetime
    wished_to: datetime
    minutes: int
    people: int
    frail: bool
    for_another: bool
    taken_by: TakenBy
    series: SeriesOut | None
    series_id: UUID | None
    activity_id: UUID | None
    shift_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None
    declines: int
    escalations: int
    reopened: bool
    residents_served: int | None
    stars: int | None
    rated_by_default: bool
    complaint: bool
    reason_code: str | None
    version: int
    allowed: list[OrderAct]
    history: list[OrderStepOut]
    teams: list[MatchOut]

    @model_validator(mode="after")
    def _ended_ones_wait_for_nothing(self) -> "OrderOut":
        assert (self.due_at is None) == (self.state in ENDED), "an open order has a deadline"
        return self


_WAITS: dict[OrderState, Literal["staff", "team", "resident"]] = {
    OrderState.PLACED: "staff",
    OrderState.UNDER_REVIEW: "staff",
    OrderState.NEEDS_INFORMATION: "resident",
    OrderState.OFFERED: "team",
    OrderState.DISPATCHED: "team",
    OrderState.ACCEPTED: "team",
    OrderState.SCHEDULED: "team",
    OrderState.SERVED: "resident",
}


def order_out(view: OrderView, policy: OrderPolicy, now: datetime) -> OrderOut:
    """An order as it is answered to a caller."""
    found, order = view.found, view.found.order
    names = [name for name in OrderOut.model_fields if name in type(order).__dataclass_fields__]
    late = order.due_at is not None and order.due_at <= now
    waits_for = _WAITS.get(order.state)
    if (order.state is OrderState.SCHEDULED and late) or (order.state is OrderState.OFFERED and order.escalations):
        waits_for = "staff"
    return OrderOut(
        **{name: getattr(order, name) for name in names},
        need_tag=found.tag,
        need_zh=found.zh,
        need_en=found.en,
        site_name=found.site_name,
        team_name=found.team_name,
        late=late,
        waits_at=order.desk,
        waits_for=waits_for,
        for_another=order.beneficiary_id is not None,
        series=None
        if order.series_every is None or order.series_times is None
        else SeriesOut(every=order.series_every, times=order.series_times),
        reason_code=order.reason,
        allowed=guards.acts_of(found, view.held, policy),
        history=[_step(step) for step in view.steps],
        teams=match_out(view.matches),
    )


def match_out(matches: Sequence[TeamMatch]) -> list[MatchOut]:
    """Teams as they are answered, the best first."""
    return [
        MatchOut(
            team_id=each.measure.team_id,
            team_name=each.measure.name,
            site_id=each.measure.site_id,
            members=each.measure.members,
            rank=place,
            score=each.score,
            reasons=[MatchReasonOut(code=why.code, value=why.value, points=why.points) for why in each.reasons],
        )
        for place, each in enumerate(matches, 1)
    ]


def _step(step: StepRow) -> OrderStepOut:
    return OrderStepOut(
        act=OrderAct(step.act),
        state=OrderState(step.state),
        waits_at=Desk(step.desk),
        at=step.at,
        by_kind=OrderActor(step.by_kind),
        reason_code=step.reason,
        team_id=step.team_id,
    )
