"""Rows of the parties of an order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.orders.terms.domain import Desk
from shared.postgres import Tx, load_queries

__all__ = [
    "ActingTeam",
    "centre",
    "find_acting_team",
    "home_of_staff",
    "home_of_volunteer",
    "kinds_above",
    "leaders_for_need",
    "person_of_resident",
    "resident_of_person",
    "resident_of_volunteer",
    "serves_any",
    "staff_at",
]

_SQL = load_queries(__file__)
_KINDS = {
    Desk.STATION: ["service_point", "station"],
    Desk.INSTITUTE: ["institute"],
    Desk.CENTRE: ["centre"],
}
_MOST_NAMED = 50
"""Leaders or members of staff that one event names."""


@dataclass(frozen=True, slots=True)
class ActingTeam:
    """A team as it stands for one order."""

    team_id: UUID
    name: str
    site_id: UUID
    leader_volunteer_id: UUID | None
    closed_at: datetime | None
    serves: bool
    declined: bool


async def kinds_above(tx: Tx, site_id: UUID) -> list[str]:
    """The kinds of a site and of those above it, from below; empty for a site that does not exist."""
    return [row["kind"] for row in await tx.fetch(_SQL["desks_of"], site_id)]


async def resident_of_volunteer(tx: Tx, volunteer_id: UUID) -> UUID | None:
    """The resident that a volunteer is."""
    found: UUID | None = await tx.fetchval(_SQL["resident_of_volunteer"], volunteer_id)
    return found


async def resident_of_person(tx: Tx, person_id: UUID) -> UUID:
    """The resident that a person is."""
    found: UUID = await tx.fetchval(_SQL["resident_of_person"], person_id)
    return found


async def person_of_resident(tx: Tx, resident_id: UUID) -> UUID | None:
    """The person behind a resident."""
    found: UUID | None = await tx.fetchval(_SQL["person_of_resident"], resident_id)
    return found


async def centre(tx: Tx) -> UUID | None:
    """The centre's site."""
    found: UUID | None = await tx.fetchval(_SQL["centre"])
    return found


async def home_of_volunteer(tx: Tx, volunteer_id: UUID) -> UUID | None:
    """A volunteer's site, if they have one."""
    found: UUID | None = await tx.fetchval(_SQL["home_of_volunteer"], volunteer_id)
    return found


async def home_of_staff(tx: Tx, staff_id: UUID) -> UUID | None:
    """The site of a member of staff; none for the centre's people."""
    found: UUID | None = await tx.fetchval(_SQL["home_of_staff"], staff_id)
    return found


async def find_acting_team(tx: Tx, team_id: UUID, need_tag_id: UUID, order_id: UUID) -> ActingTeam | None:
    """A team as it stands for an order, held against being closed; or none."""
    row = await tx.fetchrow(_SQL["find_acting_team"], team_id, need_tag_id, order_id)
    return None if row is None else ActingTeam(**dict(row))


async def leaders_for_need(tx: Tx, need_tag_id: UUID, order_id: UUID) -> list[UUID]:
    """The leaders whose teams may take an order that is offered to all."""
    rows = await tx.fetch(_SQL["leaders_for_need"], need_tag_id, order_id, _MOST_NAMED)
    return [row["leader_volunteer_id"] for row in rows]


async def staff_at(tx: Tx, site_id: UUID, desk: Desk) -> list[UUID]:
    """The active staff of a desk at or above a site."""
    rows = await tx.fetch(_SQL["staff_at"], site_id, _KINDS[desk], desk is Desk.CENTRE, _MOST_NAMED)
    return [row["staff_id"] for row in rows]


async def serves_any(tx: Tx, order_id: UUID, team_ids: Collection[UUID], need_tag_id: UUID) -> bool:
    """Whether one of the teams may still take an order that is offered to all."""
    return bool(await tx.fetchval(_SQL["serves_any"], order_id, sorted(team_ids), need_tag_id))
