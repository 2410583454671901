"""HTTP of accounts: balances, statement with reasons, the district's ledger."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request

from services.points.accounts import handlers, store
from services.points.accounts.domain import BucketVersion, LotSeen, StatementTransfer
from services.points.accounts.spreadsheet import COLUMNS, csv_text, row_of
from services.points.badges.domain import Criterion
from services.points.badges.handlers import criteria_in_force
from services.points.bounds.handlers import require_reader
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.errors import Refusal
from shared.http import cursors
from shared.http.answers import Csv
from shared.http.app import Db, Instant, Limit, Output, ReportDb, published
from shared.http.cursors import Page, page_of
from shared.postgres import Database

router = APIRouter(prefix="/api/points/v1", tags=["accounts"])

Reader = Annotated[Caller, allow(Role.VOLUNTEER, Role.STATION, Role.OPERATOR)]


class HeldBadgeOut(Output):
    """A badge or star held now."""

    badge: str
    name: str
    awarded_at: datetime


class NextStarOut(Output):
    """The next star and how many minutes of service it still takes."""

    star: int
    badge: str
    name: str
    minutes: int
    remaining_minutes: int


class AccountOut(Output):
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
    next_star: NextStarOut | None
    badges: list[HeldBadgeOut]


class PastBalanceOut(Output):
    """Balances in points as of a moment, from the transfers posted up to it; `as_of` is never later than `horizon`."""

    volunteer_id: UUID
    as_of: datetime
    horizon: datetime
    available: int
    held: int
    debt: int
    earned: int
    spent: int
    expired: int
    donated: int


class StatementLineOut(Output):
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


class TransferOut(StatementLineOut):
    """One transfer in full; `posting_id` is the event that published it, `cause_event_id` the one that led to it."""

    change: int
    bucket_version: int | None
    expires_on: date | None
    lot_bucket: str | None
    lot_expires_on: date | None
    hold_id: UUID | None
    posting_id: UUID


class LotOut(Output):
    """Points of one bucket with one last day; `movements`, by code and signed, sum to `available`."""

    bucket: str
    expires_on: date | None
    awarded: int
    available: int
    held: int
    spent: int
    expired: int
    movements: dict[str, int]
    rule_version: int | None
    explanation: dict[str, Any]


class BalanceOut(Output):
    """The balance with its movements.

    `movements` of the whole account sum to `available`, and so do the lots, of which
    this is a page.
    """

    volunteer_id: UUID
    available: int
    held: int
    debt: int
    movements: dict[str, int]
    items: list[LotOut]
    next_cursor: str | None


class ExplanationOut(Output):
    """The computation for one day or one bonus, also where it earned nothing."""

    bucket: str
    points: int
    rule_version: int
    updated_at: datetime
    explanation: dict[str, Any]


class LedgerReportOut(Output):
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
async def read_account(
    db: Db, report_db: ReportDb, caller: Reader, volunteer_id: UUID, as_of: Instant | None = None
) -> AccountOut | PastBalanceOut:
    """Points, hours, star and badges: the volunteer's own, or any for staff. With `as_of` the points of that moment."""
    if as_of is not None:
        figures, at, horizon = await handlers.figures_at(report_db, caller, volunteer_id, as_of)
        return PastBalanceOut(
            volunteer_id=volunteer_id,
            as_of=at,
            horizon=horizon,
            available=figures.available,
            held=figures.held,
            debt=figures.debt,
            earned=figures.earned,
            spent=figures.spent,
            expired=figures.expired,
            donated=figures.donated,
        )
    async with db.snapshot() as tx:
        account = await handlers.account(tx, caller, volunteer_id)
        badges = await store.list_badges(tx, volunteer_id)
        criteria = await criteria_in_force(tx)
    following = criteria.next_star(account.lifetime)
    return AccountOut(
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
        badges=[HeldBadgeOut(badge=badge.badge, name=badge.name, awarded_at=badge.awarded_at) for badge in badges],
    )


