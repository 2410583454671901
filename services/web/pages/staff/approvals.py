"""The staff's page of hours that wait for another site: those to decide on, and those of the caller's own sites."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.language import _, listed
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import VisitOf
from services.web.pages.wording import moment, span, spell_minutes, word
from shared.auth.access import public

__all__ = ["line", "router"]

router = APIRouter(prefix="/staff/approvals", include_in_schema=False, dependencies=[public()])

VIEWS = ("decidable", "recorded")


@router.get("")
async def approvals(visit: VisitOf, view: str = "decidable", cursor: str | None = None) -> Response:
    """Hours to decide on, oldest first; or what the caller's sites recorded, newest first."""
    require_staff(visit)
    chosen = view if view in VIEWS else VIEWS[0]
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("recruitment", "/attendance/approvals", view=chosen, limit="50", **query)
    return page(
        "staff/approvals.html",
        visit.session,
        path=visit.path,
        items=[line(item) for item in found["items"]],
        chosen=chosen,
        next_cursor=found["next_cursor"],
    )


@router.get("/{record_id}/evidence")
async def evidence(visit: VisitOf, record_id: str) -> Response:
    """The page on which the evidence of hours to decide on is read, against a reason."""
    require_staff(visit)
    return page("staff/evidence.html", visit.session, path=visit.path, record_id=record_id)


def line(item: Mapping[str, Any]) -> dict[str, Any]:
    """One approval as the page says it."""
    overtime = int(item["overtime_minutes"])
    return {
        "record_id": str(item["record_id"]),
        "number": item["volunteer_number"],
        "title": item["activity_title"] or _("志愿服务"),
        "time": span(item["started_at"], item["ended_at"]),
        "duration": _("超时 %(time)s", time=spell_minutes(overtime))
        if overtime
        else spell_minutes(int(item["minutes"])),
        "provenance": word(item["provenance"], "provenance"),
        "place": " · ".join(name for name in (item["site_name"], item["team_name"]) if name),
        "recorders": listed(item["recorder_sites"]),
        "reasons": [word(reason, "waits_for") for reason in item["reasons"]],
        "evidence": item["has_evidence"],
        "until": moment(item["lapses_at"]),
        "state": item["state"],
        "said": item["decision_reason"] or "",
    }
