"""Use case: import volunteers from the registry of record, a batch at a time, any number of times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.attendance.handlers import record_imported
from services.recruitment.organisation.domain import clean_title
from services.recruitment.recruiting.handlers import SOURCE
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.volunteers import store
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
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["Batch", "Imported", "import_batch"]


@dataclass(frozen=True, slots=True)
class Batch:
    """At most 500 rows of one file, and the approval that the file was given."""

    registry: str
    file_reference: str
    approval_reference: str
    rows: tuple[ImportRow, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a batch: imported now, known before, and refused with reasons."""

    batch_id: UUID
    imported: int
    known: int
    refused: tuple[RowProblem, ...]


async def import_batch(tx: Tx, cipher: Cipher, caller: Caller, batch: Batch) -> Imported:
    """Import the rows that hold together, skip those known, and say what is wrong with the others.

    Prior hours become attendance records in the same transaction.

    Raises:
        Invalid: too many rows, or a reference is empty.
        Conflict: the file was approved under another reference before.
    """
    if not 1 <= len(batch.rows) <= MOST_IMPORT_ROWS:
        raise Invalid("batch-size", f"a batch has 1 to {MOST_IMPORT_ROWS} rows")
    try:
        registry = clean_title(batch.registry, "registry")
        file = clean_title(batch.file_reference, "file_reference", 200)
        approval = clean_title(batch.approval_reference, "approval_reference", 200)
    except ValueError as error:
        raise Invalid("batch-invalid", str(error)) from None
    now = await tx.now()
    await store.lock_registry(tx, registry)
    stands = await store.approve_file(tx, registry, file, approval, caller.subject, now)
    if stands != approval:
        raise Conflict("file-approved-otherwise", f"this file was approved under the reference {stands} before")
    batch_id = new_id()
    await store.add_batch(tx, batch_id, registry, file, caller.subject, now)

    accepted, problems = check_rows(batch.rows, await _sites(tx, caller, batch.rows), district_day(now))
    known = await store.known_registry_numbers(tx, registry, [row.registry_number for row in accepted])
    fresh = [row for row in accepted if row.registry_number not in known]
    people, taken = await _keep_people(tx, cipher, fresh, now)
    problems += taken
    await _add(tx, registry, batch_id, [(row, people[row.row]) for row in fresh if row.row in people])
    await store.settle_batch(tx, batch_id, len(people), len(known), len(problems))
    return Imported(batch_id, len(people), len(known), tuple(sorted(problems, key=lambda problem: problem.row)))


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
    volunteers = [
        NewVolunteer(new_id(), person_id, number, row.registry_number, row.site_id, row.minutes)
        for (row, person_id), number in zip(rows, numbers, strict=True)
    ]
    common = Attribution("import", now, None, registry=registry, batch_id=batch_id)
    await store.add_volunteers(tx, volunteers, common)
    events = [
        outbox.event(registered_event(new, "import", now), source=SOURCE, aggregate_version=1, time=now)
        for new in volunteers
    ]
    await outbox.append(tx, *events)
    hours = [
        (new.volunteer_id, f"{registry}/{new.registry_number}", new.prior_minutes, now)
        for new in volunteers
        if new.prior_minutes > 0
    ]
    await record_imported(tx, hours)
