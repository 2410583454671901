"""Use cases of the organisation: found sites and teams, keep themes and projects."""

from dataclasses import replace
from uuid import UUID

from services.recruitment.activities.guards import actor_id
from services.recruitment.dockings import marking
from services.recruitment.organisation import store
from services.recruitment.organisation.domain import (
    Honour,
    NewProject,
    NewSite,
    NewTeam,
    NewTheme,
    check_detachment,
    check_honour_year,
    check_parent,
    check_team_site,
    clean_title,
    level_of,
)
from services.recruitment.organisation.events import publish_site
from services.recruitment.organisation.store import Project, Site, Team, Theme
from shared.auth.tokens import Caller, Role
from shared.clock import district_day
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = [
    "add_project",
    "add_site",
    "add_team",
    "add_theme",
    "clean_honour",
    "require_leader",
    "require_open_site",
    "require_reach",
    "require_site_exists",
    "volunteer_unknown",
]


async def require_site_exists(tx: Tx, caller: Caller | None, site_id: UUID) -> None:
    """Require that the site exists, and lies within the caller's bounds where there is a caller.

    Raises:
        NotFound: there is no such site.
        Forbidden: the caller is not responsible for it.
    """
    if await store.find_site(tx, site_id) is None:
        raise NotFound("site-unknown", "there is no such site")
    if caller is not None:
        caller.require_site(site_id)


async def require_open_site(tx: Tx, caller: Caller | None, site_id: UUID) -> Site:
    """Require that the site exists, is not closed, and lies within the caller's bounds where there is a caller.

    Raises:
        NotFound: there is no such site.
        Forbidden: the caller is not responsible for it.
        Conflict: it is closed.
    """
    await require_site_exists(tx, caller, site_id)
    site = await store.find_site(tx, site_id)
    if site is None or site.closed_at is not None:
        raise Conflict("site-closed", "This site is closed; nothing new can belong to it.")
    return site


async def require_reach(tx: Tx, caller: Caller, volunteer_id: UUID) -> None:
    """Require that a volunteer belongs to, signed up for or served at the caller's sites or with their teams.

    A volunteer elsewhere is answered like none at all.

    Raises:
        NotFound: there is no such volunteer within the caller's reach.
    """
    staff = caller.has(Role.STATION, Role.OPERATOR)
    if staff and caller.site_ids is None:
        return
    sites = (caller.site_ids or frozenset()) if staff else frozenset[UUID]()
    teams = caller.team_ids if caller.has(Role.LEADER) else frozenset[UUID]()
    if not await store.within_reach(tx, volunteer_id, sites, teams):
        raise volunteer_unknown()


def volunteer_unknown() -> NotFound:
    """The answer for a volunteer who does not exist or whom the caller has nothing to do with."""
    detail = "There is no such volunteer at your sites or in your team; volunteers may sign up for themselves anywhere."
    return NotFound("volunteer-unknown", detail)


async def add_site(tx: Tx, caller: Caller, new: NewSite) -> Site:
    """Found a site under its parent.

    Raises:
        NotFound: the parent does not exist.
        Forbidden: the parent lies outside of the caller's bounds.
        Invalid: a site of this kind does not belong there, or does not have such a level.
        Conflict: the parent is closed, the name is taken, or there is a centre already.
    """
    parent = None
    if new.parent_id is not None:
        parent = await require_open_site(tx, caller, new.parent_id)
    try:
        check_parent(new.kind, None if parent is None else parent.kind)
        new = replace(new, name=clean_title(new.name, "name"))
    except ValueError as error:
        raise Invalid("site-invalid", str(error)) from None
    level = level_of(new.kind, None if parent is None else parent.level)
    if new.level not in (None, level):
        raise Invalid("level-contradicts", f"The level of this {new.kind} is {level}, not {new.level}.", level=level)
    now, site_id = await tx.now(), new_id()
    if not await store.add_site(tx, site_id, new, level, now):
        raise Conflict("site-exists", f"there is already a site named {new.name}, or a second centre was asked for")
    site = Site(site_id, new.kind, new.name, new.parent_id, level, now)
    await publish_site(tx, site, now)
    return site


