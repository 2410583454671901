"""Use case of entries: hours of a volunteer of whom the shift has no record, on evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import actor_id, is_staff_of, unwrap
from services.recruitment.approvals import events
from services.recruitment.approvals import handlers as approvals
from services.recruitment.approvals.domain import Reason
from services.recruitment.approvals.events import Note
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import DEFAULT_POLICY, Busy, Place, ServiceRecord
from services.recruitment.corrections.handlers import keep_evidence
from services.recruitment.corrections.store import home_site
from services.recruitment.devices import store as devices
from services.recruitment.devices.domain import Person
from services.recruitment.entries import domain
from services.recruitment.entries.domain import Entry, Recorder
from services.recruitment.organisation.handlers import require_reach, volunteer_unknown
from services.recruitment.vault.cipher import Cipher
from shared.auth.tokens import Caller
from shared.errors import Forbidden, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["Statement", "enter"]


@dataclass(frozen=True, slots=True)
class Statement:
    """The hours of the volunteer of a number, with the reason why nothing recorded them, and the evidence."""

    volunteer_number: str
    started_at: datetime
    ended_at: datetime
    reason: str
    evidence: str


async def enter(tx: Tx, cipher: Cipher, caller: Caller, shift_id: UUID, said: Statement) -> ServiceRecord:
    """Enter hours afterwards; the volunteer is notified, and another site approves them before they count.

    Raises:
        NotFound: no such shift, or no such volunteer within the caller's reach or on the shift's roster.
        Forbidden: the caller is not staff of the shift's site.
        Refusal: ``own-record``, ``activity-not-open``, ``shift-cancelled``, ``times-invalid``,
            ``attendance-overlaps``, ``too-many-check-ins``.
    """
    place = (await records.find_places(tx, [shift_id])).get(shift_id)
    if place is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    if not is_staff_of(caller, place.site_id):
        raise Forbidden("staff-only", "Only staff of the shift's site can do this.")
    person = await _person(tx, caller, shift_id, said.volunteer_number)
    await records.lock_volunteers(tx, [person.volunteer_id])
    home = await home_site(tx, caller.subject) or place.site_id
    recorder = Recorder(actor_id(caller), caller.volunteer_id, home)
    entry = Entry(new_id(), person.volunteer_id, person.drive_id, said.started_at, said.ended_at, said.reason)
    busy, now = await _busy(tx, entry, place), await tx.now()
    revision = unwrap(domain.enter(entry, place, busy, recorder, DEFAULT_POLICY, now))
    entered = await attendance.commit(tx, revision, now)
    await keep_evidence(tx, cipher, [(revision, said.evidence)])
    await approvals.wait(tx, {entered.record_id: [Reason.BACKFILLED]}, now)
    await events.publish(tx, [Note(entered, "added", [Reason.BACKFILLED], by=recorder.account_id)], now)
    return entered


async def _person(tx: Tx, caller: Caller, shift_id: UUID, number: str) -> Person:
    """The volunteer of a number, if of the shift's roster or within the caller's reach."""
    person = (await devices.find_people(tx, [number])).get(number)
    if person is None:
        raise volunteer_unknown()
    if not await devices.active_signups(tx, [person.volunteer_id], [shift_id]):
        await require_reach(tx, caller, person.volunteer_id)
    return person


async def _busy(tx: Tx, entry: Entry, place: Place) -> Sequence[Busy]:
    """The volunteer's records around the hours and of the whole shift."""
    first, last = min(entry.started_at, place.shift.starts_at), max(entry.ended_at, place.shift.ends_at)
    around = await records.busy_between(tx, [entry.volunteer_id], first, last, DEFAULT_POLICY.grace)
    return around.get(entry.volunteer_id, [])
