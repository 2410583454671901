"""The staff's pages of rewards: the catalogue, the stock of their sites, and what became of every redemption."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Response

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import N_, _, listed
from services.web.pages.render import page, part
from services.web.pages.staff.people import colleagues_of
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer.rewards import limits_said, tail, window_said
from services.web.pages.wording import day, parse
from shared.auth.access import public

__all__ = ["changes_said", "require_staff", "router", "shelves_of"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

STATES = ("held", "captured", "released", "refunded")
_FIELDS: Mapping[str, str] = {
    "name": N_("名称"),
    "description": N_("说明"),
    "price": N_("积分"),
    "per_quarter_limit": N_("每季度限"),
    "per_person_limit": N_("每人限"),
    "available_from": N_("开始"),
    "available_until": N_("结束"),
    "hold_days": N_("领取天数"),
}


@router.get("/rewards")
async def rewards(visit: VisitOf, cursor: str | None = None) -> Response:
    """The catalogue with what lies at the caller's sites."""
    require_staff(visit)
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("points", "/catalogue", all="true", limit="50", **query)
    lines = [
        {
            **reward,
            "limits": limits_said(reward),
            "time": window_said(reward),
            "free": sum(shelf["free"] for shelf in reward["stock"] if visit.session.owns(shelf["site_id"])),
        }
        for reward in found["items"]
    ]
    return page("staff/rewards.html", visit.session, path=visit.path, rewards=lines, next_cursor=found["next_cursor"])


@router.get("/rewards/{reward_id}")
async def reward(visit: VisitOf, reward_id: str) -> Response:
    """One reward: what it is, where it lies, and all that can be done with it."""
    require_staff(visit)
    found, stock, sites, who = await asyncio.gather(
        visit.ask("points", f"/catalogue/{reward_id}"),
        _stock(visit, reward_id),
        visit.site_names(),
        colleagues_of(visit),
    )
    own = [(site_id, name) for site_id, name in sites.items() if visit.session.owns(site_id)]
    return page(
        "staff/reward.html",
        visit.session,
        path=visit.path,
        reward=found,
        limits=limits_said(found),
        time=window_said(found),
        changes=[changes_said(change, who) for change in found["changes"]],
        own_sites=sorted(own, key=lambda site: site[1]),
        **stock,
    )


@router.get("/rewards/{reward_id}/parts/stock")
async def stock_part(visit: VisitOf, reward_id: str) -> Response:
    """The stock alone, after something was booked."""
    require_staff(visit)
    return part("staff/parts/stock.html", visit.session, **await _stock(visit, reward_id))


@router.get("/redemptions")
async def redemptions(visit: VisitOf, status: str = "captured", cursor: str | None = None) -> Response:
    """Redemptions of the caller's sites by state, to release or refund."""
    require_staff(visit)
    chosen = status if status in STATES else STATES[0]
    query = {"cursor": cursor} if cursor else {}
    found, sites = await asyncio.gather(
        visit.ask("points", "/redemptions", status=chosen, limit="30", **query), visit.site_names()
    )
    lines = [
        {**one, "tail": tail(one["redemption_id"]), "site_name": sites.get(one["site_id"], "")}
        for one in found["items"]
    ]
    return page(
        "staff/redemptions.html",
        visit.session,
        path=visit.path,
        redemptions=lines,
        chosen=chosen,
        states=STATES,
        next_cursor=found["next_cursor"],
    )


async def _stock(visit: Visit, reward_id: str) -> dict[str, Any]:
    shelves, reward, sites, who = await asyncio.gather(
        visit.ask("points", f"/rewards/{reward_id}/stock"),
        visit.ask("points", f"/catalogue/{reward_id}"),
        visit.site_names(),
        colleagues_of(visit),
    )
    shelf_rows = shelves_of(shelves, reward, sites)
    histories = await asyncio.gather(
        *(
            visit.get_optional("points", f"/rewards/{reward_id}/stock/{shelf['site_id']}/history", limit="10")
            for shelf in shelf_rows
        )
    )
    for shelf, history in zip(shelf_rows, histories, strict=True):
        shelf["history"] = [{**one, "by_said": who(one["by"])} for one in (history or {"items": []})["items"]]
    return {"shelves": shelf_rows}


def shelves_of(shelves: list[Any], reward: Mapping[str, Any], sites: Mapping[str, str]) -> list[dict[str, Any]]:
    """The shelves by name of their site, each with how long a hold waits there."""
    days = reward["hold_days_by_site"]
    shelf_rows = [
        {
            **shelf,
            "site_name": sites.get(shelf["site_id"], _("站点")),
            "on_shelf": shelf["free"] + shelf["reserved"],
            "hold_days": days.get(shelf["site_id"], reward["hold_days"]),
        }
        for shelf in shelves
    ]
    return sorted(shelf_rows, key=lambda shelf: str(shelf["site_name"]))


def changes_said(change: Mapping[str, Any], who: Callable[[object], str]) -> dict[str, Any]:
    """积分 10 → 25，领取天数 30 → 7: a change of a line, in one sentence."""
    before, after = change["before"], change["after"]
    said = [f"{_field(name)} {_value(name, before.get(name))} → {_value(name, after[name])}" for name in after]
    return {"said": listed(said), "at": change["changed_at"], "by": who(change["changed_by"])}


def _field(name: str) -> str:
    return _(_FIELDS[name]) if name in _FIELDS else name


def _value(name: str, value: Any) -> str:
    if value is None:
        return _("不限")
    if name in ("available_from", "available_until"):
        return f"{day(value, year=True)} {parse(value):%H:%M}"
    return f"“{value}”" if name in ("name", "description") else str(value)


def require_staff(visit: Visit) -> None:
    """Rewards are the affair of stations and the centre; leaders and engineers have none.

    Raises:
        LoginNeeded: the visitor is a stranger.
        Problem: they are known, and neither.
    """
    visit.staff()
    if not visit.session.roles & {"station", "operator"}:
        raise UpstreamProblem("role-not-allowed", "This page is for stations and the centre.", status=403)
