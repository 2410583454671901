"""Rules of proposed files: their content, who may decide on them, which batches an approval admits. Pure.

A proposal fixes the content of every batch by a digest, so that an approval covers exactly the rows that were proposed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.approvals.domain import SENIORITY
from services.recruitment.volunteers.domain import MOST_IMPORT_ROWS, ImportRow, prior_minutes

__all__ = [
    "LIFE",
    "MOST_BATCHES",
    "Content",
    "ImportProposal",
    "Party",
    "ProposalState",
    "admit",
    "check_contents",
    "content_of",
    "decide",
    "file_digest",
    "withdraw",
]

LIFE = timedelta(days=30)
"""After which a proposal without a decision lapses."""
MOST_BATCHES = 400
"""Batches of one file: 200,000 rows."""
_MOST_MINUTES = MOST_IMPORT_ROWS * 200_000 * 60


class ProposalState(StrEnum):
    """Where a proposal stands. An approved one is completed once every batch has been imported."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Content:
    """The content of one batch: SHA-256 in hexadecimal, number of rows, sum of prior minutes."""

    digest: str
    rows: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Party:
    """An account that proposes or decides. ``home`` is its site, None at the centre."""

    staff_id: UUID
    persons: frozenset[UUID]
    """All ids of the person behind the account."""
    makers: frozenset[UUID]
    """The accounts that invited it, activated it or reset its password."""
    since: datetime | None
    """When it was created; None for accounts made at installation, which have no age."""
    home: UUID | None
    above: frozenset[UUID]
    """The sites above its home, without the centre."""


@dataclass(frozen=True, slots=True)
class ImportProposal:
    """A proposed file, as far as decisions depend on it."""

    state: ProposalState
    proposed_by: UUID
    proposed_at: datetime
    lapses_at: datetime
    batches: Sequence[Content]
    arrived: frozenset[str] = frozenset()
    """The digests of the batches that have been imported."""

    def state_at(self, now: datetime) -> ProposalState:
        """The state at a time: a proposal lapses by itself."""
        lapsed = self.state is ProposalState.PROPOSED and now >= self.lapses_at
        return ProposalState.LAPSED if lapsed else self.state

    def completes(self, digest: str) -> bool:
        """Whether the file is complete once this batch has been imported."""
        return {content.digest for content in self.batches} <= self.arrived | {digest}


def content_of(rows: Sequence[ImportRow]) -> Content:
    """The content of a batch.

    The digest is SHA-256 over one line per row, each a JSON array without blanks, in UTF-8, ended by a line feed:
    ``[registry_number,name,phone,prior_minutes,site_id,birth_date,id_number]``; absent values are ``null``. A row whose
    hours are impossible, which no import accepts, holds them as text and adds nothing to the sum.
    """
    digest, total = hashlib.sha256(), 0
    for row in rows:
        minutes: int | str
        try:
            minutes = prior_minutes(row.prior_hours)
            total += minutes
        except ValueError:
            minutes = str(row.prior_hours)
        fields = [
            row.registry_number,
            row.name,
            row.phone,
            minutes,
            None if row.site_id is None else str(row.site_id),
            None if row.birth_date is None else row.birth_date.isoformat(),
            row.id_number,
        ]
        digest.update(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return Content(digest.hexdigest(), len(rows), total)


def file_digest(batches: Sequence[Content]) -> str:
    """The digest of a file: SHA-256 over the digests of its batches in order, one a line."""
    return hashlib.sha256("".join(f"{content.digest}\n" for content in batches).encode()).hexdigest()


def check_contents(batches: Sequence[Content]) -> None:
    """Refuse contents that no file can have.

    Raises:
        ValueError: no batches or too many, one without rows or above the limit, or the same one twice.
    """
    if not 1 <= len(batches) <= MOST_BATCHES:
        raise ValueError(f"a file has 1 to {MOST_BATCHES} batches")
    if any(not 1 <= content.rows <= MOST_IMPORT_ROWS for content in batches):
        raise ValueError(f"a batch has 1 to {MOST_IMPORT_ROWS} rows")
    if any(not 0 <= content.minutes <= _MOST_MINUTES for content in batches):
        raise ValueError(f"the minutes of a batch lie between 0 and {_MOST_MINUTES}")
    if len({content.digest for content in batches}) < len(batches):
        raise ValueError("two batches of a file have the same digest")


def decide(proposal: ImportProposal, proposer: Party, decider: Party, now: datetime) -> DomainRefusal | None:
    """Whether the account may approve or reject the proposal now; None when it may."""
    if decider.persons & (proposer.persons | {proposal.proposed_by}):
        return _second("You proposed this file yourself.")
    if proposer.staff_id in decider.makers:
        return _second("The account that proposed it invited, activated or reset yours.")
    if decider.staff_id in proposer.makers:
        return _second("Your account invited, activated or reset the one that proposed it.")
    if decider.since is not None and decider.since > proposal.proposed_at - SENIORITY:
        return _second(f"Your account is less than {SENIORITY.days} days older than the proposal.")
    if proposer.home is not None and (decider.home == proposer.home or proposer.home in decider.above):
        return _second("The file was proposed at your own site, or at one that yours is subordinate to.")
    return _undecided(proposal, now)


def _second(why: str) -> DomainRefusal:
    return DomainRefusal("import-second-person", f"{why} An operator of another site or of the centre decides.", 403)


def _undecided(proposal: ImportProposal, now: datetime) -> DomainRefusal | None:
    state = proposal.state_at(now)
    if state is ProposalState.PROPOSED:
        return None
    if state is ProposalState.LAPSED:
        return DomainRefusal(
            "import-lapsed", f"No decision came within {LIFE.days} days; the file must be proposed again."
        )
    return DomainRefusal("import-decided", f"This proposal is {state} already.", extra={"state": str(state)})


def withdraw(proposal: ImportProposal, by: UUID, now: datetime) -> DomainRefusal | None:
    """Whether the account may withdraw the proposal: it proposed the file, and no row of it has been imported."""
    if proposal.proposed_by != by:
        return DomainRefusal("not-the-proposer", "Only the account that proposed a file can withdraw it.", 403)
    if proposal.state is ProposalState.APPROVED:
        if not proposal.arrived:
            return None
        return DomainRefusal("import-begun", "Rows of this file have been imported already.")
    return _undecided(proposal, now)


def admit(proposal: ImportProposal, came: Content, now: datetime) -> DomainRefusal | None:
    """Whether the approval covers the batch that came; one that was imported before is covered again."""
    state = proposal.state_at(now)
    if state not in (ProposalState.APPROVED, ProposalState.COMPLETED):
        return DomainRefusal(
            "import-not-approved",
            f"Rows are imported after a second person has approved their file; this one is {state}.",
            extra={"state": str(state)},
        )
    approved = next((content for content in proposal.batches if content.digest == came.digest), None)
    if approved is None:
        return DomainRefusal("import-differs", "These rows are not among those that were approved for this file.")
    if approved != came:
        return DomainRefusal(
            "import-sums-differ",
            f"The proposal says {approved.rows} rows and {approved.minutes} minutes; "
            f"this batch has {came.rows} rows and {came.minutes} minutes.",
        )
    return None
