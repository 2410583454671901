"""HTTP of accounts: balances, statement with reasons, the district's ledger."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from services.points.accounts import handlers, store
from services.points.accounts.domain import BucketVersion, Transfer
from services.points.badges.domain import Criterion
from services.points.badges.handlers import criteria_in_force
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, page_of

router = APIRouter(prefix="/api/points/v1", tags=["accounts"])

Reader = Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)]


class BadgeView(Output):
    """A badge or star held now."""

    badge: str
    name: str
    awarded_at: datetime


class NextStar(Output):
    """The next star and how many minutes of service it still takes."""

    star: int
    badge: str
    name: str
    minutes: int
    remaining_minutes: int


class AccountView(Output):
    """Balances in points and lifetime figures in minutes; `minutes` is the sum of the other three."""

    volunteer_id: UUID
    available: int
    held: int
    debt: int
    earned: int
    spent: int
    expired: int
    donated: int
    minutes: int
    credit_minutes: int
    honour_minutes: int
    imported_minutes: int
    star: int
    next_star: NextStar | None
    badges: list[BadgeView]


class StatementLine(Output):
    """One transfer and why it was posted."""

    transfer_id: int
    posted_at: datetime
    code: str
    amount: int
    debit: str
    credit: str
    bucket: str | None
    rule_version: int | None
    explanation: dict[str, Any]
    cause_event_id: UUID
    correlation_id: str


class Explanation(Output):
    """What was computed for one day or one bonus, also where it came to nothing."""

    bucket: str
    points: int
    rule_version: int
    updated_at: datetime
    explanation: dict[str, Any]


class LedgerReport(Output):
    """The district's points: `issued = available + held + spent + expired + donated - debt`."""

    issued: int
    available: int
    held: int
    spent: int
    expired: int
    donated: int
    debt: int
    badges: dict[str, int]
    redemptions: dict[str, int]
    volunteers: int


@router.get("/accounts/{volunteer_id}")
async def read_account(database: Db, caller: Reader, volunteer_id: UUID) -> AccountView:
    """Points, hours, star and badges: the volunteer's own, or any for staff."""
    async with database.snapshot() as tx:
        account = await handlers.account(tx, caller, volunteer_id)
        badges = await store.list_badges(tx, volunteer_id)
        criteria = await criteria_in_force(tx)
    following = criteria.next_star(account.lifetime)
    return AccountView(
        volunteer_id=volunteer_id,
        available=account.available,
        held=account.held,
        debt=account.debt,
        earned=account.earned,
        spent=account.spent,
        expired=account.expired,
        donated=account.donated,
        minutes=account.minutes,
        credit_minutes=account.credit_minutes,
        honour_minutes=account.honour_minutes,
        imported_minutes=account.imported_minutes,
        star=criteria.star(badge.badge for badge in badges),
        next_star=None if following is None else _next_star(*following),
        badges=[BadgeView(badge=badge.badge, name=badge.name, awarded_at=badge.awarded_at) for badge in badges],
    )


@router.get("/accounts/{volunteer_id}/statement")
async def read_statement(
    database: Db, caller: Reader, volunteer_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[StatementLine]:
    """Transfers, newest first, each with its explanation."""
    handlers.require_reader(caller, volunteer_id)
    before = None if cursor is None else cursors.decode(cursor, (int,))[0]
    async with database.snapshot() as tx:
        lines = await handlers.statement(tx, volunteer_id, before=before, limit=limit + 1)
    return page_of(lines, limit, _line, lambda line: (line[0].transfer_id,))


@router.get("/accounts/{volunteer_id}/explanations")
async def read_explanations(
    database: Db, caller: Reader, volunteer_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[Explanation]:
    """What each day's service came to and why, also where it came to nothing, which no transfer tells of."""
    handlers.require_reader(caller, volunteer_id)
    before = None if cursor is None else cursors.decode(cursor, (str,))[0]
    async with database.snapshot() as tx:
        found = await handlers.explanations(tx, volunteer_id, before=before, limit=limit + 1)
    return page_of(found, limit, _explanation, lambda line: (line[0].bucket,))


@router.get("/reports/ledger", dependencies=[public()])
async def ledger_report(database: Db) -> LedgerReport:
    """The district's totals; nobody can be told from them."""
    async with database.snapshot() as tx:
        totals = await store.ledger_totals(tx)
    return LedgerReport(
        issued=totals.issued,
        available=totals.available,
        held=totals.held,
        spent=totals.spent,
        expired=totals.expired,
        donated=totals.donated,
        debt=totals.debt,
        badges=dict(totals.badges),
        redemptions=dict(totals.redemptions),
        volunteers=totals.volunteers,
    )


def _next_star(criterion: Criterion, missing: int) -> NextStar:
    return NextStar(
        star=criterion.star or 0,
        badge=criterion.badge,
        name=criterion.name,
        minutes=criterion.at_least,
        remaining_minutes=missing,
    )


def _line(line: tuple[Transfer, dict[str, Any]]) -> StatementLine:
    transfer, explanation = line
    return StatementLine(
        transfer_id=transfer.transfer_id,
        posted_at=transfer.posted_at,
        code=transfer.code,
        amount=transfer.amount,
        debit=transfer.debit_account,
        credit=transfer.credit_account,
        bucket=transfer.bucket,
        rule_version=transfer.rule_version,
        explanation=explanation,
        cause_event_id=transfer.cause_event_id,
        correlation_id=transfer.correlation_id,
    )


def _explanation(line: tuple[BucketVersion, dict[str, Any]]) -> Explanation:
    bucket, explanation = line
    return Explanation(
        bucket=bucket.bucket,
        points=bucket.points,
        rule_version=bucket.rule_version,
        updated_at=bucket.updated_at,
        explanation=explanation,
    )
