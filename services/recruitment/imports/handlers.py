"""Use cases of import proposals: propose, approve, reject, withdraw, list, lapse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.recruitment.access import handlers as access
from services.recruitment.access.domain import Client
from services.recruitment.activities.guards import refusal
from services.recruitment.imports import domain, store
from services.recruitment.imports.domain import LIFE, Content, Party, ProposalState
from services.recruitment.imports.store import ListedProposal, NewProposal
from services.recruitment.organisation.domain import clean_title
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent
from shared.auth.tokens import Caller
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["ProposedFile", "decide", "find", "lapse", "list_proposals", "propose", "withdraw"]

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class ProposedFile:
    """A file of the registry as it is proposed: where it comes from, its batches in order, and why it is imported."""

    registry: str
    file_reference: str
    batches: Sequence[Content]
    reason: str


async def propose(tx: Tx, caller: Caller, client: Client, file: ProposedFile) -> ListedProposal:
    """Propose a file, for a second person to decide on. Nothing of it is imported by this.

    Raises:
        Invalid: ``import-invalid``: a text is empty or too long, or no file has such contents.
        Conflict: ``import-proposed``: the file has a proposal that waits or was approved.
        Forbidden: the caller is not an active member of staff.
    """
    await _party(tx, caller)
    try:
        registry = clean_title(file.registry, "registry")
        reference = clean_title(file.file_reference, "file_reference", 200)
        reason = clean_title(file.reason, "reason", _LONGEST_REASON)
        domain.check_contents(file.batches)
    except ValueError as error:
        raise Invalid("import-invalid", str(error)) from None
    now = await tx.now()
    await store.lock_registry(tx, registry)
    await store.lapse_file(tx, registry, reference, now)
    new = NewProposal(
        proposal_id=new_id(),
        registry=registry,
        file_reference=reference,
        digest=domain.file_digest(file.batches),
        batches=file.batches,
        reason=reason,
        proposed_by=caller.subject,
        proposed_at=now,
        lapses_at=now + LIFE,
    )
    if not await store.add_proposal(tx, new):
        raise Conflict(
            "import-proposed", "This file has been proposed or approved already; give a new file a new name."
        )
    proposed = await find(tx, new.proposal_id)
    await _note(tx, Kind.IMPORT_PROPOSED, caller, client, proposed)
    return proposed


async def decide(
    tx: Tx, caller: Caller, client: Client, proposal_id: UUID, state: ProposalState, reason: str
) -> ListedProposal:
    """Approve or reject a proposal as the second person; an approval lets its batches in.

    Raises:
        NotFound: ``import-unknown``.
        Forbidden: the caller is not an active member of staff.
        Refusal: ``import-second-person`` (403); ``import-decided``, ``import-lapsed`` (409).
    """
    decider = await _party(tx, caller)
    await store.lock(tx, proposal_id)
    found = await find(tx, proposal_id)
    proposer = await store.find_party(tx, found.proposed_by)
    assert proposer is not None, "proposals refer to accounts, which are never deleted"
    now = await tx.now()
    if (refused := domain.decide(found.proposal, proposer[0], decider, now)) is not None:
        raise refusal(refused)
    try:
        said = clean_title(reason, "reason", _LONGEST_REASON)
    except ValueError as error:
        raise Invalid("import-invalid", str(error)) from None
    await store.settle(tx, proposal_id, state, caller.subject, now, said)
    kind = Kind.IMPORT_APPROVED if state is ProposalState.APPROVED else Kind.IMPORT_REJECTED
    await _note(tx, kind, caller, client, found)
    return await find(tx, proposal_id)


async def withdraw(tx: Tx, caller: Caller, proposal_id: UUID) -> ListedProposal:
    """Withdraw a proposal of the caller's own of which no row has been imported.

    Raises:
        NotFound: ``import-unknown``.
        Refusal: ``not-the-proposer`` (403); ``import-decided``, ``import-lapsed``, ``import-begun`` (409).
    """
    await store.lock(tx, proposal_id)
    found = await find(tx, proposal_id)
    now = await tx.now()
    if (refused := domain.withdraw(found.proposal, caller.subject, now)) is not None:
        raise refusal(refused)
    await store.settle(tx, proposal_id, ProposalState.WITHDRAWN, caller.subject, now)
    return await find(tx, proposal_id)


async def find(tx: Tx, proposal_id: UUID) -> ListedProposal:
    """One proposal as it stands now.

    Raises:
        NotFound: ``import-unknown``.
    """
    found = await store.find(tx, proposal_id)
    if found is None:
        raise NotFound("import-unknown", "There is no such import proposal.")
    return _at(found, await tx.now())


async def list_proposals(
    tx: Tx, state: ProposalState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[ListedProposal]:
    """A page of proposals as they stand now, newest first."""
    now = await tx.now()
    return [_at(found, now) for found in await store.list_proposals(tx, state, before, limit)]


async def lapse(tx: Tx) -> int:
    """Mark the proposals that were not decided on in time; returns how many."""
    return await store.lapse_due(tx, await tx.now())


def _at(found: ListedProposal, now: datetime) -> ListedProposal:
    return replace(found, state=found.proposal.state_at(now))


async def _party(tx: Tx, caller: Caller) -> Party:
    """The caller's account, which is active and whose session was not ended."""
    await access.require_live(tx, caller)
    found = await store.find_party(tx, caller.subject)
    if found is None or not found[1]:
        raise Forbidden("staff-needed", "Only active staff accounts propose and decide on imports.")
    return found[0]


async def _note(tx: Tx, kind: Kind, caller: Caller, client: Client, proposal: ListedProposal) -> None:
    """Write to the security log: the subject is the account that proposed."""
    detail: dict[str, str | int | bool] = {"rows": proposal.row_count, "minutes": proposal.minutes}
    actor = None if caller.subject == proposal.proposed_by else caller.subject
    await security.record(
        tx, SecurityEvent(kind, subject=proposal.proposed_by, actor=actor, address=client.address, detail=detail)
    )
