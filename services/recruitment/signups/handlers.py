"""Use cases of sign-ups: take a place, give it back, see own ones, see a shift's roster."""

from collections.abc import Sequence
from uuid import UUID

from services.recruitment.activities.domain import State
from services.recruitment.activities.guards import actor_id, may_run, require_run, unwrap
from services.recruitment.organisation.handlers import require_reach, volunteer_unknown
from services.recruitment.signups import domain, store
from services.recruitment.signups.domain import Placing, Signup, SignupStatus, Source
from services.recruitment.signups.store import FoundSignup, OwnSignup, PlacingRow, RosterRow
from shared import outbox
from shared.auth.tokens import Caller
from shared.contracts import SignupCancelled, SignupPlaced
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["cancel", "own", "place", "roster"]

_SOURCE = "weiguang/recruitment"


async def place(tx: Tx, caller: Caller, shift_id: UUID, volunteer_id: UUID | None) -> Signup:
    """Sign a volunteer up for a shift: oneself, or by staff of the site or leader of the team another person.

    Raises:
        NotFound: no such shift, or it is part of a draft that the caller does not run; no volunteer of the caller's
            sites or team.
        Forbidden: it is another person, and the shift is not the caller's to run.
        Refusal: ``shift-full``, ``already-signed-up``, ``signup-overlaps``, ``shift-over``, ``activity-not-open``.
    """
    who = volunteer_id or caller.require_volunteer()
    oneself = caller.acts_as(who)
    found = _shift(caller, shift_id, await store.find_placing(tx, shift_id))
    if not oneself:
        # Before the volunteer is read: the answer must not depend on whether there is one.
        require_run(caller, found.site_id, found.team_id)
        await require_reach(tx, caller, who)
    if not await store.lock(tx, who, shift_id):
        raise volunteer_unknown()
    found = _shift(caller, shift_id, await store.find_placing(tx, shift_id))
    now = await tx.now()
    wanted = Signup(
        signup_id=new_id(),
        shift_id=shift_id,
        volunteer_id=who,
        status=SignupStatus.ACTIVE,
        source=Source.SELF if oneself else Source.STAFF,
        placed_by=actor_id(caller),
        placed_at=now,
    )
    held = await store.find_held(tx, who, found.shift)
    signup = unwrap(domain.place(Placing(found.shift, found.state, held), wanted, now))
    await store.insert_signup(tx, signup)
    placed = SignupPlaced(
        signup_id=signup.signup_id,
        volunteer_id=who,
        shift_id=shift_id,
        activity_id=found.shift.activity_id,
        activity_title=found.title,
        site_id=found.site_id,
        starts_at=found.shift.starts_at,
        ends_at=found.shift.ends_at,
        placed_at=now,
    )
    await outbox.append(tx, outbox.event(placed, source=_SOURCE, aggregate_version=signup.version, time=now))
    return signup


async def cancel(tx: Tx, caller: Caller, signup_id: UUID) -> Signup:
    """Give a place back: one's own, or by those who run the shift.

    Raises:
        NotFound: no such sign-up, or it is another person's.
        Refusal: ``signup-cancelled``, ``already-attended``, ``shift-over``.
    """
    found = _visible(caller, signup_id, await store.find_signup(tx, signup_id))
    await store.lock(tx, found.signup.volunteer_id, found.signup.shift_id)
    found = _visible(caller, signup_id, await store.find_signup(tx, signup_id))
    now = await tx.now()
    signup = unwrap(domain.cancel(found.signup, found.shift, attended=found.attended, by=actor_id(caller), now=now))
    if not await store.cancel_signup(tx, signup):
        raise Conflict("signup-changed", "This sign-up was changed at the same time; read it again.")
    placed = SignupCancelled(
        signup_id=signup_id,
        volunteer_id=signup.volunteer_id,
        shift_id=signup.shift_id,
        activity_id=found.shift.activity_id,
        cancelled_at=now,
    )
    await outbox.append(tx, outbox.event(placed, source=_SOURCE, aggregate_version=signup.version, time=now))
    return signup


async def own(tx: Tx, volunteer_id: UUID, *, status: str | None, before: UUID | None, limit: int) -> list[OwnSignup]:
    """A page of a volunteer's sign-ups, newest first."""
    return await store.list_signups(tx, volunteer_id, status=status, before=before, limit=limit)


async def roster(tx: Tx, caller: Caller, shift_id: UUID) -> Sequence[RosterRow]:
    """Everybody of a shift, for those who run it.

    Raises:
        NotFound: no such shift.
        Forbidden: neither staff of the site nor leader of the team.
    """
    found = await store.find_placing(tx, shift_id)
    if found is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    require_run(caller, found.site_id, found.team_id)
    return await store.roster(tx, shift_id)


def _shift(caller: Caller, shift_id: UUID, found: PlacingRow | None) -> PlacingRow:
    # A draft's shift is answered like none to those who do not run it.
    if found is not None and (found.state is not State.PLANNED or may_run(caller, found.site_id, found.team_id)):
        return found
    raise NotFound("shift-unknown", f"There is no shift {shift_id}.")


def _visible(caller: Caller, signup_id: UUID, found: FoundSignup | None) -> FoundSignup:
    # Another person's sign-up is answered like none at all.
    if found is not None and (
        caller.acts_as(found.signup.volunteer_id) or may_run(caller, found.site_id, found.team_id)
    ):
        return found
    raise NotFound("signup-unknown", f"There is no sign-up {signup_id}.")
