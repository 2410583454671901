"""Use cases of referrals: record, withdraw; the bonus is posted in the same transaction."""

from typing import Any
from uuid import UUID

from services.points.bounds.handlers import in_bounds
from services.points.ledger import handlers as ledger
from services.points.ledger.handlers import lock
from services.points.referrals import store
from services.points.referrals.domain import MOST_A_DAY, RecordedReferral
from services.points.rules.domain import REFERRAL, Referral, referral
from services.points.rules.handlers import rulebook_of
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.ids import derived_id, new_id
from shared.postgres import Tx

__all__ = ["refer", "withdraw"]


async def refer(tx: Tx, caller: Caller, referrer_id: UUID, referred_id: UUID) -> RecordedReferral:
    """Record a referral, and post the bonus that the rule gives for it.

    Raises:
        Invalid: ``own-referral``.
        Forbidden: ``own-account``: the bonus would be the caller's own.
        NotFound: ``referrer-unknown``: points knows volunteers from their first service on, and staff of sites record
            referrals of those who served or redeemed something there.
        Conflict: ``referred-not-served``: the new volunteer has no confirmed service; ``already-referred``;
            ``referrals-of-the-day``: the account recorded `MOST_A_DAY` today.
    """
    if referrer_id == referred_id:
        raise Invalid("own-referral", "volunteers cannot refer themselves")
    if caller.volunteer_id == referrer_id:
        raise Forbidden("own-account", "Staff cannot record a referral that earns them points.")
    if not await in_bounds(tx, caller, referrer_id) or not await store.account_known(tx, referrer_id):
        detail = "points has seen no service of the referrer, or none at your sites"
        raise NotFound("referrer-unknown", detail)
    both = frozenset({referrer_id, referred_id})
    await lock(tx, both, both)
    if not await store.has_served(tx, referred_id):
        detail = "the person who was brought in has no confirmed service yet: record the referral after the first"
        raise Conflict("referred-not-served", detail)
    now = await tx.now()
    made = RecordedReferral(new_id(), referrer_id, referred_id, district_day(now), caller.subject, now)
    await store.lock_recorder(tx, caller.subject)
    if await store.count_recorded(tx, caller.subject, made.day) >= MOST_A_DAY:
        detail = f"An account records at most {MOST_A_DAY} referrals a day; record further ones tomorrow."
        raise Conflict("referrals-of-the-day", detail, most=MOST_A_DAY)
    if not await store.insert(tx, made):
        raise Conflict("already-referred", "it is on record already who brought this person in")
    await _bonus(tx, made, standing=True)
    return made


async def withdraw(tx: Tx, caller: Caller, referral_id: UUID, reason: str) -> RecordedReferral:
    """It was none: the bonus is taken back.

    Raises:
        NotFound: ``referral-unknown``; also when the referrer is not of the caller's sites.
        Conflict: ``referral-withdrawn`` already.
    """
    found = await store.find(tx, referral_id)
    if found is None or not await in_bounds(tx, caller, found.referrer_id):
        raise NotFound("referral-unknown", "there is no such referral")
    await lock(tx, [found.referrer_id], frozenset({found.referrer_id}))
    if not await store.withdraw(tx, referral_id, caller.subject, await tx.now(), reason):
        raise Conflict("referral-withdrawn", "the referral was withdrawn before")
    await _bonus(tx, found, standing=False)
    found = await store.find(tx, referral_id)
    assert found is not None
    return found


async def _bonus(tx: Tx, brought: RecordedReferral, *, standing: bool) -> None:
    rule = (await rulebook_of(tx, brought.referrer_id)).at(brought.day)
    fact = Referral(brought.referred_id, brought.day) if standing else None
    said: dict[str, Any] | None = {"referred_id": str(brought.referred_id), "day": brought.day.isoformat()}
    judgement = ledger.Judgement(
        f"{REFERRAL}{brought.referred_id}",
        rule.version,
        referral(rule, fact),
        {"referral": said if standing else None},
    )
    cause = derived_id("referral", brought.referral_id, "recorded" if standing else "withdrawn")
    await ledger.award(tx, brought.referrer_id, judgement, cause)
