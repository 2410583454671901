"""Rows of memberships and of the terms of leaders and deputies."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.recruitment.memberships.domain import MembershipStatus, TeamMembership, TeamRole
from shared.postgres import Tx, load_queries

__all__ = [
    "OwnMembership",
    "RoleTerm",
    "TeamCard",
    "TeamHead",
    "TeamMember",
    "add_membership",
    "add_role",
    "count_live",
    "end_all",
    "end_roles",
    "find_card",
    "find_head",
    "find_live",
    "find_membership",
    "list_cards",
    "list_members",
    "list_own",
    "list_terms",
    "lock_team",
    "lock_volunteer",
    "update_membership",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class TeamHead:
    """The part of a team that decisions on its members need."""

    team_id: UUID
    name: str
    site_id: UUID
    leader_volunteer_id: UUID | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A member or request as the team's list has it; the name lies in the vault behind ``person_id``."""

    membership_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    person_id: UUID
    status: MembershipStatus
    role: TeamRole
    role_since: datetime | None
    asked_at: datetime
    since: datetime | None
    ended_at: datetime | None
    reason: str | None
    version: int


@dataclass(frozen=True, slots=True)
class OwnMembership:
    """A membership or request as the volunteer sees it."""

    membership_id: UUID
    team_id: UUID
    team_name: str
    site_id: UUID
    site_name: str
    status: MembershipStatus
    role: TeamRole
    asked_at: datetime
    since: datetime | None
    ended_at: datetime | None
    reason: str | None
    version: int


@dataclass(frozen=True, slots=True)
class TeamCard:
    """A team as the public sees it: no person, only how many members."""

    team_id: UUID
    kind: str
    name: str
    site_id: UUID
    site_name: str
    series: str | None
    department: str | None
    docked: bool
    closed_at: datetime | None
    version: int
    tag_ids: list[UUID]
    members: int


@dataclass(frozen=True, slots=True)
class RoleTerm:
    """A term of a leader or deputy; ``until`` None lasts on."""

    role: TeamRole
    volunteer_number: str
    since: datetime
    until: datetime | None


async def list_cards(tx: Tx, site_id: UUID | None, tag_id: UUID | None) -> list[TeamCard]:
    """Open teams by name."""
    return [TeamCard(**dict(row)) for row in await tx.fetch(_SQL["list_cards"], site_id, tag_id)]


async def find_card(tx: Tx, team_id: UUID) -> TeamCard | None:
    row = await tx.fetchrow(_SQL["find_card"], team_id)
    return None if row is None else TeamCard(**dict(row))


async def lock_volunteer(tx: Tx, volunteer_id: UUID) -> bool:
    """Lock a volunteer's row; false when there is none."""
    return await tx.fetchval(_SQL["lock_volunteer"], volunteer_id) is not None


async def lock_team(tx: Tx, team_id: UUID) -> None:
    """Lock a team's row; to be read in a later statement."""
    await tx.fetchval(_SQL["lock_team"], team_id)


async def find_head(tx: Tx, team_id: UUID) -> TeamHead | None:
    row = await tx.fetchrow(_SQL["find_head"], team_id)
    return None if row is None else TeamHead(**dict(row))


async def find_membership(tx: Tx, membership_id: UUID) -> TeamMembership | None:
    row = await tx.fetchrow(_SQL["find_membership"], membership_id)
    return None if row is None else TeamMembership(**_typed(row))


async def find_live(tx: Tx, team_id: UUID, volunteer_id: UUID) -> TeamMembership | None:
    row = await tx.fetchrow(_SQL["find_live"], team_id, volunteer_id)
    return None if row is None else TeamMembership(**_typed(row))


async def count_live(tx: Tx, volunteer_id: UUID) -> int:
    return int(await tx.fetchval(_SQL["count_live"], volunteer_id))


async def add_membership(tx: Tx, new: TeamMembership) -> None:
    """Insert a request or a member."""
    await tx.execute(
        _SQL["add_membership"],
        new.membership_id,
        new.team_id,
        new.volunteer_id,
        new.status,
        new.asked_at,
        new.asked_by,
        new.since,
        new.decided_by,
    )


async def update_membership(tx: Tx, changed: TeamMembership) -> bool:
    """Write the next version; false when a concurrent transaction wrote it."""
    version = await tx.fetchval(
        _SQL["update_membership"],
        changed.membership_id,
        changed.version,
        changed.status,
        changed.since,
        changed.ended_at,
        changed.reason,
        changed.decided_by,
    )
    return version is not None


async def end_all(tx: Tx, team_id: UUID, now: datetime, by: UUID) -> None:
    """End all memberships, requests and terms of a team that is closed."""
    await tx.execute(_SQL["end_all"], team_id, now, by)
    await tx.execute(_SQL["end_roles"], team_id, None, None, now)


async def end_roles(tx: Tx, team_id: UUID, now: datetime, *, membership_id: UUID | None, role: str | None) -> None:
    """End the terms of a membership, or of a role, or of both at once."""
    await tx.execute(_SQL["end_roles"], team_id, membership_id, role, now)


async def add_role(
    tx: Tx, team_role_id: UUID, team_id: UUID, membership_id: UUID, role: TeamRole, since: datetime, by: UUID
) -> None:
    """Begin a term."""
    await tx.execute(_SQL["add_role"], team_role_id, team_id, membership_id, role, since, by)


async def list_members(
    tx: Tx, team_id: UUID, statuses: Collection[MembershipStatus], after: UUID | None, limit: int
) -> list[TeamMember]:
    """A page of a team's members and requests in these states."""
    rows = await tx.fetch(_SQL["list_members"], team_id, sorted(statuses), after, limit)
    return [TeamMember(**_typed(row)) for row in rows]


async def list_own(tx: Tx, volunteer_id: UUID, before: UUID | None, limit: int) -> list[OwnMembership]:
    """A page of a volunteer's memberships, newest first."""
    return [OwnMembership(**_typed(row)) for row in await tx.fetch(_SQL["list_own"], volunteer_id, before, limit)]


async def list_terms(tx: Tx, team_id: UUID, limit: int) -> list[RoleTerm]:
    """The latest terms of a team's leaders and deputies."""
    rows = await tx.fetch(_SQL["list_terms"], team_id, limit)
    return [RoleTerm(TeamRole(row["role"]), row["volunteer_number"], row["since"], row["until"]) for row in rows]


def _typed(row: Any) -> dict[str, Any]:
    return {**dict(row), "status": MembershipStatus(row["status"]), "role": TeamRole(row["role"])}
