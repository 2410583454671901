"""Routes of imports: propose a file of the registry, decide on it, and import its batches."""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from services.recruitment.access.sessions import ClientDep
from services.recruitment.imports import handlers
from services.recruitment.imports.batches import import_batch
from services.recruitment.imports.domain import MOST_BATCHES, Content, ProposalState, content_of
from services.recruitment.imports.handlers import ProposedFile
from services.recruitment.imports.store import ListedProposal
from services.recruitment.vault.api import CipherDep
from services.recruitment.volunteers.domain import LONGEST_PRIOR_HOURS, MOST_IMPORT_ROWS, ImportRow
from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx
from shared.typed import IdNumberText, ImportedPhoneText, RegistryNumberText

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["imports"])

Operator = Annotated[Caller, allow(Role.OPERATOR)]
Registry = Annotated[str, Field(min_length=1, max_length=100)]
Reference = Annotated[str, Field(min_length=1, max_length=200)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_MOST_MINUTES = MOST_IMPORT_ROWS * int(LONGEST_PRIOR_HOURS) * 60


class ImportRowIn(Input):
    """A row of the registry's file. Wrong values refuse the row, wrong types the batch."""

    registry_number: RegistryNumberText
    name: Annotated[str, Field(max_length=200)]
    phone: ImportedPhoneText
    prior_hours: float = 0.0
    site_id: UUID | None = None
    birth_date: date | None = None
    id_number: IdNumberText | None = None


class RowsIn(Input):
    """The rows of one batch, in the order of the file."""

    rows: Annotated[list[ImportRowIn], Field(min_length=1, max_length=MOST_IMPORT_ROWS)]


class ContentIn(Input):
    """One batch of a file: its digest, the number of its rows, and the sum of their prior hours in minutes."""

    digest: Digest
    rows: Annotated[int, Field(ge=1, le=MOST_IMPORT_ROWS)]
    minutes: Annotated[int, Field(ge=0, le=_MOST_MINUTES)]


class ContentOut(Output):
    """The content of a batch as a proposal states it."""

    digest: str
    rows: int
    minutes: int


class ProposalIn(Input):
    """A file of the registry, its batches in order, and why it is to be imported."""

    registry: Registry
    file_reference: Reference
    batches: Annotated[list[ContentIn], Field(min_length=1, max_length=MOST_BATCHES)]
    reason: Reason


class ArrivalOut(ContentOut):
    """A batch of a proposal, whether it has been imported, and what that did with people known with other hours.

    ``raised`` rows rose by ``raised_minutes`` in all; ``kept`` rows are lower than what stands, or of a void record.
    """

    arrived: bool
    raised: int = 0
    raised_minutes: int = 0
    kept: int = 0


class ProposalOut(Output):
    """A proposed file and its state. ``digest`` covers the digests of its batches; minutes are whole."""

    proposal_id: UUID
    registry: str
    file_reference: str
    digest: str
    rows: int
    minutes: int
    reason: str
    proposed_by: UUID
    proposer: str
    proposer_site: str | None
    proposed_at: datetime
    lapses_at: datetime
    state: ProposalState
    decided_by: UUID | None
    decider: str | None
    decided_at: datetime | None
    decision_reason: str | None
    completed_at: datetime | None
    batches: list[ArrivalOut]


class ImportDecisionIn(Input):
    """The second person's decision, and why."""

    decision: Literal["approve", "reject"]
    reason: Reason


class ProblemOut(Output):
    """Why a row was refused; rows count from 1."""

    row: int
    registry_number: str
    detail: str


class DifferenceOut(Output):
    """A row about a volunteer known with other hours; those that fell or are void are not ``raised`` but stay."""

    row: int
    registry_number: str
    minutes_before: int
    minutes: int
    raised: bool


class BatchOut(Output):
    """The outcome of the batch."""

    batch_id: UUID
    imported: int
    known: int
    refused: list[ProblemOut]
    differences: list[DifferenceOut]


@router.post("/imports/digests")
async def digest(caller: Operator, body: RowsIn) -> ContentOut:
    """Compute what a proposal has to state about a batch; nothing is stored.

    The digest is SHA-256 over one line per row: a JSON array without blanks, in UTF-8, ended by a line feed, of
    registry number, name, phone, prior minutes, site, birth date and ID number, ``null`` where there is none.
    """
    found = content_of(_rows(body))
    return ContentOut(digest=found.digest, rows=found.rows, minutes=found.minutes)


@router.post("/imports", status_code=201, response_model=ProposalOut)
async def propose(request: Request, db: Db, caller: Operator, client: ClientDep, body: ProposalIn) -> Response:
    """Propose a file of the registry, for a second person to approve."""
    batches = [Content(each.digest, each.rows, each.minutes) for each in body.batches]
    file = ProposedFile(body.registry, body.file_reference, batches, body.reason)

    async def work(tx: Tx) -> ProposalOut:
        return _proposal(await handlers.propose(tx, caller, client, file))

    return await once(request, db, caller, work)


@router.get("/imports")
async def list_imports(
    db: Db, caller: Operator, state: ProposalState | None = None, cursor: str | None = None, limit: Limit = 50
) -> Page[ProposalOut]:
    """Proposed files, newest first. Any operator may be the second person, so each sees all; no row is shown."""
    before = None
    if cursor is not None:
        at, last = decode(cursor, (datetime, UUID))
        before = (at, last)
    async with db.transaction() as tx:
        found = await handlers.list_proposals(tx, state, before, limit + 1)
    return page_of(found, limit, _proposal, lambda each: (each.proposed_at, each.proposal_id))


@router.get("/imports/{proposal_id}")
async def show_import(db: Db, caller: Operator, proposal_id: UUID) -> ProposalOut:
    """One proposed file."""
    async with db.transaction() as tx:
        return _proposal(await handlers.find(tx, proposal_id))


@router.post("/imports/{proposal_id}/decision", status_code=201, response_model=ProposalOut)
async def decide(
    request: Request, db: Db, caller: Operator, client: ClientDep, proposal_id: UUID, body: ImportDecisionIn
) -> Response:
    """Approve or reject a file that another account proposed."""
    state = ProposalState.APPROVED if body.decision == "approve" else ProposalState.REJECTED

    async def work(tx: Tx) -> ProposalOut:
        return _proposal(await handlers.decide(tx, caller, client, proposal_id, state, body.reason))

    return await once(request, db, caller, work)


@router.post("/imports/{proposal_id}/withdrawal", status_code=201, response_model=ProposalOut)
async def withdraw(request: Request, db: Db, caller: Operator, proposal_id: UUID) -> Response:
    """Withdraw a file of one's own of which no row has been imported."""

    async def work(tx: Tx) -> ProposalOut:
        return _proposal(await handlers.withdraw(tx, caller, proposal_id))

    return await once(request, db, caller, work)


@router.post("/imports/{proposal_id}/batches", status_code=201, response_model=BatchOut)
async def import_rows(
    request: Request, db: Db, caller: Operator, cipher: CipherDep, proposal_id: UUID, body: RowsIn
) -> Response:
    """Import a batch of an approved file with its prior hours; sending it again imports nothing twice.

    Hours of known volunteers rise to the file's; where the file has fewer they stay, and the answer names the row.
    """
    rows = _rows(body)

    async def work(tx: Tx) -> BatchOut:
        done = await import_batch(tx, cipher, caller, proposal_id, rows)
        refused = [ProblemOut(row=p.row, registry_number=p.registry_number, detail=p.detail) for p in done.refused]
        differences = [
            DifferenceOut(**{name: getattr(each, name) for name in DifferenceOut.model_fields})
            for each in done.differences
        ]
        return BatchOut(
            batch_id=done.batch_id,
            imported=done.imported,
            known=done.known,
            refused=refused,
            differences=differences,
        )

    return await once(request, db, caller, work)


def _rows(body: RowsIn) -> list[ImportRow]:
    return [
        ImportRow(
            row.registry_number,
            row.name,
            row.phone,
            Decimal(str(row.prior_hours)),
            row.site_id,
            row.birth_date,
            row.id_number,
        )
        for row in body.rows
    ]


def _proposal(found: ListedProposal) -> ProposalOut:
    batches = [
        ArrivalOut(
            digest=each.digest,
            rows=each.rows,
            minutes=each.minutes,
            arrived=each.digest in found.arrived,
            **({} if (known := found.known.get(each.digest)) is None else asdict(known)),
        )
        for each in found.batches
    ]
    own = {name: getattr(found, name) for name in ProposalOut.model_fields if name not in ("rows", "batches")}
    return ProposalOut(**own, rows=found.row_count, batches=batches)
