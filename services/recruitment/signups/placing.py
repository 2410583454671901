"""Taking a place: which shift and volunteer a caller may act on, their locks, and the sign-up with its event."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.recruitment.activities import store as activities
from services.recruitment.activities.domain import State
from services.recruitment.activities.guards import actor_id, may_run, refusal, require_run, unwrap
from services.recruitment.consents import store as consents
from services.recruitment.consents.domain import refuse_outdated
from services.recruitment.eligibility import handlers as eligibility
from services.recruitment.organisation.handlers import require_reach, volunteer_unknown
from services.recruitment.signups import domain, events, store
from services.recruitment.signups.domain import Placing, ReliabilityPolicy, Signup, SignupStatus, Source
from services.recruitment.signups.store import FoundSignup, PlacingRow
from services.recruitment.signups.waitlist import domain as waiting
from services.recruitment.signups.waitlist import store as waitlist
from services.recruitment.signups.waitlist.domain import EntryStatus
from services.recruitment.vault.cipher import Cipher
from shared import outbox
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "SignupTerms",
    "admit",
    "changed_meanwhile",
    "enter",
    "entrant",
    "shift_of",
    "take",
    "visible_shift",
    "visible_signup",
]


async def entrant(tx: Tx, caller: Caller, shift_id: UUID, volunteer_id: UUID | None) -> tuple[UUID, PlacingRow]:
    """The volunteer whom a call is about and the shift, both locked: oneself, or another person by those who run it.

    Raises:
        NotFound: no such shift, or it is part of a draft that the caller does not run; no volunteer of the caller's
            sites or team.
        Forbidden: it is another person, and the shift is not the caller's to run.
    """
    who = volunteer_id or caller.require_volunteer()
    found = visible_shift(caller, shift_id, await store.find_placing(tx, shift_id))
    if caller.acts_as(who):
        if await activities.is_hidden(tx, found.shift.activity_id, who):
            raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    else:
        # Before the volunteer is read: the answer must not depend on whether there is one.
        require_run(caller, found.site_id, found.team_id)
        await require_reach(tx, caller, who)
    if not await store.lock(tx, who, shift_id):
        raise volunteer_unknown()
    return who, visible_shift(caller, shift_id, await store.find_placing(tx, shift_id))


@dataclass(frozen=True, slots=True)
class SignupTerms:
    """The means of deciding whether a volunteer may take places: the policy on unused ones, and the vault for ages."""

    policy: ReliabilityPolicy
    cipher: Cipher


async def admit(
    tx: Tx, caller: Caller, admission: SignupTerms, found: PlacingRow, volunteer_id: UUID, now: datetime
) -> None:
    """Require that the volunteer has what the activity asks for, and of own sign-ups the terms in force and no pause.

    Raises:
        Refusal: ``too-young``, ``training-missing``, … with all that is ``missing``; ``consent-due`` and
            ``sign-ups-paused``, never for sign-ups by leaders and staff.
    """
    if caller.acts_as(volunteer_id):
        given = await consents.latest(tx, volunteer_id)
        unwrap(refuse_outdated(None if given is None else given.version))
    shift = found.shift
    lacks = await eligibility.check(
        tx, admission.cipher, volunteer_id, shift.activity_id, found.team_id, shift.starts_at
    )
    if lacks:
        raise refusal(replace(lacks[0], extra={**lacks[0].extra, "missing": [each.slug for each in lacks]}))
    if admission.policy.allowed is None or not caller.acts_as(volunteer_id):
        return
    seen = await store.find_reliability(tx, volunteer_id, now - admission.policy.window, now)
    unwrap(domain.refuse_unreliable(seen, admission.policy, now))


async def enter(tx: Tx, found: PlacingRow, signup: Signup, now: datetime) -> None:
    """Write a sign-up that was decided on, with its event; a live entry of the volunteer in the waitlist ends."""
    own = await waitlist.find_live(tx, signup.shift_id, signup.volunteer_id)
    if own is not None and own.status is EntryStatus.OFFERED:
        await waitlist.add_taken(tx, signup.shift_id, -1)
    await store.insert_signup(tx, signup)
    if own is not None and not await waitlist.update_entries(tx, [waiting.place_entry(own, signup.signup_id, now)]):
        raise changed_meanwhile()
    await outbox.append(tx, events.placed(found, signup, now))


async def take(
    tx: Tx, caller: Caller, found: PlacingRow, volunteer_id: UUID, now: datetime, source: Source | None = None
) -> Signup:
    """Sign the volunteer up; the volunteer and the shift are locked. A live entry in the waitlist ends with it.

    Raises:
        Refusal: ``shift-full``, ``waitlist-first``, ``already-signed-up``, ``signup-overlaps``, ``shift-over``,
            ``activity-not-open``, ….
    """
    shift_id = found.shift.shift_id
    own = await waitlist.find_live(tx, shift_id, volunteer_id)
    offered = own is not None and own.status is EntryStatus.OFFERED and not waiting.lapses(own, found.shift, now)
    signup = Signup(
        signup_id=new_id(),
        shift_id=shift_id,
        volunteer_id=volunteer_id,
        status=SignupStatus.ACTIVE,
        source=source or (Source.SELF if caller.acts_as(volunteer_id) else Source.STAFF),
        placed_by=actor_id(caller),
        placed_at=now,
    )
    shift = replace(found.shift, taken=found.shift.taken - 1) if offered else found.shift
    held = await store.find_held(tx, volunteer_id, shift)
    others = not offered and await waitlist.waits_ahead(tx, shift_id, volunteer_id)
    signup = unwrap(domain.place(Placing(shift, found.state, held, others), signup, now))
    await enter(tx, found, signup, now)
    return signup


async def shift_of(tx: Tx, shift_id: UUID) -> PlacingRow:
    """A shift that exists, with its activity."""
    found = await store.find_placing(tx, shift_id)
    assert found is not None, "shifts are never deleted"
    return found


def visible_shift(caller: Caller, shift_id: UUID, found: PlacingRow | None) -> PlacingRow:
    """The shift, if the caller may see it; a draft's is answered like none to those who do not run it.

    Raises:
        NotFound: there is none, or it is a draft's.
    """
    if found is not None and (found.state is not State.PLANNED or may_run(caller, found.site_id, found.team_id)):
        return found
    raise NotFound("shift-unknown", f"There is no shift {shift_id}.")


def visible_signup(caller: Caller, signup_id: UUID, found: FoundSignup | None) -> FoundSignup:
    """The sign-up, if the caller may act on it: one's own, or of a shift that the caller runs.

    Raises:
        NotFound: there is none, or it is another person's, which is answered alike.
    """
    if found is not None and (
        caller.acts_as(found.signup.volunteer_id) or may_run(caller, found.site_id, found.team_id)
    ):
        return found
    raise NotFound("signup-unknown", f"There is no sign-up {signup_id}.")


def changed_meanwhile() -> Conflict:
    """The answer where a concurrent transaction changed what this one decided on."""
    return Conflict("signup-changed", "This sign-up was changed at the same time; read it again.")
