"""The operators' pages of rules: versions, drafts, and what a draft would change."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import yaml
from fastapi import APIRouter, Response

from services.web.pages.language import _
from services.web.pages.operator.activations import section
from services.web.pages.public.district import district_now
from services.web.pages.render import fragment, page, part, part_state
from services.web.pages.staff.people import numbering_of
from services.web.pages.visit import Visit, VisitOf, centre_only
from shared.auth.access import public
from shared.clock import district_day

__all__ = ["router"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

SHOWN = "10"
"""Winners and losers on the page; everybody is in the download."""
BUDGET_PAGES = 10
"""Pages of 200 lines of the budget that the page sums up; beyond them it says that the download has more."""


@router.get("/rules")
async def rules_admin(visit: VisitOf) -> Response:
    """All versions, the newest first, and a form for a draft."""
    centre_only(visit)
    rules, rehearsals, now = await asyncio.gather(
        visit.ask("points", "/rules"), visit.ask("points", "/rehearsals", limit="20"), district_now(visit)
    )
    items = sorted(rules["items"], key=lambda rule: int(rule["version"]), reverse=True)
    active = [rule for rule in items if rule["status"] == "active"]
    following = (now.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    example = _example(active[0]["document"], following) if active else ""
    return page(
        "operator/rules.html",
        visit.session,
        path=visit.path,
        rules=items,
        names={rule["version"]: rule["name"] for rule in items},
        rehearsals=rehearsals["items"],
        example=example,
    )


@router.get("/rules/{version}")
async def rule(visit: VisitOf, version: str) -> Response:
    """One version, with its rehearsals."""
    centre_only(visit)
    found, rehearsals, activation, now = await asyncio.gather(
        visit.ask("points", f"/rules/{version}"),
        visit.ask("points", "/rehearsals", version=version, limit="20"),
        section(visit, version),
        district_now(visit),
    )
    return page(
        "operator/rule.html",
        visit.session,
        path=visit.path,
        rule=found,
        text=_text(found["document"]),
        rehearsals=rehearsals["items"],
        names={found["version"]: found["name"]},
        coming=found["status"] == "draft" and date.fromisoformat(found["effective_from"]) > district_day(now),
        as_if_from=_new_year(now),
        **activation,
    )


@router.get("/rehearsals/{rehearsal_id}")
async def rehearsal(visit: VisitOf, rehearsal_id: str) -> Response:
    """How far a rehearsal is, and its result once it is done."""
    centre_only(visit)
    context = await _rehearsal(visit, rehearsal_id)
    found = context["rehearsal"]
    rule, now = await asyncio.gather(visit.ask("points", f"/rules/{found['version']}"), district_now(visit))
    state = part_state(fragment("operator/parts/rehearsal.html", visit.session, **context))
    activation = await section(visit, str(found["version"]), found)
    context |= {"rule": rule, "state": state, "as_if_from": _new_year(now), **activation}
    return page("operator/rehearsal.html", visit.session, path=visit.path, **context)


@router.get("/rehearsals/{rehearsal_id}/part")
async def rehearsal_part(visit: VisitOf, rehearsal_id: str) -> Response:
    """The same without the page around it, while it runs."""
    centre_only(visit)
    return part("operator/parts/rehearsal.html", visit.session, **await _rehearsal(visit, rehearsal_id))


async def _rehearsal(visit: Visit, rehearsal_id: str) -> dict[str, Any]:
    found = await visit.ask("points", f"/rehearsals/{rehearsal_id}")
    if found["status"] != "done":
        return {"rehearsal": found}
    winners, losers, budget, sites = await asyncio.gather(
        _differences(visit, found, "gain"),
        _differences(visit, found, "loss"),
        _budget(visit, rehearsal_id),
        visit.site_names(),
    )
    lines, whole = budget
    for line in lines:
        line["site_name"] = sites.get(line["site_id"], _("其他站点")) if line["site_id"] else _("没有站点")
    return {
        "rehearsal": found,
        "winners": [one for one in winners if one["difference"] > 0],
        "losers": [one for one in losers if one["difference"] < 0],
        "number_of": await numbering_of(visit, (one["volunteer_id"] for one in (*winners, *losers))),
        "lines": [(f"{line['month'][:7]} · {line['site_name']}", line) for line in lines],
        "whole": whole,
        "by_month": [(line["month"][:7], line) for line in _sums(lines, "month")],
        "by_site": [(line["site_name"], line) for line in sorted(_sums(lines, "site_name"), key=_size)],
    }


async def _differences(visit: Visit, rehearsal: Mapping[str, Any], order: str) -> list[dict[str, Any]]:
    """The volunteers whose points change most; none once that is deleted."""
    if rehearsal["forgotten_at"] is not None:
        return []
    found = await visit.ask("points", f"/rehearsals/{rehearsal['rehearsal_id']}/volunteers", order=order, limit=SHOWN)
    items: list[dict[str, Any]] = found["items"]
    return items


async def _budget(visit: Visit, rehearsal_id: str) -> tuple[list[dict[str, Any]], bool]:
    """The budget's lines, and whether these are all."""
    lines: list[dict[str, Any]] = []
    query = {"limit": "200"}
    for _page in range(BUDGET_PAGES):
        found = await visit.ask("points", f"/rehearsals/{rehearsal_id}/budget", **query)
        lines += found["items"]
        if found["next_cursor"] is None:
            return lines, True
        query["cursor"] = found["next_cursor"]
    return lines, False


def _sums(lines: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """The lines summed by one of their members, in the order in which each value first comes."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        total = found.setdefault(line[name], {name: line[name], "before": 0, "after": 0, "difference": 0})
        for figure in ("before", "after", "difference"):
            total[figure] += line[figure]
    return list(found.values())


def _size(line: Mapping[str, Any]) -> int:
    """Sorts lines by their difference, the largest first."""
    return -abs(int(line["difference"]))


def _new_year(now: datetime) -> str:
    """The first day of the year, which the form for an assumed date begins with."""
    return district_day(now).replace(month=1, day=1).isoformat()


def _text(document: Mapping[str, Any]) -> str:
    """A rule's document as YAML, without what it leaves open."""
    return str(yaml.safe_dump(_said(document), allow_unicode=True, sort_keys=False, width=100))


def _said(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _said(item) for name, item in value.items() if item not in (None, [], {})}
    return [_said(item) for item in value] if isinstance(value, list) else value


def _example(document: Mapping[str, Any], begins: date) -> str:
    """The rule in force as a draft to begin with: another name, from the first of next month on."""
    said = {name: item for name, item in document.items() if name != "version"}
    return _text({**said, "name": _("%(name)s（草案）", name=document["name"]), "effective_from": begins.isoformat()})
