"""Use case of the roll-call: ticks of one account for the volunteers of one shift, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.activities.guards import actor_id, is_staff_of, require_run
from services.recruitment.approvals import handlers as approvals
from services.recruitment.approvals import store as approval_rows
from services.recruitment.approvals.domain import Assertion, AssertionCaps, Reason, reasons_to_wait
from services.recruitment.approvals.events import Note, publish
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    ApprovalLevel,
    Arrival,
    CheckIn,
    Place,
    ServiceRecord,
)
from services.recruitment.corrections.store import home_site
from services.recruitment.devices import store as devices
from services.recruitment.devices.domain import Person
from services.recruitment.organisation.handlers import require_reach
from services.recruitment.rollcall import domain
from services.recruitment.rollcall.domain import RollCaller, Tick
from shared.auth.tokens import Caller, Role
from shared.errors import NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["TickOutcome", "call_roll", "people_in_reach"]

_UNKNOWN = DomainRefusal("volunteer-unknown", "There is no such volunteer at your sites or in your team.", 404)


@dataclass(frozen=True, slots=True)
class TickOutcome:
    """The outcome of one tick: the record as it stands, or why there is none."""

    volunteer_number: str
    record: ServiceRecord | None = None
    waits_for: Sequence[Reason] = ()
    refused: DomainRefusal | None = None


@dataclass(frozen=True, slots=True)
class _Roll:
    """A roll-call under way: the shift, who calls it, and when."""

    tx: Tx
    place: Place
    caller: RollCaller
    caps: AssertionCaps
    now: datetime


async def call_roll(
    tx: Tx, caller: Caller, shift_id: UUID, tick: Tick, numbers: Sequence[str], caps: AssertionCaps
) -> list[TickOutcome]:
    """Record that volunteers are there, or leave, one outcome for each number in the order given.

    Volunteers without a sign-up take a place while there is one. What the caps, the shift or the volunteer keep from
    counting at once waits for another site.

    Raises:
        NotFound, Forbidden: there is no such shift, or it is not the caller's to run.
    """
    place = (await records.find_places(tx, [shift_id])).get(shift_id)
    if place is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    require_run(caller, place.site_id, place.team_id)
    people = await people_in_reach(tx, caller, shift_id, numbers)
    await records.lock_volunteers(tx, sorted(person.volunteer_id for person in people.values()))
    await devices.lock_shifts(tx, [shift_id])
    place = (await records.find_places(tx, [shift_id]))[shift_id]
    roll = _Roll(tx, place, await _roll_caller(tx, caller, place), caps, await tx.now())
    outcomes = []
    for number in dict.fromkeys(numbers):
        person = people.get(number)
        if person is None:
            outcomes.append(TickOutcome(number, refused=_UNKNOWN))
        elif tick is Tick.IN:
            outcomes.append(await _arrive(roll, number, person))
        else:
            outcomes.append(await _leave(roll, number, person))
    return outcomes


async def people_in_reach(tx: Tx, caller: Caller, shift_id: UUID, numbers: Sequence[str]) -> Mapping[str, Person]:
    """The volunteers of these numbers whom the caller has to do with: of the roster, or within reach."""
    found = await devices.find_people(tx, numbers)
    signed = await devices.active_signups(tx, [person.volunteer_id for person in found.values()], [shift_id])
    reachable = {}
    for number, person in found.items():
        if (person.volunteer_id, shift_id) not in signed:
            try:
                await require_reach(tx, caller, person.volunteer_id)
            except NotFound:
                continue
        reachable[number] = person
    return reachable


async def _roll_caller(tx: Tx, caller: Caller, place: Place) -> RollCaller:
    if not is_staff_of(caller, place.site_id):
        return RollCaller(actor_id(caller), caller.volunteer_id, place.site_id, ApprovalLevel.LEADER)
    level = ApprovalLevel.CENTRE if caller.has(Role.OPERATOR) else ApprovalLevel.SITE
    home = await home_site(tx, caller.subject) or place.site_id
    return RollCaller(actor_id(caller), caller.volunteer_id, home, level)


async def _arrive(roll: _Roll, number: str, person: Person) -> TickOutcome:
    tx, shift_id = roll.tx, roll.place.shift.shift_id
    state = await _state(roll, person)
    if (present := next((record for record in state.here if record.is_open), None)) is not None:
        return TickOutcome(number, present)
    command = CheckIn(new_id(), person.volunteer_id, person.drive_id)
    decided = domain.arrive(state, command, roll.caller, DEFAULT_POLICY, roll.now)
    if isinstance(decided, DomainRefusal):
        return TickOutcome(number, refused=decided)
    record = await attendance.commit(tx, decided, roll.now)
    if not state.signed_up and await _has_place(tx, shift_id):
        await devices.insert_walk_ins(tx, [(new_id(), shift_id, person.volunteer_id)], roll.now)
    return TickOutcome(number, record)


async def _leave(roll: _Roll, number: str, person: Person) -> TickOutcome:
    tx, caller = roll.tx, roll.caller
    decided = domain.leave(await _state(roll, person), person.volunteer_id, caller, DEFAULT_POLICY, roll.now)
    if isinstance(decided, DomainRefusal):
        return TickOutcome(number, refused=decided)
    record = decided.record
    assertion = Assertion(record.record_id, "roll-call", person.volunteer_id, record.minutes, record.started_at)
    reasons = await _reasons(roll, record, assertion)
    record = await attendance.commit(tx, domain.waiting(decided) if reasons else decided, roll.now)
    if reasons:
        await approvals.wait(tx, {record.record_id: reasons}, roll.now)
    else:
        await approvals.keep_assertions(tx, caller.account_id, [assertion], roll.now)
    await publish(tx, [Note(record, "recorded", reasons, by=caller.account_id)], roll.now)
    return TickOutcome(number, record, reasons)


async def _reasons(roll: _Roll, record: ServiceRecord, assertion: Assertion) -> list[Reason]:
    """Why the record waits for another site: the shift, the volunteer, times that were denied before, or the caps."""
    tx = roll.tx
    reasons = reasons_to_wait(roll.place, await approval_rows.find_known(tx, record.volunteer_id))
    denied = await devices.disputed_between(tx, [record.volunteer_id], record.started_at, roll.now)
    if denied:
        reasons.append(Reason.DENIED)
    if not reasons:
        _, above = await approvals.split_by_caps(tx, roll.caller.account_id, [assertion], roll.caps)
        reasons = [Reason.CAP] if above else []
    return reasons


async def _state(roll: _Roll, person: Person) -> Arrival:
    tx, shift_id = roll.tx, roll.place.shift.shift_id
    here, busy = await records.records_around(tx, person.volunteer_id, shift_id, roll.now, DEFAULT_POLICY.grace)
    signed = await devices.active_signups(tx, [person.volunteer_id], [shift_id])
    return Arrival(roll.place, bool(signed), here, busy)


async def _has_place(tx: Tx, shift_id: UUID) -> bool:
    """Whether a walk-in can take a place; the shift is locked."""
    shift = (await records.find_places(tx, [shift_id]))[shift_id].shift
    return shift.taken < shift.capacity
