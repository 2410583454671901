"""Cards for those who run a shift: the scanner by camera or by hand, and sheets of cards to print."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.pages.language import N_, _
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.refusals import say
from services.web.pages.render import finish, fragment, page, qr
from services.web.pages.visit import VisitOf
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["router"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

MOST_CARDS = 40
_REFUSED = {
    "own-record": N_("不能给自己点名，请别的工作人员或副队长来点"),
    "volunteer-unknown": N_("您的站点和队伍里没有这位志愿者"),
    "not-checked-in": N_("没有签到，或已经签退了"),
}


class ScanFormIn(Input):
    """The code or number that was scanned or typed, and whether its holder comes or leaves."""

    tick: Literal["in", "out"]
    scanned: Annotated[str, Field(min_length=1, max_length=100)]


class SheetFormIn(Input):
    """Volunteer numbers, one a line."""

    numbers: Annotated[str, Field(min_length=1, max_length=2000)]


@router.get("/shifts/{shift_id}/scan")
async def scanner(visit: VisitOf, shift_id: str) -> Response:
    """Scan the cards of volunteers who arrive at a shift or leave it."""
    visit.staff()
    shift = await visit.ask("recruitment", f"/shifts/{shift_id}")
    return page("staff/scanner.html", visit.session, path=visit.path, shift=shift)


@router.post("/shifts/{shift_id}/scan")
async def scan(visit: VisitOf, shift_id: str, body: ScanFormIn, key: Key, ours: Ours = None) -> Response:
    """Send one scan, and say in large type whom it recorded."""
    require_ours(ours)
    visit.staff()
    sent = body.model_dump()
    found = await visit.post("recruitment", f"/shifts/{shift_id}/scans", sent, **{"idempotency-key": key})
    why = _why(found["refused"], found["detail"]) if found["refused"] else ""
    html = fragment("staff/parts/scanned.html", visit.session, found=found, why=why, tick=body.tick)
    return finish(JSONResponse({"html": html}), visit.session)


def _why(slug: str, detail: str) -> str:
    return _(_REFUSED[slug]) if slug in _REFUSED else say(slug, detail)


@router.get("/cards")
async def cards(visit: VisitOf, shift_id: str | None = None) -> Response:
    """Print cards for volunteers; those of a shift are filled in."""
    visit.staff()
    numbers: list[str] = []
    if shift_id:
        roster = await visit.ask("recruitment", f"/shifts/{shift_id}/roster")
        numbers = list(dict.fromkeys(row["volunteer_number"] for row in roster["items"]))[:MOST_CARDS]
    return page("staff/cards.html", visit.session, path=visit.path, numbers=numbers)


@router.post("/cards")
async def sheet(visit: VisitOf, body: SheetFormIn, key: Key, ours: Ours = None) -> Response:
    """Issue what is missing, and draw the sheet."""
    require_ours(ours)
    visit.staff()
    numbers = list(dict.fromkeys(body.numbers.split()))
    issued = await visit.post("recruitment", "/cards", {"volunteer_numbers": numbers}, **{"idempotency-key": key})
    drawn: list[dict[str, Any]] = []
    held = [one["volunteer_number"] for one in issued["items"]]
    if held:
        found = await visit.ask("recruitment", "/cards", volunteer_numbers=",".join(held))
        drawn = [{**one, "drawing": qr(one["code"], label=_("志愿者卡二维码"))} for one in found["items"]]
    html = fragment("staff/parts/sheet.html", visit.session, cards=drawn, unknown=issued["unknown"])
    return finish(JSONResponse({"html": html}), visit.session)
