"""Rows of eligibility, to the domain and back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.recruitment.activities.domain import State
from services.recruitment.eligibility.domain import ActivityDetails, FactKind, Qualification, VolunteerFact
from shared.postgres import Tx, load_queries

__all__ = [
    "QualificationRow",
    "find_activity",
    "find_details",
    "find_fact",
    "find_qualifications",
    "insert_fact",
    "list_facts",
    "list_qualifications",
    "revoke_fact",
    "save_details",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class QualificationRow:
    """The qualifications of a volunteer but the age, which is sealed under ``person_id``."""

    volunteer_id: UUID
    person_id: UUID
    trainings: frozenset[str]
    skills: frozenset[str]
    insured: bool
    in_team: bool


async def find_details(tx: Tx, activity_id: UUID) -> ActivityDetails:
    """The details of an activity; version 0 where none were written."""
    row = await tx.fetchrow(_SQL["find_details"], activity_id)
    if row is None:
        return ActivityDetails(activity_id)
    lists = {name: tuple(row[name]) for name in ("needs_trainings", "needs_skills")}
    return ActivityDetails(**{**dict(row), **lists})


async def find_activity(tx: Tx, activity_id: UUID) -> tuple[UUID, UUID, State] | None:
    """(site, team, state) of an activity, or none."""
    row = await tx.fetchrow(_SQL["find_activity"], activity_id)
    return None if row is None else (row["site_id"], row["team_id"], State(row["state"]))


async def save_details(tx: Tx, details: ActivityDetails, by: UUID, now: datetime) -> bool:
    """Write the next version; false when a concurrent transaction wrote it."""
    names = list(ActivityDetails.__dataclass_fields__)
    written = await tx.fetchval(_SQL["save_details"], *(getattr(details, name) for name in names), by, now)
    return written is not None


async def find_qualifications(
    tx: Tx, volunteer_ids: Collection[UUID], details: ActivityDetails, team_id: UUID, day: date
) -> list[QualificationRow]:
    """The qualifications of the volunteers on the day."""
    rows = await tx.fetch(
        _SQL["find_qualifications"], sorted(volunteer_ids), day, details.needs_trainings, details.needs_skills, team_id
    )
    return [
        QualificationRow(**{**dict(row), "trainings": frozenset(row["trainings"]), "skills": frozenset(row["skills"])})
        for row in rows
    ]


async def list_qualifications(tx: Tx) -> list[Qualification]:
    """Trainings and skills that are known, by kind and code; a code that has a name is listed by it once."""
    known: dict[tuple[str, str], Qualification] = {}
    for row in await tx.fetch(_SQL["list_qualifications"]):
        known.setdefault(
            (row["kind"], row["code"]), Qualification(FactKind(row["kind"]), row["code"], row["zh"], row["en"])
        )
    return list(known.values())


async def insert_fact(tx: Tx, fact: VolunteerFact) -> None:
    """Write a fact."""
    await tx.execute(
        _SQL["insert_fact"],
        fact.fact_id,
        fact.volunteer_id,
        fact.kind,
        fact.code,
        fact.valid_until,
        fact.said_by,
        fact.said_at,
    )


async def list_facts(tx: Tx, volunteer_id: UUID) -> list[VolunteerFact]:
    """The facts of a volunteer, newest first."""
    return [_fact(row) for row in await tx.fetch(_SQL["list_facts"], volunteer_id)]


async def find_fact(tx: Tx, fact_id: UUID) -> VolunteerFact | None:
    """One fact, locked, or none."""
    row = await tx.fetchrow(_SQL["find_fact"], fact_id)
    return None if row is None else _fact(row)


async def revoke_fact(tx: Tx, fact_id: UUID, by: UUID, now: datetime) -> None:
    """Let a fact count no longer."""
    await tx.execute(_SQL["revoke_fact"], fact_id, by, now)


def _fact(row: Any) -> VolunteerFact:
    return VolunteerFact(**{**dict(row), "kind": FactKind(row["kind"])})
