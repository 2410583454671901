"""Use cases of scheduling: edit activities and shifts, postpone, shorten, call off. Each in one transaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.recruitment.activities import handlers as activities
from services.recruitment.activities import store as activity_rows
from services.recruitment.activities.domain import DEFAULT_POLICY, Activity, DomainRefusal, Shift
from services.recruitment.activities.events import publish_activities
from services.recruitment.activities.guards import actor_id, require_plan, require_run, unwrap
from services.recruitment.activities.handlers import Planned
from services.recruitment.attendance import domain as attendance
from services.recruitment.attendance import handlers as attending
from services.recruitment.attendance import store as records
from services.recruitment.editing.domain import Editable, ObjectKind
from services.recruitment.editing.handlers import keep_change, require_version
from services.recruitment.scheduling import domain, store
from services.recruitment.scheduling.domain import CancelReason, ShiftState
from services.recruitment.signups.waitlist import handlers as waitlist
from services.recruitment.signups.waitlist.domain import EndReason
from shared import outbox
from shared.auth.tokens import Caller
from shared.contracts import SignupCancelled
from shared.errors import Conflict, NotFound
from shared.postgres import Tx

__all__ = ["call_off", "edit_activity", "edit_shift", "postpone", "shorten"]

_SOURCE = "weiguang/recruitment"
_SHOWN = ("starts_at", "ends_at", "capacity", "cancelled_at", "withdraw_minutes")


@dataclass(frozen=True, slots=True)
class _Locked:
    """A shift with its activity, under the locks of its volunteers, of the activity's shifts and of the activity."""

    activity: Activity
    shifts: list[Shift]
    standing: ShiftState
    people: list[UUID]
    now: datetime


async def edit_activity(tx: Tx, caller: Caller, activity_id: UUID, seen: int, edits: Mapping[str, object]) -> Planned:
    """Change an activity, whose version ``seen`` the caller decided on; what is not named stays.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's; the new site or team is not the caller's to plan for.
        Invalid: what an edit names does not exist.
        Conflict: ``changed-meanwhile`` with the changes since; what an edit names is closed.
        Refusal: ``activity-begun``, ``activity-closed``, ``activity-not-closed``.
    """
    activity, shifts = await activities.locked(tx, caller, activity_id)
    await require_version(tx, ObjectKind.ACTIVITY, activity_id, seen, activity.version)
    now = await tx.now()
    attended, _ = await store.attended(tx, [shift.shift_id for shift in shifts])
    begun = attended or any(shift.cancelled_at is None and shift.starts_at <= now for shift in shifts)
    changed = unwrap(domain.edit_activity(activity, edits, begun=begun))
    if replace(changed, version=activity.version) == activity:
        return Planned(activity, shifts)
    if (changed.site_id, changed.team_id) != (activity.site_id, activity.team_id):
        homes = await activity_rows.find_team_homes(tx, [changed.team_id])
        require_plan(caller, changed.site_id, changed.team_id, homes.get(changed.team_id))
        await store.republish(tx, activity_id, now)
        shifts = [replace(shift, published_at=now) if shift.published_at else shift for shift in shifts]
    if edits.keys() & {"site_id", "team_id", "theme_id", "project_id"}:
        await activities.require_references(tx, [changed])
    await _write(tx, changed)
    current = Editable(
        ObjectKind.ACTIVITY, activity_id, "", activity.site_id, activity.version, None, _of(activity, edits)
    )
    await keep_change(tx, caller, current, "edited", _of(changed, edits))
    return Planned(changed, shifts)


async def edit_shift(tx: Tx, caller: Caller, shift_id: UUID, seen: int, edits: Mapping[str, Any]) -> Planned:
    """Change times or places of a shift before it begins; ``seen`` is the version of its activity.

    Raises:
        NotFound, Forbidden, Conflict: as for `edit_activity`; ``signups-overlap``.
        Refusal: ``shift-frozen``, ``capacity-below-taken``, ``shift-times-invalid``, ``shift-over``, ….
    """

    def decide(standing: ShiftState, now: datetime) -> Shift | DomainRefusal:
        shift = standing.shift
        return domain.edit_shift(
            standing,
            edits.get("starts_at", shift.starts_at),
            edits.get("ends_at", shift.ends_at),
            edits.get("capacity", shift.capacity),
            policy=DEFAULT_POLICY,
            now=now,
            withdraw_minutes=edits.get("withdraw_minutes"),
        )

    return await _move(tx, caller, shift_id, seen, "edited", decide)


async def postpone(tx: Tx, caller: Caller, shift_id: UUID, seen: int, starts_at: datetime) -> Planned:
    """Hold a shift later, as long as before, while it has no check-in.

    Raises:
        NotFound, Forbidden, Conflict: as for `edit_shift`.
        Refusal: ``shift-attended``, ``shift-times-invalid``, ``shift-over``, ….
    """

    def decide(standing: ShiftState, now: datetime) -> Shift | DomainRefusal:
        return domain.postpone(standing, starts_at, DEFAULT_POLICY, now)

    return await _move(tx, caller, shift_id, seen, "postponed", decide)


