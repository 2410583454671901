"""Service points on the pages: where they are, when they are open, and which team is on duty. For everybody."""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

SHOWN = 60


@router.get("/service-points")
async def service_points(visit: VisitOf) -> Response:
    """All open service points with their week."""
    found = (await visit.ask("recruitment", "/sites"))["items"]
    names = {one["site_id"]: one["name"] for one in found}
    points = [one for one in found if one["kind"] == "service_point" and one["closed_at"] is None][:SHOWN]
    weeks = await asyncio.gather(*(_week(visit, one) for one in points))
    return page(
        "public/service_points.html",
        visit.session,
        path=visit.path,
        points=[
            {**one, **week, "above": names.get(one["parent_id"], "")} for one, week in zip(points, weeks, strict=True)
        ],
    )


async def _week(visit: Visit, point: Mapping[str, Any]) -> dict[str, Any]:
    found = await visit.get_optional("recruitment", f"/sites/{point['site_id']}/openings")
    return found or {"hours": [], "rota": []}
