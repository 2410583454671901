"""The staff's page of devices: kiosks and roll-call phones of their sites, registered and revoked."""

from fastapi import APIRouter, Response

from services.web.pages.language import _
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.staff.schedule import site_options
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/devices", include_in_schema=False, dependencies=[public()])


@router.get("")
async def devices(visit: VisitOf, cursor: str | None = None) -> Response:
    """The devices of the caller's sites, newest first, with a form to register another."""
    require_staff(visit)
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("recruitment", "/devices", limit="50", **query)
    names = await visit.site_names()
    return page(
        "staff/devices.html",
        visit.session,
        path=visit.path,
        devices=[{**one, "site_name": names.get(str(one["site_id"]), _("其他站点"))} for one in found["items"]],
        sites=await site_options(visit),
        next_cursor=found["next_cursor"],
    )
