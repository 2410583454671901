"""The operators' pages of files of the registry: proposals, their batches, and the second person's decision."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.language import N_, _
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf, operators_only
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff/imports", include_in_schema=False, dependencies=[public()])

STATES: Mapping[str, str] = {
    "proposed": N_("等候批准"),
    "approved": N_("已批准"),
    "rejected": N_("未批准"),
    "withdrawn": N_("已收回"),
    "lapsed": N_("过期没有批准"),
    "completed": N_("已全部导入"),
}
TONES: Mapping[str, str] = {"proposed": "wait", "approved": "good", "rejected": "bad", "completed": "good"}


@router.get("")
async def imports(visit: VisitOf, state: str = "proposed", cursor: str | None = None) -> Response:
    """Proposed files, those that wait for a decision first."""
    operators_only(visit)
    chosen = state if state in STATES else "all"
    query = {"cursor": cursor} if cursor else {}
    if chosen != "all":
        query["state"] = chosen
    found = await visit.ask("recruitment", "/imports", limit="30", **query)
    tabs = [*((name, _(said)) for name, said in STATES.items()), ("all", _("全部"))]
    return page(
        "operator/imports.html",
        visit.session,
        path=visit.path,
        files=[_line(one) for one in found["items"]],
        tabs=[(f"/staff/imports?state={name}", said, name == chosen) for name, said in tabs],
        chosen=chosen,
        next_cursor=found["next_cursor"],
    )


@router.get("/{proposal_id}")
async def one_import(visit: VisitOf, proposal_id: str) -> Response:
    """One file: its batches, which of them are imported, and the decision."""
    operators_only(visit)
    found = await visit.ask("recruitment", f"/imports/{proposal_id}")
    return page("operator/import.html", visit.session, path=visit.path, file=_line(found), own=_own(visit, found))


def _own(visit: Visit, proposal: Mapping[str, Any]) -> bool:
    return bool(proposal["proposed_by"] == visit.session.claims.get("sub"))


def _line(proposal: Mapping[str, Any]) -> dict[str, Any]:
    """A proposal as the pages show it; none of its rows is shown."""
    state, batches = proposal["state"], proposal["batches"]
    return {
        **proposal,
        "state_said": _(STATES[state]) if state in STATES else state,
        "tone": TONES.get(state, ""),
        "arrived": sum(bool(batch["arrived"]) for batch in batches),
    }
