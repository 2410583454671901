"""Rewards and the volunteer's redemptions, as the page shows them."""

import asyncio
from typing import Any

from services.web.pages.render import qr
from services.web.pages.visit import Visit

__all__ = ["pickup_address", "rewards", "tail"]


def tail(redemption_id: str) -> str:
    """The last six characters, by which a person and the staff at the counter find the same redemption."""
    return redemption_id[-6:].upper()


def pickup_address(visit: Visit, redemption_id: str, code: str) -> str:
    """What the pickup QR holds: the staff's page to hand the item over."""
    return f"{visit.web.settings.public_url.rstrip('/')}/staff/pickup/{redemption_id}?c={code}"


async def rewards(visit: Visit) -> dict[str, Any]:
    """The catalogue with what is left where, and one's own redemptions, the held ones with their pickup codes."""
    catalogue, redemptions, account, sites = await asyncio.gather(
        visit.ask_if_there("points", "/rewards"),
        visit.ask_if_there("points", "/redemptions"),
        visit.ask_if_there("points", f"/accounts/{visit.volunteer()}"),
        visit.site_names(),
    )
    if catalogue is None or redemptions is None:
        return {"rewards": None}
    held, past = [], []
    for redemption in redemptions["items"]:
        if redemption["status"] == "held" and redemption.get("pickup_code"):
            code = redemption["pickup_code"]
            address = pickup_address(visit, redemption["redemption_id"], code)
            held.append(
                {
                    **redemption,
                    "site_name": sites.get(redemption["site_id"], "所选站点"),
                    "tail": tail(redemption["redemption_id"]),
                    "spaced": f"{code[:4]} {code[4:]}",
                    "qr": qr(address, label=f"领取码 {code}"),
                }
            )
        else:
            past.append(redemption)
    return {
        "rewards": [_reward(reward, sites) for reward in catalogue["items"]],
        "held_redemptions": held,
        "past_redemptions": past,
        "available": account["available"] if account else 0,
    }


def _reward(reward: Any, sites: dict[str, str]) -> dict[str, Any]:
    shelves = [
        {"site_id": shelf["site_id"], "site_name": sites.get(shelf["site_id"], "站点"), "free": shelf["free"]}
        for shelf in reward.get("stock", [])
        if shelf["free"] > 0
    ]
    return {**reward, "shelves": sorted(shelves, key=lambda shelf: str(shelf["site_name"]))}
