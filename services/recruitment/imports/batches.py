"""Use case: import an approved file of the registry, a batch at a time, any number of times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import refusal
from services.recruitment.attendance import store as records
from services.recruitment.attendance.handlers import raise_imported, record_imported
from services.recruitment.imports import domain, handlers, store
from services.recruitment.imports.domain import Content
from services.recruitment.imports.store import KnownRows, ListedProposal
from services.recruitment.recruiting.handlers import SOURCE
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.volunteers import store as volunteers
from services.recruitment.volunteers.domain import (
    MOST_IMPORT_ROWS,
    AcceptedRow,
    ImportRow,
    RowProblem,
    check_rows,
)
from services.recruitment.volunteers.handlers import numbers_for, registered_event
from services.recruitment.volunteers.store import Attribution, NewVolunteer
from shared import outbox
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Forbidden, Invalid
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["HoursDifference", "Imported", "import_batch"]


@dataclass(frozen=True, slots=True)
class HoursDifference:
    """A row about a volunteer who was known with other hours.

    They are raised to the registry's; hours that fell, and those of a void record, stay for a person to look into.
    """

    row: int
    registry_number: str
    minutes_before: int
    minutes: int
    raised: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """The outcome of a batch: imported now, known before, refused with reasons, and known with other hours."""

    batch_id: UUID
    imported: int
    known: int
    refused: tuple[RowProblem, ...]
    differences: tuple[HoursDifference, ...]


async def import_batch(
    tx: Tx, cipher: Cipher, caller: Caller, proposal_id: UUID, rows: Sequence[ImportRow]
) -> Imported:
    """Import the valid rows of an approved batch, raise the hours of those known, and name the problems of the others.

    Prior hours become attendance records in the same transaction. The last batch completes the file.

    Raises:
        Invalid: there are no rows or too many.
        NotFound: ``import-unknown``.
        Refusal: ``import-not-approved``, ``import-differs``, ``import-sums-differ``: the approval does not cover it.
    """
    if not 1 <= len(rows) <= MOST_IMPORT_ROWS:
        raise Invalid("batch-size", f"a batch has 1 to {MOST_IMPORT_ROWS} rows")
    content = domain.content_of(rows)
    proposal = await _admitted(tx, caller, proposal_id, content)
    now = await tx.now()
    batch_id = new_id()
    await store.add_batch(tx, batch_id, proposal, caller.subject, now)
    registry = proposal.registry
    accepted, problems = check_rows(rows, await _sites(tx, caller, rows), district_day(now))
    known = await store.known_registry_numbers(tx, registry, [row.registry_number for row in accepted])
    fresh = [row for row in accepted if row.registry_number not in known]
    people, taken = await _keep_people(tx, cipher, fresh, now)
    problems += taken
    await _add(tx, registry, batch_id, [(row, people[row.row]) for row in fresh if row.row in people])
    differences = await _raise_known(tx, registry, [row for row in accepted if row.registry_number in known], known)
    await store.settle_batch(
        tx,
        batch_id,
        imported=len(people),
        known=len(known),
        refused=len(problems),
        differing=_sums(differences),
    )
    await store.note_arrival(tx, proposal_id, content.digest, batch_id)
    if proposal.proposal.completes(content.digest):
        await store.complete(tx, proposal_id, now)
    refused = tuple(sorted(problems, key=lambda problem: problem.row))
    return Imported(batch_id, len(people), len(known), refused, tuple(differences))


async def _raise_known(
    tx: Tx, registry: str, rows: Sequence[AcceptedRow], known: Mapping[str, UUID]
) -> list[HoursDifference]:
    """Raise the hours of known volunteers to the registry's; returns the rows that differ from what stood."""
    if not rows:
        return []
    await records.lock_volunteers(tx, sorted(known.values()))
    now = await tx.now()
    hours = [(known[row.registry_number], f"{registry}/{row.registry_number}", row.minutes, now) for row in rows]
    stood = await raise_imported(tx, hours)
    differing = [(row, *stood[at]) for row in rows if (at := f"{registry}/{row.registry_number}") in stood]
    raised = {known[row.registry_number]: row.minutes for row, _, rose in differing if rose}
    await store.raise_prior_minutes(tx, raised)
    return [HoursDifference(row.row, row.registry_number, before, row.minutes, rose) for row, before, rose in differing]


def _sums(differences: Sequence[HoursDifference]) -> KnownRows:
    rises = [each.minutes - each.minutes_before for each in differences if each.raised]
    return KnownRows(len(rises), sum(rises), len(differences) - len(rises))


async def _admitted(tx: Tx, caller: Caller, proposal_id: UUID, content: Content) -> ListedProposal:
    """The proposal, locked behind the other imports of its registry, if its approval covers the content."""
    registry = (await handlers.find(tx, proposal_id)).registry
    await store.lock_registry(tx, registry)
    await store.lock(tx, proposal_id)
    found = await handlers.find(tx, proposal_id)
    if found.proposed_by != caller.subject and caller.site_ids is not None:
        raise Forbidden("not-the-proposer", "The account that proposed a file imports it, or the centre does.")
    refused = domain.admit(found.proposal, content, await tx.now())
    if refused is not None:
        raise refusal(refused)
    return found


async def _sites(tx: Tx, caller: Caller, rows: Sequence[ImportRow]) -> frozenset[UUID]:
    named = {row.site_id for row in rows if row.site_id is not None}
    return frozenset(site for site in await store.existing_sites(tx, list(named)) if caller.may_site(site))


async def _keep_people(
    tx: Tx, cipher: Cipher, rows: Sequence[AcceptedRow], now: datetime
) -> tuple[dict[int, UUID], list[RowProblem]]:
    """Row → person for those who can be volunteers, and problems of those whose phone already is one's."""
    known = await vault.find_by_phone(tx, cipher, [row.identity.phone for row in rows if row.identity.phone])
    people: dict[int, UUID] = {}
    problems: list[RowProblem] = []
    new: list[tuple[AcceptedRow, vault.NewPerson]] = []
    for row in rows:
        owner = known.get(row.identity.phone or "")
        if owner is None:
            new.append((row, vault.NewPerson.of(row.identity)))
        elif owner.volunteer_id is None:
            people[row.row] = owner.person_id  # known as a resident; what they said themselves stays
        else:
            problems.append(_taken(row))
    kept = await vault.keep(tx, cipher, [person for _, person in new], now)
    for row, person in new:
        if person.person_id in kept:
            people[row.row] = person.person_id
        else:
            problems.append(_taken(row))
    return people, problems


def _taken(row: AcceptedRow) -> RowProblem:
    return RowProblem(
        row.row, row.registry_number, "this phone or ID number is already registered by another volunteer"
    )


async def _add(tx: Tx, registry: str, batch_id: UUID, rows: Sequence[tuple[AcceptedRow, UUID]]) -> None:
    if not rows:
        return
    now = await tx.now()
    numbers = await numbers_for(tx, len(rows), now)
    added = [
        NewVolunteer(new_id(), person_id, number, row.registry_number, row.site_id, row.minutes)
        for (row, person_id), number in zip(rows, numbers, strict=True)
    ]
    common = Attribution("import", now, None, registry=registry, batch_id=batch_id)
    await volunteers.add_volunteers(tx, added, common)
    events = [
        outbox.event(registered_event(new, "import", now), source=SOURCE, aggregate_version=1, time=now)
        for new in added
    ]
    await outbox.append(tx, *events)
    hours = [
        (new.volunteer_id, f"{registry}/{new.registry_number}", new.prior_minutes, now)
        for new in added
        if new.prior_minutes > 0
    ]
    await record_imported(tx, hours)
