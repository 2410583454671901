"""Routes of team members."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.recruitment.memberships import store
from services.recruitment.memberships.domain import (
    DeclineReason,
    MembershipAct,
    MembershipStatus,
    RemovalReason,
    TeamMembership,
    TeamRole,
)
from services.recruitment.memberships.store import OwnMembership, TeamCard
from services.recruitment.organisation import store as organisation
from services.recruitment.organisation.api import TeamOut, team_out
from services.recruitment.teams import handlers
from services.recruitment.teams.handlers import NamedMember
from services.recruitment.vault.api import CipherDep
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.http.idempotency import once
from shared.postgres import Tx

__all__ = ["router"]

router = APIRouter(prefix="/api/recruitment/v1", tags=["teams"])

Volunteer = Annotated[Caller, allow(Role.VOLUNTEER)]
Runner = Annotated[Caller, allow(Role.LEADER, Role.STATION, Role.OPERATOR)]
Staff = Annotated[Caller, allow(Role.STATION, Role.OPERATOR)]
_LIVE = [MembershipStatus.REQUESTED, MembershipStatus.ACTIVE]


class LeaderIn(Input):
    """The leader to be appointed."""

    volunteer_id: UUID


class MemberIn(Input):
    """The volunteer to be added."""

    volunteer_id: UUID


class DeclineIn(Input):
    """Why a request is declined."""

    reason: DeclineReason


class MemberRemovalIn(Input):
    """Why a member is removed."""

    reason: RemovalReason


class TeamRoleIn(Input):
    """The role of a member from now on."""

    role: TeamRole


class MembershipOut(Output):
    """A membership or request; ``reason`` is a code, of declined and removed ones."""

    membership_id: UUID
    team_id: UUID
    volunteer_id: UUID
    status: MembershipStatus
    role: TeamRole
    asked_at: datetime
    since: datetime | None
    ended_at: datetime | None
    reason: str | None
    version: int


class OwnMembershipOut(Output):
    """One's own membership or request, with the team's and its site's name."""

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


class MemberOut(Output):
    """A member or request by number and masked name; ``role_since``: of a leader's or deputy's term."""

    membership_id: UUID
    volunteer_id: UUID
    volunteer_number: str
    name: str
    status: MembershipStatus
    role: TeamRole
    role_since: datetime | None
    asked_at: datetime
    since: datetime | None
    ended_at: datetime | None
    reason: str | None
    version: int


class TeamCardOut(Output):
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


class TeamCardsOut(Output):
    """Open teams by name."""

    items: list[TeamCardOut]


class RoleTermOut(Output):
    """A term of a leader or deputy, by number; ``until`` null lasts on."""

    role: TeamRole
    volunteer_number: str
    since: datetime
    until: datetime | None


class RoleTermsOut(Output):
    """The terms of a team's leaders and deputies, newest first."""

    items: list[RoleTermOut]


@router.post("/teams/{team_id}/leader", status_code=201, response_model=TeamOut)
async def appoint_leader(request: Request, team_id: UUID, body: LeaderIn, caller: Staff, db: Db) -> Response:
    """Appoint the leader of a team, who becomes a member of it."""

    async def work(tx: Tx) -> TeamOut:
        await handlers.appoint_leader(tx, caller, team_id, body.volunteer_id)
        team = await organisation.find_team(tx, team_id)
        assert team is not None
        return team_out(team)

    return await once(request, db, caller, work)


@router.get("/teams/directory", dependencies=[public()])
async def list_cards(db: Db, site_id: UUID | None = None, tag_id: UUID | None = None) -> TeamCardsOut:
    """Open teams, for those who look for one: of a site, or that serve a need."""
    async with db.transaction() as tx:
        return TeamCardsOut(items=[_card(card) for card in await store.list_cards(tx, site_id, tag_id)])


@router.get("/teams/{team_id}", dependencies=[public()])
async def read_card(team_id: UUID, db: Db) -> TeamCardOut:
    """One team as the public sees it, also when it is closed."""
    async with db.transaction() as tx:
        return _card(await handlers.card(tx, team_id))


@router.post("/teams/{team_id}/requests", status_code=201, response_model=MembershipOut)
async def ask_to_join(request: Request, team_id: UUID, caller: Volunteer, db: Db) -> Response:
    """Ask to join a team."""

    async def work(tx: Tx) -> MembershipOut:
        return _membership(await handlers.request(tx, caller, team_id))

    return await once(request, db, caller, work)


@router.post("/teams/{team_id}/members", status_code=201, response_model=MembershipOut)
async def add_member(request: Request, team_id: UUID, body: MemberIn, caller: Staff, db: Db) -> Response:
    """Add a volunteer to a team, or approve their request."""

    async def work(tx: Tx) -> MembershipOut:
        return _membership(await handlers.add_member(tx, caller, team_id, body.volunteer_id))

    return await once(request, db, caller, work)


