"""The volunteer's own pages, one for each tab, and the parts that the script swaps in."""

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


FEW = 3
"""Shifts of each kind on the first page; the page of services has them all."""


async def _summary(visit: Visit, few: bool) -> dict[str, Any]:
    return {"account": await visit.get_optional("points", f"/accounts/{visit.volunteer()}")}


async def _duties(visit: Visit, few: bool) -> dict[str, Any]:
    return await duties.own(visit, FEW if few else duties.SHOWN)


async def _shifts(visit: Visit, few: bool) -> dict[str, Any]:
    return await duties.open_shifts(visit, FEW if few else duties.SHOWN)


async def _badges(visit: Visit, few: bool) -> dict[str, Any]:
    return await badges.own(visit)


async def _rewards(visit: Visit, few: bool) -> dict[str, Any]:
    return await rewards.rewards(visit)


async def _inbox(visit: Visit, few: bool) -> dict[str, Any]:
    return await messages.own(visit)


_PARTS: Mapping[str, Callable[[Visit, bool], Awaitable[dict[str, Any]]]] = {
    "summary": _summary,
    "duties": _duties,
    "badges": _badges,
    "shifts": _shifts,
    "rewards": _rewards,
    "inbox": _inbox,
}


@router.get("/me")
async def today(visit: VisitOf, welcome: str | None = None) -> Response:
    """The next shifts, shifts to join and the balance; residents who do not serve have their orders."""
    if visit.session.volunteer_id is None and "resident" in visit.session.roles:
        return RedirectResponse("/orders", 303)
    volunteer, parts, consent = await asyncio.gather(
        _volunteer(visit),
        _parts(visit, "summary", "duties", "shifts", few=True),
        visit.get_optional("recruitment", "/volunteers/me/consent"),
    )
    context = {"volunteer": volunteer, "parts": parts, "welcome": welcome is not None, "consent": consent}
    return page("volunteer/today.html", visit.session, path=visit.path, **context)


@router.get("/me/service")
async def service(visit: VisitOf) -> Response:
    """Own shifts and all that can be joined."""
    parts = await _parts(visit, "duties", "shifts")
    return page("volunteer/service.html", visit.session, path=visit.path, parts=parts)


@router.get("/me/points")
async def points(visit: VisitOf) -> Response:
    """The balance, and what it can be redeemed for."""
    parts = await _parts(visit, "summary", "rewards")
    return page("volunteer/points.html", visit.session, path=visit.path, parts=parts)


@router.get("/me/inbox")
async def inbox(visit: VisitOf) -> Response:
    """The latest messages of a volunteer, or of a resident who does not serve."""
    parts = await _parts(visit, "inbox")
    return page("volunteer/inbox.html", visit.session, path=visit.path, parts=parts)


@router.get("/me/profile")
async def profile(visit: VisitOf) -> Response:
    """Name, number, badges, and the way to the account."""
    volunteer, parts = await asyncio.gather(_volunteer(visit), _parts(visit, "badges"))
    return page("volunteer/profile.html", visit.session, path=visit.path, volunteer=volunteer, parts=parts)


@router.get("/me/parts/{name}")
async def me_part(visit: VisitOf, name: str, few: str | None = None) -> Response:
    """One part alone, for the script to swap in."""
    gather = _PARTS.get(name)
    if gather is None:
        raise UpstreamProblem("not-found", "There is no such part.", status=404)
    _require(visit, name)
    return part(f"volunteer/parts/{name}.html", visit.session, **await gather(visit, few is not None))


def _require(visit: Visit, *names: str) -> None:
    """Require a volunteer for these parts; messages alone are a resident's too.

    Raises:
        LoginNeeded: the visitor is a stranger.
        Problem: they are known, and neither.
    """
    if names == ("inbox",) and "resident" in visit.session.roles:
        return
    visit.volunteer()


async def _volunteer(visit: Visit) -> Any:
    visit.volunteer()
    return await visit.ask("recruitment", "/volunteers/me")


async def _parts(visit: Visit, *names: str, few: bool = False) -> dict[str, Markup]:
    """Parts of a page by name; a service that is away leaves its part empty, not the page."""
    _require(visit, *names)
    contexts = await asyncio.gather(*(_PARTS[name](visit, few) for name in names))
    return {
        name: Markup(fragment(f"volunteer/parts/{name}.html", visit.session, **context))  # noqa: S704 - escaped when rendered
        for name, context in zip(names, contexts, strict=True)
    }


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
    """Show the parts of the balance, when they expire, and the balance on a past day."""
    context = await explanation.balance(visit, explanation.mine(visit), cursor, on)
    return page("volunteer/balance.html", visit.session, path=visit.path, **context)


@router.get("/me/hours")
async def my_hours(visit: VisitOf, cursor: str | None = None) -> Response:
    """Every service record, its points, and why some have none."""
    context = await explanation.hours(visit, explanation.mine(visit), cursor)
    return page("volunteer/hours.html", visit.session, path=visit.path, **context)
