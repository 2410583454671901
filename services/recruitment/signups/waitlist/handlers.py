"""Use cases of waitlists: join, accept, withdraw, and give out free places in order.

Whatever frees a place, or adds one, calls `fill` in its own transaction with the shift locked. A volunteer whom another
transaction has locked at that moment is left for the timer, which comes within a second, and is not passed over.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import actor_id, may_run, unwrap
from services.recruitment.eligibility import handlers as eligibility
from services.recruitment.signups import events as signup_events
from services.recruitment.signups import placing
from services.recruitment.signups import store as signups
from services.recruitment.signups.domain import Signup, SignupStatus, Source
from services.recruitment.signups.placing import SignupTerms
from services.recruitment.signups.store import PlacingRow
from services.recruitment.signups.waitlist import domain, events, store
from services.recruitment.signups.waitlist.domain import (
    DEFAULT_POLICY,
    Candidate,
    EndReason,
    EntryStatus,
    Joining,
    SkipReason,
    WaitlistEntry,
    WaitlistPolicy,
)
from services.recruitment.signups.waitlist.store import OwnEntry, WaitingRow
from shared import outbox
from shared.auth.tokens import Caller
from shared.errors import NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "accept",
    "close_list",
    "due",
    "fill",
    "join",
    "of_shift",
    "own",
    "reconsider",
    "run_due",
    "withdraw",
]

CHUNK, SPARE = 50, 4
"""How many of a waitlist are locked and considered at once: at most, and beyond the places that are free."""


async def join(
    tx: Tx, caller: Caller, shift_id: UUID, volunteer_id: UUID | None, admission: SignupTerms
) -> tuple[Signup | None, WaitlistEntry | None, int]:
    """A place if one is free for the volunteer, else an entry at the end of the waitlist with its rank.

    Raises:
        NotFound, Forbidden: as for a sign-up.
        Refusal: ``already-waiting``, ``already-signed-up``, ``signup-overlaps``, ``shift-begun``,
            ``shift-cancelled``, ``activity-not-open``, ``sign-ups-paused``.
    """
    who, found = await placing.entrant(tx, caller, shift_id, volunteer_id)
    now = await tx.now()
    await placing.admit(tx, caller, admission, found, who, now)
    own = await store.find_live(tx, shift_id, who)
    held = await signups.find_held(tx, who, found.shift)
    here = next((each.signup_id for each in held if each.shift_id == shift_id), None)
    elsewhere = next((each.shift_id for each in held if each.shift_id != shift_id), None)
    wanted = WaitlistEntry(new_id(), shift_id, who, 1, EntryStatus.WAITING, actor_id(caller), now)
    entry = unwrap(domain.join(Joining(found.shift, found.state, own, here, elsewhere), wanted, now))
    if found.shift.taken < found.shift.capacity and not await store.waits_ahead(tx, shift_id, who):
        return await placing.take(tx, caller, found, who, now), None, 0
    entry = replace(entry, position=await store.insert_entry(tx, entry))
    rank = len(await store.list_live(tx, shift_id))
    await outbox.append(tx, events.joined(found, entry, rank, now))
    return None, entry, rank


async def accept(tx: Tx, caller: Caller, entry_id: UUID) -> Signup:
    """Take the place that is offered.

    Raises:
        NotFound: no such entry, or it is another person's.
        Refusal: ``waitlist-entry-ended``, ``offer-over``, and those of a sign-up.
    """
    entry, found = await _locked(tx, caller, entry_id)
    now = await tx.now()
    unwrap(domain.accept(entry, found.shift, now))
    return await placing.take(tx, caller, found, entry.volunteer_id, now)


async def withdraw(tx: Tx, caller: Caller, entry_id: UUID) -> WaitlistEntry:
    """Leave the waitlist, or decline the offer; its place goes to the next.

    Raises:
        NotFound: no such entry, or it is another person's.
        Refusal: ``waitlist-entry-ended``.
    """
    entry, found = await _locked(tx, caller, entry_id)
    now = await tx.now()
    left = unwrap(domain.withdraw(entry, now))
    reason = EndReason.DECLINED if left.status is EntryStatus.DECLINED else EndReason.LEFT
    await _end(tx, found, [(entry, reason)], now)
    await fill(tx, found.shift.shift_id)
    return left


async def own(tx: Tx, volunteer_id: UUID, *, live: bool, before: UUID | None, limit: int) -> list[OwnEntry]:
    """A page of a volunteer's entries, newest first."""
    return await store.list_own(tx, volunteer_id, live=live, before=before, limit=limit)


async def of_shift(tx: Tx, shift_id: UUID) -> list[WaitingRow]:
    """The waitlist of a shift with ranks; the caller has decided who may see it."""
    return await store.list_waiting(tx, shift_id)


async def fill(tx: Tx, shift_id: UUID, policy: WaitlistPolicy = DEFAULT_POLICY) -> int:
    """Give the free places of a shift, whose row is locked, to its waitlist in order; returns how many are given."""
    found = await placing.shift_of(tx, shift_id)
    now = await tx.now()
    free = found.shift.capacity - found.shift.taken
    if free <= 0 or not domain.gives_places(found.shift, found.state, now):
        return 0
    waiting = [entry for entry in await store.list_live(tx, shift_id) if entry.status is EntryStatus.WAITING]
    given, size = 0, min(CHUNK, free + SPARE)
    for start in range(0, len(waiting), size):
        chunk = waiting[start : start + size]
        idle = await store.lock_idle_volunteers(tx, [entry.volunteer_id for entry in chunk])
        known = _until_busy(chunk, idle)
        changed = domain.distribute(await _candidates(tx, found, known), free - given, found.shift, policy, now)
        given += await _write(tx, found, changed, now)
        if given == free or len(known) < len(chunk):
            break
    return given


