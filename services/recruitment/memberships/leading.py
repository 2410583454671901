"""The leader's term and membership, kept with every change of a team's leader and with its closing."""

from datetime import datetime
from uuid import UUID

from services.recruitment.memberships import store
from services.recruitment.memberships.domain import MembershipAct, MembershipStatus, TeamMembership, TeamRole, advance
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["begin_term", "change_leader", "end_team"]


async def change_leader(tx: Tx, team_id: UUID, leader_id: UUID | None, by: UUID, now: datetime) -> None:
    """End the leader's term and begin that of the new one, who becomes a member; the team's row is locked already."""
    await store.end_roles(tx, team_id, now, membership_id=None, role=TeamRole.LEADER)
    if leader_id is None:
        return
    held = await store.find_live(tx, team_id, leader_id)
    if held is not None and held.status is MembershipStatus.REQUESTED:
        await store.update_membership(tx, _approved(held, by, now))
    membership_id = new_id() if held is None else held.membership_id
    if held is None:
        await store.add_membership(
            tx,
            TeamMembership(
                membership_id, team_id, leader_id, MembershipStatus.ACTIVE, now, by, since=now, decided_by=by
            ),
        )
    await begin_term(tx, team_id, membership_id, TeamRole.LEADER, by, now)


async def begin_term(tx: Tx, team_id: UUID, membership_id: UUID, role: TeamRole, by: UUID, now: datetime) -> None:
    """End a member's present term and begin another; plain members have none."""
    await store.end_roles(tx, team_id, now, membership_id=membership_id, role=None)
    if role is not TeamRole.MEMBER:
        await store.add_role(tx, new_id(), team_id, membership_id, role, now, by)


async def end_team(tx: Tx, team_id: UUID, by: UUID, now: datetime) -> None:
    """End all memberships and terms of a team that is closed."""
    await store.end_all(tx, team_id, now, by)


def _approved(held: TeamMembership, by: UUID, now: datetime) -> TeamMembership:
    changed = advance(held, MembershipAct.APPROVE, by=by, now=now)
    assert isinstance(changed, TeamMembership)
    return changed