@router.get("/accounts/{volunteer_id}/statement")
async def read_statement(
    db: Db, caller: Reader, volunteer_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[StatementLineOut]:
    """Transfers, newest first, each with its explanation."""
    before = None if cursor is None else cursors.decode(cursor, (int,))[0]
    async with db.snapshot() as tx:
        await require_reader(tx, caller, volunteer_id)
        lines = await handlers.statement(tx, volunteer_id, before=before, limit=limit + 1)
    return page_of(lines, limit, _line, lambda line: (line[0].transfer_id,))


@router.get("/accounts/{volunteer_id}/statement.csv", response_class=Csv)
async def export_statement(db: ReportDb, caller: Reader, volunteer_id: UUID) -> Csv:
    """All transfers, newest first, as CSV (UTF-8 with a mark for spreadsheets), streamed."""
    async with db.snapshot() as tx:
        await require_reader(tx, caller, volunteer_id)
    portions = handlers.export(db, volunteer_id)
    first = await anext(portions)  # what goes wrong before the first byte is still a problem with a status

    async def text() -> AsyncIterator[str]:
        yield "\ufeff" + csv_text([COLUMNS])
        yield csv_text(row_of(line, reward) for line, reward in first)
        async for portion in portions:
            yield csv_text(row_of(line, reward) for line, reward in portion)

    headers = {"Content-Disposition": f'attachment; filename="statement-{volunteer_id}.csv"'}
    return Csv(text(), headers=headers)


@router.get("/accounts/{volunteer_id}/transfers/{transfer_id}")
async def read_transfer(
    db: Db, caller: Reader, volunteer_id: UUID, transfer_id: Annotated[int, Path(ge=1, lt=2**63 - 1)]
) -> TransferOut:
    """One transfer: rule version, records at their revisions, what was capped and why, the event and its trace."""
    async with db.snapshot() as tx:
        await require_reader(tx, caller, volunteer_id)
        line = await handlers.transfer(tx, volunteer_id, transfer_id)
    transfer = line[0]
    return TransferOut(
        **dict(_line(line)),
        change=transfer.change,
        bucket_version=transfer.bucket_version,
        expires_on=_day(transfer.expires_on),
        lot_bucket=transfer.lot_bucket,
        lot_expires_on=_day(transfer.lot_expires_on),
        hold_id=transfer.pending_id,
        posting_id=transfer.posting_id,
    )


@router.get("/accounts/{volunteer_id}/explanation")
async def explain_balance(
    db: Db, caller: Reader, volunteer_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> BalanceOut:
    """The whole balance by lots, each with what moved in it, its rule version and its records."""
    before = None if cursor is None else _lot_key(cursor)
    async with db.snapshot() as tx:
        account = await handlers.account(tx, caller, volunteer_id)
        movements = await store.movements(tx, volunteer_id)
        found = await handlers.balance(tx, volunteer_id, before=before, limit=limit + 1)
    page = page_of(found, limit, _lot, lambda item: (item[0].bucket, item[0].expires_on.isoformat()))
    return BalanceOut(
        volunteer_id=volunteer_id,
        available=account.available,
        held=account.held,
        debt=account.debt,
        movements=movements,
        items=page.items,
        next_cursor=page.next_cursor,
    )


@router.get("/accounts/{volunteer_id}/explanations")
async def read_explanations(
    db: Db, caller: Reader, volunteer_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[ExplanationOut]:
    """Explain what each day's service earned, also where it earned nothing and no transfer exists."""
    before = None if cursor is None else cursors.decode(cursor, (str,))[0]
    async with db.snapshot() as tx:
        await require_reader(tx, caller, volunteer_id)
        found = await handlers.explanations(tx, volunteer_id, before=before, limit=limit + 1)
    return page_of(found, limit, _explanation, lambda line: (line[0].bucket,))


@router.get("/reports/ledger", dependencies=[public()])
async def ledger_report(request: Request, db: ReportDb) -> LedgerReportOut:
    """The district's totals; volunteers cannot be identified."""
    return await published(request, "ledger", lambda: _ledger(db))


async def _ledger(db: Database) -> LedgerReportOut:
    async with db.snapshot() as tx:
        totals = await store.ledger_totals(tx)
    return LedgerReportOut(
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


def _next_star(criterion: Criterion, missing: int) -> NextStarOut:
    return NextStarOut(
        star=criterion.star or 0,
        badge=criterion.badge,
        name=criterion.name,
        minutes=criterion.at_least,
        remaining_minutes=missing,
    )


def _line(line: tuple[StatementTransfer, dict[str, Any]]) -> StatementLineOut:
    transfer, explanation = line
    return StatementLineOut(
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


def _explanation(line: tuple[BucketVersion, dict[str, Any]]) -> ExplanationOut:
    bucket, explanation = line
    return ExplanationOut(
        bucket=bucket.bucket,
        points=bucket.points,
        rule_version=bucket.rule_version,
        updated_at=bucket.updated_at,
        explanation=explanation,
    )


def _day(day: date | None) -> date | None:
    """A last day, none where there is no last one."""
    return None if day == date.max else day


def _lot_key(cursor: str) -> tuple[str, date]:
    bucket, day = cursors.decode(cursor, (str, str))
    try:
        return bucket, date.fromisoformat(day)
    except ValueError:
        detail = "The cursor is not one that this listing gave out. Start again without it."
        raise Refusal("cursor-invalid", detail, status=400) from None


def _lot(item: tuple[LotSeen, BucketVersion | None, dict[str, Any]]) -> LotOut:
    lot, bucket, explanation = item
    return LotOut(
        bucket=lot.bucket,
        expires_on=_day(lot.expires_on),
        awarded=lot.awarded,
        available=lot.available,
        held=lot.held,
        spent=lot.spent,
        expired=lot.expired,
        movements=dict(lot.movements),
        rule_version=None if bucket is None else bucket.rule_version,
        explanation=explanation,
    )
