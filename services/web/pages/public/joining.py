"""Joining a team on its page: what the visitor is to it, and its members for those who run it."""

import asyncio
from typing import Any

from services.web.pages.language import current
from services.web.pages.visit import Visit

__all__ = ["joining_of", "needs_of"]

LIVE = ("requested", "active")


async def needs_of(visit: Visit) -> dict[str, str]:
    """Names of the open need tags by id, in the language of the page."""
    found = await visit.get_optional("recruitment", "/tags")
    spoken = "en" if current() == "en" else "zh"
    return {one["tag_id"]: one[spoken] for one in (found or {"items": []})["items"] if one["closed_at"] is None}


async def joining_of(visit: Visit, team_id: str) -> dict[str, Any]:
    """The card of a team, the visitor's own membership, and members, requests and terms where they may be seen."""
    card, needs, own, members, terms = await asyncio.gather(
        visit.get_optional("recruitment", f"/teams/{team_id}"),
        needs_of(visit),
        _own(visit, team_id),
        _run(visit, f"/teams/{team_id}/members", limit="200"),
        _run(visit, f"/teams/{team_id}/terms"),
    )
    listed = members["items"] if members else []
    return {
        "card": card,
        "needs": [needs[tag] for tag in (card or {"tag_ids": []})["tag_ids"] if tag in needs],
        "own": own,
        "may_join": visit.session.volunteer_id is not None
        and own is None
        and card is not None
        and not card["closed_at"],
        "runs": members is not None,
        "appoints": members is not None and bool(visit.session.roles & {"station", "operator"}),
        "asking": [one for one in listed if one["status"] == "requested"],
        "members": [one for one in listed if one["status"] == "active"],
        "terms": terms["items"] if terms else [],
    }


async def _own(visit: Visit, team_id: str) -> dict[str, Any] | None:
    """The visitor's live membership of the team, or None."""
    if visit.session.volunteer_id is None:
        return None
    found = await visit.get_optional("recruitment", "/memberships", limit="200")
    lives = (one for one in (found or {"items": []})["items"] if one["status"] in LIVE)
    return next((one for one in lives if one["team_id"] == team_id), None)


async def _run(visit: Visit, path: str, **query: str) -> Any | None:
    """A list that only those who run the team are shown; None for others."""
    if not visit.session.roles & {"leader", "station", "operator"}:
        return None
    return await visit.get_optional("recruitment", path, **query)