async def shorten(tx: Tx, caller: Caller, shift_id: UUID, seen: int, ends_at: datetime) -> Planned:
    """End a shift earlier than planned; open records go on until then.

    Raises:
        NotFound, Forbidden, Conflict: as for `edit_shift`.
        Refusal: ``shift-times-invalid``, ``shift-over``, ….
    """

    def decide(standing: ShiftState, now: datetime) -> Shift | DomainRefusal:
        return domain.shorten(standing, ends_at, now)

    return await _move(tx, caller, shift_id, seen, "shortened", decide)


async def call_off(tx: Tx, caller: Caller, shift_id: UUID, seen: int, reason: CancelReason) -> Planned:
    """Call a shift off: sign-ups end, and open records close now, provisionally.

    Raises:
        NotFound, Forbidden, Conflict: as for `edit_shift`.
        Refusal: ``shift-cancelled``, ``shift-over``, ``activity-closed``.
    """
    locked = await _locked(tx, caller, shift_id, seen)
    shift = unwrap(domain.call_off(locked.standing, locked.now))
    await store.call_off(tx, shift, actor_id(caller), reason)
    open_records = [
        (record, planned)
        for record, planned in await records.open_records_of(tx, locked.people)
        if record.shift_id == shift_id
    ]
    policy = replace(attendance.DEFAULT_POLICY, grace=timedelta(0))
    closed = [
        replace(revision, reason="the shift was called off")
        for record, planned in open_records
        if (revision := attendance.auto_close(record, planned, policy, locked.now)) is not None
    ]
    if closed:
        await attending.commit_all(tx, closed, locked.now)
    ended = await store.end_signups(tx, shift_id, actor_id(caller), locked.now)
    offers = await waitlist.close_list(tx, shift_id, EndReason.CALLED_OFF)
    events = [
        outbox.event(
            SignupCancelled(
                signup_id=each.signup_id,
                volunteer_id=each.volunteer_id,
                shift_id=shift_id,
                activity_id=shift.activity_id,
                cancelled_at=locked.now,
                cause="called-off",
            ),
            source=_SOURCE,
            aggregate_version=each.version,
            time=locked.now,
        )
        for each in ended
    ]
    await outbox.append(tx, *events)
    shift = replace(shift, taken=shift.taken - len(ended) - offers)
    called_off = await _moved(tx, caller, locked, shift, "cancelled")
    await waitlist.reconsider(tx, [each.volunteer_id for each in ended])
    return called_off


async def _move(
    tx: Tx,
    caller: Caller,
    shift_id: UUID,
    seen: int,
    act: str,
    decide: Callable[[ShiftState, datetime], Shift | DomainRefusal],
) -> Planned:
    locked = await _locked(tx, caller, shift_id, seen)
    before, shift = locked.standing.shift, unwrap(decide(locked.standing, locked.now))
    if shift == before:
        return Planned(locked.activity, locked.shifts)
    longer = shift.starts_at < before.starts_at or shift.ends_at > before.ends_at
    if longer and (people := await store.overlapping(tx, shift)):
        detail = f"{people} of those signed up hold a place in another shift at that time; agree with them first."
        raise Conflict("signups-overlap", detail, people=people)
    await store.update_shift(tx, shift)
    given = await waitlist.fill(tx, shift_id)
    return await _moved(tx, caller, locked, replace(shift, taken=shift.taken + given), act)


async def _locked(tx: Tx, caller: Caller, shift_id: UUID, seen: int) -> _Locked:
    found = await store.find_shift(tx, shift_id)
    if found is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    activity_id, site_id, team_id = found
    require_run(caller, site_id, team_id)
    people = await store.people_of(tx, shift_id)
    await store.lock_volunteers(tx, people)
    activity, shifts = await activities.locked(tx, caller, activity_id)
    await require_version(tx, ObjectKind.SHIFT, shift_id, seen, activity.version)
    if not set(await store.people_of(tx, shift_id)) <= set(people):
        # A volunteer signed up or checked in between the two readings and is not locked.
        raise Conflict("shift-changed", "A volunteer signed up or checked in at this moment; try again.", retry_after=1)
    shift = next(each for each in shifts if each.shift_id == shift_id)
    attended, counted_until = await store.attended(tx, [shift_id])
    return _Locked(activity, shifts, ShiftState(shift, activity.state, attended, counted_until), people, await tx.now())


async def _moved(tx: Tx, caller: Caller, locked: _Locked, shift: Shift, act: str) -> Planned:
    others = [each for each in locked.shifts if each.shift_id != shift.shift_id]
    shifts = sorted((*others, shift), key=lambda each: (each.starts_at, each.shift_id))
    activity = replace(
        locked.activity, starts_at=min(each.starts_at for each in shifts), version=locked.activity.version + 1
    )
    await _write(tx, activity)
    before = {name: getattr(locked.standing.shift, name) for name in _SHOWN}
    current = Editable(ObjectKind.SHIFT, shift.shift_id, "", activity.site_id, locked.activity.version, None, before)
    await keep_change(tx, caller, current, act, {name: getattr(shift, name) for name in _SHOWN})
    return Planned(activity, shifts)


async def _write(tx: Tx, activity: Activity) -> None:
    if not await store.update_activity(tx, activity):
        raise Conflict("activity-changed", "A concurrent transaction changed this activity; read it again.")
    await publish_activities(tx, [activity], await tx.now())


def _of(activity: Activity, edits: Mapping[str, object]) -> dict[str, object]:
    return {name: getattr(activity, name) for name in edits}
