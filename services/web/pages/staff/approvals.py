"""The staff's page of hours that wait for another site: those to decide on, and those of the caller's own sites."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from services.web.pages.language import _, listed
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import VisitOf
from services.web.pages.wording import moment, span, spell_minutes, word
from shared.auth.access import public

__all__ = ["about_of", "line", "router"]

router = APIRouter(prefix="/staff/approvals", include_in_schema=False, dependencies=[public()])

VIEWS = ("decidable", "recorded")


@router.get("")
async def approvals(
    visit: VisitOf,
    view: str = "decidable",
    drive_id: str = "",
    activity_id: str = "",
    cursor: str | None = None,
) -> Response:
    """Hours to decide on, oldest first, or what the caller's sites recorded, newest first; all or of one activity."""
    require_staff(visit)
    chosen = view if view in VIEWS else VIEWS[0]
    about = {name: each for name, each in (("drive_id", drive_id), ("activity_id", activity_id)) if each}
    query = {**about, "cursor": cursor} if cursor else about
    found = await visit.ask("recruitment", "/attendance/approvals", view=chosen, limit="50", **query)
    return page(
        "staff/approvals.html",
        visit.session,
        path=visit.path,
        items=[line(item) for item in found["items"]],
        chosen=chosen,
        kept=about_of(found["items"], about),
        base=f"/staff/approvals?{urlencode({'view': chosen, **about})}",
        narrowed=f"&{urlencode(about)}" if about else "",
        next_cursor=found["next_cursor"],
    )


@router.get("/{record_id}/evidence")
async def evidence(visit: VisitOf, record_id: str) -> Response:
    """The page on which the evidence of hours to decide on is read, against a reason."""
    require_staff(visit)
    return page("staff/evidence.html", visit.session, path=visit.path, record_id=record_id)


def about_of(items: Sequence[Mapping[str, Any]], about: Mapping[str, str]) -> str:
    """The sentence that says which drive's or activity's hours are shown; empty when all are."""
    if not about:
        return ""
    first = items[0] if items else {}
    if "drive_id" in about:
        name = first.get("drive_name")
        return _("只看招募“%(name)s”的时长。", name=name) if name else _("只看一场招募的时长。")
    name = first.get("activity_title")
    return _("只看活动“%(name)s”的时长。", name=name) if name else _("只看一个活动的时长。")


def line(item: Mapping[str, Any]) -> dict[str, Any]:
    """One approval as the page says it."""
    overtime = int(item["overtime_minutes"])
    return {
        "record_id": str(item["record_id"]),
        "number": item["volunteer_number"],
        "title": item["activity_title"] or _("志愿服务"),
        "activity_id": item["activity_id"],
        "drive_id": item["drive_id"],
        "drive_name": item["drive_name"],
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
