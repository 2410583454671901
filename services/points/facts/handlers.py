"""Use cases of complaints and referrals: record, withdraw; whatever they change is posted in the same transaction."""

from typing import Any
from uuid import UUID

from services.points.accounts import handlers as accounts
from services.points.badges.handlers import current_criteria
from services.points.facts import store
from services.points.facts.domain import MOST_A_DAY, BroughtIn, Complaint
from services.points.ledger import handlers as ledger
from services.points.ledger import store as records
from services.points.ledger.ingest import Policy, lock, reconsider
from services.points.rules.domain import REFERRAL, Referral, referral
from services.points.rules.handlers import Rulebooks, rulebook_of
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.ids import derived_id, new_id
from shared.postgres import Tx
from shared.telemetry import trace

__all__ = ["complain", "refer", "withdraw_complaint", "withdraw_referral"]


async def complain(
    tx: Tx, caller: Caller, *, activity_id: UUID | None, record_id: UUID | None, reason: str
) -> Complaint:
    """Record a complaint; what it does to points is the rule's business.

    Raises:
        NotFound: ``record-unknown``.
        Forbidden: ``site-out-of-bounds``: it is about service at other sites than the caller's.
    """
    await store.keep_others_out(tx)
    if record_id is not None and not await store.record_known(tx, record_id):
        raise NotFound("record-unknown", "points has seen no such record")
    await _within(tx, caller, activity_id, record_id)
    made = Complaint(new_id(), activity_id, record_id, reason, caller.subject, await tx.now())
    await store.insert_complaint(tx, made)
    await _reconsider(tx, made, "recorded")
    return made


async def withdraw_complaint(tx: Tx, caller: Caller, complaint_id: UUID, reason: str) -> Complaint:
    """It turned out to be none: what it took away comes back.

    Raises:
        NotFound: ``complaint-unknown``.
        Forbidden: ``site-out-of-bounds``, as for `complain`.
        Conflict: ``complaint-withdrawn`` already.
    """
    await store.keep_others_out(tx)
    found = await store.find_complaint(tx, complaint_id)
    if found is None:
        raise NotFound("complaint-unknown", "there is no such complaint")
    await _within(tx, caller, found.activity_id, found.record_id)
    if not await store.withdraw_complaint(tx, complaint_id, caller.subject, await tx.now(), reason):
        raise Conflict("complaint-withdrawn", "the complaint was withdrawn before")
    found = await store.find_complaint(tx, complaint_id)
    assert found is not None
    await _reconsider(tx, found, "withdrawn")
    return found


async def _within(tx: Tx, caller: Caller, activity_id: UUID | None, record_id: UUID | None) -> None:
    if caller.site_ids is None or caller.may_sites(await store.sites_about(tx, activity_id, record_id)):
        return
    detail = "You may record complaints about service at your own sites, once points has seen it; the centre about any."
    raise Forbidden("site-out-of-bounds", detail)


async def _reconsider(tx: Tx, complaint: Complaint, what: str) -> None:
    """Work out anew every bucket that holds a record that the complaint is about."""
    policy = Policy(Rulebooks(), current_criteria())
    volunteer_ids = await records.volunteers_about(tx, complaint.activity_id, complaint.record_id)
    await lock(tx, volunteer_ids, frozenset(volunteer_ids))
    event_id = derived_id("complaint", complaint.complaint_id, what)
    current = trace.current()
    correlation = str(event_id) if current is None else current.correlation_id
    parent = None if current is None else trace.traceparent()
    changed = [
        revision._replace(event_id=event_id, correlation_id=correlation, traceparent=parent)
        for revision in await records.records_about(tx, complaint.activity_id, complaint.record_id)
    ]
    await reconsider(tx, changed, policy)


async def refer(tx: Tx, caller: Caller, referrer_id: UUID, referred_id: UUID) -> BroughtIn:
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
    if not await accounts.in_bounds(tx, caller, referrer_id) or not await store.account_known(tx, referrer_id):
        detail = "points has seen no service of the referrer, or none at your sites"
        raise NotFound("referrer-unknown", detail)
    both = frozenset({referrer_id, referred_id})
    await lock(tx, both, both)
    if not await store.has_served(tx, referred_id):
        detail = "the person who was brought in has no confirmed service yet: record the referral after the first"
        raise Conflict("referred-not-served", detail)
    now = await tx.now()
    made = BroughtIn(new_id(), referrer_id, referred_id, district_day(now), caller.subject, now)
    await store.lock_recorder(tx, caller.subject)
    if await store.count_recorded(tx, caller.subject, made.day) >= MOST_A_DAY:
        detail = f"An account records at most {MOST_A_DAY} referrals a day; record further ones tomorrow."
        raise Conflict("referrals-of-the-day", detail, most=MOST_A_DAY)
    if not await store.insert_referral(tx, made):
        raise Conflict("already-referred", "it is on record already who brought this person in")
    await _bonus(tx, made, standing=True)
    return made


async def withdraw_referral(tx: Tx, caller: Caller, referral_id: UUID, reason: str) -> BroughtIn:
    """It was none: the bonus is taken back.

    Raises:
        NotFound: ``referral-unknown``; also when the referrer is not of the caller's sites.
        Conflict: ``referral-withdrawn`` already.
    """
    found = await store.find_referral(tx, referral_id)
    if found is None or not await accounts.in_bounds(tx, caller, found.referrer_id):
        raise NotFound("referral-unknown", "there is no such referral")
    await lock(tx, [found.referrer_id], frozenset({found.referrer_id}))
    if not await store.withdraw_referral(tx, referral_id, caller.subject, await tx.now(), reason):
        raise Conflict("referral-withdrawn", "the referral was withdrawn before")
    await _bonus(tx, found, standing=False)
    found = await store.find_referral(tx, referral_id)
    assert found is not None
    return found


async def _bonus(tx: Tx, brought: BroughtIn, *, standing: bool) -> None:
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
