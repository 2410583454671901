"""Use cases of sign-ups: take a place, release it, see own ones, see a shift's roster."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.activities.guards import actor_id, require_run, unwrap
from services.recruitment.eligibility import handlers as eligibility
from services.recruitment.organisation.handlers import require_reach, volunteer_unknown
from services.recruitment.signups import domain, events, placing, store
from services.recruitment.signups.domain import Reliability, ReliabilityPolicy, Signup, Source
from services.recruitment.signups.placing import SignupTerms
from services.recruitment.signups.posts import handlers as posts
from services.recruitment.signups.store import OwnSignup, RosterRow
from services.recruitment.signups.waitlist import handlers as waitlist
from services.recruitment.signups.waitlist.store import WaitingRow
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import mask_name
from shared import outbox
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound, Refusal
from shared.postgres import Tx

__all__ = ["cancel", "lacks", "own", "place", "place_team", "reliability", "roster"]


async def place(
    tx: Tx,
    caller: Caller,
    shift_id: UUID,
    volunteer_id: UUID | None,
    admission: SignupTerms,
    post_id: UUID | None = None,
) -> Signup:
    """Sign a volunteer up for a shift: oneself, or by staff of the site or leader of the team another person.

    ``post_id`` None leaves the post to the leader.

    Raises:
        NotFound: no such shift, or it is part of a draft that the caller does not run; no volunteer of the caller's
            sites or team.
        Forbidden: it is another person, and the shift is not the caller's to run.
        Refusal: ``shift-full``, ``waitlist-first``, ``already-signed-up``, ``signup-overlaps``, ``shift-over``,
            ``activity-not-open``, ``sign-ups-paused``, ``post-full``, and what the activity asks for: ``too-young``, ….
    """
    who, found = await placing.entrant(tx, caller, shift_id, volunteer_id)
    now = await tx.now()
    await placing.admit(tx, caller, admission, found, who, now)
    signup = await placing.take(tx, caller, found, who, now)
    if post_id is not None:
        await posts.assign(tx, signup, post_id)
    return signup


async def place_team(
    tx: Tx, caller: Caller, shift_id: UUID, volunteer_ids: Sequence[UUID], admission: SignupTerms
) -> list[tuple[UUID, Signup | Refusal]]:
    """Sign several volunteers up, in the order given; each gets a place or the reason why not.

    Raises:
        NotFound: no such shift, or it is part of a draft that the caller does not run.
        Forbidden: the shift is not the caller's to run.
    """
    found = placing.visible_shift(caller, shift_id, await store.find_placing(tx, shift_id))
    require_run(caller, found.site_id, found.team_id)
    known = await store.lock_all(tx, volunteer_ids, shift_id)
    now = await tx.now()
    outcomes: list[tuple[UUID, Signup | Refusal]] = []
    for who in dict.fromkeys(volunteer_ids):
        try:
            await require_reach(tx, caller, who)
            if who not in known:
                raise volunteer_unknown()
            found = await placing.shift_of(tx, shift_id)
            await placing.admit(tx, caller, admission, found, who, now)
            outcomes.append((who, await placing.take(tx, caller, found, who, now, Source.TEAM)))
        except Conflict:
            raise  # a concurrent transaction; nothing of this call stays
        except Refusal as refused:
            # It comes before anything is written for that volunteer.
            outcomes.append((who, refused))
    return outcomes


async def cancel(tx: Tx, caller: Caller, signup_id: UUID) -> Signup:
    """Release a place, one's own or by those who run the shift; it goes to the first of the waitlist.

    Raises:
        NotFound: no such sign-up, or it is another person's.
        Refusal: ``signup-cancelled``, ``already-attended``, ``shift-over``.
    """
    found = placing.visible_signup(caller, signup_id, await store.find_signup(tx, signup_id))
    await store.lock(tx, found.signup.volunteer_id, found.signup.shift_id)
    found = placing.visible_signup(caller, signup_id, await store.find_signup(tx, signup_id))
    now = await tx.now()
    own = caller.acts_as(found.signup.volunteer_id)
    by = actor_id(caller)
    signup = unwrap(domain.cancel(found.signup, found.shift, attended=found.attended, by=by, own=own, now=now))
    if not await store.cancel_signup(tx, signup):
        raise placing.changed_meanwhile()
    shift = await placing.shift_of(tx, signup.shift_id)
    await outbox.append(tx, events.cancelled(signup, shift, "self" if own else "staff", now, late=signup.late))
    await waitlist.fill(tx, signup.shift_id)
    await waitlist.reconsider(tx, [signup.volunteer_id])
    return signup


async def lacks(tx: Tx, terms: SignupTerms, caller: Caller, shift_id: UUID) -> Sequence[DomainRefusal]:
    """The obstacles to a sign-up of the calling volunteer: missing qualifications, or a pause.

    Raises:
        NotFound: no such shift, or it is part of a draft that the caller does not run.
    """
    found = placing.visible_shift(caller, shift_id, await store.find_placing(tx, shift_id))
    who, shift = caller.require_volunteer(), found.shift
    missing = await eligibility.check(tx, terms.cipher, who, shift.activity_id, found.team_id, shift.starts_at)
    if terms.policy.allowed is None:
        return missing
    now = await tx.now()
    seen = await store.find_reliability(tx, who, now - terms.policy.window, now)
    paused = domain.refuse_unreliable(seen, terms.policy, now)
    return missing if paused is None else [*missing, paused]


async def reliability(tx: Tx, volunteer_id: UUID, policy: ReliabilityPolicy) -> tuple[Reliability, datetime | None]:
    """Places that a volunteer did not use of late, and until when own sign-ups are paused if they are."""
    now = await tx.now()
    seen = await store.find_reliability(tx, volunteer_id, now - policy.window, now)
    refused = domain.refuse_unreliable(seen, policy, now)
    return seen, None if refused is None or seen.last_at is None else seen.last_at + policy.pause


async def own(tx: Tx, volunteer_id: UUID, *, status: str | None, before: UUID | None, limit: int) -> list[OwnSignup]:
    """A page of a volunteer's sign-ups, newest first."""
    return await store.list_signups(tx, volunteer_id, status=status, before=before, limit=limit)


async def roster(
    tx: Tx, cipher: Cipher, caller: Caller, shift_id: UUID
) -> tuple[list[tuple[RosterRow, str]], Sequence[WaitingRow]]:
    """All volunteers of a shift with their masked names, and its waitlist, for those who run it.

    Raises:
        NotFound: no such shift.
        Forbidden: neither staff of the site nor leader of the team.
    """
    found = await store.find_placing(tx, shift_id)
    if found is None:
        raise NotFound("shift-unknown", f"There is no shift {shift_id}.")
    require_run(caller, found.site_id, found.team_id)
    rows = await store.roster(tx, shift_id)
    people = await vault.identities(tx, cipher, [row.person_id for row in rows])
    return [(row, mask_name(people[row.person_id].name)) for row in rows], await waitlist.of_shift(tx, shift_id)
