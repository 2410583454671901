"""Routes of orders: place them, and the acts on one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.recruitment.access.sessions import ClientDep, SettingsDep
from services.recruitment.limits.handlers import RateCap
from services.recruitment.orders import handlers, placing, planning
from services.recruitment.orders.board import handlers as board
from services.recruitment.orders.handlers import OrderTerms
from services.recruitment.orders.models import (
    AnswerIn,
    CompletionIn,
    DispatchIn,
    OrderCancellationIn,
    OrderIn,
    OrderOut,
    OrderPersonIn,
    PlanIn,
    RatingIn,
    RefusalByTeamIn,
    ReopeningIn,
    ReviewIn,
    TeamAcceptanceIn,
    order_out,
)
from services.recruitment.orders.placing import NewOrder, PersonSaid
from services.recruitment.orders.planning import ServicePlan
from services.recruitment.orders.policy import policy_of
from services.recruitment.orders.store import FoundOrder
from services.recruitment.orders.terms.domain import OrderAct, TakenBy
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.errors import Invalid
from shared.http.app import Db
from shared.http.idempotency import once
from shared.postgres import Database, Tx

__all__ = ["Anybody", "Leader", "Resident", "Server", "Staff", "TermsDep", "router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["orders"])

Orderer = Annotated[Caller, allow(Role.RESIDENT, Role.VOLUNTEER, Role.STATION, Role.OPERATOR)]
Resident = Annotated[Caller, allow(Role.RESIDENT, Role.VOLUNTEER)]
Server = Annotated[Caller, allow(Role.VOLUNTEER)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
Leader = Annotated[Caller, allow(Role.LEADER)]
Runner = Annotated[Caller, allow(Role.LEADER, Role.STATION, Role.OPERATOR)]
Anybody = Annotated[Caller, allow(Role.RESIDENT, Role.VOLUNTEER, Role.LEADER, Role.STATION, Role.OPERATOR)]


async def _terms(settings: SettingsDep, cipher: CipherDep, client: ClientDep) -> OrderTerms:
    return OrderTerms(
        policy_of(settings),
        cipher,
        RateCap(settings.limit_orders_per_resident, timedelta(days=1)),
        RateCap(settings.limit_orders_per_address, timedelta(hours=1)),
        client.address,
    )


TermsDep = Annotated[OrderTerms, Depends(_terms)]


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A request that acts on an order: done once for its key, and answered with the order after it."""

    request: Request
    db: Database
    terms: OrderTerms

    async def once(self, caller: Caller, work: Callable[[Tx], Awaitable[FoundOrder]], *, status: int = 200) -> Response:
        """Do the work, or repeat the answer that it had; raises as the work."""

        async def answered(tx: Tx) -> OrderOut:
            return order_out(await board.view(tx, caller, await work(tx)), self.terms.policy, await tx.now())

        return await once(self.request, self.db, caller, answered, status=status)


async def _acting(request: Request, db: Db, terms: TermsDep) -> OrderRequest:
    return OrderRequest(request, db, terms)


ActingDep = Annotated[OrderRequest, Depends(_acting)]


@router.post("/orders", status_code=201, response_model=OrderOut)
async def place_order(acting: ActingDep, caller: Orderer, body: OrderIn) -> Response:
    """Place an order, for oneself or for another; staff take one by phone, at the counter or on a visit."""
    by_staff = caller.has(Role.STATION, Role.OPERATOR)
    if by_staff and (body.taken_by is None or body.resident is None):
        raise Invalid("order-resident-missing", "Staff say who orders, by name and phone, and how it came (taken_by).")
    if not by_staff and (body.taken_by is not None or body.resident is not None):
        raise Invalid("order-resident-given", "Residents order for themselves or name a beneficiary.")
    new = NewOrder(
        need_tag_id=body.need_tag,
        site_id=body.site_id,
        wished_from=body.wished_from,
        wished_to=body.wished_to,
        minutes=body.minutes,
        people=body.people,
        frail=body.frail,
        address=body.details.address,
        phone=body.details.phone,
        know=body.details.know,
        taken_by=TakenBy(body.taken_by or "page"),
        resident=_person(body.resident),
        beneficiary=_person(body.beneficiary),
        series_every=None if body.series is None else body.series.every,
        series_times=None if body.series is None else body.series.times,
    )
    return await acting.once(caller, lambda tx: placing.place(tx, caller, acting.terms, new), status=201)


