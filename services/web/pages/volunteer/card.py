"""The volunteer's own card: a QR code for staff to scan, to show on a phone or to print."""

from fastapi import APIRouter, Response

from services.web.pages.language import _
from services.web.pages.render import page, qr
from services.web.pages.visit import VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])


@router.get("/me/card")
async def card(visit: VisitOf) -> Response:
    """Show one's own code and number, or the way to a first card."""
    visit.volunteer()
    held = await visit.get_optional("recruitment", "/volunteers/me/card")
    drawing = qr(held["code"], label=_("志愿者卡二维码")) if held else None
    return page("volunteer/card.html", visit.session, path=visit.path, card=held, drawing=drawing)
