"""Eligibility: what an activity asks of its volunteers, compared with what is known of one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal

__all__ = [
    "ActivityDetails",
    "FactKind",
    "Qualification",
    "Qualifications",
    "VolunteerFact",
    "asks_for_age",
    "asks_for_facts",
    "missing",
]


class FactKind(StrEnum):
    """The kinds of facts that staff vouch for; insurance always has an end."""

    SKILL = "skill"
    TRAINING = "training"
    INSURANCE = "insurance"


@dataclass(frozen=True, slots=True)
class ActivityDetails:
    """Details of an activity for its volunteers, and its requirements.

    ``training`` is the code of what a confirmed record of this activity completes; ``needs_…`` are codes that must be
    there. Ages are whole years on the day of the shift, both bounds included.
    """

    activity_id: UUID
    version: int = 0
    map_link: str | None = None
    contact: str | None = None
    bring: str | None = None
    risks: str | None = None
    training: str | None = None
    min_age: int | None = None
    max_age: int | None = None
    needs_trainings: tuple[str, ...] = ()
    needs_skills: tuple[str, ...] = ()
    needs_insurance: bool = False
    team_only: bool = False


@dataclass(frozen=True, slots=True)
class Qualifications:
    """The qualifications of a volunteer on the day of a shift, as far as asked for; ``age`` None: not known."""

    age: int | None
    trainings: frozenset[str]
    skills: frozenset[str]
    insured: bool
    in_team: bool


@dataclass(frozen=True, slots=True)
class Qualification:
    """A training or skill that activities may ask for; its names are None where staff entered the code alone."""

    kind: FactKind
    code: str
    zh: str | None
    en: str | None


@dataclass(frozen=True, slots=True)
class VolunteerFact:
    """A fact about a volunteer, with the account that vouches for it."""

    fact_id: UUID
    volunteer_id: UUID
    kind: FactKind
    code: str
    valid_until: date | None
    said_by: UUID
    said_at: datetime
    revoked_at: datetime | None = None


def asks_for_age(details: ActivityDetails) -> bool:
    """Whether the age must be read from the vault."""
    return details.min_age is not None or details.max_age is not None


def asks_for_facts(details: ActivityDetails) -> bool:
    """Whether anything but the age is asked for."""
    return bool(details.needs_trainings or details.needs_skills or details.needs_insurance or details.team_only)


def missing(details: ActivityDetails, known: Qualifications) -> list[DomainRefusal]:
    """The missing qualifications, in the order in which they are said; empty for one who may take part."""
    found: list[DomainRefusal] = []
    if asks_for_age(details) and known.age is None:
        found.append(
            DomainRefusal(
                "age-unknown", "This activity has bounds of age, and no date of birth is on file; add it first."
            )
        )
    elif known.age is not None:
        if details.min_age is not None and known.age < details.min_age:
            found.append(
                _bound("too-young", f"This activity is for people of {details.min_age} and older.", details.min_age)
            )
        if details.max_age is not None and known.age > details.max_age:
            found.append(
                _bound("too-old", f"This activity is for people of {details.max_age} and younger.", details.max_age)
            )
    for training in details.needs_trainings:
        if training not in known.trainings:
            found.append(
                DomainRefusal("training-missing", f"Complete the training {training} first.", extra={"code": training})
            )
    for skill in details.needs_skills:
        if skill not in known.skills:
            detail = f"This activity asks for the skill {skill}; staff of a site enter it."
            found.append(DomainRefusal("skill-missing", detail, extra={"code": skill}))
    if details.needs_insurance and not known.insured:
        detail = "This activity asks for an insurance that is valid on that day; staff of a site enter it."
        found.append(DomainRefusal("insurance-missing", detail))
    if details.team_only and not known.in_team:
        found.append(DomainRefusal("team-only", "This activity is for the members of its team."))
    return found


def _bound(slug: str, detail: str, years: int) -> DomainRefusal:
    return DomainRefusal(slug, detail, extra={"years": years})