@router.post("/orders/{order_id}/review", response_model=OrderOut)
async def review_order(acting: ActingDep, caller: Staff, order_id: UUID, body: ReviewIn) -> Response:
    """Take an order up, offer it to the teams, ask the resident, or refuse it."""
    decision = OrderAct(body.decision)
    return await acting.once(
        caller,
        lambda tx: handlers.review(tx, caller, acting.terms, order_id, decision, body.reason_code, body.words),
    )


@router.post("/orders/{order_id}/answer", response_model=OrderOut)
async def answer_review(acting: ActingDep, caller: Orderer, order_id: UUID, body: AnswerIn) -> Response:
    """Say what the review asked for."""
    return await acting.once(caller, lambda tx: handlers.answer(tx, caller, acting.terms, order_id, body.words))


@router.post("/orders/{order_id}/accept", response_model=OrderOut)
async def accept_order(acting: ActingDep, caller: Leader, order_id: UUID, body: TeamAcceptanceIn) -> Response:
    """Accept an order for one's team."""
    return await acting.once(caller, lambda tx: handlers.accept(tx, caller, acting.terms, order_id, body.team_id))


@router.post("/orders/{order_id}/decline", response_model=OrderOut)
async def decline_order(acting: ActingDep, caller: Leader, order_id: UUID, body: RefusalByTeamIn) -> Response:
    """Decline an order for one's team, or hand back one that it accepted."""
    return await acting.once(
        caller, lambda tx: handlers.decline(tx, caller, acting.terms, order_id, body.team_id, body.reason_code)
    )


@router.post("/orders/{order_id}/dispatch", response_model=OrderOut)
async def dispatch_order(acting: ActingDep, caller: Staff, order_id: UUID, body: DispatchIn) -> Response:
    """Dispatch an offered order to a team."""
    return await acting.once(caller, lambda tx: handlers.dispatch(tx, caller, acting.terms, order_id, body.team_id))


@router.post("/orders/{order_id}/schedule", response_model=OrderOut)
async def schedule_order(acting: ActingDep, caller: Runner, order_id: UUID, body: PlanIn) -> Response:
    """Plan the service of an accepted order: an activity with a shift that its team alone sees."""
    plan = ServicePlan(body.starts_at, body.ends_at, body.places, body.dates)
    return await acting.once(caller, lambda tx: planning.schedule(tx, caller, acting.terms, order_id, plan))


@router.post("/orders/{order_id}/complete", response_model=OrderOut)
async def complete_order(acting: ActingDep, caller: Runner, order_id: UUID, body: CompletionIn) -> Response:
    """Close the service with its outcome."""
    return await acting.once(
        caller,
        lambda tx: planning.complete(
            tx, caller, acting.terms, order_id, body.outcome, body.residents_served, body.words
        ),
    )


@router.post("/orders/{order_id}/rating", response_model=OrderOut)
async def rate_order(acting: ActingDep, caller: Orderer, order_id: UUID, body: RatingIn) -> Response:
    """Rate a service."""
    return await acting.once(
        caller,
        lambda tx: handlers.rate(
            tx, caller, acting.terms, order_id, body.stars, body.words, body.channel, body.complaint
        ),
    )


@router.post("/orders/{order_id}/reopen", response_model=OrderOut)
async def reopen_order(acting: ActingDep, caller: Orderer, order_id: UUID, body: ReopeningIn) -> Response:
    """Offer a badly rated order anew, once."""
    return await acting.once(caller, lambda tx: handlers.reopen(tx, caller, acting.terms, order_id, body.same_team))


@router.post("/orders/{order_id}/cancel", response_model=OrderOut)
async def cancel_order(acting: ActingDep, caller: Orderer, order_id: UUID, body: OrderCancellationIn) -> Response:
    """Withdraw an order before its service."""
    return await acting.once(
        caller, lambda tx: planning.cancel(tx, caller, acting.terms, order_id, body.reason_code, body.words)
    )


def _person(said: OrderPersonIn | None) -> PersonSaid | None:
    return None if said is None else PersonSaid(said.name, said.phone)
