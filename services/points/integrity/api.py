"""HTTP of integrity cases: staff read those of their sites, operators settle them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.points.dependencies import PolicyInForce
from services.points.ingest.handlers import Policy
from services.points.integrity import handlers, store
from services.points.integrity.domain import Case, CaseStatus, Kind, SubjectKind
from services.points.integrity.proposals import handlers as proposals_of_cases
from services.points.integrity.proposals import store as proposal_store
from services.points.integrity.proposals.handlers import FlagOutcome
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output, ReportDb
from shared.http.cursors import Page, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

router = APIRouter(prefix="/api/points/v1", tags=["integrity"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]


class SettlementIn(Input):
    """The reason for a settlement."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class CaseOut(Output):
    """A case, with what was found when it was opened as ``evidence``.

    ``subject`` is a volunteer, a recorder, a device, a pair, a shift or a drive.
    """

    case_id: UUID
    kind: Kind
    subject_kind: SubjectKind
    subject: str
    site_ids: list[UUID]
    evidence: dict[str, Any]
    thresholds_version: int
    records: int
    status: CaseStatus
    opened_at: datetime
    settled_by: UUID | None
    settled_at: datetime | None
    reason: str | None
    correlation_id: str
    undecided: int


class CaseProposalOut(Output):
    """The outcome of a proposed void, none while it waits, and the decision of a person about the flag."""

    record_id: UUID
    outcome: Literal["voided", "kept", "lapsed"] | None
    decided_by: UUID | None
    site_id: UUID | None
    decided_at: datetime | None
    flag: FlagOutcome | None
    flag_by: UUID | None
    flag_at: datetime | None
    flag_reason: str | None


class FlagsIn(SettlementIn):
    """Keep the flags of records that were not voided, or clear them, and why."""

    outcome: FlagOutcome


class CaseRecordOut(Output):
    """A record of a case as it stands now; empty where points has not seen it yet."""

    record_id: UUID
    volunteer_id: UUID
    standing: bool
    revision: int | None
    status: str | None
    provenance: str | None
    closed_by: str | None
    theme: str | None
    started_at: datetime | None
    ended_at: datetime | None
    minutes: int | None
    site_id: UUID | None
    activity_id: UUID | None
    recorded_by: UUID | None
    recorder_site_id: UUID | None
    device_ref: str | None


class CasePersonOut(Output):
    """A person whom a case without records is about, by a redemption or none; ``counts``: still part of it."""

    volunteer_id: UUID
    redemption_id: UUID | None
    site_id: UUID | None
    held_at: datetime | None
    settled_at: datetime | None
    status: str | None
    points: int | None
    counts: bool


class CaseDetailOut(CaseOut):
    """A case with its records, or with the people whom it is about.

    ``measured`` is what they amount to now; ``still_so`` is false where later revisions took
    away what the case was opened for. Both are absent while that cannot be said.
    """

    measured: int | None
    still_so: bool | None
    seen_records: list[CaseRecordOut]
    people: list[CasePersonOut]
    proposals: list[CaseProposalOut]


class CaseReportOut(Output):
    """How many cases there are: kind → status → number."""

    cases: dict[str, dict[str, int]]


def _view(found: Case) -> CaseOut:
    return CaseOut(**_members(found))


def _members(found: Case) -> dict[str, Any]:
    return {name: getattr(found, name) for name in CaseOut.model_fields} | {"site_ids": list(found.site_ids)}


@router.get("/cases")
async def list_cases(
    db: Db,
    caller: Staff,
    kind: Kind | None = None,
    status: CaseStatus | None = None,
    undecided: bool = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[CaseOut]:
    """Cases that touch the caller's sites, newest first; ``undecided``: those with flags to decide about."""
    before = None if cursor is None else cursors.decode(cursor, (datetime, UUID))
    async with db.snapshot() as tx:
        found = await store.listed(
            tx,
            kind=kind,
            status=status,
            before=None if before is None else (before[0], before[1]),
            site_ids=caller.site_ids,
            limit=limit + 1,
            undecided=undecided,
        )
    return page_of(found, limit, _view, lambda case: (case.opened_at, case.case_id))


@router.get("/reports/integrity")
async def report(db: ReportDb, caller: Operator) -> CaseReportOut:
    """How many cases of each kind touch the caller's sites, by how they stand."""
    async with db.snapshot() as tx:
        return CaseReportOut(cases=await store.totals(tx, caller.site_ids))


@router.get("/cases/{case_id}")
async def read_case(db: Db, caller: Staff, case_id: UUID) -> CaseDetailOut:
    """One case with its records as they stand now."""
    async with db.snapshot() as tx:
        found = await handlers.look(tx, caller, case_id)
        proposals = await proposal_store.proposals_of(tx, case_id)
    return CaseDetailOut(
        **_members(found.case),
        measured=found.measured,
        still_so=found.still_so,
        seen_records=[CaseRecordOut(**row) for row in found.records],
        people=[CasePersonOut(**row) for row in found.people],
        proposals=[CaseProposalOut(**row) for row in proposals.values()],
    )


async def _settle(
    request: Request, db: Db, caller: Caller, case_id: UUID, status: CaseStatus, reason: str, policy: Policy
) -> Response:
    async def work(tx: Tx) -> CaseOut:
        return _view(await handlers.settle(tx, caller, case_id, status, reason, policy))

    return await once(request, db, caller, work, status=200)


@router.post("/cases/{case_id}/clear", response_model=CaseOut)
async def clear(
    request: Request, db: Db, caller: Operator, policy: PolicyInForce, case_id: UUID, body: SettlementIn
) -> Response:
    """There is nothing to it: points that it held back are given."""
    return await _settle(request, db, caller, case_id, CaseStatus.CLEARED, body.reason, policy)


@router.post("/cases/{case_id}/confirm", response_model=CaseOut)
async def confirm(
    request: Request, db: Db, caller: Operator, policy: PolicyInForce, case_id: UUID, body: SettlementIn
) -> Response:
    """It is so: its records stay without points. What else follows is decided where records are corrected."""
    return await _settle(request, db, caller, case_id, CaseStatus.CONFIRMED, body.reason, policy)


@router.post("/cases/{case_id}/flags", response_model=CaseOut)
async def decide_flags(
    request: Request, db: Db, caller: Operator, policy: PolicyInForce, case_id: UUID, body: FlagsIn
) -> Response:
    """Decide about the flags of records that another site did not void: cleared, their points are posted."""

    async def work(tx: Tx) -> CaseOut:
        await proposals_of_cases.decide_flags(tx, caller, case_id, body.outcome, body.reason, policy)
        return _view(await handlers.find(tx, caller, case_id))

    return await once(request, db, caller, work, status=200)
