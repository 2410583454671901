"""HTTP of audits: an engineer asks for one, and reads its progress and report."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.points.audits import handlers, store
from services.points.audits.domain import AuditRun, AuditRunState
from shared.errors import NotFound
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.ids import new_id
from shared.operators.acts import OperatorAct
from shared.operators.common import ActSourceDep, Engineer, ReasonText, Watcher
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["audits"])


class AuditRunIn(Input):
    """Why the ledger is audited."""

    reason: ReasonText


class OffenderOut(Output):
    """A thing that breaks an invariant, with what is kept and what it should be."""

    subject: str
    detail: str


class AuditCheckOut(Output):
    """A check: what it proves, how much it examined, and the first hundred of the violations that it found."""

    code: str
    title: str
    ok: bool
    examined: int
    breaches: int
    offenders: list[OffenderOut]
    notes: list[str]
    seconds: float


class AuditRunOut(Output):
    """A run of the audit; ``report`` holds the checks that are done."""

    run_id: UUID
    requested_by: UUID
    requested_at: datetime
    reason: str
    state: AuditRunState
    checks_total: int
    checks_done: int
    violations: int
    report: list[AuditCheckOut]
    problem: str | None
    started_at: datetime | None
    finished_at: datetime | None


class AuditRequestedOut(Output):
    """The run that was asked for."""

    run_id: UUID


@router.post("/ledger-audits", status_code=202)
async def request_audit(request: Request, db: Db, caller: Engineer, source: ActSourceDep, body: AuditRunIn) -> Response:
    """Audit the ledger in the background: balances, holds, the equation of the district and the shelves.

    The checks over several services (`weiguang audit`) are more; they need the role of the auditor.
    """
    run_id = new_id()

    async def work(tx: Tx) -> AuditRequestedOut:
        await handlers.request_audit(tx, run_id, caller.subject, body.reason)
        await source.note(tx, caller, OperatorAct("audit", subject=str(run_id), reason=body.reason))
        return AuditRequestedOut(run_id=run_id)

    return await once(request, db, caller, work, status=202)


@router.get("/ledger-audits")
async def list_audits(db: Db, _: Watcher, cursor: str | None = None, limit: Limit = 20) -> Page[AuditRunOut]:
    """Runs of the audit with their reports, newest first."""
    place = None if cursor is None else decode(cursor, (datetime, UUID))
    before = None if place is None else (place[0], place[1])
    async with db.snapshot() as tx:
        found = await store.listed(tx, before=before, limit=limit + 1)
    return page_of(found, limit, _out, lambda run: (run.requested_at, run.run_id))


@router.get("/ledger-audits/{run_id}")
async def read_audit(run_id: UUID, db: Db, _: Watcher) -> AuditRunOut:
    """One run with its progress and report."""
    async with db.snapshot() as tx:
        found = await store.find(tx, run_id)
    if found is None:
        raise NotFound("audit-unknown", "There is no such audit of the ledger.")
    return _out(found)


def _out(run: AuditRun) -> AuditRunOut:
    return AuditRunOut(
        run_id=run.run_id,
        requested_by=run.requested_by,
        requested_at=run.requested_at,
        reason=run.reason,
        state=run.state,
        checks_total=run.checks_total,
        checks_done=run.checks_done,
        violations=run.violations,
        report=[AuditCheckOut(**check) for check in run.report],
        problem=run.problem,
        started_at=run.started_at,
        finished_at=run.finished_at,
    )
