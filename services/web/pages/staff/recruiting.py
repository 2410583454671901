"""The staff's pages of drives with their posters, and of appeals: announce, edit, close."""

import asyncio
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response

from services.web.pages.public.district import district_now
from services.web.pages.render import page
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.staff.schedule import day_bounds, local, site_options
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import choices_of, parse
from shared.auth.access import public

__all__ = ["router"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

MORNING = timedelta(hours=9)
HALF_DAY = timedelta(hours=3)


@router.get("/drives")
async def drives(visit: VisitOf) -> Response:
    """The drives with their codes and posters, open ones first, each with a form to change and close it."""
    require_staff(visit)
    found, sites, now = await asyncio.gather(_drives(visit), site_options(visit), district_now(visit))
    begin = day_bounds(now.date() + timedelta(days=1))[0] + MORNING
    return page(
        "staff/drives.html",
        visit.session,
        path=visit.path,
        drives=[{**one, **_stage(one, now)} for one in found] if found is not None else None,
        sites=sites,
        kinds=choices_of("place_kind"),
        begin=local(begin),
        end=local(begin + HALF_DAY),
    )


@router.get("/drives/{code}/poster")
async def poster(visit: VisitOf, code: str) -> Response:
    """A drive's poster on a page that prints well."""
    visit.staff()
    drive = await visit.ask("recruitment", f"/drives/by-code/{code}")
    return page("staff/poster.html", visit.session, path=visit.path, drive=drive)


@router.get("/drives/appeals")
async def appeals(visit: VisitOf) -> Response:
    """The appeals with the address for the article and the people who came through each."""
    require_staff(visit)
    found = await visit.get_optional("recruitment", "/appeals", limit="200")
    base = visit.web.settings.public_url.rstrip("/")
    return page(
        "staff/appeals.html",
        visit.session,
        path=visit.path,
        appeals=None
        if found is None
        else [{**one, "url": f"{base}/a/{one['code']}"} for one in reversed(found["items"])],
        centre=visit.session.centre,
    )


def _stage(drive: dict[str, Any], now: Any) -> dict[str, Any]:
    """Members of a drive that decide which fields its form has."""
    over = drive["closed_at"] is not None or parse(drive["ends_at"]) <= now
    return {
        "over": over,
        "begun": parse(drive["starts_at"]) <= now,
        "from": local(drive["starts_at"]),
        "to": local(drive["ends_at"]),
    }


async def _drives(visit: Visit) -> list[Any] | None:
    found = await visit.get_optional("recruitment", "/drives", limit="200")
    if found is None:
        return None
    # what is open stands first, then the latest
    latest = sorted(found["items"], key=lambda drive: str(drive["starts_at"]), reverse=True)
    return sorted(latest, key=lambda drive: not drive.get("open"))
