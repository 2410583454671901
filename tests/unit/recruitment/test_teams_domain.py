"""TeamMembership of teams by random changes: only known steps, one life at a time, leaders stay."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.memberships.domain import (
    MOST_MEMBERSHIPS,
    DeclineReason,
    MembershipAct,
    MembershipStatus,
    RemovalReason,
    TeamMembership,
    TeamRole,
    acts_on,
    advance,
    may_assign,
    may_join,
)

NOW = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
BY = UUID(int=7)
ACTS = st.sampled_from(MembershipAct)
REASONS = st.sampled_from([None, "typed text", *DeclineReason, *RemovalReason])


def asked(role: TeamRole = TeamRole.MEMBER) -> TeamMembership:
    return TeamMembership(uuid4(), uuid4(), uuid4(), MembershipStatus.REQUESTED, NOW, BY, role)


def member(role: TeamRole = TeamRole.MEMBER) -> TeamMembership:
    found = advance(asked(role), MembershipAct.APPROVE, by=BY, now=NOW) if role is TeamRole.MEMBER else None
    return found if isinstance(found, TeamMembership) else TeamMembership(
        uuid4(), uuid4(), uuid4(), MembershipStatus.ACTIVE, NOW, BY, role, since=NOW
    )  # fmt: skip


@given(st.lists(st.tuples(ACTS, REASONS, st.integers(-60, 60)), max_size=12))
def test_any_changes_leave_a_membership_with_consistent_dates_and_at_most_one_life(
    changes: list[tuple[MembershipAct, str | None, int]],
) -> None:
    current = asked()
    begun = ended = 0
    for act, reason, minutes in changes:
        was_live = current.live
        after = advance(current, act, by=BY, now=NOW + timedelta(minutes=minutes), reason=reason)
        if isinstance(after, DomainRefusal):
            assert after.slug == "reason-unknown" or act not in acts_on(current.status) or not was_live
            continue
        assert was_live, "what has ended stays as it is"
        assert after.version == current.version + 1
        begun += after.status is MembershipStatus.ACTIVE
        ended += not after.live
        assert after.live == (after.ended_at is None)
        assert (after.since is None) == (after.status in ("requested", "declined", "withdrawn"))
        assert after.since is None or after.ended_at is None or after.since <= after.ended_at
        assert (after.reason is not None) == (after.status in ("declined", "removed"))
        current = after
    assert begun <= 1
    assert ended <= 1


@given(st.sampled_from(MembershipStatus), ACTS)
def test_a_refused_change_names_those_that_are_possible(status: MembershipStatus, act: MembershipAct) -> None:
    current = TeamMembership(uuid4(), uuid4(), uuid4(), status, NOW, BY)
    after = advance(current, act, by=BY, now=NOW, reason="full" if act is MembershipAct.DECLINE else "moved")
    if act in acts_on(status):
        assert isinstance(after, TeamMembership)
    elif isinstance(after, DomainRefusal):
        assert after.slug == "membership-state"
        assert after.extra["allowed"] == [str(each) for each in acts_on(status)]


@pytest.mark.parametrize("act", [MembershipAct.LEAVE, MembershipAct.REMOVE])
def test_a_leader_stays_a_member_until_another_one_is_appointed(act: MembershipAct) -> None:
    after = advance(member(TeamRole.LEADER), act, by=BY, now=NOW, reason="moved")
    assert isinstance(after, DomainRefusal)
    assert after.slug == "leader-stays"
    assert isinstance(advance(member(TeamRole.DEPUTY), act, by=BY, now=NOW, reason="moved"), TeamMembership)


def test_the_closing_of_a_team_ends_its_leaders_membership_too() -> None:
    after = advance(member(TeamRole.LEADER), MembershipAct.END, by=BY, now=NOW)
    assert isinstance(after, TeamMembership)
    assert (after.status, after.role) == (MembershipStatus.ENDED, TeamRole.MEMBER)


def test_a_volunteer_joins_an_open_team_once_and_not_more_teams_than_allowed() -> None:
    assert may_join(None, 0, team_closed=False) is None
    left = advance(member(), MembershipAct.LEAVE, by=BY, now=NOW)
    assert isinstance(left, TeamMembership)
    assert may_join(left, 0, team_closed=False) is None
    refused = [
        may_join(None, 0, team_closed=True),
        may_join(asked(), 1, team_closed=False),
        may_join(member(), 1, team_closed=False),
        may_join(None, MOST_MEMBERSHIPS, team_closed=False),
    ]
    assert [None if each is None else each.slug for each in refused] == [
        "team-closed",
        "already-member",
        "already-member",
        "memberships-many",
    ]


def test_only_active_members_are_given_a_role() -> None:
    assert may_assign(member()) is None
    assert may_assign(asked()) is not None
