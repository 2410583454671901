"""Use cases of projects: the public view of one, and a further honour."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.recruitment.organisation import store as organisation
from services.recruitment.organisation.domain import Honour, check_honour_year
from services.recruitment.organisation.handlers import clean_honour
from services.recruitment.organisation.store import Project
from services.recruitment.projects import store
from services.recruitment.projects.store import ComingShift, HeldActivity, ProjectFigures
from shared.auth.tokens import Caller
from shared.clock import district_day
from shared.errors import Conflict, Invalid, NotFound
from shared.ids import new_id
from shared.postgres import Tx

__all__ = ["ProjectView", "add_honour", "view"]

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with its sums, shifts to join and latest activities."""

    project: Project
    figures: ProjectFigures
    coming: list[ComingShift]
    held: list[HeldActivity]


async def view(tx: Tx, project_id: UUID) -> ProjectView:
    """A project as everybody sees it.

    Raises:
        NotFound: there is no such project.
    """
    project, now = await _project(tx, project_id), await tx.now()
    return ProjectView(
        project,
        await store.figures(tx, project_id),
        await store.coming(tx, project_id, now, _SHOWN),
        await store.held(tx, project_id, now, _SHOWN),
    )


async def add_honour(tx: Tx, caller: Caller, project_id: UUID, honour: Honour) -> Honour:
    """Add an honour to a project.

    Raises:
        NotFound: there is no such project.
        Forbidden: its site lies outside of the caller's bounds.
        Invalid: a text is empty, or the year cannot be.
        Conflict: the project is closed.
    """
    project = await _project(tx, project_id)
    caller.require_site(project.site_id)
    if project.closed_at is not None:
        raise Conflict("project-closed", "This project is closed and cannot be changed any more.")
    now = await tx.now()
    try:
        honour = replace(clean_honour(honour), honour_id=new_id())
        check_honour_year(honour.year, district_day(now).year)
    except ValueError as error:
        raise Invalid("honour-invalid", str(error)) from None
    await organisation.add_honours(tx, project_id, [honour], now)
    return honour


async def _project(tx: Tx, project_id: UUID) -> Project:
    project = await organisation.find_project(tx, project_id)
    if project is None:
        raise NotFound("project-unknown", "There is no such project.")
    return project
