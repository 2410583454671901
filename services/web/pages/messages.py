"""Messages: the volunteer's part of ``/me`` and the staff's page."""

from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.language import current
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public

__all__ = ["own", "router"]

router = APIRouter(prefix="/staff/messages", include_in_schema=False, dependencies=[public()])

MESSAGES = 10
ON_A_PAGE = 30


async def own(visit: Visit, most: int = MESSAGES) -> dict[str, Any]:
    """The visitor's latest messages as a part of a page; None when they are not available."""
    found = await visit.get_optional("notify", "/inbox", limit=str(most), language=current())
    return {"inbox": None if found is None else {"messages": found["items"], "unread": found["unread"]}}


@router.get("")
async def staff_messages(visit: VisitOf, cursor: str | None = None) -> Response:
    """All messages of a member of staff, newest first."""
    if not visit.session.account:
        visit.staff()
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("notify", "/inbox", limit=str(ON_A_PAGE), language=current(), **query)
    inbox = {"messages": found["items"], "unread": found["unread"]}
    return page("staff/messages.html", visit.session, path=visit.path, inbox=inbox, next_cursor=found["next_cursor"])
