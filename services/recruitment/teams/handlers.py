"""Use cases of team members: ask to join, decide, leave, remove, give roles. Each in the caller's transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from services.recruitment.activities.guards import actor_id, is_staff_of, leads, may_run, unwrap
from services.recruitment.editing import handlers as editing
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.memberships import domain, leading, store
from services.recruitment.memberships.domain import MembershipAct, MembershipStatus, TeamMembership, TeamRole
from services.recruitment.memberships.store import OwnMembership, RoleTerm, TeamCard, TeamHead, TeamMember
from services.recruitment.organisation.handlers import require_reach, volunteer_unknown
from services.recruitment.vault import handlers as vault
from services.recruitment.vault.cipher import Cipher
from services.recruitment.vault.domain import mask_name
from shared.auth.tokens import Caller
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "NamedMember",
    "add_member",
    "appoint_leader",
    "assign",
    "card",
    "change",
    "members",
    "own",
    "request",
    "terms",
]

_OWN = frozenset({MembershipAct.WITHDRAW, MembershipAct.LEAVE})
_TERMS = 50


@dataclass(frozen=True, slots=True)
class NamedMember:
    """A member with the masked name."""

    member: TeamMember
    name: str


async def request(tx: Tx, caller: Caller, team_id: UUID) -> TeamMembership:
    """Ask to join a team, as the calling volunteer.

    Raises:
        NotFound: there is no such team.
        Forbidden: the caller is no volunteer.
        Refusal: ``team-closed``, ``already-member``, ``memberships-many``.
    """
    volunteer_id = caller.require_volunteer()
    return await _join(tx, caller, team_id, volunteer_id, MembershipStatus.REQUESTED)


async def add_member(tx: Tx, caller: Caller, team_id: UUID, volunteer_id: UUID) -> TeamMembership:
    """Add a volunteer to a team, or approve their request; by staff of the team's home.

    Raises:
        NotFound: there is no such team, or no such volunteer within the caller's reach.
        Forbidden: the team lies outside of the caller's bounds.
        Refusal: as `request`.
    """
    caller.require_site((await _head(tx, team_id)).site_id)
    held = await store.find_live(tx, team_id, volunteer_id)
    if held is not None and held.status is MembershipStatus.REQUESTED:
        return await change(tx, caller, held.membership_id, MembershipAct.APPROVE, None)
    await require_reach(tx, caller, volunteer_id)
    return await _join(tx, caller, team_id, volunteer_id, MembershipStatus.ACTIVE)


async def change(tx: Tx, caller: Caller, membership_id: UUID, act: MembershipAct, reason: str | None) -> TeamMembership:
    """Withdraw or leave, as the volunteer; approve, decline or remove, as the team's leader or staff of its home.

    Raises:
        NotFound: there is no such membership that the caller may change.
        Refusal: ``membership-state`` with what is possible, ``leader-stays``, ``reason-unknown``.
    """
    current, head = await _found(tx, caller, membership_id)
    allowed = caller.acts_as(current.volunteer_id) if act in _OWN else may_run(caller, head.site_id, head.team_id)
    if not allowed:
        raise Forbidden("not-yours-to-decide", "Volunteers withdraw and leave; the leader and staff decide the rest.")
    await store.lock_team(tx, current.team_id)
    current, _ = await _found(tx, caller, membership_id)
    changed = unwrap(domain.advance(current, act, by=actor_id(caller), now=await tx.now(), reason=reason))
    if not await store.update_membership(tx, changed):
        raise Conflict("membership-changed", "This membership was changed at the same time; read it again.")
    if changed.ended_at is not None:
        await store.end_roles(tx, current.team_id, changed.ended_at, membership_id=membership_id, role=None)
    return changed


async def assign(tx: Tx, caller: Caller, membership_id: UUID, role: TeamRole) -> TeamMembership:
    """Make a member the leader, a deputy or a plain member; by staff of the team's home.

    Raises:
        NotFound: there is no such membership at the caller's sites.
        Conflict: ``volunteer-unclaimed``, of a leader who could not sign in; ``team-closed``.
        Refusal: ``membership-state``, of a membership that is not active.
    """
    current, head = await _found(tx, caller, membership_id)
    if not is_staff_of(caller, head.site_id):
        raise Forbidden("not-yours-to-decide", "Leaders and deputies are appointed by staff of the team's site.")
    await store.lock_team(tx, current.team_id)
    current, head = await _found(tx, caller, membership_id)
    if (refused := domain.may_assign(current)) is not None:
        return unwrap(refused)
    if role is current.role:
        return current
    if role is TeamRole.LEADER:
        await appoint_leader(tx, caller, head.team_id, current.volunteer_id)
    else:
        if current.role is TeamRole.LEADER:
            await appoint_leader(tx, caller, head.team_id, None)
        await leading.begin_term(tx, head.team_id, membership_id, role, actor_id(caller), await tx.now())
    return (await _found(tx, caller, membership_id))[0]


async def appoint_leader(tx: Tx, caller: Caller, team_id: UUID, volunteer_id: UUID | None) -> None:
    """Make a volunteer the leader of a team, or leave it without one; they are leader in their next token.

    Raises:
        NotFound: the team does not exist, or the volunteer is not within the caller's reach.
        Forbidden: the team lies outside of the caller's bounds.
        Conflict: the volunteer has not claimed the account, or the team is closed.
    """
    await editing.edit(tx, caller, ObjectKind.TEAM, team_id, None, {"leader_volunteer_id": volunteer_id})


async def members(
    tx: Tx,
    cipher: Cipher,
    caller: Caller,
    team_id: UUID,
    statuses: Collection[MembershipStatus],
    after: UUID | None,
    limit: int,
) -> list[NamedMember]:
    """A page of a team's members and requests with masked names, for its leader and staff of its home.

    Raises:
        NotFound: there is no such team.
        Forbidden: neither staff of the site nor leader of the team.
    """
    await _require_run(tx, caller, team_id)
    rows = await store.list_members(tx, team_id, statuses, after, limit)
    people = await vault.identities(tx, cipher, [row.person_id for row in rows])
    return [NamedMember(row, mask_name(people[row.person_id].name)) for row in rows]


async def terms(tx: Tx, caller: Caller, team_id: UUID) -> list[RoleTerm]:
    """The terms of a team's leaders and deputies, newest first.

    Raises:
        NotFound, Forbidden: as `members`.
    """
    await _require_run(tx, caller, team_id)
    return await store.list_terms(tx, team_id, _TERMS)


async def card(tx: Tx, team_id: UUID) -> TeamCard:
    """A team as the public sees it.

    Raises:
        NotFound: there is no such team.
    """
    found = await store.find_card(tx, team_id)
    if found is None:
        raise NotFound("team-unknown", "there is no such team")
    return found


async def own(tx: Tx, volunteer_id: UUID, before: UUID | None, limit: int) -> list[OwnMembership]:
    """A page of a volunteer's memberships and requests, newest first."""
    return await store.list_own(tx, volunteer_id, before, limit)


