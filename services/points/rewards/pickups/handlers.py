"""Use cases of pickup: hand a reward over against its code alone.

A caller who may type any code may try codes. So each call spends one guess before the code is checked, in a
transaction of its own: guesses sent side by side cannot all be the last one. A call that was no wrong code gives its
guess back; one that dies in between has cost a guess, which is gone with its window.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.points.rewards import handlers as rewards
from services.points.rewards.domain import Redemption, normalised_code
from services.points.rewards.lockout.domain import CodeLock, spend, waits
from services.points.rewards.pickups import store
from shared.auth.tokens import Caller
from shared.errors import Conflict, Forbidden, Invalid, Refusal, TooMany
from shared.postgres import Tx

__all__ = ["capture", "give_guess_back", "purge", "spend_guess", "was_wrong"]

SPENT_KEPT = timedelta(days=1)
_WRONG = "pickup-code-wrong"
_ELSEWHERE = "redemption-at-other-site"


async def spend_guess(tx: Tx, caller: Caller, real: datetime) -> datetime:
    """Count a guess; to be committed before `capture`. Returns the window that it counts in, for `give_guess_back`.

    Raises:
        TooMany: the caller typed too many wrong codes; ``retry_after`` says in how many seconds to try again.
    """
    guesses = await store.lock_guesses(tx, caller.subject, real)
    spent = spend(guesses, real)
    if spent is None:
        seconds = waits(guesses, real)
        detail = f"Too many wrong pickup codes. Try again in {seconds} seconds."
        raise TooMany("too-many-pickup-codes", detail, retry_after=seconds)
    await store.note_guesses(tx, caller.subject, spent)
    return spent.since


async def give_guess_back(tx: Tx, caller: Caller, since: datetime) -> None:
    """The guess was no wrong code."""
    await store.give_guess_back(tx, caller.subject, since)


def was_wrong(refusal: Refusal) -> bool:
    """Whether a refusal of `capture` reveals something to the caller about a code that is not theirs to try."""
    return refusal.type in (_WRONG, _ELSEWHERE)


async def capture(tx: Tx, caller: Caller, typed: str, site_id: UUID | None, real: datetime) -> Redemption:
    """Hand over what the code is for; the held points are spent. ``site_id``: the counter, if it is known.

    Raises:
        Refusal: no redemption has this code, it is to be fetched elsewhere, its code is locked after wrong ones, its
            time is over, or it is at its end already.
    """
    code = normalised_code(typed)
    found = await store.find_by_code(tx, code)
    if found is None:
        raise Invalid(_WRONG, "No redemption that waits for pickup has this code.")
    if not caller.may_site(found.site_id):
        raise Forbidden(_ELSEWHERE, "This reward is to be fetched at a site that is not among yours.")
    if site_id is not None and site_id != found.site_id:
        raise Conflict(_ELSEWHERE, "This reward is to be fetched at another site.", site_id=str(found.site_id))
    if CodeLock(0, found.locked_until).holds(real):
        raise rewards.code_locked()
    return await rewards.capture(tx, caller, found.redemption_id, code)


async def purge(tx: Tx, real: datetime) -> None:
    """Forget the codes of holds that ended a day ago."""
    await store.forget_spent(tx, real - SPENT_KEPT)