@router.get("/teams/{team_id}/members")
async def list_members(
    team_id: UUID,
    caller: Runner,
    db: Db,
    cipher: CipherDep,
    status: Annotated[list[MembershipStatus] | None, Query(max_length=7)] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[MemberOut]:
    """Members and requests of a team in the order of asking; those of today unless states are named."""
    after = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        rows = await handlers.members(tx, cipher, caller, team_id, status or _LIVE, after, limit + 1)
    return page_of(rows, limit, _member, lambda row: (row.member.membership_id,))


@router.get("/teams/{team_id}/terms")
async def list_terms(team_id: UUID, caller: Runner, db: Db) -> RoleTermsOut:
    """Leaders and deputies of a team over time, newest first; at most 50."""
    async with db.transaction() as tx:
        rows = await handlers.terms(tx, caller, team_id)
    return RoleTermsOut(
        items=[RoleTermOut(**{name: getattr(row, name) for name in RoleTermOut.model_fields}) for row in rows]
    )


@router.get("/memberships")
async def list_own(caller: Volunteer, db: Db, cursor: str | None = None, limit: Limit = 50) -> Page[OwnMembershipOut]:
    """The caller's own memberships and requests, newest first."""
    before = None if cursor is None else decode(cursor, (UUID,))[0]
    async with db.transaction() as tx:
        rows = await handlers.own(tx, caller.require_volunteer(), before, limit + 1)
    return page_of(rows, limit, _own, lambda row: (row.membership_id,))


@router.post("/memberships/{membership_id}/withdrawal", response_model=MembershipOut)
async def withdraw(request: Request, membership_id: UUID, caller: Volunteer, db: Db) -> Response:
    """Withdraw one's request."""
    return await _changed(request, db, caller, membership_id, MembershipAct.WITHDRAW)


@router.post("/memberships/{membership_id}/leaving", response_model=MembershipOut)
async def leave(request: Request, membership_id: UUID, caller: Volunteer, db: Db) -> Response:
    """Leave the team."""
    return await _changed(request, db, caller, membership_id, MembershipAct.LEAVE)


@router.post("/memberships/{membership_id}/approval", response_model=MembershipOut)
async def approve(request: Request, membership_id: UUID, caller: Runner, db: Db) -> Response:
    """Approve a request: the volunteer is a member from now on."""
    return await _changed(request, db, caller, membership_id, MembershipAct.APPROVE)


@router.post("/memberships/{membership_id}/decline", response_model=MembershipOut)
async def decline(request: Request, membership_id: UUID, body: DeclineIn, caller: Runner, db: Db) -> Response:
    """Decline a request with a reason, which the volunteer sees."""
    return await _changed(request, db, caller, membership_id, MembershipAct.DECLINE, body.reason)


@router.post("/memberships/{membership_id}/removal", response_model=MembershipOut)
async def remove(request: Request, membership_id: UUID, body: MemberRemovalIn, caller: Runner, db: Db) -> Response:
    """Remove a member with a reason, which the volunteer sees."""
    return await _changed(request, db, caller, membership_id, MembershipAct.REMOVE, body.reason)


@router.post("/memberships/{membership_id}/role", response_model=MembershipOut)
async def assign(request: Request, membership_id: UUID, body: TeamRoleIn, caller: Staff, db: Db) -> Response:
    """Make a member the leader, a deputy or a plain member."""

    async def work(tx: Tx) -> MembershipOut:
        return _membership(await handlers.assign(tx, caller, membership_id, body.role))

    return await once(request, db, caller, work, status=200)


async def _changed(
    request: Request, db: Db, caller: Caller, membership_id: UUID, act: MembershipAct, reason: str | None = None
) -> Response:
    async def work(tx: Tx) -> MembershipOut:
        return _membership(await handlers.change(tx, caller, membership_id, act, reason))

    return await once(request, db, caller, work, status=200)


def _membership(found: TeamMembership) -> MembershipOut:
    return MembershipOut(**{name: getattr(found, name) for name in MembershipOut.model_fields})


def _own(found: OwnMembership) -> OwnMembershipOut:
    return OwnMembershipOut(**{name: getattr(found, name) for name in OwnMembershipOut.model_fields})


def _card(card: TeamCard) -> TeamCardOut:
    return TeamCardOut(**{name: getattr(card, name) for name in TeamCardOut.model_fields})


def _member(named: NamedMember) -> MemberOut:
    values = {name: getattr(named.member, name) for name in MemberOut.model_fields if name != "name"}
    return MemberOut(**values, name=named.name)