async def close_list(tx: Tx, shift_id: UUID, reason: EndReason) -> int:
    """End all waiting for a shift, whose row is locked; returns how many offered places that frees."""
    found = await placing.shift_of(tx, shift_id)
    live = await store.list_live(tx, shift_id)
    await _end(tx, found, [(entry, reason) for entry in live], await tx.now())
    return sum(entry.status is EntryStatus.OFFERED for entry in live)


async def reconsider(tx: Tx, volunteer_ids: Sequence[UUID]) -> None:
    """Let volunteers who released a place elsewhere be considered again; last in a transaction."""
    if volunteer_ids:
        await store.forget_skips(tx, volunteer_ids)


async def due(tx: Tx, limit: int) -> list[UUID]:
    """Shifts whose waitlist has something to do now, the longest wait first."""
    return await store.due_shifts(tx, await tx.now(), limit)


async def run_due(tx: Tx, shift_id: UUID) -> int:
    """Do what is due in the waitlist of a shift, unless it is locked; returns how many entries moved."""
    if not await store.lock_idle_shift(tx, shift_id):
        return 0
    found = await placing.shift_of(tx, shift_id)
    now = await tx.now()
    live = await store.list_live(tx, shift_id)
    if (reason := domain.end_reason(found.shift, found.state, now)) is not None:
        ends = [(entry, EndReason.LAPSED if entry.status is EntryStatus.OFFERED else reason) for entry in live]
        await _end(tx, found, ends, now)
        return len(ends)
    over = [(entry, EndReason.LAPSED) for entry in live if domain.lapses(entry, found.shift, now)]
    await _end(tx, found, over, now)
    return len(over) + await fill(tx, shift_id)


def _until_busy(chunk: Sequence[WaitlistEntry], idle: set[UUID]) -> list[WaitlistEntry]:
    """The entries before the first whose volunteer another transaction has locked."""
    for place, entry in enumerate(chunk):
        if entry.volunteer_id not in idle:
            return list(chunk[:place])
    return list(chunk)


async def _candidates(tx: Tx, found: PlacingRow, entries: Sequence[WaitlistEntry]) -> list[Candidate]:
    people, shift = [entry.volunteer_id for entry in entries], found.shift
    lacking = await eligibility.ineligible(tx, people, shift.activity_id, found.team_id, shift.starts_at)
    blocks = dict.fromkeys(lacking, SkipReason.INELIGIBLE)
    blocks |= dict.fromkeys(await store.busy(tx, people, shift), SkipReason.OVERLAP)
    return [Candidate(entry, new_id(), blocks.get(entry.volunteer_id)) for entry in entries]


async def _write(tx: Tx, found: PlacingRow, changed: Sequence[WaitlistEntry], now: datetime) -> int:
    """Write entries that a free place went to or passed, their sign-ups and events; returns how many got one."""
    if not changed:
        return 0
    placed = [entry for entry in changed if entry.status is EntryStatus.PLACED]
    offered = sum(entry.status is EntryStatus.OFFERED for entry in changed)
    if placed:
        await store.insert_promoted(tx, found.shift.shift_id, placed, now)
    if offered:
        await store.add_taken(tx, found.shift.shift_id, offered)
    if len(await store.update_entries(tx, changed)) != len(changed):
        raise placing.changed_meanwhile()
    made = [signup_events.placed(found, _signup(entry, now), now) for entry in placed]
    await outbox.append(tx, *made, *(events.moved(found, entry, now) for entry in changed))
    return len(placed) + offered


async def _end(tx: Tx, found: PlacingRow, ends: Sequence[tuple[WaitlistEntry, EndReason]], now: datetime) -> None:
    """End live entries for their reasons; offered places are free again."""
    if not ends:
        return
    finished = [domain.finish(entry, reason, now) for entry, reason in ends]
    if len(await store.update_entries(tx, finished)) != len(finished):
        raise placing.changed_meanwhile()
    if offered := sum(entry.status is EntryStatus.OFFERED for entry, _ in ends):
        await store.add_taken(tx, found.shift.shift_id, -offered)
    said = [events.ended(found, entry, reason, now) for entry, (_, reason) in zip(finished, ends, strict=True)]
    await outbox.append(tx, *said)


async def _locked(tx: Tx, caller: Caller, entry_id: UUID) -> tuple[WaitlistEntry, PlacingRow]:
    """An entry that the caller may act on with its shift, under the locks of volunteer and shift."""
    entry, _ = await _visible(tx, caller, entry_id)
    await signups.lock(tx, entry.volunteer_id, entry.shift_id)
    return await _visible(tx, caller, entry_id)


async def _visible(tx: Tx, caller: Caller, entry_id: UUID) -> tuple[WaitlistEntry, PlacingRow]:
    # Another person's entry is answered like none at all.
    entry = await store.find_entry(tx, entry_id)
    if entry is not None:
        found = await placing.shift_of(tx, entry.shift_id)
        if caller.acts_as(entry.volunteer_id) or may_run(caller, found.site_id, found.team_id):
            return entry, found
    raise NotFound("waitlist-entry-unknown", f"There is no entry {entry_id} in a waitlist.")


def _signup(entry: WaitlistEntry, now: datetime) -> Signup:
    assert entry.signup_id is not None
    return Signup(
        signup_id=entry.signup_id,
        shift_id=entry.shift_id,
        volunteer_id=entry.volunteer_id,
        status=SignupStatus.ACTIVE,
        source=Source.WAITLIST,
        placed_by=entry.volunteer_id,
        placed_at=now,
    )