async def add_team(tx: Tx, caller: Caller, new: NewTeam) -> Team:
    """Found a team at a site.

    Raises:
        NotFound: the site does not exist.
        Forbidden: it lies outside of the caller's bounds.
        Invalid: the kind does not fit the site.
        Conflict: the name is taken, or there is a corps already.
    """
    site = await require_open_site(tx, caller, new.site_id)
    try:
        check_team_site(new.kind, site.kind)
        check_detachment(new.kind, new.series, new.department, new.head)
        new = replace(
            new,
            name=clean_title(new.name, "name"),
            department=None if new.department is None else clean_title(new.department, "department"),
            head=None if new.head is None else clean_title(new.head, "head"),
        )
    except ValueError as error:
        raise Invalid("team-invalid", str(error)) from None
    now, team_id = await tx.now(), new_id()
    if not await store.add_team(tx, team_id, new, now):
        raise Conflict("team-exists", f"there is already a team named {new.name}, or a second corps was asked for")
    if new.docked:
        await marking.begin_at_home(tx, team_id, new.site_id, actor_id(caller), now)
    return Team(
        team_id,
        new.kind,
        new.name,
        new.site_id,
        None,
        new.docked,
        now,
        series=new.series,
        department=new.department,
        head=new.head,
    )


async def require_leader(tx: Tx, caller: Caller, volunteer_id: UUID) -> None:
    """Require that a volunteer may be made a leader by the caller.

    Raises:
        NotFound: the volunteer is not within the caller's reach.
        Conflict: the volunteer has not claimed the account.
    """
    await require_reach(tx, caller, volunteer_id)
    claimed = await store.volunteer_claimed(tx, volunteer_id)
    if claimed is None:
        raise volunteer_unknown()
    if not claimed:
        raise Conflict("volunteer-unclaimed", "this volunteer has not claimed the account yet and could not sign in")


async def add_theme(tx: Tx, new: NewTheme) -> Theme:
    """Add a theme.

    Raises:
        Invalid: the name is empty or too long.
        Conflict: the name is taken.
    """
    try:
        new = replace(new, name=clean_title(new.name, "name"))
    except ValueError as error:
        raise Invalid("theme-invalid", str(error)) from None
    now, theme_id = await tx.now(), new_id()
    if not await store.add_theme(tx, theme_id, new, now):
        raise Conflict("theme-exists", f"there is already a theme named {new.name}")
    return Theme(theme_id, new.name, new.pillar, now)


async def add_project(tx: Tx, caller: Caller, new: NewProject) -> Project:
    """Show a brand project with its honours (亮单).

    Raises:
        NotFound: the site does not exist.
        Forbidden: it lies outside of the caller's bounds.
        Invalid: a name or title is empty, or an honour's year cannot be.
        Conflict: the name is taken.
    """
    await require_open_site(tx, caller, new.site_id)
    now = await tx.now()
    try:
        new = replace(
            new,
            name=clean_title(new.name, "name"),
            honours=tuple(clean_honour(h) for h in new.honours),
            summary=None if new.summary is None else clean_title(new.summary, "summary", 500),
        )
        for honour in new.honours:
            check_honour_year(honour.year, district_day(now).year)
    except ValueError as error:
        raise Invalid("project-invalid", str(error)) from None
    project_id = new_id()
    if not await store.add_project(tx, project_id, new, now):
        raise Conflict("project-exists", f"there is already a project named {new.name}")
    project = await store.find_project(tx, project_id)
    assert project is not None
    return project


def clean_honour(honour: Honour) -> Honour:
    """An honour without surrounding blanks.

    Raises:
        ValueError: a text is empty or too long.
    """
    title = clean_title(honour.title, "an honour's title", 200)
    return replace(honour, title=title, awarded_by=clean_title(honour.awarded_by, "awarded_by", 200))
