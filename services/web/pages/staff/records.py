"""The staff's pages of service records: what waits to be confirmed or approved, and one record with all it allows."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.pages.language import N_, _, _n, listed
from services.web.pages.public.login import Ours, require_ours
from services.web.pages.render import finish, fragment, page
from services.web.pages.staff.people import colleagues_of
from services.web.pages.staff.schedule import local
from services.web.pages.staff.words import revision_said
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer.explanation import records_of
from services.web.pages.wording import clock, parse, span, spell_minutes, word
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["record_line", "router"]

router = APIRouter(prefix="/staff/records", include_in_schema=False, dependencies=[public()])

FAR_METRES = 500
"""Metres between check-in and site above which the record is flagged."""
VIEWS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "confirm": (N_("待确认"), {"todo": "confirm"}),
    "overtime": (N_("超时待批"), {"todo": "overtime"}),
    "waiting": (N_("等待中"), {"status": "provisional"}),
    "void": (N_("已作废"), {"status": "void"}),
    "all": (N_("全部"), {}),
}
"""View → its name and the service's filter."""


@router.get("")
async def records(visit: VisitOf, view: str = "confirm", volunteer: str = "", cursor: str | None = None) -> Response:
    """Records of the caller's sites and teams by what they wait for, newest first."""
    visit.staff()
    chosen = view if view in VIEWS else "confirm"
    query = {name: value for name, value in (("volunteer_id", volunteer), ("cursor", cursor or "")) if value}
    found = await visit.ask("recruitment", "/attendance/records", limit="50", **VIEWS[chosen][1], **query)
    more = f"&volunteer={volunteer}" if volunteer else ""
    return page(
        "staff/records.html",
        visit.session,
        path=visit.path,
        items=[record_line(item) for item in found["items"]],
        tabs=[(f"/staff/records?view={name}{more}", _(text), name == chosen) for name, (text, _q) in VIEWS.items()],
        chosen=chosen,
        more=more,
        next_cursor=found["next_cursor"],
    )


@router.get("/{record_id}")
async def record(visit: VisitOf, record_id: str) -> Response:
    """One record: what it says, how it came to be, and what can be done about it."""
    visit.staff()
    found = await visit.ask("recruitment", f"/attendance/records/{record_id}")
    who, listing = await asyncio.gather(
        colleagues_of(visit),
        visit.ask("recruitment", "/attendance/records", volunteer_id=found["volunteer_id"], limit="200"),
    )
    row = next((one for one in listing["items"] if one["record_id"] == found["record_id"]), None)
    line = record_line(
        row or {**found, "activity_title": None, "site_name": None, "volunteer_number": "", "stayed_minutes": 0}
    )
    account = bool(visit.session.roles & {"station", "operator"}) and visit.session.owns(found["site_id"])
    return page(
        "staff/record.html",
        visit.session,
        path=visit.path,
        record=found,
        line=line,
        account=account,
        start=local(found["started_at"]),
        end=local(found["ended_at"]),
        steps=[
            {
                **step,
                "said": revision_said(step["change"]),
                "by": who(step["made_by"]) if step["made_by"] else _("系统"),
                "time": span(step["started_at"], step["ended_at"]),
            }
            for step in reversed(found["revisions"])
        ],
    )


class EvidenceFormIn(Input):
    """The reason for reading the evidence of a record."""

    purpose: Annotated[str, Field(max_length=500)]


@router.post("/{record_id}/evidence")
async def evidence(visit: VisitOf, record_id: str, body: EvidenceFormIn, ours: Ours = None) -> Response:
    """Draw the evidence of a record's revisions; the service keeps the look with its reason."""
    require_ours(ours)
    visit.staff()
    found = await visit.post("recruitment", f"/attendance/records/{record_id}/evidence", {"purpose": body.purpose})
    html = fragment("staff/parts/evidence.html", visit.session, evidence=found["items"])
    return finish(JSONResponse({"html": html}), visit.session)


