"""Use case of entries: hours of volunteers of whom the shift has no record, on evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.activities.guards import actor_id, is_staff_of, refusal
from services.recruitment.approvals import events
from services.recruitment.approvals import handlers as approvals
from services.recruitment.approvals.domain import Reason
from services.recruitment.approvals.events import Note
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    Busy,
    Place,
    ServiceRecord,
    ServiceRevision,
)
from services.recruitment.corrections.handlers import keep_evidence
from services.recruitment.corrections.store import home_site
from services.recruitment.entries import domain
from services.recruitment.entries.domain import Entry, Recorder
from services.recruitment.organisation.handlers import volunteer_unknown
from services.recruitment.rollcall.handlers import people_in_reach
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.errors import Forbidden, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["EntryOutcome", "Statement", "enter"]


@dataclass(frozen=True, slots=True)
class Statement:
    """Hours of some volunteers, with the reason why nothing recorded them, and the evidence."""

    started_at: datetime
    ended_at: datetime
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class EntryOutcome:
    """The outcome for one volunteer: the record, or why there is none.

    Neither is set for hours that could be entered and were not, because others' could not.
    """

    volunteer_number: str
    record: ServiceRecord | None = None
    refused: DomainRefusal | None = None


async def enter(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    shift_id: UUID,
    numbers: Sequence[str],
    said: Statement,
    *,
    all_or_none: bool,
) -> list[EntryOutcome]:
    """Enter hours afterwards, one outcome for each number in the order given.

    The volunteers are notified, and another site approves the hours before they count.

    Args:
        all_or_none: nothing is entered unless the hours of every volunteer can be.

    Raises:
        NotFound: no such shift.
        Forbidden: the caller is not staff of the shift's site.
        Refusal: ``activity-not-open``, ``shift-cancelled``, ``times-invalid``: about the hours of all.
    """
    place = (await records.find_places(tx, [shift_id])).get(shift_id)
    if place is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    if not is_staff_of(caller, place.site_id):
        raise Forbidden("staff-only", "Only staff of the shift's site can do this.")
    people = await people_in_reach(tx, caller, shift_id, numbers)
    await records.lock_volunteers(tx, sorted(person.volunteer_id for person in people.values()))
    now = await tx.now()
    if (fault := domain.fault_of_hours(said.started_at, said.ended_at, place, DEFAULT_POLICY, now)) is not None:
        raise refusal(fault)
    home = await home_site(tx, caller.subject) or place.site_id
    recorder = Recorder(actor_id(caller), caller.volunteer_id, home)
    decided: dict[str, ServiceRevision | DomainRefusal] = {}
    for number in dict.fromkeys(numbers):
        if (person := people.get(number)) is None:
            decided[number] = _UNKNOWN
            continue
        entry = Entry(new_id(), person.volunteer_id, person.drive_id, said.started_at, said.ended_at, said.reason)
        decided[number] = domain.enter(entry, place, await _busy(tx, entry, place), recorder, DEFAULT_POLICY)
    passing = [each for each in decided.values() if isinstance(each, ServiceRevision)]
    entering = len(passing) == len(decided) or not all_or_none
    if entering and passing:
        await _keep(tx, cipher, passing, said.evidence, recorder, now)
    return [_outcome(number, each, entering) for number, each in decided.items()]


_UNKNOWN = DomainRefusal(volunteer_unknown().type, volunteer_unknown().detail, 404)


def _outcome(number: str, decided: ServiceRevision | DomainRefusal, entering: bool) -> EntryOutcome:
    if isinstance(decided, DomainRefusal):
        return EntryOutcome(number, refused=decided)
    return EntryOutcome(number, decided.record if entering else None)


async def _keep(
    tx: Tx, cipher: Cipher, revisions: Sequence[ServiceRevision], evidence: str, recorder: Recorder, now: datetime
) -> None:
    """Write the records with their evidence; they wait for another site, and the volunteers are notified."""
    await attendance.commit_all(tx, revisions, now)
    await keep_evidence(tx, cipher, [(each, evidence) for each in revisions])
    await approvals.wait(tx, {each.record.record_id: [Reason.BACKFILLED] for each in revisions}, now)
    notes = [Note(each.record, "added", [Reason.BACKFILLED], by=recorder.account_id) for each in revisions]
    await events.publish(tx, notes, now)


async def _busy(tx: Tx, entry: Entry, place: Place) -> Sequence[Busy]:
    """The volunteer's records around the hours and of the whole shift."""
    first, last = min(entry.started_at, place.shift.starts_at), max(entry.ended_at, place.shift.ends_at)
    around = await records.busy_between(tx, [entry.volunteer_id], first, last, DEFAULT_POLICY.grace)
    return around.get(entry.volunteer_id, [])
