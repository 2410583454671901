"""The page on which the centre edits the menu, and the days that are worked or off, by which deadlines count."""

import asyncio

from fastapi import APIRouter, Response

from services.web.pages.ordering import need_name
from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.visit import VisitOf, centre_only
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/menu", include_in_schema=False, dependencies=[public()])


@router.get("")
async def menu_admin(visit: VisitOf, year: int | None = None) -> Response:
    """Needs with their terms as orders, and the exceptions of a year's calendar."""
    centre_only(visit)
    shown_year = year or (await district_now(visit)).year
    needs, days = await asyncio.gather(
        visit.ask("recruitment", "/menu/needs"), visit.ask("recruitment", "/working-days", year=str(shown_year))
    )
    return page(
        "operator/menu_admin.html",
        visit.session,
        path=visit.path,
        needs=[{**one, "name": need_name(one)} for one in needs["items"]],
        days=days["items"],
        year=shown_year,
    )
