"""Rows of volunteers and import batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from shared.postgres import Tx, load_queries

__all__ = [
    "Attribution",
    "NewVolunteer",
    "Volunteer",
    "add_volunteers",
    "claim",
    "list_volunteers",
    "next_serials",
    "volunteer",
    "volunteer_of_person_locked",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The values that a whole insert shares: how these volunteers came, and whether they agreed themselves."""

    source: str
    registered_at: datetime
    consented_at: datetime | None
    guardian_consent: bool = False
    drive_id: UUID | None = None
    appeal_id: UUID | None = None
    registry: str | None = None
    batch_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewVolunteer:
    """A volunteer about to exist."""

    volunteer_id: UUID
    person_id: UUID
    volunteer_number: str
    registry_number: str | None = None
    site_id: UUID | None = None
    prior_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Volunteer:
    """A volunteer as stored: no personal data."""

    volunteer_id: UUID
    person_id: UUID
    volunteer_number: str
    registry: str | None
    registry_number: str | None
    source: str
    drive_id: UUID | None
    appeal_id: UUID | None
    site_id: UUID | None
    registered_at: datetime
    prior_minutes: int
    claimed_at: datetime | None


async def next_serials(tx: Tx, count: int) -> list[int]:
    """That many fresh serials for volunteer numbers."""
    return [row["serial"] for row in await tx.fetch(_SQL["next_numbers"], count)]


async def add_volunteers(tx: Tx, volunteers: Sequence[NewVolunteer], common: Attribution) -> None:
    """Insert all of them in one statement."""
    await tx.execute(
        _SQL["add_volunteers"],
        [new.volunteer_id for new in volunteers],
        [new.person_id for new in volunteers],
        [new.volunteer_number for new in volunteers],
        [new.registry_number for new in volunteers],
        common.registry,
        common.batch_id,
        common.source,
        common.drive_id,
        common.appeal_id,
        [new.site_id for new in volunteers],
        [new.prior_minutes for new in volunteers],
        common.registered_at,
        common.consented_at,
        common.guardian_consent,
    )


async def volunteer_of_person_locked(tx: Tx, person_id: UUID) -> tuple[UUID, str, datetime | None] | None:
    """Lock the volunteer that a person is: (volunteer_id, number, claimed_at)."""
    row = await tx.fetchrow(_SQL["volunteer_of_person_locked"], person_id)
    return None if row is None else (row["volunteer_id"], row["volunteer_number"], row["claimed_at"])


async def claim(tx: Tx, volunteer_id: UUID, now: datetime, guardian_consent: bool) -> None:
    await tx.execute(_SQL["claim"], volunteer_id, now, guardian_consent)


async def volunteer(tx: Tx, volunteer_id: UUID) -> Volunteer | None:
    row = await tx.fetchrow(_SQL["volunteer"], volunteer_id)
    return None if row is None else _volunteer(row)


async def list_volunteers(
    tx: Tx,
    after: UUID | None,
    site_ids: frozenset[UUID] | None,
    number: str | None,
    registry_number: str | None,
    limit: int,
) -> list[Volunteer]:
    """A page in order of registration, within the sites given (none: everywhere)."""
    sites = None if site_ids is None else list(site_ids)
    rows = await tx.fetch(_SQL["list_volunteers"], after, sites, number, registry_number, limit)
    return [_volunteer(row) for row in rows]


async def volunteers_of_people(
    tx: Tx, person_ids: Sequence[UUID], site_ids: frozenset[UUID] | None, limit: int
) -> list[Volunteer]:
    """The volunteers that these people are, within the sites given (none: everywhere)."""
    sites = None if site_ids is None else list(site_ids)
    rows = await tx.fetch(_SQL["volunteers_of_people"], list(person_ids), sites, limit)
    return [_volunteer(row) for row in rows]


async def volunteer_numbers(tx: Tx, volunteer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of those of the volunteers that exist, by id."""
    rows = await tx.fetch(_SQL["volunteer_numbers"], list(set(volunteer_ids)))
    return {row["volunteer_id"]: row["volunteer_number"] for row in rows}


def _volunteer(row: Record) -> Volunteer:
    return Volunteer(**row)
