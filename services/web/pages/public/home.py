"""Pages for everybody: the district's figures, the drives, a drive with its poster and form."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.web.gateway.upstream import UpstreamAway, UpstreamProblem
from services.web.pages.language import N_, _
from services.web.pages.public import teams, tickets
from services.web.pages.public.district import district_now, figures_of
from services.web.pages.render import page, part
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import parse
from shared.auth.access import public
from shared.clock import district_day, real_now
from shared.typed import compact_upper

__all__ = ["by_state", "router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

JOINABLE, SEARCHED = 6, 20
"""Shifts on the first page, and shifts among which free places are looked for."""
SHIFTS_AGE_SECONDS = 5.0
_FUNNEL = (
    ("registered", N_("登记人数")),
    ("signed_up", N_("报名人数")),
    ("checked_in", N_("签到人数")),
    ("served", N_("完成服务人数")),
)


@router.get("/")
async def home(visit: VisitOf) -> Response:
    """Shifts to join, then the district's figures."""
    figures, leading, shifts = await asyncio.gather(figures_of(visit), teams.leading(visit), _joinable(visit))
    return page("public/home.html", visit.session, path=visit.path, leading=leading, shifts=shifts, **figures)


async def _joinable(visit: Visit) -> list[dict[str, Any]]:
    """The next shifts with free places, the same for everybody; none where they cannot be had."""

    async def load() -> list[dict[str, Any]]:
        query = {"limit": str(SEARCHED)}
        found = (await visit.web.upstream.call("GET", "recruitment", "/shifts", query=query)).accepted()
        shifts = [{**shift, "free": shift["capacity"] - shift["taken"]} for shift in found["items"]]
        return [shift for shift in shifts if shift["free"] > 0][:JOINABLE]

    try:
        kept: list[dict[str, Any]] = await visit.web.cache.get("joinable", SHIFTS_AGE_SECONDS, load)
    except (UpstreamProblem, UpstreamAway, KeyError):
        return []
    return kept


@router.get("/parts/figures")
async def figures(visit: VisitOf) -> Response:
    """The figures alone, for the page to follow the pulse."""
    return part("public/parts/figures.html", visit.session, **await figures_of(visit))


@router.get("/drives")
async def drives(visit: VisitOf, cursor: str | None = None, code: str | None = None) -> Response:
    """The drives, and the way in by the code that a poster shows."""
    if code is not None and code.strip():
        return RedirectResponse(f"/d/{quote(compact_upper(code), safe='')}", 303)
    query = {"cursor": cursor} if cursor else {}
    found, now = await asyncio.gather(visit.ask("recruitment", "/drives", limit="200", **query), district_now(visit))
    sections = by_state(found["items"], now)
    return page(
        "public/drives.html", visit.session, path=visit.path, sections=sections, next_cursor=found.get("next_cursor")
    )


def by_state(drives: Iterable[Mapping[str, Any]], now: datetime) -> list[tuple[str, str, list[Mapping[str, Any]]]]:
    """Drives apart as (state, heading, drives): open ones, those to come with the next first, the latest ended ones."""
    latest = sorted(drives, key=lambda drive: parse(drive["starts_at"]), reverse=True)
    coming = [drive for drive in latest if not drive["open"] and parse(drive["starts_at"]) > now]
    ended = [drive for drive in latest if not drive["open"] and parse(drive["starts_at"]) <= now]
    sections = [
        ("open", _("正在登记"), [drive for drive in latest if drive["open"]]),
        ("coming", _("即将开始"), coming[::-1]),
        ("ended", _("已结束"), ended),
    ]
    return [section for section in sections if section[2]]


@router.get("/d/{code}")
async def drive(visit: VisitOf, request: Request, code: str) -> Response:
    """A drive: its poster, its counts, and the form to register."""
    found = await _drive(visit, code)
    return page(
        "public/drive.html",
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
    return part("public/parts/funnel.html", visit.session, funnel=funnel_of(await _drive(visit, code)))


@router.get("/a/{code}")
async def appeal(visit: VisitOf, code: str) -> Response:
    """An appeal as the article's link shows it, with the form to register."""
    found = await visit.ask("recruitment", f"/appeals/by-code/{quote(code, safe='')}")
    today = district_day(real_now()).isoformat()
    return page("public/appeal.html", visit.session, path=visit.path, appeal=found, today=today)


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
    return [(_(name), int(counts[key])) for key, name in _FUNNEL if key in counts]
