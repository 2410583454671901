"""Use cases of docking: dock a team with a site, end it, read the figure of any date."""

from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import actor_id, unwrap
from services.recruitment.dockings import domain, store
from services.recruitment.dockings.domain import Docking
from services.recruitment.dockings.store import NamedDocking
from services.recruitment.editing import handlers as editing
from services.recruitment.editing.domain import ObjectKind
from services.recruitment.organisation import store as organisation
from services.recruitment.organisation.handlers import require_open_site
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["dock", "dockings", "figure", "undock"]


async def dock(tx: Tx, caller: Caller, team_id: UUID, site_id: UUID, since: datetime | None) -> NamedDocking:
    """Dock a team with a site, from now on or since an earlier instant.

    Raises:
        NotFound: there is no such team or site.
        Forbidden: the team's home or the site lies outside of the caller's bounds.
        Conflict: ``team-closed``, ``site-closed``.
        Refusal: ``docked-already``, ``docking-overlaps``, ``docking-in-future``.
    """
    await store.lock_team(tx, team_id)
    team = await organisation.find_team(tx, team_id)
    if team is None:
        raise _no_team()
    caller.require_site(team.site_id)
    if team.closed_at is not None:
        raise Conflict("team-closed", "This team is closed; it is docked no more.")
    site = await require_open_site(tx, caller, site_id)
    now = await tx.now()
    held = [named.docking for named in await store.list_dockings(tx, team_id)]
    new = unwrap(domain.dock(held, Docking(new_id(), team_id, site_id, since or now), now))
    await store.add_docking(tx, new, now, actor_id(caller))
    await editing.edit(tx, caller, ObjectKind.TEAM, team_id, None, {"docked": True})
    return NamedDocking(new, site.name)


async def undock(tx: Tx, caller: Caller, docking_id: UUID, until: datetime | None) -> NamedDocking:
    """End a docking, now or at an earlier instant.

    Raises:
        NotFound: there is no such docking.
        Forbidden: the team's home lies outside of the caller's bounds.
        Refusal: ``docking-ended``, ``docking-end-wrong``.
    """
    current = await _docking(tx, caller, docking_id)
    await store.lock_team(tx, current.team_id)
    current = await _docking(tx, caller, docking_id)
    now = await tx.now()
    ended = unwrap(domain.undock(current, until, now))
    if not await store.end_docking(tx, ended, now, actor_id(caller)):
        raise Conflict("docking-ended", "This docking has ended already.")
    held = [named.docking for named in await store.list_dockings(tx, current.team_id)]
    if not domain.docked_on(held, now):
        await editing.edit(tx, caller, ObjectKind.TEAM, current.team_id, None, {"docked": False})
    site = await organisation.find_site(tx, current.site_id)
    assert site is not None
    return NamedDocking(ended, site.name)


async def dockings(tx: Tx, team_id: UUID) -> list[NamedDocking]:
    """A team's dockings over time, the latest first.

    Raises:
        NotFound: there is no such team.
    """
    if await organisation.find_team(tx, team_id) is None:
        raise _no_team()
    return await store.list_dockings(tx, team_id)


async def figure(tx: Tx, at: datetime | None) -> tuple[datetime, int, int]:
    """(instant, docked teams, teams) of an instant, by default the present one."""
    at = at or await tx.now()
    return (at, *await store.figure(tx, at))


async def _docking(tx: Tx, caller: Caller, docking_id: UUID) -> Docking:
    found = await store.find_docking(tx, docking_id)
    if found is None:
        raise NotFound("docking-unknown", "There is no such docking.")
    caller.require_site(found[1])
    return found[0]


def _no_team() -> NotFound:
    return NotFound("team-unknown", "there is no such team")