async def _join(tx: Tx, caller: Caller, team_id: UUID, volunteer_id: UUID, status: MembershipStatus) -> TeamMembership:
    if not await store.lock_volunteer(tx, volunteer_id):
        raise volunteer_unknown()
    await store.lock_team(tx, team_id)
    head = await _head(tx, team_id)
    held = await store.find_live(tx, team_id, volunteer_id)
    refused = domain.may_join(held, await store.count_live(tx, volunteer_id), head.closed_at is not None)
    if refused is not None:
        return unwrap(refused)
    now, by = await tx.now(), actor_id(caller)
    new = TeamMembership(new_id(), team_id, volunteer_id, status, now, by)
    if status is MembershipStatus.ACTIVE:
        new = TeamMembership(new.membership_id, team_id, volunteer_id, status, now, by, since=now, decided_by=by)
    await store.add_membership(tx, new)
    return new


async def _head(tx: Tx, team_id: UUID) -> TeamHead:
    head = await store.find_head(tx, team_id)
    if head is None:
        raise NotFound("team-unknown", "there is no such team")
    return head


async def _require_run(tx: Tx, caller: Caller, team_id: UUID) -> None:
    head = await _head(tx, team_id)
    if not may_run(caller, head.site_id, team_id):
        raise Forbidden("not-yours-to-run", "This is for staff of the site and for the team's leader.")


async def _found(tx: Tx, caller: Caller, membership_id: UUID) -> tuple[TeamMembership, TeamHead]:
    # Another team's membership is answered like none at all.
    found = await store.find_membership(tx, membership_id)
    if found is not None:
        head = await _head(tx, found.team_id)
        mine = caller.acts_as(found.volunteer_id)
        if mine or is_staff_of(caller, head.site_id) or leads(caller, head.team_id):
            return found, head
    raise NotFound("membership-unknown", "There is no such membership that is yours to see.")
