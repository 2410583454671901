"""Use cases of swaps: propose, agree, approve, end. The place changes hands in one transaction."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.recruitment.activities.guards import actor_id, may_run, require_run, unwrap
from services.recruitment.signups import domain as signup_rules
from services.recruitment.signups import events as signup_events
from services.recruitment.signups import placing
from services.recruitment.signups import store as signups
from services.recruitment.signups.domain import Placing, Signup, SignupStatus, Source
from services.recruitment.signups.placing import SignupTerms
from services.recruitment.signups.posts import store as posts
from services.recruitment.signups.store import FoundSignup, PlacingRow
from services.recruitment.signups.swaps import domain, store
from services.recruitment.signups.swaps.domain import ShiftSwap, SwapState
from services.recruitment.signups.swaps.store import ListedSwap
from services.recruitment.signups.waitlist import handlers as waitlist
from services.recruitment.signups.waitlist import store as waiting
from shared import outbox
from shared.auth.tokens import Caller
from shared.contracts import SwapDecided, SwapProposed
from shared.errors import NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["agree", "approve", "end", "listing", "propose"]


async def propose(tx: Tx, caller: Caller, signup_id: UUID, number: str) -> ShiftSwap:
    """Propose one's own place to the volunteer of the number; one that no volunteer has is answered alike.

    Raises:
        NotFound: no such sign-up of the caller's.
        Refusal: ``swap-with-oneself``, ``swap-open``, ``swap-over``, ``signup-cancelled``, ``already-attended``,
            ``swaps-of-the-day``, ….
    """
    found = _own(caller, signup_id, await signups.find_signup(tx, signup_id))
    to_id = await store.volunteer_of_number(tx, number)
    await store.lock(tx, (found.signup.volunteer_id, to_id), found.signup.shift_id)
    found = _own(caller, signup_id, await signups.find_signup(tx, signup_id))
    now, from_id = await tx.now(), found.signup.volunteer_id
    wanted = ShiftSwap(new_id(), signup_id, found.signup.shift_id, from_id, to_id, SwapState.PROPOSED, now)
    shift = await placing.shift_of(tx, found.signup.shift_id)
    decided = domain.propose(
        wanted,
        found.signup,
        shift.shift,
        attended=found.attended,
        open_swap=await store.has_open(tx, signup_id),
        of_late=await store.proposed_since(tx, from_id, now - timedelta(days=1)),
        now=now,
    )
    swap = unwrap(decided)
    await store.insert_swap(tx, swap, number)
    if to_id is None:
        return swap
    data = SwapProposed(
        swap_id=swap.swap_id,
        volunteer_id=to_id,
        shift_id=swap.shift_id,
        activity_id=shift.shift.activity_id,
        activity_title=shift.title,
        site_id=shift.site_id,
        starts_at=shift.shift.starts_at,
        proposed_at=now,
    )
    await outbox.append(tx, outbox.event(data, source=signup_events.SOURCE, aggregate_version=1, time=now))
    return swap


async def agree(tx: Tx, caller: Caller, swap_id: UUID, admission: SignupTerms) -> ShiftSwap:
    """Take the place that is passed on; where others wait for one, the leader or the staff agree first.

    Raises:
        NotFound: no such swap, or it is not proposed to the caller.
        Refusal: ``swap-decided``, ``swap-over``, and those of a sign-up.
    """
    swap, shift = await _locked(tx, caller, swap_id)
    if swap.to_id is None or not caller.acts_as(swap.to_id):
        raise _unknown(swap_id)
    now = await tx.now()
    await placing.admit(tx, caller, admission, shift, swap.to_id, now)
    waited_for = bool(await waiting.list_live(tx, swap.shift_id))
    agreed = unwrap(domain.agree(swap, shift.shift, actor_id(caller), waited_for=waited_for, now=now))
    return await _decide(tx, agreed, shift, now)


async def approve(tx: Tx, caller: Caller, swap_id: UUID) -> ShiftSwap:
    """Agree, as leader of the team or staff of the site, to what both volunteers want.

    Raises:
        NotFound: no such swap of the caller's or of a shift that the caller runs.
        Forbidden: the shift is not the caller's to run.
        Refusal: ``swap-decided``, ``swap-over``, and those of a sign-up.
    """
    swap, shift = await _locked(tx, caller, swap_id)
    require_run(caller, shift.site_id, shift.team_id)
    now = await tx.now()
    return await _decide(tx, unwrap(domain.approve(swap, shift.shift, actor_id(caller), now)), shift, now)


async def end(tx: Tx, caller: Caller, swap_id: UUID) -> ShiftSwap:
    """Withdraw a swap of one's own place, or refuse it as the other volunteer, leader or staff.

    Raises:
        NotFound: no such swap of the caller's or of a shift that the caller runs.
        Refusal: ``swap-decided``.
    """
    swap, shift = await _locked(tx, caller, swap_id)
    now = await tx.now()
    own = caller.acts_as(swap.from_id)
    return await _decide(tx, unwrap(domain.end(swap, actor_id(caller), own=own, now=now)), shift, now)


async def listing(tx: Tx, caller: Caller, shift_id: UUID | None) -> list[ListedSwap]:
    """Open swaps: one's own, or those of a shift that the caller runs.

    Raises:
        NotFound: no such shift.
        Forbidden: the shift is not the caller's to run.
    """
    now = await tx.now()
    if shift_id is None:
        own = await store.list_swaps(tx, now, volunteer_id=caller.require_volunteer(), shift_id=None)
        # The proposer learns the number that was typed, not whether it has a volunteer.
        return [each if caller.acts_as(each.to_id) else replace(each, to_id=None) for each in own]
    found = placing.visible_shift(caller, shift_id, await signups.find_placing(tx, shift_id))
    require_run(caller, found.site_id, found.team_id)
    return await store.list_swaps(tx, now, volunteer_id=None, shift_id=shift_id)


async def _decide(tx: Tx, swap: ShiftSwap, shift: PlacingRow, now: datetime) -> ShiftSwap:
    """Write the decided swap; a done one moves the place."""
    if swap.state is SwapState.DONE:
        await _transfer(tx, swap, shift, now)
    elif swap.state is not SwapState.WITHDRAWN:
        data = SwapDecided(
            swap_id=swap.swap_id,
            volunteer_id=swap.from_id,
            shift_id=swap.shift_id,
            activity_id=shift.shift.activity_id,
            site_id=shift.site_id,
            outcome="agreed" if swap.state is SwapState.AGREED else "refused",
            decided_at=now,
        )
        event: Any = outbox.event(data, source=signup_events.SOURCE, aggregate_version=swap.version, time=now)
        await outbox.append(tx, event)
    if not await store.update_swap(tx, swap):
        raise placing.changed_meanwhile()
    return swap


async def _transfer(tx: Tx, swap: ShiftSwap, shift: PlacingRow, now: datetime) -> None:
    found = await signups.find_signup(tx, swap.signup_id)
    assert found is not None, "a swap is of a sign-up"
    assert swap.to_id is not None, "a place is passed on to a volunteer"
    post_id = (await posts.assigned(tx, swap.shift_id)).get(swap.from_id)
    before = unwrap(
        signup_rules.cancel(found.signup, shift.shift, attended=found.attended, by=swap.to_id, own=False, now=now)
    )
    if not await signups.cancel_signup(tx, before):
        raise placing.changed_meanwhile()
    after = Signup(
        signup_id=new_id(),
        shift_id=swap.shift_id,
        volunteer_id=swap.to_id,
        status=SignupStatus.ACTIVE,
        source=Source.SWAP,
        placed_by=swap.to_id,
        placed_at=now,
    )
    free = replace(shift.shift, taken=shift.shift.taken - 1)
    held = await signups.find_held(tx, swap.to_id, free)
    await placing.enter(tx, shift, unwrap(signup_rules.place(Placing(free, shift.state, held), after, now)), now)
    if post_id is not None:
        await posts.assign(tx, after.signup_id, post_id)
    await outbox.append(tx, signup_events.cancelled(before, shift, "swap", now))
    await waitlist.reconsider(tx, [swap.from_id])


async def _locked(tx: Tx, caller: Caller, swap_id: UUID) -> tuple[ShiftSwap, PlacingRow]:
    """A swap that the caller has to do with and its shift, under the locks of both volunteers and the shift."""
    swap, _ = await _visible(tx, caller, swap_id)
    await store.lock(tx, (swap.from_id, swap.to_id), swap.shift_id)
    return await _visible(tx, caller, swap_id)


async def _visible(tx: Tx, caller: Caller, swap_id: UUID) -> tuple[ShiftSwap, PlacingRow]:
    swap = await store.find_swap(tx, swap_id)
    if swap is not None:
        found = await placing.shift_of(tx, swap.shift_id)
        concerned = caller.acts_as(swap.from_id) or caller.acts_as(swap.to_id)
        if concerned or may_run(caller, found.site_id, found.team_id):
            return swap, found
    raise _unknown(swap_id)


def _own(caller: Caller, signup_id: UUID, found: FoundSignup | None) -> FoundSignup:
    if found is not None and caller.acts_as(found.signup.volunteer_id):
        return found
    raise NotFound("signup-unknown", f"There is no sign-up {signup_id}.")


def _unknown(swap_id: UUID) -> NotFound:
    return NotFound("swap-unknown", f"There is no swap {swap_id}.")
