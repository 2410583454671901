"""The operators' pages of activations: a rehearsed draft into force, and out again, by two of them each time."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.language import _, _n
from services.web.pages.render import fragment, page, part, part_state
from services.web.pages.staff.people import colleagues_of, number_said, numbering_of, numbers_of
from services.web.pages.visit import Visit, VisitOf, centre_only
from shared.auth.access import public

__all__ = ["problem_said", "router", "section"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

PAGES = 5
"""Pages of 200 activations that are searched for one version's; there is one for each change of the rules."""


@router.get("/rules/{version}/activation")
async def of_rule(visit: VisitOf, version: str) -> Response:
    """The section of a rule's page, while volunteers are moved."""
    centre_only(visit)
    return part("operator/parts/activation.html", visit.session, **await _context(visit, version, None))


@router.get("/rehearsals/{rehearsal_id}/activation")
async def of_rehearsal(visit: VisitOf, rehearsal_id: str) -> Response:
    """The section of a rehearsal's page."""
    centre_only(visit)
    found = await visit.ask("points", f"/rehearsals/{rehearsal_id}")
    return part("operator/parts/activation.html", visit.session, **await _context(visit, str(found["version"]), found))


@router.get("/activations/{activation_id}/late")
async def late(visit: VisitOf, activation_id: str, cursor: str | None = None) -> Response:
    """Volunteers of whom something came after the rehearsal, so that they may differ from what it said."""
    centre_only(visit)
    query = {"cursor": cursor} if cursor else {}
    activation = await visit.ask("points", f"/activations/{activation_id}")
    found = await visit.ask("points", f"/activations/{activation_id}/moves", late="true", limit="50", **query)
    return page(
        "operator/late.html",
        visit.session,
        path=visit.path,
        activation=activation,
        moves=found["items"],
        number_of=await numbering_of(visit, (one["volunteer_id"] for one in found["items"])),
        next_cursor=found["next_cursor"],
    )


async def section(visit: Visit, version: str, rehearsal: Any | None = None) -> dict[str, Any]:
    """Context of `operator/parts/activation.html` on the page of a rule, or of one of its rehearsals."""
    context = await _context(visit, version, rehearsal)
    html = fragment("operator/parts/activation.html", visit.session, **context)
    where = f"rules/{version}" if rehearsal is None else f"rehearsals/{rehearsal['rehearsal_id']}"
    return {**context, "activation_address": f"/staff/{where}/activation", "activation_state": part_state(html)}


def problem_said(reason: Mapping[str, Any], numbers: Mapping[str, str]) -> str:
    """Why the move stopped, by the code of the reason; what is none of the known ones is an error of the system."""
    if reason["code"] == "unforeseen":
        return _n(
            "志愿者 %(number)s 按新规则会变动 %(n)s 积分，试算时是 %(predicted)s 积分，而试算之后没有"
            "这位志愿者的新记录。"
            "请工程师查明原因，再继续；或者撤销这次启用。",
            reason["actual"],
            number=number_said(numbers, reason["volunteer_id"]),
            predicted=reason["predicted"],
        )
    return _("系统出了错，请把下面的原因告诉工程师，处理好再继续。")


async def _context(visit: Visit, version: str, rehearsal: Any | None) -> dict[str, Any]:
    rule = await visit.ask("points", f"/rules/{version}")
    found = await _latest(visit, int(rule["version"]))
    if found is not None:
        found = await visit.ask("points", f"/activations/{found['activation_id']}")
        reason = found["stop_reason"]
        found["problem_said"] = (
            problem_said(reason, await numbers_of(visit, [reason["volunteer_id"]])) if reason else ""
        )
        found["moved"] = found["volunteers_moved"] / found["volunteers_total"] if found["volunteers_total"] else None
    return {
        "rule_status": rule["status"],
        "version": rule["version"],
        "activation": found,
        "here": rehearsal,
        "done": await _done(visit, version, rehearsal) if rule["status"] == "draft" else [],
        "me": str(visit.session.claims.get("sub", "")),
        "who": await colleagues_of(visit),
    }


async def _done(visit: Visit, version: str, rehearsal: Any | None) -> Sequence[Any]:
    """The rehearsals on which a proposal may rest; on a rehearsal's own page only that one."""
    if rehearsal is not None:
        return [rehearsal] if rehearsal["status"] == "done" and not rehearsal["as_if_from"] else []
    found = await visit.ask("points", "/rehearsals", version=version, limit="20")
    return [one for one in found["items"] if one["status"] == "done" and not one["as_if_from"]]


async def _latest(visit: Visit, version: int) -> Any | None:
    query = {"limit": "200"}
    for _page in range(PAGES):
        found = await visit.ask("points", "/activations", **query)
        for activation in found["items"]:
            if activation["version"] == version:
                return activation
        if found["next_cursor"] is None:
            return None
        query["cursor"] = found["next_cursor"]
    return None
