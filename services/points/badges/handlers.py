"""Use cases of badges: install the shipped criteria, judge all volunteers by new ones, and read progress."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.points.badges import documents, store
from services.points.badges.documents import CriteriaDocument
from services.points.badges.domain import BadgeProgress, Criteria
from services.points.badges.judging import Judge
from services.points.badges.store import BadgeAward
from services.points.ledger import store as ledger
from services.points.rules.hours.domain import Lifetime
from services.points.versions import handlers as versions
from services.points.versions.handlers import Current
from shared import outbox
from shared.clock import district_day, real_now
from shared.postgres import Database, Tx

__all__ = ["Badges", "badges_of", "criteria_in_force", "current_criteria", "install", "judge_anew", "listed"]

JUDGED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Badges:
    """All awards of a volunteer, and how far they are towards each badge of the criteria in force."""

    criteria: Criteria
    awards: list[BadgeAward]
    progress: list[BadgeProgress]


async def install(db: Database) -> Current[Criteria]:
    """Make sure that the shipped versions are in the table; returns the criteria in force.

    Raises:
        PermanentError: a version in the table says something else than the one shipped under its number.
    """
    async with db.transaction() as tx:
        await versions.install(tx, store.CRITERIA, documents.shipped())
    return current_criteria()


def current_criteria() -> Current[Criteria]:
    """The criteria in force, for a process or for one transaction."""
    return Current(criteria_in_force)


async def criteria_in_force(tx: Tx) -> Criteria:
    """The newest version that has begun.

    Raises:
        PermanentError: none has.
    """
    return (await versions.in_force(tx, store.CRITERIA)).criteria()


async def listed(tx: Tx) -> list[CriteriaDocument]:
    """Every version, for reading."""
    return await store.CRITERIA.every(tx)


async def judge_anew(db: Database) -> int:
    """Judge some of those whom the criteria in force have not judged yet; returns how many, 0 when all are.

    The ingest judges volunteers who serve; this reaches the others.
    """
    async with db.transaction() as tx:
        criteria = await criteria_in_force(tx)
        ids = await store.judged_under_other_criteria(tx, criteria.version, JUDGED_AT_ONCE)
        if not ids:
            return 0
        await ledger.lock_volunteers(tx, ids)
        found = await ledger.volunteers(tx, ids)
        now = await tx.now()
        judge = Judge(tx, criteria, now, real_now())
        late = await judge.catch_up(found)
        await ledger.write(tx, now, volunteers=[found[key] for key in late])
        await outbox.append_raw(tx, judge.outbox)
        return len(ids)


async def badges_of(tx: Tx, volunteer_id: UUID) -> Badges:
    """Awards and progress; towards badges of a year, in the district's present year."""
    criteria = await criteria_in_force(tx)
    standing = await store.standing(tx, volunteer_id)
    lifetime, states = Lifetime(), criteria.blank()
    if standing is not None:
        lifetime = standing.lifetime
        if standing.criteria_version == criteria.version:
            kept: list[dict[str, Any]] | None = orjson.loads(standing.badge_figures or "null")
            states = states if kept is None else kept
        elif any(lifetime):
            served = await store.services(tx, [volunteer_id])
            states = criteria.tally(served.get(volunteer_id, ()))
    year = district_day(await tx.now()).year
    return Badges(criteria, await store.awards_of(tx, volunteer_id), criteria.progress(lifetime, states, year))
