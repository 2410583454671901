"""The staff's page of errors that volunteers point out about records of the caller's sites, and the site's answers."""

from fastapi import APIRouter, Response

from services.web.pages.language import N_, _
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/rectifications", include_in_schema=False, dependencies=[public()])

VIEWS = {"open": N_("等您答复"), "answered": N_("已答复")}


@router.get("")
async def rectifications(visit: VisitOf, view: str = "open", cursor: str | None = None) -> Response:
    """Requests to answer, or those that were answered, newest first."""
    require_staff(visit)
    chosen = view if view in VIEWS else "open"
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("recruitment", "/rectifications", view=chosen, limit="50", **query)
    return page(
        "staff/rectifications.html",
        visit.session,
        path=visit.path,
        items=found["items"],
        chosen=chosen,
        tabs=[(f"/staff/rectifications?view={name}", _(said), name == chosen) for name, said in VIEWS.items()],
        next_cursor=found["next_cursor"],
    )
