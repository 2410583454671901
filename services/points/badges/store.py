"""Criteria and awards between rows and domain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.points.badges.documents import CriteriaDocument
from services.points.badges.domain import Served
from services.points.rules.hours.domain import Lifetime
from services.points.versions.store import Versions
from shared.postgres import Tx, load_queries

__all__ = [
    "CRITERIA",
    "BadgeAward",
    "NewAward",
    "Revocation",
    "VolunteerFigures",
    "award_of",
    "awards_of",
    "insert_awards",
    "judged_under_other_criteria",
    "revoke_awards",
    "services",
    "standing",
]

_SQL = load_queries(__file__)
CRITERIA = Versions(CriteriaDocument, "criteria", _SQL)


class NewAward(NamedTuple):
    """A badge to be awarded; ``reason`` is JSON."""

    award_id: UUID
    volunteer_id: UUID
    badge: str
    name: str
    criteria_version: int
    reason: str
    cause_event_id: UUID
    correlation_id: str


class Revocation(NamedTuple):
    """A badge to be taken away; ``reason`` is JSON."""

    volunteer_id: UUID
    badge: str
    reason: str


@dataclass(frozen=True, slots=True)
class BadgeAward:
    """A badge as it was awarded to a volunteer or a team, and when and why it was taken away."""

    award_id: UUID
    badge: str
    name: str
    criteria_version: int
    reason: dict[str, Any]
    awarded_at: datetime
    revoked_at: datetime | None
    revoked_reason: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class VolunteerFigures:
    """A volunteer's figures, as kept for a version of the criteria."""

    lifetime: Lifetime
    criteria_version: int
    badge_figures: str | None


async def insert_awards(tx: Tx, awards: Sequence[NewAward], now: datetime) -> None:
    """Write awards."""
    if awards:
        await tx.copy("badge_awards", (*NewAward._fields, "awarded_at"), [(*award, now) for award in awards])


async def revoke_awards(tx: Tx, revocations: Sequence[Revocation], now: datetime) -> dict[tuple[UUID, str], UUID]:
    """Close awards; returns (volunteer, badge) → the award that was closed."""
    if not revocations:
        return {}
    columns = [list(column) for column in zip(*revocations, strict=True)]
    rows = await tx.fetch(_SQL["revoke_awards"], *columns, now)
    return {(row["volunteer_id"], row["badge"]): row["award_id"] for row in rows}


async def services(tx: Tx, volunteer_ids: Sequence[UUID]) -> dict[UUID, list[Served]]:
    """All confirmed records, per volunteer."""
    found: dict[UUID, list[Served]] = {}
    for row in await tx.fetch(_SQL["services"], list(volunteer_ids)):
        volunteer_id, *served = row
        found.setdefault(volunteer_id, []).append(Served(*served))
    return found


async def judged_under_other_criteria(tx: Tx, version: int, limit: int) -> list[UUID]:
    """Volunteers with service whom this version has not judged, not locked."""
    return [row[0] for row in await tx.fetch(_SQL["judged_under_other_criteria"], version, limit)]


async def awards_of(tx: Tx, volunteer_id: UUID) -> list[BadgeAward]:
    """Every award, oldest first."""
    return [award_of(row) for row in await tx.fetch(_SQL["awards_of"], volunteer_id)]


async def standing(tx: Tx, volunteer_id: UUID) -> VolunteerFigures | None:
    """The volunteer's figures; None before their first event."""
    row = await tx.fetchrow(_SQL["standing"], volunteer_id)
    return None if row is None else VolunteerFigures(Lifetime(*tuple(row)[:6]), row[6], row[7])


def award_of(row: Any) -> BadgeAward:
    """An award from its row, a volunteer's or a team's."""
    revoked = row["revoked_reason"]
    members = dict(row) | {"reason": orjson.loads(row["reason"])}
    return BadgeAward(**members | {"revoked_reason": None if revoked is None else orjson.loads(revoked)})
