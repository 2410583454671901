"""HTTP of rehearsals: what a draft rule would change, before it changes anything."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from services.points.accounts.spreadsheet import csv_text
from services.points.rehearsals import handlers, store
from services.points.rehearsals.domain import RehearsalResult, Summary
from services.points.rehearsals.store import Rehearsal
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.clock import district_day
from shared.errors import Refusal
from shared.http import cursors
from shared.http.answers import Csv
from shared.http.app import Db, Input, Limit, Output, ReportDb
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rehearsals"])

Centre = Annotated[Caller, allow(Role.OPERATOR, centre=True)]
Version = Annotated[int, Path(ge=1, le=2_147_483_647)]
Status = Literal["queued", "running", "done", "failed", "cancelled"]
Order = Literal["gain", "loss"]
VOLUNTEER_COLUMNS = ("volunteer_id", "records", "before", "after", "difference")
BUDGET_COLUMNS = ("site_id", "month", "before", "after", "difference")


class RehearsalTotalsOut(Output):
    """Points of all volunteers under the rules in force (``before``) and with the draft among them (``after``).

    ``lost`` and ``largest_loss`` are negative or 0. Adjustments are in neither, nor is what a highest balance donates.
    """

    volunteers: int
    records: int
    before: int
    after: int
    difference: int
    winners: int
    losers: int
    unchanged: int
    gained: int
    lost: int
    largest_gain: int
    largest_gain_of: UUID | None
    largest_loss: int
    largest_loss_of: UUID | None


class RehearsalIn(Input):
    """How to rehearse; ``as_if_from``: as if the draft had been in force since this day."""

    as_if_from: date | None = None


class RehearsalOut(Output):
    """A rehearsal and where it stands; ``progress`` is between 0 and 1.

    ``watermark`` is the snapshot of the database that was replayed: what was recorded later is not in the result.
    ``seconds`` is real time, of the last attempt. ``forgotten_at``: since when only totals and budget are kept.
    ``effective_from`` is the first day whose service the draft may change; ``notice`` says so while it has not come.
    """

    rehearsal_id: UUID
    version: int
    status: Status
    progress: float
    attempts: int
    volunteers_total: int | None
    volunteers_done: int
    records_done: int
    totals: RehearsalTotalsOut | None
    watermark: str | None
    problem: str | None
    requested_by: UUID
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    forgotten_at: datetime | None
    as_if_from: date | None
    effective_from: date
    notice: str | None
    seconds: float | None


class RehearsalResultOut(Output):
    """One volunteer's difference."""

    volunteer_id: UUID
    records: int
    before: int
    after: int
    difference: int


class RehearsalBudgetOut(Output):
    """The points of one site and month.

    ``month`` is its first day, ``site_id`` null where records name no site and for bonuses for referrals.
    """

    site_id: UUID | None
    month: date
    before: int
    after: int
    difference: int


@router.post("/rules/{version}/rehearsals", status_code=201, response_model=RehearsalOut)
async def rehearse(
    request: Request, db: Db, caller: Centre, version: Version, body: RehearsalIn | None = None
) -> Response:
    """Replay a draft over all history, in the background; nothing of the ledger changes."""
    as_if_from = None if body is None else body.as_if_from

    async def work(tx: Tx) -> RehearsalOut:
        return _view(await handlers.request(tx, caller, version, as_if_from))

    return await once(request, db, caller, work)


