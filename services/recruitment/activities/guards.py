"""Guards: which callers may act on a team's work at a site, and how a domain refusal becomes a problem."""

from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from services.recruitment.activities.domain import DomainRefusal
from shared.auth.tokens import Caller, Role
from shared.errors import Forbidden, Refusal

__all__ = [
    "STAFF",
    "TeamHome",
    "actor_id",
    "is_staff_of",
    "leads",
    "may_plan",
    "may_run",
    "refusal",
    "require_plan",
    "require_run",
    "unwrap",
]

T = TypeVar("T")
STAFF = (Role.STATION, Role.OPERATOR)
_MEMBERS = {"status": "state", "type": "kind", "title": "name", "detail": "explanation"}


@dataclass(frozen=True, slots=True)
class TeamHome:
    """Where a team belongs: its home site, and that site with every site below it."""

    site_id: UUID
    reach: frozenset[UUID]


def is_staff_of(caller: Caller, site_id: UUID | None) -> bool:
    """Staff whose subtree holds the site; what has no site belongs to the centre."""
    if not caller.has(*STAFF):
        return False
    return caller.site_ids is None if site_id is None else caller.may_site(site_id)


def leads(caller: Caller, team_id: UUID | None) -> bool:
    """The team's leader."""
    return caller.has(Role.LEADER) and team_id in caller.team_ids


def may_run(caller: Caller, site_id: UUID | None, team_id: UUID | None) -> bool:
    """Staff of the site, or the team's leader."""
    return is_staff_of(caller, site_id) or leads(caller, team_id)


def require_run(caller: Caller, site_id: UUID, team_id: UUID) -> None:
    """Require `may_run`.

    Raises:
        Forbidden: neither staff of the site nor leader of the team.
    """
    if not may_run(caller, site_id, team_id):
        raise Forbidden("not-yours-to-run", "This is for staff of the site and for the team's leader.")


def may_plan(caller: Caller, site_id: UUID, team_id: UUID, home: TeamHome | None) -> bool:
    """Whether the caller may plan for the team at the site; ``home`` is None for a team that does not exist.

    Staff plan at their sites with teams whose home is among their sites; leaders plan for their own team at its home
    or below it.
    """
    if is_staff_of(caller, site_id) and (home is None or caller.may_site(home.site_id)):
        return True
    return home is not None and leads(caller, team_id) and site_id in home.reach


def require_plan(caller: Caller, site_id: UUID, team_id: UUID, home: TeamHome | None) -> None:
    """Require `may_plan`.

    Raises:
        Forbidden: the site or the team is not the caller's.
    """
    if not may_plan(caller, site_id, team_id, home):
        raise Forbidden(
            "not-yours-to-plan",
            "Staff plan at their own sites with the teams of these sites; leaders plan for their own team, at its home "
            "site or a site below it.",
        )


def actor_id(caller: Caller) -> UUID:
    """The actor as records name it: a volunteer's pseudonymous id, or a member of staff."""
    return caller.volunteer_id if caller.volunteer_id and caller.acts_as(caller.volunteer_id) else caller.subject


def refusal(refused: DomainRefusal) -> Refusal:
    """The problem that the caller gets."""
    # A problem's own members keep their meaning: what a domain calls status is answered as state.
    extra = {_MEMBERS.get(name, name): value for name, value in refused.extra.items()}
    return Refusal(refused.slug, refused.detail, status=refused.status, **dict[str, Any](extra))


def unwrap(outcome: T | DomainRefusal) -> T:
    """The outcome, unless it is a refusal.

    Raises:
        Refusal: the domain said no.
    """
    if isinstance(outcome, DomainRefusal):
        raise refusal(outcome)
    return outcome
