"""Rows of import proposals and batches, to the domain and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from services.recruitment.imports.domain import Content, ImportProposal, Party, ProposalState
from shared.postgres import Tx, load_queries

__all__ = [
    "KnownRows",
    "ListedProposal",
    "NewProposal",
    "add_batch",
    "add_proposal",
    "complete",
    "existing_sites",
    "find",
    "find_party",
    "known_registry_numbers",
    "lapse_due",
    "lapse_file",
    "list_proposals",
    "lock",
    "lock_registry",
    "note_arrival",
    "raise_prior_minutes",
    "settle",
    "settle_batch",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A proposal about to be stored; the contents of its batches in order."""

    proposal_id: UUID
    registry: str
    file_reference: str
    digest: str
    batches: Sequence[Content]
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    lapses_at: datetime


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of a batch about people known with other hours: raised, by how many minutes in all, and left alone."""

    raised: int
    raised_minutes: int
    kept: int


@dataclass(frozen=True, slots=True)
class ListedProposal:
    """A proposal as stored, with the usernames and the site of the accounts; minutes are whole."""

    proposal_id: UUID
    registry: str
    file_reference: str
    digest: str
    row_count: int
    minutes: int
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    lapses_at: datetime
    state: ProposalState
    decided_by: UUID | None
    decided_at: datetime | None
    decision_reason: str | None
    completed_at: datetime | None
    proposer: str
    proposer_site: str | None
    decider: str | None
    batches: Sequence[Content]
    arrived: frozenset[str]
    known: Mapping[str, KnownRows]
    """By the digests of the batches that were imported."""

    @property
    def proposal(self) -> ImportProposal:
        """The part that decisions depend on."""
        return ImportProposal(
            self.state, self.proposed_by, self.proposed_at, self.lapses_at, self.batches, self.arrived
        )


async def find_party(tx: Tx, staff_id: UUID) -> tuple[Party, bool] | None:
    """An account and whether it is active; None for a subject that is not staff."""
    row = await tx.fetchrow(_SQL["find_party"], staff_id)
    if row is None:
        return None
    party = Party(
        staff_id=row["staff_id"],
        persons=frozenset(row["persons"]),
        makers=frozenset(row["makers"]),
        since=row["since"],
        home=row["home"],
        above=frozenset(row["above"]),
    )
    return party, row["active"]


async def lock_registry(tx: Tx, registry: str) -> None:
    """Queue behind the other imports and proposals of a registry."""
    await tx.execute(_SQL["lock_registry"], registry)


async def lapse_file(tx: Tx, registry: str, file: str, now: datetime) -> None:
    """Mark the file's proposal as lapsed if its time is over."""
    await tx.execute(_SQL["lapse_file"], registry, file, now)


async def lapse_due(tx: Tx, now: datetime) -> int:
    """Mark the proposals that lapsed; returns how many."""
    return len(await tx.fetch(_SQL["lapse_due"], now))


async def add_proposal(tx: Tx, new: NewProposal) -> bool:
    """Store a proposal and its batches; false if the file has one that waits or holds."""
    stored = await tx.fetchval(
        _SQL["insert_proposal"],
        new.proposal_id,
        new.registry,
        new.file_reference,
        new.digest,
        sum(content.rows for content in new.batches),
        sum(content.minutes for content in new.batches),
        new.reason,
        new.proposed_by,
        new.proposed_at,
        new.lapses_at,
    )
    if stored is None:
        return False
    await tx.execute(
        _SQL["insert_proposal_batches"],
        new.proposal_id,
        [content.digest for content in new.batches],
        [content.rows for content in new.batches],
        [content.minutes for content in new.batches],
    )
    return True


async def lock(tx: Tx, proposal_id: UUID) -> None:
    """Lock a proposal, to be read in a later statement."""
    await tx.execute(_SQL["lock_proposal"], proposal_id)


