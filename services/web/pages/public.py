"""Pages for everybody: the district's figures, the drives, a drive with its poster and form."""

import asyncio
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.web.pages import teams, tickets
from services.web.pages.district import figures_of
from services.web.pages.render import page, part
from services.web.pages.visit import Visit, VisitOf
from shared.auth.access import public
from shared.clock import district_day, real_now

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

_FUNNEL = (("registered", "登记"), ("signed_up", "报名"), ("checked_in", "签到"), ("served", "完成服务"))


@router.get("/")
async def home(visit: VisitOf) -> Response:
    """The district's figures."""
    figures, leading = await asyncio.gather(figures_of(visit), teams.leading(visit))
    return page("home.html", visit.session, path=visit.path, leading=leading, **figures)


@router.get("/parts/figures")
async def figures(visit: VisitOf) -> Response:
    """The figures alone, for the page to follow the pulse."""
    return part("parts/figures.html", visit.session, **await figures_of(visit))


@router.get("/drives")
async def drives(visit: VisitOf, cursor: str | None = None, code: str | None = None) -> Response:
    """The drives, and the way in by the code that a poster shows."""
    if code is not None and code.strip():
        return RedirectResponse(f"/d/{quote(code.strip().upper(), safe='')}", 303)
    query = {"cursor": cursor} if cursor else {}
    found = await visit.ask("recruitment", "/drives", limit="200", **query)
    # what is open stands first, then the latest
    latest = sorted(found["items"], key=lambda drive: str(drive["starts_at"]), reverse=True)
    return page(
        "drives.html",
        visit.session,
        path=visit.path,
        drives=sorted(latest, key=lambda drive: not drive["open"]),
        next_cursor=found.get("next_cursor"),
    )


@router.get("/d/{code}")
async def drive(visit: VisitOf, request: Request, code: str) -> Response:
    """A drive: its poster, its counts, and the form to register."""
    found = await _drive(visit, code)
    return page(
        "drive.html",
        visit.session,
        path=visit.path,
        drive=found,
        funnel=funnel_of(found),
        today=district_day(real_now()).isoformat(),
        scanned=tickets.kept_shift(request) is not None,
    )


@router.get("/d/{code}/parts/funnel")
async def funnel(visit: VisitOf, code: str) -> Response:
    """The drive's counts alone."""
    return part("parts/funnel.html", visit.session, funnel=funnel_of(await _drive(visit, code)))


async def _drive(visit: Visit, code: str) -> Any:
    """The drive with this code; a crowd around one poster costs the service one question a second."""

    async def load() -> Any:
        return (
            await visit.web.upstream.call("GET", "recruitment", f"/drives/by-code/{quote(code, safe='')}")
        ).accepted()

    return await visit.web.cache.get(f"drive {code.upper()}", 1.0, load)


def funnel_of(drive: Any) -> list[tuple[str, int]]:
    """The counts in the order of the way: registered, signed up, checked in, served."""
    counts = drive.get("funnel") or {}
    return [(name, int(counts[key])) for key, name in _FUNNEL if key in counts]
