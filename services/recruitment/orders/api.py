"""Routes of orders: place them, and the acts on one."""

from collections.abc import Awaitable, Callable
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


@router.post("/orders", status_code=201, response_model=OrderOut)
async def place_order(request: Request, db: Db, terms: TermsDep, caller: Orderer, body: OrderIn) -> Response:
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

    async def work(tx: Tx) -> FoundOrder:
        return await placing.place(tx, caller, terms, new)

    return await _once(request, db, caller, terms, work, status=201)


@router.post("/orders/{order_id}/review", response_model=OrderOut)
async def review_order(
    request: Request, db: Db, terms: TermsDep, caller: Staff, order_id: UUID, body: ReviewIn
) -> Response:
    """Take an order up, offer it to the teams, ask the resident, or refuse it."""

    async def work(tx: Tx) -> FoundOrder:
        act = OrderAct(body.decision)
        return await handlers.review(tx, caller, terms, order_id, act, body.reason_code, body.words)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/answer", response_model=OrderOut)
async def answer_review(
    request: Request, db: Db, terms: TermsDep, caller: Orderer, order_id: UUID, body: AnswerIn
) -> Response:
    """Say what the review asked for."""

    async def work(tx: Tx) -> FoundOrder:
        return await handlers.answer(tx, caller, terms, order_id, body.words)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/accept", response_model=OrderOut)
async def accept_order(
    request: Request, db: Db, terms: TermsDep, caller: Leader, order_id: UUID, body: TeamAcceptanceIn
) -> Response:
    """Accept an order for one's team."""

    async def work(tx: Tx) -> FoundOrder:
        return await handlers.accept(tx, caller, terms, order_id, body.team_id)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/decline", response_model=OrderOut)
async def decline_order(
    request: Request, db: Db, terms: TermsDep, caller: Leader, order_id: UUID, body: RefusalByTeamIn
) -> Response:
    """Decline an order for one's team, or hand back one that it accepted."""

    async def work(tx: Tx) -> FoundOrder:
        return await handlers.decline(tx, caller, terms, order_id, body.team_id, body.reason_code)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/dispatch", response_model=OrderOut)
async def dispatch_order(
    request: Request, db: Db, terms: TermsDep, caller: Staff, order_id: UUID, body: DispatchIn
) -> Response:
    """Dispatch an offered order to a team."""

    async def work(tx: Tx) -> FoundOrder:
        return await handlers.dispatch(tx, caller, terms, order_id, body.team_id)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/schedule", response_model=OrderOut)
async def schedule_order(
    request: Request, db: Db, terms: TermsDep, caller: Runner, order_id: UUID, body: PlanIn
) -> Response:
    """Plan the service of an accepted order: an activity with a shift that its team alone sees."""

    async def work(tx: Tx) -> FoundOrder:
        plan = ServicePlan(body.starts_at, body.ends_at, body.places, body.dates)
        return await planning.schedule(tx, caller, terms, order_id, plan)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/complete", response_model=OrderOut)
async def complete_order(
    request: Request, db: Db, terms: TermsDep, caller: Runner, order_id: UUID, body: CompletionIn
) -> Response:
    """Close the service with its outcome."""

    async def work(tx: Tx) -> FoundOrder:
        return await planning.complete(tx, caller, terms, order_id, body.outcome, body.residents_served, body.words)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/rating", response_model=OrderOut)
async def rate_order(
    request: Request, db: Db, terms: TermsDep, caller: Orderer, order_id: UUID, body: RatingIn
) -> Response:
    """Rate a service."""

    async def work(tx: Tx) -> FoundOrder:
        return await handlers.rate(tx, caller, terms, order_id, body.stars, body.words, body.channel, body.complaint)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/reopen", response_model=OrderOut)
async def reopen_order(
    request: Request, db: Db, terms: TermsDep, caller: Orderer, order_id: UUID, body: ReopeningIn
) -> Response:
    """Offer a badly rated order anew, once."""

    async def work(tx: Tx) -> FoundOrder:
        return await handlers.reopen(tx, caller, terms, order_id, body.same_team)

    return await _once(request, db, caller, terms, work)


@router.post("/orders/{order_id}/cancel", response_model=OrderOut)
async def cancel_order(
    request: Request, db: Db, terms: TermsDep, caller: Orderer, order_id: UUID, body: OrderCancellationIn
) -> Response:
    """Withdraw an order before its service."""

    async def work(tx: Tx) -> FoundOrder:
        return await planning.cancel(tx, caller, terms, order_id, body.reason_code, body.words)

    return await _once(request, db, caller, terms, work)


async def _once(
    request: Request,
    db: Database,
    caller: Caller,
    terms: OrderTerms,
    work: Callable[[Tx], Awaitable[FoundOrder]],
    *,
    status: int = 200,
) -> Response:
    async def answered(tx: Tx) -> OrderOut:
        return order_out(await board.view(tx, caller, await work(tx)), terms.policy, await tx.now())

    return await once(request, db, caller, answered, status=status)


def _person(said: OrderPersonIn | None) -> PersonSaid | None:
    return None if said is None else PersonSaid(said.name, said.phone)
