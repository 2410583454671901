"""The volunteer's page: balance with its reasons, stars, shifts, rewards, messages. Each part also comes alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages import messages
from services.web.pages.render import fragment, page, part
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer import badges, duties, explanation, rewards
from services.web.pages.volunteer.ledger_report import ledger_report
from shared.auth.access import public

__all__ = ["router"]

# Who is let in is decided by the services, with the visitor's own token.
router = APIRouter(include_in_schema=False, dependencies=[public()])


async def _summary(visit: Visit) -> dict[str, Any]:
    return {"account": await visit.get_optional("points", f"/accounts/{visit.volunteer()}")}


_PARTS: Mapping[str, Callable[[Visit], Awaitable[dict[str, Any]]]] = {
    "summary": _summary,
    "duties": duties.own,
    "badges": badges.own,
    "shifts": duties.open_shifts,
    "rewards": rewards.rewards,
    "inbox": messages.own,
}


@router.get("/me")
async def me(visit: VisitOf, welcome: str | None = None) -> Response:
    """Everything a volunteer needs, on one page; a service that is away leaves its part empty, not the page."""
    visit.volunteer()
    volunteer, *contexts = await asyncio.gather(
        visit.ask("recruitment", "/volunteers/me"), *(gather(visit) for gather in _PARTS.values())
    )
    parts = {
        name: Markup(fragment(f"volunteer/parts/{name}.html", visit.session, **context))  # noqa: S704 - escaped when rendered
        for name, context in zip(_PARTS, contexts, strict=True)
    }
    return page(
        "volunteer/me.html",
        visit.session,
        path=visit.path,
        volunteer=volunteer,
        parts=parts,
        welcome=welcome is not None,
    )


@router.get("/me/parts/{name}")
async def me_part(visit: VisitOf, name: str) -> Response:
    """One part alone, for the script to swap in."""
    gather = _PARTS.get(name)
    if gather is None:
        raise UpstreamProblem("not-found", "There is no such part.", status=404)
    visit.volunteer()
    return part(f"volunteer/parts/{name}.html", visit.session, **await gather(visit))


@router.get("/me/why")
async def my_points(visit: VisitOf, cursor: str | None = None) -> Response:
    """Every movement of points, and explanation."""
    context = await explanation.statement(visit, explanation.mine(visit), cursor)
    return page("volunteer/explanation.html", visit.session, path=visit.path, **context)


@router.get("/me/statement.csv")
async def my_statement(visit: VisitOf) -> Response:
    """Every movement of points, as a sheet to keep."""
    return await ledger_report(visit, explanation.mine(visit))


@router.get("/me/balance")
async def my_balance(visit: VisitOf, cursor: str | None = None, on: str | None = None) -> Response:
    """What the balance consists of, when it ends, and what it was on a past day."""
    context = await explanation.balance(visit, explanation.mine(visit), cursor, on)
    return page("volunteer/balance.html", visit.session, path=visit.path, **context)


@router.get("/me/hours")
async def my_hours(visit: VisitOf, cursor: str | None = None) -> Response:
    """Every service record, what it came to, and why some come to nothing."""
    context = await explanation.hours(visit, explanation.mine(visit), cursor)
    return page("volunteer/hours.html", visit.session, path=visit.path, **context)


@router.get("/me/inbox")
async def my_inbox() -> Response:
    """Where messages point to."""
    return RedirectResponse("/me#inbox", 303)
