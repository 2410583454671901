"""Rewards and the volunteer's redemptions, as the page shows them."""

import asyncio
from typing import Any

from services.web.pages.language import N_, _, _n
from services.web.pages.refusals import say
from services.web.pages.render import qr
from services.web.pages.visit import Visit
from services.web.pages.wording import day, last_day_before

__all__ = ["limits_said", "pickup_address", "rewards", "tail", "window_said"]

SHOWN = 60
"""Rewards on the volunteer's page."""


def tail(redemption_id: str) -> str:
    """The last six characters, by which a person and the staff at the counter find the same redemption."""
    return redemption_id[-6:].upper()


def pickup_address(visit: Visit, redemption_id: str, code: str) -> str:
    """The address in the pickup QR: the staff's page to hand the item over."""
    return f"{visit.web.settings.public_url.rstrip('/')}/staff/pickup/{redemption_id}?c={code}"


async def rewards(visit: Visit) -> dict[str, Any]:
    """The catalogue with what is left where, and one's own redemptions, the held ones with their pickup codes."""
    catalogue, holds, redemptions, account, sites = await asyncio.gather(
        visit.get_optional("points", "/catalogue", limit=str(SHOWN)),
        visit.get_optional("points", "/redemptions", status="held"),
        visit.get_optional("points", "/redemptions"),
        visit.get_optional("points", f"/accounts/{visit.volunteer()}"),
        visit.site_names(),
    )
    if catalogue is None or redemptions is None or holds is None:
        return {"rewards": None}
    available = account["available"] if account else 0
    return {
        "rewards": [_reward(reward, sites, available) for reward in catalogue["items"]],
        "held_redemptions": [_held(visit, one, sites) for one in holds["items"] if one.get("pickup_code")],
        "past_redemptions": [one for one in redemptions["items"] if one["status"] != "held"],
        "available": available,
    }


def _held(visit: Visit, redemption: Any, sites: dict[str, str]) -> dict[str, Any]:
    code = redemption["pickup_code"]
    address = pickup_address(visit, redemption["redemption_id"], code)
    return {
        **redemption,
        "site_name": sites.get(redemption["site_id"], _("所选站点")),
        "tail": tail(redemption["redemption_id"]),
        "spaced": f"{code[:4]} {code[4:]}",
        "qr": qr(address, label=_("领取码 %(code)s", code=code)),
    }


def _reward(reward: Any, sites: dict[str, str], available: int) -> dict[str, Any]:
    shelves = [
        {"site_id": shelf["site_id"], "site_name": sites.get(shelf["site_id"], _("站点")), "free": shelf["free"]}
        for shelf in reward.get("stock", [])
        if shelf["free"] > 0
    ]
    own = reward.get("own") or {}
    refused = own.get("refused")
    return {
        **reward,
        "shelves": sorted(shelves, key=lambda shelf: str(shelf["site_name"])),
        "limits": limits_said(reward),
        "time": window_said(reward),
        "refused": _refused(reward, refused, own.get("detail") or "", available) if refused else "",
    }


def _refused(reward: Any, slug: str, detail: str, available: int) -> str:
    if slug == "insufficient-points":
        return _n("还差 %(n)s 积分", reward["price"] - available)
    if slug == "reward-not-available" and reward["window"] == "soon":
        return _("%(day)s起可以兑换", day=day(reward["available_from"]))
    return _("暂时没有库存") if slug == "reward-sold-out" else say(slug, detail)


_LIMITS = (
    ("per_quarter_limit", N_("每季度限 %(n)s 次"), "in_quarter"),
    ("per_person_limit", N_("每人限 %(n)s 次"), "ever"),
)


def limits_said(reward: Any) -> str:
    """每季度限 1 次（您已兑换 1 次），每人限 2 次; empty where there is no limit."""
    own = reward.get("own")
    said = []
    for name, words, taken in _LIMITS:
        if reward.get(name):
            limit = _n(words, reward[name])
            mine = own[taken] if own else 0
            said.append(_("%(limit)s（您已兑换 %(mine)s 次）", limit=limit, mine=mine) if mine else limit)
    return _("，").join(said)


def window_said(reward: Any) -> str:
    """3月1日（周日）到 3月31日（周二）可兑换; empty where it always can."""
    begins, ends = reward.get("available_from"), reward.get("available_until")
    first = day(begins) if begins else ""
    last = last_day_before(ends) if ends else ""
    if first and last:
        return _("%(first)s到%(last)s可兑换", first=first, last=last)
    if first:
        return _("%(day)s起可兑换", day=first)
    return _("%(day)s前（含当天）可兑换", day=last) if last else ""