async def find(tx: Tx, proposal_id: UUID) -> ListedProposal | None:
    """One proposal with its batches."""
    row = await tx.fetchrow(_SQL["find_proposal"], proposal_id)
    return None if row is None else (await _with_batches(tx, [row]))[0]


async def list_proposals(
    tx: Tx, state: ProposalState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[ListedProposal]:
    """A page of proposals, newest first."""
    at, last = before or (None, None)
    rows = await tx.fetch(_SQL["list_proposals"], None if state is None else str(state), at, last, limit)
    return await _with_batches(tx, rows)


async def settle(
    tx: Tx, proposal_id: UUID, state: ProposalState, by: UUID, at: datetime, reason: str | None = None
) -> None:
    """Write a decision or a withdrawal of a locked proposal."""
    await tx.execute(_SQL["settle_proposal"], proposal_id, str(state), by, at, reason)


async def note_arrival(tx: Tx, proposal_id: UUID, digest: str, batch_id: UUID) -> None:
    """Write which import brought a batch first."""
    await tx.execute(_SQL["note_arrival"], proposal_id, digest, batch_id)


async def complete(tx: Tx, proposal_id: UUID, at: datetime) -> None:
    """Complete an approved proposal; a completed one stays as it is."""
    await tx.execute(_SQL["complete_proposal"], proposal_id, at)


async def add_batch(tx: Tx, batch_id: UUID, proposal: ListedProposal, by: UUID, now: datetime) -> None:
    """Add an import of a batch; its counts follow by `settle_batch`."""
    await tx.execute(
        _SQL["add_batch"], batch_id, proposal.registry, proposal.file_reference, proposal.proposal_id, by, now
    )


async def settle_batch(
    tx: Tx, batch_id: UUID, *, imported: int, known: int, refused: int, differing: KnownRows
) -> None:
    """Write how many rows of a batch went which way."""
    sums = (differing.raised, differing.raised_minutes, differing.kept)
    await tx.execute(_SQL["settle_batch"], batch_id, imported, known, refused, *sums)


async def raise_prior_minutes(tx: Tx, minutes: Mapping[UUID, int]) -> None:
    """Write the prior minutes of these locked volunteers."""
    await tx.execute(_SQL["raise_prior_minutes"], list(minutes), list(minutes.values()))


async def known_registry_numbers(tx: Tx, registry: str, numbers: Sequence[str]) -> dict[str, UUID]:
    """The volunteers of those of the numbers that were imported before."""
    rows = await tx.fetch(_SQL["known_registry_numbers"], registry, list(numbers))
    return {row["registry_number"]: row["volunteer_id"] for row in rows}


async def existing_sites(tx: Tx, site_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are sites."""
    return {row["site_id"] for row in await tx.fetch(_SQL["existing_sites"], list(site_ids))}


async def _with_batches(tx: Tx, rows: Sequence[Record]) -> list[ListedProposal]:
    batches: dict[UUID, list[Content]] = {row["proposal_id"]: [] for row in rows}
    arrived: dict[UUID, set[str]] = {row["proposal_id"]: set() for row in rows}
    known: dict[UUID, dict[str, KnownRows]] = {row["proposal_id"]: {} for row in rows}
    for row in await tx.fetch(_SQL["list_batches"], list(batches)):
        batches[row["proposal_id"]].append(Content(row["digest"], row["row_count"], row["minutes"]))
        if row["arrived"]:
            arrived[row["proposal_id"]].add(row["digest"])
            known[row["proposal_id"]][row["digest"]] = KnownRows(row["raised"], row["raised_minutes"], row["kept"])
    return [
        ListedProposal(
            **{
                **dict(row),
                "state": ProposalState(row["state"]),
                "batches": tuple(batches[row["proposal_id"]]),
                "arrived": frozenset(arrived[row["proposal_id"]]),
                "known": known[row["proposal_id"]],
            }
        )
        for row in rows
    ]