@router.get("/{record_id}/void-question")
async def void_question(visit: VisitOf, record_id: str) -> Response:
    """The question before a record is voided: what it would change by now."""
    visit.staff()
    found = await visit.ask("recruitment", f"/attendance/records/{record_id}")
    said = [_("作废这条记录？")]
    if found["status"] == "confirmed":
        said.append(_("%(time)s 不再计入服务时长。", time=spell_minutes(found["minutes"])))
        said += await _points_lost(visit, str(found["volunteer_id"]), record_id)
    if found["waits_for"]:
        said.append(_("别的站点不用再核对。"))
    return JSONResponse({"question": " ".join(said)})


async def _points_lost(visit: Visit, volunteer_id: str, record_id: str) -> list[str]:
    """Sentences on the points that the record earned, by points' own explanation, and on those spent since."""
    account, explained = await asyncio.gather(
        visit.get_optional("points", f"/accounts/{volunteer_id}"),
        visit.get_optional("points", f"/accounts/{volunteer_id}/explanations", limit="200"),
    )
    lines = [line for bucket in (explained or {"items": []})["items"] for line in records_of(bucket["explanation"])]
    points = next((int(line["points"]) for line in lines if line["record_id"] == record_id), 0)
    if account is None or not points:
        return [_("因此得到的积分会收回，徽章和星级重新计算。")]
    said = [_n("因此得到的 %(n)s 积分会收回，徽章和星级重新计算。", points)]
    if (missing := points - int(account["available"])) > 0:
        said.append(_n("其中 %(n)s 积分已经用掉，以后得到的积分会先补还。", missing))
    return said


def record_line(item: Mapping[str, Any]) -> dict[str, Any]:
    """One record as pages say it, with what may be done about it; the service decides."""
    closed = item["ended_at"] is not None
    waits = [word(reason, "waits_for") for reason in item["waits_for"]]
    return {
        "record_id": str(item["record_id"]),
        "volunteer_id": str(item["volunteer_id"]),
        "shift_id": item["shift_id"],
        "number": item["volunteer_number"],
        "title": item["activity_title"] or _("志愿服务"),
        "site": item["site_name"] or "",
        "time": span(item["started_at"], item["ended_at"]),
        "minutes": spell_minutes(item["minutes"]),
        "status": item["status"],
        "open": not closed,
        "provenance": word(item["provenance"], "provenance"),
        "closed_by": word(item["closed_by"], "closed_by") if item["closed_by"] else _("还没签退"),
        "waits": listed(waits),
        "far": _distance_said(item.get("distance_m")),
        "answer": _answer_said(item),
        "stayed": spell_minutes(item["stayed_minutes"]) if item["stayed_minutes"] else "",
        "may_confirm": item["status"] == "provisional" and _ends_unasserted(item) and not waits,
        "may_overtime": item["status"] == "confirmed"
        and item["stayed_minutes"] > 0
        and not waits
        and item["provenance"] not in ("backfilled", "imported"),
        "may_correct": closed and item["status"] != "void" and item["provenance"] != "imported",
        "may_restore": item["status"] == "void" and closed and item["provenance"] != "imported",
    }


def _distance_said(metres: int | None) -> str:
    """The flag of a check-in far from its site; a distance is no proof, so it flags and blocks nothing."""
    if metres is None or metres <= FAR_METRES:
        return ""
    distance = f"{metres / 1000:.1f} km" if metres >= 1000 else f"{metres} m"
    return _("签到时离站点 %(distance)s", distance=distance)


def _answer_said(item: Mapping[str, Any]) -> str:
    """The volunteer's answer about an automatic close; empty where there is none."""
    if item.get("answer") == "left":
        return _("本人说 %(time)s 走的", time=clock(parse(item["left_at"])))
    return {"stayed": _("本人说一直在"), "absent": _("本人说没有来")}.get(str(item.get("answer")), "")


def _ends_unasserted(item: Mapping[str, Any]) -> bool:
    """Whether the record's end waits for the site: closed automatically, or by the volunteer after a roll-call."""
    return (item["provenance"], item["closed_by"]) == ("leader", "self") or bool(item["closed_by"] == "auto")
