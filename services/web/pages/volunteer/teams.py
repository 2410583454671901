"""The volunteer's own teams: memberships, requests and what became of them."""

from fastapi import APIRouter, Response

from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/me/teams")
async def own_teams(visit: VisitOf, cursor: str | None = None) -> Response:
    """Own memberships and requests, newest first."""
    visit.volunteer()
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("recruitment", "/memberships", **query)
    return page(
        "volunteer/teams.html",
        visit.session,
        path=visit.path,
        memberships=found["items"],
        following=found["next_cursor"],
    )
