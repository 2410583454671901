"""Use cases of attendance: check-in, check-out, tickets, imported hours, the automatic close, and reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.recruitment.activities.guards import may_run, unwrap
from services.recruitment.attendance import codes, domain, events, store
from services.recruitment.attendance.codes import ShownBy
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    Arrival,
    AttendancePolicy,
    CheckIn,
    RecordStatus,
    ServiceRecord,
    ServiceRevision,
)
from services.recruitment.attendance.store import FoundPlace, ListedRecord, PastRevision
from services.recruitment.consents.domain import refuse_outdated
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.ids import derived_id, new_id
from shared.postgres import Tx

__all__ = [
    "ImportedHours",
    "PresenceProof",
    "auto_close",
    "check_in",
    "check_out",
    "commit",
    "commit_all",
    "get",
    "listing",
    "purge",
    "raise_imported",
    "record_imported",
    "resume",
    "ticket",
    "visible",
]


@dataclass(frozen=True, slots=True)
class PresenceProof:
    """The proof of presence at the shift's place: the code shown there, or a ticket it was changed for.

    ``witnessed``: a resident's one-time code at their door was verified before.
    """

    code: str | None = None
    ticket: str | None = None
    witnessed: bool = False


TICKETS_KEPT = timedelta(days=1)
"""Real time for which it is remembered who used a ticket; a ticket itself lives 15 minutes."""

ImportedHours = tuple[UUID, str, int, datetime]
"""(volunteer, the registry's reference, minutes, imported at): hours confirmed by the registry of record before."""


async def ticket(tx: Tx, shift_id: UUID, code: str) -> str:
    """Change a code for a ticket of 15 minutes for this shift and any caller; it becomes a volunteer's by being used.

    Raises:
        NotFound: no such shift.
        Forbidden: the code is not the shift's, or its time is over.
    """
    secret = await store.find_secret(tx, shift_id)
    if secret is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    now = real_now()
    shown_by = codes.shown_by(secret, code, now)
    if shown_by is None:
        raise _not_shown_now()
    return codes.issue_ticket(secret, shift_id, new_id(), shown_by, now)


async def check_in(
    tx: Tx, caller: Caller, shift_id: UUID, proof: PresenceProof, distance_m: int | None, device_id: str | None
) -> ServiceRecord:
    """Open a record for the calling volunteer, now; ``device_id`` is what the phone calls itself, if it does.

    Raises:
        NotFound, Forbidden: as for `ticket`; the volunteer is not known; the ticket is over or another shift's; a
            leader or a member of staff showed the code to themselves (``leaders-own-code``, ``staff-own-code``); the
            terms accepted last are not those in force (``consent-due``).
        Refusal: ``ticket-used-by-another``, ``signup-missing``, ``already-checked-in``, ``checked-in-elsewhere``,
            ``attendance-overlaps``, ``check-in-too-early``, ``shift-over``, ``shift-planned-late``,
            ``activity-not-open``, ``too-many-check-ins``.
    """
    volunteer_id = caller.require_volunteer()
    locked = await store.lock_volunteer(tx, volunteer_id)
    if not locked.known:
        raise NotFound("volunteer-unknown", f"There is no volunteer {volunteer_id}.")
    unwrap(refuse_outdated(locked.accepted))
    found = await _place(tx, shift_id, volunteer_id)
    await _prove(tx, found, volunteer_id, proof)
    now = found.now
    command = CheckIn(new_id(), volunteer_id, locked.drive_id, distance_m, device_id)
    decided = domain.check_in(await _arrival(tx, found, volunteer_id, now), command, DEFAULT_POLICY, now)
    return await commit(tx, unwrap(decided), now)


async def check_out(
    tx: Tx, caller: Caller, shift_id: UUID, proof: PresenceProof, device_id: str | None
) -> ServiceRecord:
    """Close the calling volunteer's record of the shift, now; ``device_id`` as for `check_in`.

    Raises:
        NotFound, Forbidden: as for `check_in`.
        Refusal: ``ticket-used-by-another``, ``not-checked-in``, ``already-checked-out``, ``check-out-too-late``.
    """
    volunteer_id = caller.require_volunteer()
    if not (await store.lock_volunteer(tx, volunteer_id)).known:
        raise NotFound("volunteer-unknown", f"There is no volunteer {volunteer_id}.")
    found = await _place(tx, shift_id, volunteer_id)
    await _prove(tx, found, volunteer_id, proof)
    now = found.now
    arrival = await _arrival(tx, found, volunteer_id, now)
    revision = unwrap(domain.check_out(arrival, volunteer_id, DEFAULT_POLICY, now, device_id))
    # A confirmation that waited for another site is no longer needed.
    await store.withdraw_approvals(tx, [revision.record.record_id], volunteer_id, now)
    record = await commit(tx, revision, now)
    if caller.session_id is not None:
        await store.keep_check_out(tx, record, caller.session_id, real_now())
    return record


async def resume(tx: Tx, caller: Caller, record_id: UUID) -> ServiceRecord:
    """Undo the calling volunteer's early check-out, from the session that made it: the record goes on.

    Raises:
        NotFound: there is no such record, or it is not the caller's own.
        Forbidden: another session checked out (``check-out-of-another-session``).
        Refusal: ``not-resumable``, ``resumption-too-late``, ``already-checked-in``, ``attendance-overlaps``,
            ``activity-not-open``.
    """
    volunteer_id = caller.require_volunteer()
    await store.lock_volunteer(tx, volunteer_id)
    record = await store.find_record(tx, record_id)
    if record is None or record.volunteer_id != volunteer_id or record.shift_id is None:
        raise NotFound("record-unknown", f"There is no record {record_id}.")
    now = await tx.now()
    state = await _arrival(tx, await _place(tx, record.shift_id, volunteer_id), volunteer_id, now)
    same = caller.session_id is not None and await store.checked_out_by(tx, record, caller.session_id)
    decided = domain.resume(record, state, volunteer_id, DEFAULT_POLICY, now, same_session=same)
    return await commit(tx, unwrap(decided), now)


async def record_imported(tx: Tx, rows: Sequence[ImportedHours]) -> None:
    """Write prior hours as confirmed records without activity or shift.

    A registry reference counts once: given again, nothing is written and nothing published. The caller has inserted or
    locked the volunteers.
    """
    revisions: dict[UUID, ServiceRevision] = {}
    for volunteer_id, registry_reference, minutes, imported_at in rows:
        record_id = derived_id("imported-hours", registry_reference)
        revisions[record_id] = domain.imported(record_id, volunteer_id, minutes, imported_at)
    if not revisions:
        return
    now = await tx.now()
    written = await store.save(tx, list(revisions.values()), now)
    await events.append(tx, [each for record_id, each in revisions.items() if record_id in written], now)


async def raise_imported(tx: Tx, rows: Sequence[ImportedHours]) -> dict[str, tuple[int, bool]]:
    """Raise prior hours that were imported before to what the registry says now.

    Hours that fell, and those of a void record, stay as they are. The caller has locked the volunteers.

    Returns:
        The references whose minutes differ: the minutes that stood, and whether they were raised.
    """
    ids = {derived_id("imported-hours", reference): reference for _, reference, _, _ in rows}
    found, now = await store.find_records(tx, list(ids)), await tx.now()
    differing: dict[str, tuple[int, bool]] = {}
    revisions: list[ServiceRevision] = []
    first: list[ImportedHours] = []
    for row in rows:
        _, reference, minutes, _ = row
        record = found.get(derived_id("imported-hours", reference))
        if record is None:
            if minutes > 0:
                first.append(row)
                differing[reference] = (0, True)
        elif minutes != record.minutes or record.status is RecordStatus.VOID:
            revision = domain.raised(record, minutes)
            revisions += [] if revision is None else [revision]
            differing[reference] = (record.minutes, revision is not None)
    await record_imported(tx, first)
    if revisions:
        await commit_all(tx, revisions, now)
    return differing


async def auto_close(tx: Tx, limit: int, policy: AttendancePolicy = DEFAULT_POLICY) -> int:
    """Close, provisionally, what was left open after its shift's end and the grace; returns how many records.

    Volunteers locked by another transaction are left for the next round.
    """
    now = await tx.now()
    overdue = await store.overdue_volunteers(tx, now - policy.grace, limit)
    if not overdue:
        return 0
    locked = await store.lock_idle_volunteers(tx, overdue)
    open_records = await store.open_records_of(tx, locked)
    closed = [
        revision
        for record, shift in open_records
        if (revision := domain.auto_close(record, shift, policy, now)) is not None
    ]
    if closed:
        await commit_all(tx, closed, now)
    return len(closed)


async def purge(tx: Tx) -> None:
    """Forget who used tickets, and which sessions checked out, when both are long over."""
    await store.forget_tickets(tx, real_now() - TICKETS_KEPT)
    await store.forget_check_outs(tx, real_now() - TICKETS_KEPT)


async def listing(
    tx: Tx,
    caller: Caller,
    *,
    volunteer_id: UUID | None,
    shift_id: UUID | None,
    status: str | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
    todo: str | None = None,
) -> list[ListedRecord]:
    """A page of records, newest first: one's own, those of one's team, those at one's sites.

    ``todo`` keeps those that wait for the site: ``confirm``, closed automatically; ``overtime``, beyond the shift.

    Raises:
        Forbidden: a volunteer who runs nothing asked for records of another.
    """
    staff = caller.has(Role.STATION, Role.OPERATOR)
    if volunteer_id is None and shift_id is None and not staff and not caller.has(Role.LEADER):
        volunteer_id = caller.require_volunteer()
    if volunteer_id not in (None, caller.volunteer_id) and not staff and not caller.has(Role.LEADER):
        raise Forbidden("not-your-records", "These are records of another volunteer.")
    return await store.list_records(
        tx,
        volunteer_id=volunteer_id,
        shift_id=shift_id,
        status=status,
        own_id=caller.volunteer_id,
        all_sites=staff and caller.site_ids is None,
        site_ids=sorted(caller.site_ids or ()) if staff else (),
        team_ids=sorted(caller.team_ids) if caller.has(Role.LEADER) else (),
        before=before,
        limit=limit,
        todo=todo,
    )


async def get(tx: Tx, caller: Caller, record_id: UUID) -> tuple[ServiceRecord, list[PastRevision], tuple[str, ...]]:
    """One record with its history, and why it waits for another site if it does.

    Raises:
        NotFound: there is none, or it is not the caller's to see.
    """
    record = visible(caller, record_id, await store.find_record(tx, record_id))
    return record, await store.find_revisions(tx, record_id), await store.find_waiting(tx, record_id)


def visible(caller: Caller, record_id: UUID, record: ServiceRecord | None) -> ServiceRecord:
    """The record, if the caller may see it: their own, or one that they run.

    Raises:
        NotFound: there is none, or it is another person's, which is answered alike.
    """
    if record is not None and (caller.acts_as(record.volunteer_id) or may_run(caller, record.site_id, record.team_id)):
        return record
    raise NotFound("record-unknown", f"There is no record {record_id}.")


async def commit(tx: Tx, revision: ServiceRevision, now: datetime) -> ServiceRecord:
    """Write and publish one revision.

    Raises:
        Conflict: a concurrent transaction revised the record; the volunteer's lock rules it out.
    """
    await commit_all(tx, [revision], now)
    return revision.record


async def commit_all(tx: Tx, revisions: Sequence[ServiceRevision], now: datetime) -> None:
    """Write and publish any number of revisions, all or none; their volunteers are locked.

    Raises:
        Conflict: one of the records was revised meanwhile.
    """
    written = await store.save(tx, revisions, now)
    if len(written) != len(revisions):
        raise Conflict("record-changed", "This record was changed at the same time; read it again.")
    await events.append(tx, revisions, now)


async def _place(tx: Tx, shift_id: UUID, volunteer_id: UUID) -> FoundPlace:
    found = await store.find_place(tx, shift_id, volunteer_id)
    if found is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    return found


async def _arrival(tx: Tx, found: FoundPlace, volunteer_id: UUID, now: datetime) -> Arrival:
    if not found.recorded:
        return Arrival(found.place, found.signed_up, [], [])
    shift_id = found.place.shift.shift_id
    here, busy = await store.records_around(tx, volunteer_id, shift_id, now, DEFAULT_POLICY.grace)
    return Arrival(found.place, found.signed_up, here, busy)


async def _prove(tx: Tx, found: FoundPlace, volunteer_id: UUID, proof: PresenceProof) -> None:
    if proof.witnessed:
        return
    if (proof.code is None) == (proof.ticket is None):
        raise Invalid(
            "proof-missing", "Give either the code that is shown at the place, or the ticket it was changed for."
        )
    now = real_now()
    if proof.code is not None:
        shown_by = codes.shown_by(found.secret, proof.code, now)
        if shown_by is None:
            raise _not_shown_now()
        await _require_not_own(tx, found, volunteer_id, shown_by)
        return
    assert proof.ticket is not None
    shift_id = found.place.shift.shift_id
    ticket = codes.read_ticket(found.secret, proof.ticket, shift_id)
    if ticket is None:
        raise Forbidden("ticket-invalid", "This is no ticket for this shift: scan the code that is shown at the place.")
    if now >= ticket.expires_at:
        raise Forbidden("ticket-expired", "The ticket's 15 minutes are over: scan the code at the place again.")
    await _require_not_own(tx, found, volunteer_id, ticket.shown_by)
    if await store.bind_ticket(tx, ticket.ticket_id, shift_id, volunteer_id, now) != volunteer_id:
        raise Conflict(
            "ticket-used-by-another",
            "Another volunteer used this ticket already, and each is for one person: scan the code at the place.",
        )


async def _require_not_own(tx: Tx, found: FoundPlace, volunteer_id: UUID, shown_by: ShownBy) -> None:
    # As the rows say it: a token may be from before its holder became the leader or a member of staff.
    if shown_by is ShownBy.LEADER and found.leads:
        detail = "Leaders do not record their own hours: scan the code that the site's staff show."
        raise Forbidden("leaders-own-code", detail)
    if shown_by is ShownBy.SERVING and await store.runs_as_staff(tx, volunteer_id, found.place.site_id):
        detail = "Staff do not record their own hours: scan the code that the team's leader shows."
        raise Forbidden("staff-own-code", detail)


def _not_shown_now() -> Forbidden:
    detail = "This is not the code that is shown now; it changes every 8 seconds, so scan it again."
    return Forbidden("code-invalid", detail)
