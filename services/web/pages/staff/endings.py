"""The page before an activity is closed, or it or a shift is called off: what that changes, merged of all services."""

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import _
from services.web.pages.public.credentials import badge_names
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.render import finish, page
from services.web.pages.staff.words import CANCEL_REASONS
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["router"]

router = APIRouter(prefix="/staff/activities", include_in_schema=False, dependencies=[public()])

Act = Literal["close", "call-off"]


class EndingFormIn(Input):
    """The digests of the preview that was shown, and what the act asks for."""

    act: Act
    shift_id: UUID | None = None
    version: int
    digest: Annotated[str, Field(max_length=64)]
    points_digest: Annotated[str, Field(max_length=64)] = ""
    reason: Annotated[str, Field(max_length=50)] | None = None
    residents_served: int | None = None
    note: Annotated[str, Field(max_length=2000)] | None = None


@router.get("/{activity_id}/ending")
async def ending(visit: VisitOf, activity_id: str, act: Act = "close", shift: UUID | None = None) -> Response:
    """Preview of an ending: sign-ups and hours by recruitment, points and badges by points."""
    visit.staff()
    found, seen, worth, badge_name = await asyncio.gather(
        visit.ask("recruitment", f"/activities/{activity_id}"),
        _preview(visit, activity_id, act, shift),
        _worth(visit, activity_id, shift),
        badge_names(visit),
    )
    return page(
        "staff/activity_ending.html",
        visit.session,
        path=visit.path,
        activity=found,
        act=act,
        shift=next((one for one in found["shifts"] if one["shift_id"] == str(shift)), None),
        seen=seen,
        worth=worth,
        badge_name=badge_name,
        reasons=[(reason, _(text)) for reason, text in CANCEL_REASONS.items()],
    )


@router.post("/{activity_id}/ending")
async def end(visit: VisitOf, activity_id: str, body: EndingFormIn, key: Key, ours: Ours = None) -> Response:
    """End as it was shown; what changed meanwhile is shown again first."""
    require_ours(ours)
    visit.staff()
    if body.points_digest:
        worth = await _worth(visit, activity_id, body.shift_id)
        if worth is not None and worth["digest"] != body.points_digest:
            raise UpstreamProblem(
                "preview-changed", "The points changed since they were shown; look again.", status=409
            )
    kept = {"idempotency-key": key}
    called_off = {"version": body.version, "reason": body.reason, "digest": body.digest}
    if body.act == "close":
        result = {"residents_served": body.residents_served, "note": body.note or None, "digest": body.digest}
        await visit.post("recruitment", f"/activities/{activity_id}/close", result, **kept)
    elif body.shift_id is not None:
        await visit.post("recruitment", f"/shifts/{body.shift_id}/cancellation", called_off, **kept)
    else:
        await visit.post("recruitment", f"/activities/{activity_id}/cancellation", called_off, **kept)
    return finish(JSONResponse({}), visit.session)


async def _preview(visit: Visit, activity_id: str, act: Act, shift: UUID | None) -> Any:
    if act == "close":
        return await visit.ask("recruitment", f"/activities/{activity_id}/closing-preview")
    if shift is None:
        return await visit.ask("recruitment", f"/activities/{activity_id}/cancellation-preview")
    return await visit.ask("recruitment", f"/shifts/{shift}/cancellation-preview")


async def _worth(visit: Visit, activity_id: str, shift: UUID | None) -> Any | None:
    """The part of points; None where it has no records or is away, as nothing that was earned changes by an ending."""
    query = {} if shift is None else {"shift_id": str(shift)}
    return await visit.get_optional("points", f"/activities/{activity_id}/ending-preview", **query)
