"""The ledger: its conservation now, one account's transfers, and audits in the background with their reports."""

import asyncio
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.web.pages.console.filters import FilterText
from services.web.pages.console.viewing import instant, watch
from services.web.pages.language import N_, _
from services.web.pages.render import finish, page, part
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/console/ledger", include_in_schema=False, dependencies=[public()])

RUN_STATES = {"waiting": N_("等候开始"), "running": N_("正在核对"), "done": N_("已完成"), "failed": N_("没有完成")}
CHECKS = {
    "A1": N_("余额和每一份积分等于它们的流水之和，全部账户合计为零"),
    "A2": N_("没有余额低于零，没有积分与待补还并存；冻结等于未了结的冻结"),
    "A6": N_("发放 = 可用 + 冻结 + 已用 + 到期 + 捐出 − 尚欠"),
    "A7": N_("每个站点每种奖品：可领 + 预留 + 已领 = 收到"),
}
"""Check → what it proves, in the words of the page."""


@router.get("")
async def ledger(visit: VisitOf, refused: FilterText = "") -> Response:
    """The district's points, whether they are conserved now, and the audits so far."""
    watch(visit)
    report, audits = await asyncio.gather(
        visit.ask("points", "/reports/ledger"), visit.get_optional("points", "/ledger-audits", limit="20")
    )
    kept = (
        report["available"] + report["held"] + report["spent"] + report["expired"] + report["donated"] - report["debt"]
    )
    return page(
        "console/ledger.html",
        visit.session,
        path=visit.path,
        report=report,
        kept=kept,
        audits=[_said(run) for run in (audits or {"items": []})["items"]],
        away=audits is None,
        acts="engineer" in visit.session.roles,
        finds="operator" in visit.session.roles,
        refused=bool(refused),
        instant=instant,
    )


@router.get("/account")
async def account(visit: VisitOf, who: FilterText = "") -> Response:
    """An account by id or number: operators see its statement, which recruitment notes as a look; others its events."""
    watch(visit)
    wanted = who.strip()
    try:
        volunteer_id = str(UUID(wanted))
    except ValueError:
        volunteer_id = ""
    if "operator" in visit.session.roles:
        by_number = f"/staff/volunteers?{urlencode({'number': wanted})}"
        target = f"/staff/volunteers/{volunteer_id}/why" if volunteer_id else by_number
    elif volunteer_id:
        target = f"/console/search?{urlencode({'topic': 'points', 'key': volunteer_id})}"
    else:
        target = "/console/ledger?refused=number"
    return finish(RedirectResponse(target, 303), visit.session)


@router.get("/audits/{run_id}")
async def audit_run(visit: VisitOf, run_id: str) -> Response:
    """One audit with its progress and report; the page asks again until it ends."""
    return page("console/ledger_audit.html", visit.session, path=visit.path, **await _run(visit, run_id))


@router.get("/audits/{run_id}/part")
async def audit_part(visit: VisitOf, run_id: str) -> Response:
    """The changing part of that page."""
    return part("console/parts/ledger_audit.html", visit.session, **await _run(visit, run_id))


async def _run(visit: Visit, run_id: str) -> dict[str, Any]:
    watch(visit)
    return {"run": _said(await visit.ask("points", f"/ledger-audits/{run_id}")), "instant": instant}


def _said(run: dict[str, Any]) -> dict[str, Any]:
    """A run with its state and the titles of its checks in words."""
    report = [
        check | {"said": _(CHECKS[check["code"]]) if check["code"] in CHECKS else check["title"]}
        for check in run["report"]
    ]
    return run | {"said": _(RUN_STATES[run["state"]]), "report": report}
