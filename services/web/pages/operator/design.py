"""The gallery of the pages' components; the composition root serves it outside production only."""

from fastapi import APIRouter, Response

from services.web.pages.render import page
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/design")
async def design(visit: VisitOf) -> Response:
    """Every component of the pages, in every state."""
    return page("operator/design.html", visit.session, path=visit.path)
