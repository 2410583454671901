"""Use cases of endings: preview what an ending changes, and end as it was previewed. Each in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.recruitment.activities import handlers as activities
from services.recruitment.activities import store as activity_rows
from services.recruitment.activities.domain import Activity, Shift
from services.recruitment.activities.guards import require_run
from services.recruitment.activities.handlers import Planned
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.editing.handlers import require_version
from services.recruitment.endings import domain, store
from services.recruitment.endings.domain import EndingPreview
from services.recruitment.orders import store as orders
from services.recruitment.orders.details import store as order_details
from services.recruitment.scheduling import handlers as scheduling
from services.recruitment.scheduling import store as shift_rows
from services.recruitment.scheduling.domain import CancelReason
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound
from shared.postgres import Tx

__all__ = [
    "call_off_activity",
    "call_off_shift",
    "preview_call_off",
    "preview_close",
    "preview_shift",
    "require_closing_unchanged",
]


async def preview_shift(tx: Tx, caller: Caller, shift_id: UUID) -> EndingPreview:
    """Preview the change that calling a shift off brings by now.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's to run.
    """
    _found, shifts = await _of_shift(tx, caller, shift_id)
    return await _preview(tx, [shift for shift in shifts if shift.shift_id == shift_id], await tx.now())


async def preview_call_off(tx: Tx, caller: Caller, activity_id: UUID) -> EndingPreview:
    """Preview the change that calling off all that is left of an activity brings by now; raises as `preview_shift`."""
    _activity, shifts = await _read(tx, caller, activity_id)
    now = await tx.now()
    return await _preview(tx, domain.still_to_hold(shifts, now), now)


async def preview_close(tx: Tx, caller: Caller, activity_id: UUID) -> EndingPreview:
    """Preview what an activity leaves behind once it is closed; raises as `preview_shift`."""
    _activity, shifts = await _read(tx, caller, activity_id)
    return await _preview(tx, shifts, await tx.now())


async def call_off_shift(
    tx: Tx, caller: Caller, shift_id: UUID, seen: int, reason: CancelReason, digest: str | None
) -> Planned:
    """Call a shift off, if it is still as its preview with the digest said; None asks for no preview.

    Raises:
        NotFound, Forbidden, Conflict, Refusal: as for calling a shift off.
        Conflict: ``preview-changed`` with the present digest.
    """
    if digest is not None:
        activity, _shifts = await _of_shift(tx, caller, shift_id)
        _activity, shifts = await _locked(tx, caller, activity.activity_id, [shift_id])
        chosen = [shift for shift in shifts if shift.shift_id == shift_id]
        _require_unchanged(await _preview(tx, chosen, await tx.now()), digest)
    return await scheduling.call_off(tx, caller, shift_id, seen, reason)


async def call_off_activity(
    tx: Tx, caller: Caller, activity_id: UUID, seen: int, reason: CancelReason, digest: str
) -> Planned:
    """Call off every shift of an activity that is not over, if they are still as their preview said.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's to run.
        Conflict: ``changed-meanwhile``, ``preview-changed``, ``nothing-to-call-off``, ``shift-changed``.
        Refusal: ``activity-closed``.
    """
    _activity, planned = await _read(tx, caller, activity_id)
    left = [shift.shift_id for shift in domain.still_to_hold(planned, await tx.now())]
    activity, shifts = await _locked(tx, caller, activity_id, left)
    await require_version(tx, ObjectKind.ACTIVITY, activity_id, seen, activity.version)
    now = await tx.now()
    ending = [shift for shift in domain.still_to_hold(shifts, now) if shift.shift_id in left]
    if not ending:
        raise Conflict("nothing-to-call-off", "Each shift of this activity is over or was called off.")
    _require_unchanged(await _preview(tx, ending, now), digest)
    done = Planned(activity, shifts)
    for shift in ending:
        done = await scheduling.call_off(tx, caller, shift.shift_id, done.activity.version, reason)
    return done


async def require_closing_unchanged(tx: Tx, caller: Caller, activity_id: UUID, digest: str | None) -> None:
    """Lock an activity that is to be closed, and require that it is as its preview with the digest said.

    None asks for nothing.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's to run.
        Conflict: ``preview-changed`` with the present digest; ``shift-changed``.
    """
    if digest is None:
        return
    _activity, planned = await _read(tx, caller, activity_id)
    order_id = await order_details.find_of_activity(tx, activity_id)
    if order_id is not None:
        await orders.lock_order(tx, order_id)  # before the activity, as every act on an order does
    _activity, shifts = await _locked(tx, caller, activity_id, [shift.shift_id for shift in planned])
    _require_unchanged(await _preview(tx, shifts, await tx.now()), digest)


def _require_unchanged(seen: EndingPreview, digest: str) -> None:
    if seen.digest != digest:
        raise Conflict("preview-changed", "What this ends changed since it was shown; look again.", digest=seen.digest)


async def _preview(tx: Tx, shifts: Sequence[Shift], now: datetime) -> EndingPreview:
    ids = [shift.shift_id for shift in shifts]
    absent, entries, records = await store.absent(tx, ids), await store.entries(tx, ids), await store.records(tx, ids)
    return domain.preview(shifts, absent, entries, records, now)


async def _of_shift(tx: Tx, caller: Caller, shift_id: UUID) -> tuple[Activity, list[Shift]]:
    found = await shift_rows.find_shift(tx, shift_id)
    if found is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    return await _read(tx, caller, found[0])


async def _read(tx: Tx, caller: Caller, activity_id: UUID) -> tuple[Activity, list[Shift]]:
    """An activity that the caller runs with its shifts, not locked."""
    activity = await activity_rows.find_activity(tx, activity_id)
    if activity is None:
        raise NotFound("activity-unknown", f"There is no activity {activity_id}.")
    require_run(caller, activity.site_id, activity.team_id)
    return activity, await activity_rows.find_shifts(tx, [activity_id])


async def _locked(tx: Tx, caller: Caller, activity_id: UUID, shift_ids: Sequence[UUID]) -> tuple[Activity, list[Shift]]:
    """An activity and its shifts under their locks, which come after those of the shifts' volunteers."""
    people = await store.people(tx, shift_ids)
    await shift_rows.lock_volunteers(tx, people)
    found = await activities.locked(tx, caller, activity_id)
    if not set(await store.people(tx, shift_ids)) <= set(people):
        # A volunteer signed up or checked in between the two readings and is not locked.
        raise Conflict("shift-changed", "A volunteer signed up or checked in at this moment; try again.", retry_after=1)
    return found
