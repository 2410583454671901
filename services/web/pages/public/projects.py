"""Brand projects on the pages (亮单): the menu, and one with its honours and activities. For everybody."""

import asyncio
from uuid import UUID

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/projects")
async def menu(visit: VisitOf) -> Response:
    """All open brand projects with their honours."""
    found, sites = await asyncio.gather(visit.ask("recruitment", "/projects"), visit.site_names())
    shown = [one for one in found["items"] if one["closed_at"] is None]
    return page("public/projects.html", visit.session, path=visit.path, projects=shown, sites=sites)


@router.get("/projects/{project_id}")
async def project(visit: VisitOf, project_id: str) -> Response:
    """One project: its honours, its sums, shifts to join and its latest activities."""
    try:
        known = str(UUID(project_id))
    except ValueError:
        raise UpstreamProblem("project-unknown", "There is no such project.", status=404) from None
    found, sites = await asyncio.gather(visit.ask("recruitment", f"/projects/{known}"), visit.site_names())
    return page("public/project.html", visit.session, path=visit.path, view=found, sites=sites)
