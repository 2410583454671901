"""A volunteer's own badges with their credentials, and the way to the next ones."""

from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.public.credentials import as_download, award_id_of, nearest
from services.web.pages.render import finish
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["own", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

NEAREST = 3
"""So many badges on the way are shown at once; the others unfold."""


async def own(visit: Visit) -> dict[str, Any]:
    """The volunteer's badges, the latest first, and the way to the next ones."""
    found = await visit.get_optional("points", f"/accounts/{visit.volunteer()}/badges")
    if found is None:
        return {"badges": None}
    lines = nearest(found["progress"])
    return {
        "badges": sorted(found["held"], key=lambda award: str(award["awarded_at"]), reverse=True),
        "revoked": found["revoked"],
        "progress": lines[:NEAREST],
        "further": lines[NEAREST:],
    }


@router.get("/me/badges/{award_id}/credential.{form}")
async def download(visit: VisitOf, award_id: str, form: str) -> Response:
    """The volunteer's own credential as a file: the signed token, or the token together with what it says."""
    volunteer_id = visit.volunteer()
    found = await visit.ask("points", f"/accounts/{volunteer_id}/badges/{award_id_of(award_id)}/credential")
    return finish(as_download(found, form), visit.session)
