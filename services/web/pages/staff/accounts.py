"""A volunteer's account for staff: the same pages and words as the volunteer's own."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import _
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer import explanation
from services.web.pages.volunteer.ledger_report import ledger_report
from shared.auth.access import public

__all__ = ["numbered", "router", "whose"]

router = APIRouter(prefix="/staff/volunteers", include_in_schema=False, dependencies=[public()])


@router.get("")
async def find(visit: VisitOf, number: str = "") -> Response:
    """Find a volunteer of the caller's sites by number, ours or that of the registry they came from."""
    require_staff(visit)
    wanted = number.strip()[:200]
    if wanted:
        found = await numbered(visit, wanted)
        if found:
            return RedirectResponse(f"/staff/volunteers/{found[0]['volunteer_id']}/why", 303)
    return page("staff/volunteers.html", visit.session, path=visit.path, number=wanted)


@router.get("/{volunteer_id}/why")
async def movements(visit: VisitOf, volunteer_id: str, cursor: str | None = None) -> Response:
    """Every movement of the volunteer's points, and explanation."""
    context = await explanation.statement(visit, await whose(visit, volunteer_id), cursor)
    return page("volunteer/explanation.html", visit.session, path=visit.path, **context)


@router.get("/{volunteer_id}/statement.csv")
async def statement(visit: VisitOf, volunteer_id: str) -> Response:
    """Every movement of the volunteer's points, as a sheet."""
    return await ledger_report(visit, await whose(visit, volunteer_id))


@router.get("/{volunteer_id}/hours")
async def hours(visit: VisitOf, volunteer_id: str, cursor: str | None = None) -> Response:
    """Every service record of the volunteer, its points, and why some have none."""
    context = await explanation.hours(visit, await whose(visit, volunteer_id), cursor)
    return page("volunteer/hours.html", visit.session, path=visit.path, **context)


@router.get("/{volunteer_id}/balance")
async def balance(visit: VisitOf, volunteer_id: str, cursor: str | None = None, on: str | None = None) -> Response:
    """Show the parts of the volunteer's balance, and the balance on a past day."""
    context = await explanation.balance(visit, await whose(visit, volunteer_id), cursor, on)
    return page("volunteer/balance.html", visit.session, path=visit.path, **context)


async def numbered(visit: Visit, number: str) -> list[Any]:
    """Find the volunteer with this number, ours or a registry's; None for what is no number."""
    for query in ({"volunteer_number": number}, {"registry_number": number}):
        try:
            found = await visit.ask("recruitment", "/volunteers", **query, limit="1")
        except UpstreamProblem as problem:
            if problem.status not in (400, 422):
                raise
            continue
        if items := found["items"]:
            return list(items)
    return []


async def whose(visit: Visit, volunteer_id: str) -> explanation.Whose:
    """The volunteer, if they are of the caller's sites: recruitment decides, and shows their name masked."""
    require_staff(visit)
    person: Any = await visit.ask("recruitment", f"/volunteers/{volunteer_id}")
    said = _("志愿者 %(name)s，编号 %(number)s", name=person["name"], number=person["volunteer_number"])
    return explanation.Whose(str(person["volunteer_id"]), f"/staff/volunteers/{person['volunteer_id']}", said)
