"""Membership of teams: its states, who may change them, and the terms of leaders and deputies. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal

__all__ = [
    "MOST_MEMBERSHIPS",
    "DeclineReason",
    "MembershipAct",
    "MembershipStatus",
    "RemovalReason",
    "TeamMembership",
    "TeamRole",
    "acts_on",
    "advance",
    "may_assign",
    "may_join",
]

MOST_MEMBERSHIPS: Final = 20
"""Teams that one volunteer may belong to or wait for at a time."""


class MembershipStatus(StrEnum):
    """``ended``: the team was closed. Only requested and active ones are live; the others are history."""

    REQUESTED = "requested"
    ACTIVE = "active"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LEFT = "left"
    REMOVED = "removed"
    ENDED = "ended"


class MembershipAct(StrEnum):
    """The changes of a membership."""

    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LEAVE = "leave"
    REMOVE = "remove"
    END = "end"


class TeamRole(StrEnum):
    """队员, 副队长, 队长. Only leaders record attendance; a deputy is the leader's contact when they are away."""

    MEMBER = "member"
    DEPUTY = "deputy"
    LEADER = "leader"


class DeclineReason(StrEnum):
    """Why a request is declined."""

    FULL = "full"
    ELSEWHERE = "elsewhere"
    UNFIT = "unfit"
    UNKNOWN = "unknown-person"


class RemovalReason(StrEnum):
    """Why a member is removed."""

    INACTIVE = "inactive"
    MOVED = "moved"
    CONDUCT = "conduct"
    MISTAKE = "mistake"


_STEPS: Final[Mapping[MembershipStatus, Mapping[MembershipAct, MembershipStatus]]] = {
    MembershipStatus.REQUESTED: {
        MembershipAct.APPROVE: MembershipStatus.ACTIVE,
        MembershipAct.DECLINE: MembershipStatus.DECLINED,
        MembershipAct.WITHDRAW: MembershipStatus.WITHDRAWN,
        MembershipAct.END: MembershipStatus.WITHDRAWN,
    },
    MembershipStatus.ACTIVE: {
        MembershipAct.LEAVE: MembershipStatus.LEFT,
        MembershipAct.REMOVE: MembershipStatus.REMOVED,
        MembershipAct.END: MembershipStatus.ENDED,
    },
}
_REASONS: Final[Mapping[MembershipAct, type[StrEnum]]] = {
    MembershipAct.DECLINE: DeclineReason,
    MembershipAct.REMOVE: RemovalReason,
}


@dataclass(frozen=True, slots=True)
class TeamMembership:
    """A volunteer's membership of a team, or their request for one. ``role`` is the present one."""

    membership_id: UUID
    team_id: UUID
    volunteer_id: UUID
    status: MembershipStatus
    asked_at: datetime
    asked_by: UUID
    role: TeamRole = TeamRole.MEMBER
    since: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    decided_by: UUID | None = None
    version: int = 1

    @property
    def live(self) -> bool:
        """Whether it is a request or a membership of today."""
        return self.status in _STEPS


def acts_on(status: MembershipStatus) -> tuple[MembershipAct, ...]:
    """The changes that a membership in this state can have, those by the team's closing aside."""
    return tuple(act for act in _STEPS.get(status, {}) if act is not MembershipAct.END)


def may_join(held: TeamMembership | None, live_elsewhere: int, team_closed: bool) -> DomainRefusal | None:
    """A volunteer joins an open team that they do not belong to, and not more than `MOST_MEMBERSHIPS` teams."""
    if team_closed:
        return DomainRefusal("team-closed", "This team is closed; it takes no members.")
    if held is not None and held.live:
        said = "is a member already" if held.status is MembershipStatus.ACTIVE else "has asked to join already"
        return DomainRefusal(
            "already-member",
            f"This volunteer {said}.",
            extra={"membership_id": str(held.membership_id), "state": str(held.status)},
        )
    if live_elsewhere >= MOST_MEMBERSHIPS:
        return DomainRefusal(
            "memberships-many", f"A volunteer belongs to at most {MOST_MEMBERSHIPS} teams; leave one of them first."
        )
    return None


def advance(
    current: TeamMembership, act: MembershipAct, *, by: UUID, now: datetime, reason: str | None = None
) -> TeamMembership | DomainRefusal:
    """The membership after a change. Leaders stay members until another one is appointed or the team is closed."""
    following = _STEPS.get(current.status, {}).get(act)
    if following is None:
        allowed = acts_on(current.status)
        said = ", ".join(allowed) or "none, a new request can be made"
        return DomainRefusal(
            "membership-state",
            f"This membership is {current.status}, so {act} is not possible; possible: {said}.",
            extra={"state": str(current.status), "allowed": [str(each) for each in allowed]},
        )
    if current.role is TeamRole.LEADER and act is not MembershipAct.END:
        return DomainRefusal("leader-stays", "The team's leader stays a member until staff have changed the leader.")
    reasons = _REASONS.get(act)
    if reasons is not None and reason not in set(reasons):
        return DomainRefusal("reason-unknown", f"A reason is one of {', '.join(reasons)}.", 422)
    begins = following is MembershipStatus.ACTIVE
    return replace(
        current,
        status=following,
        since=now if begins else current.since,
        ended_at=None if begins else max(now, current.since or now),
        reason=reason if reasons is not None else None,
        decided_by=by,
        role=current.role if begins else TeamRole.MEMBER,
        version=current.version + 1,
    )


def may_assign(current: TeamMembership) -> DomainRefusal | None:
    """Roles are those of active members."""
    if current.status is MembershipStatus.ACTIVE:
        return None
    return DomainRefusal(
        "membership-state",
        f"This membership is {current.status}; only an active member is given a role.",
        extra={"state": str(current.status), "allowed": [str(each) for each in acts_on(current.status)]},
    )
