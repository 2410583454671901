"""Volunteers for staff: finding them, their page, and their account in the words of the volunteer's own pages."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import _
from services.web.pages.public.login import Ours, require_ours
from services.web.pages.render import finish, fragment, page
from services.web.pages.staff.qualifications import known_qualifications, qualification_names
from services.web.pages.staff.records import record_line
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.volunteer import explanation
from services.web.pages.volunteer.ledger_report import ledger_report
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["numbered", "router", "whose"]

router = APIRouter(prefix="/staff/volunteers", include_in_schema=False, dependencies=[public()])


class SearchFormIn(Input):
    """A name, a phone or a number as typed, and the reason for the search."""

    wanted: Annotated[str, Field(max_length=200)]
    purpose: Annotated[str, Field(max_length=500)] = ""


class PurposeFormIn(Input):
    """The reason for reading a person's data in the clear."""

    purpose: Annotated[str, Field(max_length=500)]


@router.get("")
async def find(visit: VisitOf, number: str = "") -> Response:
    """Find a volunteer of the caller's sites by name, phone or number, ours or that of the registry they came from."""
    require_staff(visit)
    wanted = number.strip()[:200]
    if wanted:
        found = await numbered(visit, wanted)
        if found:
            return RedirectResponse(f"/staff/volunteers/{found[0]['volunteer_id']}", 303)
    return page("staff/volunteers.html", visit.session, path=visit.path, number=wanted)


@router.post("/search")
async def search(visit: VisitOf, body: SearchFormIn, ours: Ours = None) -> Response:
    """Draw the volunteers of a name or phone; the service keeps each hit as a look with its reason."""
    require_ours(ours)
    require_staff(visit)
    wanted = body.wanted.strip()
    digits = sum(char.isdigit() for char in wanted)
    found: list[Any] = await numbered(visit, wanted) if digits else []
    more = False
    if not found:
        term = {"phone": wanted} if digits >= len(wanted) // 2 and digits else {"name": wanted}
        answer = await visit.post("recruitment", "/volunteers/search", {**term, "purpose": body.purpose})
        found, more = answer["items"], answer["more"]
    sites = await visit.site_names()
    html = fragment(
        "staff/parts/found.html",
        visit.session,
        people=[{**one, "site_name": sites.get(str(one["site_id"]), "")} for one in found],
        more=more,
    )
    return finish(JSONResponse({"html": html}), visit.session)


@router.get("/{volunteer_id}")
async def volunteer(visit: VisitOf, volunteer_id: str) -> Response:
    """One volunteer, masked, with the ways to their records and points."""
    require_staff(visit)
    person, sites, facts, records, known = await asyncio.gather(
        visit.ask("recruitment", f"/volunteers/{volunteer_id}"),
        visit.site_names(),
        visit.get_optional("recruitment", f"/volunteers/{volunteer_id}/facts"),
        visit.ask("recruitment", "/attendance/records", volunteer_id=volunteer_id, limit="10"),
        known_qualifications(visit),
    )
    named = {**qualification_names(known, "skill"), **qualification_names(known, "training")}
    return page(
        "staff/volunteer.html",
        visit.session,
        path=visit.path,
        person=person,
        site_name=sites.get(str(person["site_id"]), _("没有站点")),
        records=[record_line(item) for item in records["items"]],
        facts=[{**one, "name": named.get(one["code"], one["code"])} for one in (facts["items"] if facts else [])],
        codes=named,
    )


@router.post("/{volunteer_id}/unmask")
async def unmask(visit: VisitOf, volunteer_id: str, body: PurposeFormIn, ours: Ours = None) -> Response:
    """Draw a volunteer's data in the clear; the service keeps the look with its reason."""
    require_ours(ours)
    require_staff(visit)
    person = await visit.post("recruitment", f"/volunteers/{volunteer_id}/unmask", {"purpose": body.purpose})
    return finish(
        JSONResponse({"html": fragment("staff/parts/person.html", visit.session, person=person)}), visit.session
    )


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
