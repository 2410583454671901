"""HTTP of accounts: balances, statement with reasons, the district's ledger."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from services.points.accounts import handlers, store
from services.points.accounts.domain import next_star, star_of
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Output
from shared.http.cursors import Page

router = APIRouter(tags=["accounts"])

Reader = Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)]
Limit = Annotated[int, Query(ge=1, le=200)]


class BadgeView(Output):
    """A badge or star held now."""

    badge: str
    name: str
    awarded_at: datetime


class NextStar(Output):
    """The next star and how many minutes of service it still takes."""

    star: int
    badge: str
    minutes: int
    remaining_minutes: int


class AccountView(Output):
    """Balances in points and lifetime figures in minutes; `minutes` is the legal record, the other three its provenance."""

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
        stars = await store.list_stars(tx)
    star = star_of((badge.badge for badge in badges), stars)
    following = next_star(account.minutes, star, stars)
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
        star=star,
        next_star=None if following is None else NextStar(**following),
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
    following = cursors.encode(lines[limit - 1][0].transfer_id) if len(lines) > limit else None
    items = [
        StatementLine(
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
        for transfer, explanation in lines[:limit]
    ]
    return Page(items=items, next_cursor=following)


@router.get("/accounts/{volunteer_id}/explanations")
async def read_explanations(
    database: Db, caller: Reader, volunteer_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[Explanation]:
    """What each day's service came to and why, also where it came to nothing, which no transfer tells of."""
    handlers.require_reader(caller, volunteer_id)
    before = None if cursor is None else cursors.decode(cursor, (str,))[0]
    async with database.snapshot() as tx:
        found = await handlers.explanations(tx, volunteer_id, before=before, limit=limit + 1)
    following = cursors.encode(found[limit - 1][0].bucket) if len(found) > limit else None
    items = [
        Explanation(
            bucket=bucket.bucket,
            points=bucket.points,
            rule_version=bucket.rule_version,
            updated_at=bucket.updated_at,
            explanation=explanation,
        )
        for bucket, explanation in found[:limit]
    ]
    return Page(items=items, next_cursor=following)


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