@router.get("/rehearsals")
async def list_rehearsals(
    db: Db,
    caller: Centre,
    version: Annotated[int | None, Query(ge=1, le=2_147_483_647)] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[RehearsalOut]:
    """Rehearsals, newest first, of every draft or of one."""
    before = None if cursor is None else cursors.decode(cursor, (UUID,))[0]
    async with db.snapshot() as tx:
        found = await store.listed(tx, before=before, version=version, limit=limit + 1)
    return page_of(found, limit, _view, lambda rehearsal: (rehearsal.rehearsal_id,))


@router.get("/rehearsals/{rehearsal_id}")
async def read_rehearsal(db: Db, caller: Centre, rehearsal_id: UUID) -> RehearsalOut:
    """One rehearsal: how far it is, and its totals once it is done."""
    async with db.snapshot() as tx:
        return _view(await handlers.find(tx, rehearsal_id))


@router.post("/rehearsals/{rehearsal_id}/cancel", response_model=RehearsalOut)
async def cancel_rehearsal(request: Request, db: Db, caller: Centre, rehearsal_id: UUID) -> Response:
    """Give up a rehearsal that is queued or running."""

    async def work(tx: Tx) -> RehearsalOut:
        return _view(await handlers.cancel(tx, rehearsal_id))

    return await once(request, db, caller, work, status=200)


@router.get("/rehearsals/{rehearsal_id}/volunteers")
async def list_differences(
    db: Db,
    caller: Centre,
    rehearsal_id: UUID,
    order: Order = "gain",
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[RehearsalResultOut]:
    """Each volunteer's difference, those who gain most first, or those who lose most."""
    after = None if cursor is None else cursors.decode(cursor, (int, UUID))
    async with db.snapshot() as tx:
        found = await handlers.results(
            tx,
            rehearsal_id,
            after=None if after is None else (after[0], after[1]),
            limit=limit + 1,
            losers_first=order == "loss",
        )
    return page_of(found, limit, _result, lambda result: (result.difference, result.volunteer_id))


@router.get("/rehearsals/{rehearsal_id}/budget")
async def list_budget(
    db: Db, caller: Centre, rehearsal_id: UUID, cursor: str | None = None, limit: Limit = 50
) -> Page[RehearsalBudgetOut]:
    """The points by site and month, by month."""
    after = None if cursor is None else _budget_key(cursor)
    async with db.snapshot() as tx:
        found = await handlers.budget(tx, rehearsal_id, after=after, limit=limit + 1)
    return page_of(found, limit, _budget, lambda line: (line[1].isoformat(), str(line[0] or "")))


@router.get("/rehearsals/{rehearsal_id}/volunteers.csv", response_class=Csv)
async def export_differences(db: ReportDb, caller: Centre, rehearsal_id: UUID) -> Csv:
    """Every volunteer's difference as CSV (UTF-8 with a mark for spreadsheets), streamed."""
    portions = handlers.export(db, rehearsal_id)
    rows = (([(*result, result.difference) for result in portion]) async for portion in portions)
    return await _csv(VOLUNTEER_COLUMNS, rows, f"rehearsal-{rehearsal_id}-volunteers.csv")


@router.get("/rehearsals/{rehearsal_id}/budget.csv", response_class=Csv)
async def export_budget(db: ReportDb, caller: Centre, rehearsal_id: UUID) -> Csv:
    """The points by site and month as CSV, streamed."""
    portions = handlers.export_budget(db, rehearsal_id)
    rows = ([(*line, line[3] - line[2]) for line in portion] async for portion in portions)
    return await _csv(BUDGET_COLUMNS, rows, f"rehearsal-{rehearsal_id}-budget.csv")


async def _csv(columns: Sequence[str], portions: AsyncIterator[Iterable[Sequence[Any]]], name: str) -> Csv:
    first = await anext(portions)  # what goes wrong before the first byte is still a problem with a status

    async def text() -> AsyncIterator[str]:
        yield "\ufeff" + csv_text([columns])
        yield csv_text(first)
        async for portion in portions:
            yield csv_text(portion)

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Csv(text(), headers=headers)


def _budget_key(cursor: str) -> tuple[date, UUID | None]:
    month, site_id = cursors.decode(cursor, (str, str))
    try:
        return date.fromisoformat(month), UUID(site_id) if site_id else None
    except ValueError:
        detail = "The cursor is not one that this listing gave out. Start again without it."
        raise Refusal("cursor-invalid", detail, status=400) from None


def _view(found: Rehearsal) -> RehearsalOut:
    total = found.volunteers_total
    progress = 1.0 if found.status == "done" else found.volunteers_done / total if total else 0.0
    seconds = None
    if found.started_at is not None and found.finished_at is not None:
        seconds = round((found.finished_at - found.started_at).total_seconds(), 3)
    values = {name: getattr(found, name) for name in RehearsalOut.model_fields if hasattr(found, name)}
    totals = None if found.summary is None else _totals(found.summary)
    return RehearsalOut(
        **values,
        progress=round(progress, 4),
        totals=totals,
        seconds=seconds,
        notice=_notice(found.effective_from, found.requested_at),
    )


def _notice(effective_from: date, requested_at: datetime) -> str | None:
    if effective_from <= district_day(requested_at):
        return None
    return (
        f"The draft takes effect on {effective_from}, so no service so far is worth more or less under it. Rehearse it "
        "with as_if_from to see what it would have changed."
    )


def _totals(summary: Summary) -> RehearsalTotalsOut:
    return RehearsalTotalsOut(**{name: getattr(summary, name) for name in RehearsalTotalsOut.model_fields})


def _result(result: RehearsalResult) -> RehearsalResultOut:
    return RehearsalResultOut(**result._asdict(), difference=result.difference)


def _budget(line: handlers.BudgetLine) -> RehearsalBudgetOut:
    site_id, month, before, after = line
    return RehearsalBudgetOut(site_id=site_id, month=month, before=before, after=after, difference=after - before)
