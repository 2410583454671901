"""Use cases of eligibility: details of activities, facts about volunteers, and the check of one for a shift."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal, State
from services.recruitment.activities.guards import actor_id, may_run, require_run
from services.recruitment.eligibility import domain, store
from services.recruitment.eligibility.domain import ActivityDetails, FactKind, Qualifications, VolunteerFact
from services.recruitment.organisation.handlers import require_reach
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import age_on
from services.recruitment.vault.handlers import identities
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["add_fact", "check", "details", "facts", "ineligible", "revoke_fact", "save"]


async def details(tx: Tx, caller: Caller | None, activity_id: UUID) -> ActivityDetails:
    """Details of an activity.

    Raises:
        NotFound: there is none, or it is a draft that the caller does not run.
    """
    found = await store.find_activity(tx, activity_id)
    if found is not None:
        site_id, team_id, state = found
        if state is not State.PLANNED or (caller is not None and may_run(caller, site_id, team_id)):
            return await store.find_details(tx, activity_id)
    raise NotFound("activity-unknown", f"There is no activity {activity_id}.")


async def save(tx: Tx, caller: Caller, wanted: ActivityDetails) -> ActivityDetails:
    """Write the details of an activity; ``wanted.version`` is the one that the caller decided on, 0 at first.

    Raises:
        NotFound, Forbidden: it is not there, or not the caller's.
        Conflict: ``details-changed``: another account wrote them meanwhile.
        Invalid: the bounds of age contradict each other.
    """
    found = await store.find_activity(tx, wanted.activity_id)
    if found is None:
        raise NotFound("activity-unknown", f"There is no activity {wanted.activity_id}.")
    require_run(caller, found[0], found[1])
    if wanted.min_age is not None and wanted.max_age is not None and wanted.min_age > wanted.max_age:
        raise Invalid("ages-reversed", "max_age must not be below min_age.", member="max_age")
    written = replace(wanted, version=wanted.version + 1)
    seen = (await store.find_details(tx, wanted.activity_id)).version
    if seen != wanted.version or not await store.save_details(tx, written, actor_id(caller), await tx.now()):
        raise Conflict("details-changed", "Another account changed these details; read them again.", version=seen)
    return written


async def check(
    tx: Tx, cipher: Cipher, volunteer_id: UUID, activity_id: UUID, team_id: UUID, at: datetime
) -> list[DomainRefusal]:
    """The missing qualifications for a shift that begins ``at``; a date of birth leaves the vault as years only."""
    asked = await store.find_details(tx, activity_id)
    if not domain.asks_for_age(asked) and not domain.asks_for_facts(asked):
        return []
    day = district_day(at)
    rows = await store.find_qualifications(tx, [volunteer_id], asked, team_id, day)
    if not rows:
        return []
    row = rows[0]
    age = await _age(tx, cipher, row.person_id, day) if domain.asks_for_age(asked) else None
    return domain.missing(asked, Qualifications(age, row.trainings, row.skills, row.insured, row.in_team))


async def ineligible(
    tx: Tx, volunteer_ids: Collection[UUID], activity_id: UUID, team_id: UUID, at: datetime
) -> set[UUID]:
    """Those of the volunteers who lack something but the age, which was checked when they joined."""
    asked = await store.find_details(tx, activity_id)
    if not domain.asks_for_facts(asked):
        return set()
    asked = replace(asked, min_age=None, max_age=None)
    rows = await store.find_qualifications(tx, volunteer_ids, asked, team_id, district_day(at))
    return {
        row.volunteer_id
        for row in rows
        if domain.missing(asked, Qualifications(None, row.trainings, row.skills, row.insured, row.in_team))
    }


async def facts(tx: Tx, caller: Caller, volunteer_id: UUID) -> list[VolunteerFact]:
    """The facts of a volunteer: one's own, or of one within the caller's reach.

    Raises:
        NotFound: no such volunteer within the caller's reach.
    """
    if not caller.acts_as(volunteer_id):
        await require_reach(tx, caller, volunteer_id)
    return await store.list_facts(tx, volunteer_id)


async def add_fact(
    tx: Tx, caller: Caller, volunteer_id: UUID, kind: FactKind, code: str, valid_until: date | None
) -> VolunteerFact:
    """Vouch for a fact about a volunteer; members of staff do not vouch for themselves.

    Raises:
        NotFound: no such volunteer within the caller's reach.
        Conflict: ``own-fact``.
        Invalid: an insurance without an end.
    """
    await require_reach(tx, caller, volunteer_id)
    if caller.volunteer_id == volunteer_id:
        raise Conflict("own-fact", "Another account must vouch for facts about yourself.")
    if kind is FactKind.INSURANCE and valid_until is None:
        raise Invalid("end-missing", "An insurance needs the day on which it ends.", member="valid_until")
    fact = VolunteerFact(new_id(), volunteer_id, kind, code, valid_until, actor_id(caller), await tx.now())
    await store.insert_fact(tx, fact)
    return fact


async def revoke_fact(tx: Tx, caller: Caller, fact_id: UUID) -> VolunteerFact:
    """Let a fact count no longer.

    Raises:
        NotFound: no such fact of a volunteer within the caller's reach.
        Conflict: it was revoked already.
    """
    fact = await store.find_fact(tx, fact_id)
    if fact is None:
        raise NotFound("fact-unknown", f"There is no fact {fact_id}.")
    await require_reach(tx, caller, fact.volunteer_id)
    if fact.revoked_at is not None:
        raise Conflict("fact-revoked", "This fact was revoked already.")
    now = await tx.now()
    await store.revoke_fact(tx, fact_id, actor_id(caller), now)
    return replace(fact, revoked_at=now)


async def _age(tx: Tx, cipher: Cipher, person_id: UUID, day: date) -> int | None:
    opened = await identities(tx, cipher, [person_id])
    born = opened[person_id].birth_date if person_id in opened else None
    return None if born is None else age_on(born, day)
