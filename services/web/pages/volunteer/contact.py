"""Pages of one's own data: phone and e-mail, the terms, who read the data, and the facts that staff vouch for."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.browser import BrowserOf
from services.web.pages.language import N_, _
from services.web.pages.public.login import Code, Key, Ours, Phone, challenge_of, require_ours
from services.web.pages.render import finish, page
from services.web.pages.visit import Visit, VisitOf, safe_next
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[public()])

MOST_PAGES = 200
"""Pages of a list in an export, of 100 lines each."""
TERMS = (
    N_("为登记和记录服务，保存姓名、手机号；出生日期、身份证号、邮箱只在您填写时保存。都加密保存，不对外公开。"),
    N_("服务记录（时间、地点、时长）依法长期保存，用编号代替姓名；您可以看到谁记的、谁看过您的信息。"),
    N_("报了班次，带队人可以给您发与班次有关的消息。"),
    N_("签到时可以选择记下离站点多少米；位置只在手机里用来计算，不发送、不保存。"),
    N_("您可以随时改手机号和邮箱，可以下载自己的资料，可以要求更正和删除个人信息；删除后，服务总数仍然对得上。"),
    N_("要求删除，请带身份证到区志愿服务中心办理，由中心核对本人后答复；线上不能自己删除。"),
    N_("未满 14 周岁，要由监护人同意。"),
)
"""The sentences of the terms in force; a change of meaning needs the next version of the service's consents."""


class NewPhoneFormIn(Input):
    """The new phone."""

    phone: Phone


class OwnPhoneFormIn(Input):
    """The new phone with the codes that both phones got."""

    phone: Phone
    old_code: Code
    code: Code


@router.get("/me/contact")
async def contact(visit: VisitOf) -> Response:
    """Phone, e-mail, consent, message preferences, looks and facts of the visiting volunteer."""
    visit.volunteer()
    me, consent, changes, looks, facts, reliability, preferences = await asyncio.gather(
        visit.ask("recruitment", "/volunteers/me"),
        visit.get_optional("recruitment", "/volunteers/me/consent"),
        visit.get_optional("recruitment", "/volunteers/me/phone/changes"),
        visit.get_optional("recruitment", "/volunteers/me/looks"),
        visit.get_optional("recruitment", "/volunteers/me/facts"),
        visit.get_optional("recruitment", "/signups/reliability"),
        visit.get_optional("notify", "/preferences"),
    )
    return page(
        "volunteer/contact.html",
        visit.session,
        path=visit.path,
        me=me,
        consent=consent,
        terms=[_(sentence) for sentence in TERMS],
        changes=changes["items"] if changes else [],
        looks=looks["items"] if looks else [],
        facts=[fact for fact in facts["items"] if fact["revoked_at"] is None] if facts else [],
        reliability=reliability,
        preferences=preferences,
    )


@router.get("/me/export")
async def export(visit: VisitOf) -> Response:
    """All that is held about the volunteer, as one file; ``missing`` names services that did not answer."""
    who = visit.volunteer()
    own = await visit.ask("recruitment", "/volunteers/me/export")
    account, statement, preferences, messages = await asyncio.gather(
        visit.get_optional("points", f"/accounts/{who}"),
        _all(visit, "points", f"/accounts/{who}/statement"),
        visit.get_optional("notify", "/preferences"),
        _all(visit, "notify", "/inbox"),
    )
    parts = {
        "points": {"account": account, "statement": statement},
        "notify": {"preferences": preferences, "inbox": messages},
    }
    missing = [name for name, part in parts.items() if any(each is None for each in part.values())]
    text = json.dumps({"recruitment": own, **parts, "missing": missing}, ensure_ascii=False, indent=1)
    headers = {"cache-control": "no-store", "content-disposition": 'attachment; filename="my-data.json"'}
    return finish(Response(text, media_type="application/json; charset=utf-8", headers=headers), visit.session)


async def _all(visit: Visit, service: str, path: str) -> list[Any] | None:
    """Every item of a paged list; None where the service is away, or there are more than an export holds."""
    items: list[Any] = []
    query = {"limit": "100"}
    for _page in range(MOST_PAGES):
        found = await visit.get_optional(service, path, **query)
        if found is None:
            return None
        items += found["items"]
        if found["next_cursor"] is None:
            return items
        query["cursor"] = found["next_cursor"]
    return None


@router.get("/consent")
async def terms(visit: VisitOf) -> Response:
    """The terms in force, for everybody to read."""
    return page(
        "volunteer/terms.html", visit.session, path=visit.path, terms=[_(sentence) for sentence in TERMS], consent=None
    )


@router.get("/me/consent")
async def decide(visit: VisitOf, next: str | None = None) -> Response:
    """The new version of the terms to decide on, on the way to what asked for it; given already, on it goes."""
    visit.volunteer()
    consent = await visit.ask("recruitment", "/volunteers/me/consent")
    where = safe_next(next, "/me")
    if not consent["due"]:
        return finish(RedirectResponse(where, 303), visit.session)
    terms = [_(sentence) for sentence in TERMS]
    return page("volunteer/terms.html", visit.session, path=visit.path, terms=terms, consent=consent, next=where)


@router.post("/me/contact/phone-codes")
async def send_codes(browser: BrowserOf, body: NewPhoneFormIn, ours: Ours = None) -> Response:
    """Send codes to both phones; the challenges that they answer stay in this browser."""
    require_ours(ours)
    browser.visit.volunteer()
    answer = await browser.post("/volunteers/me/phone/codes", {"phone": body.phone})
    kept = browser.kept(f"{answer['old_challenge_id']}:{answer['challenge_id']}")
    response = finish(JSONResponse({"expires_in": answer["expires_in"]}), browser.visit.session)
    response.raw_headers.extend(kept)
    return response


@router.post("/me/contact/phone")
async def change_phone(browser: BrowserOf, body: OwnPhoneFormIn, key: Key, ours: Ours = None) -> Response:
    """Change the phone by both codes."""
    require_ours(ours)
    browser.visit.volunteer()
    old, colon, new = challenge_of(browser).partition(":")
    if not colon:
        raise UpstreamProblem("code-not-asked", "Ask for the codes in this browser first.", status=409)
    proof = {"phone": body.phone, "old_challenge_id": old, "old_code": body.old_code, "challenge_id": new}
    await browser.post("/volunteers/me/phone", {**proof, "code": body.code}, **{"idempotency-key": key})
    response = finish(JSONResponse({}), browser.visit.session)
    response.raw_headers.extend(browser.kept(""))
    return response


_Evidence = Annotated[str, Field(min_length=1, max_length=1000)]


class StaffPhoneFormIn(Input):
    """The new phone of a volunteer with its code, and the evidence."""

    phone: Phone
    code: Code
    evidence: _Evidence


@router.post("/staff/volunteers/{volunteer_id}/phone-codes")
async def send_code_for(browser: BrowserOf, volunteer_id: str, body: NewPhoneFormIn, ours: Ours = None) -> Response:
    """Send a code to the new phone of a volunteer who stands before the staff."""
    require_ours(ours)
    browser.visit.staff()
    answer = await browser.post(f"/volunteers/{volunteer_id}/phone/codes", {"phone": body.phone})
    response = finish(JSONResponse({"expires_in": answer["expires_in"]}), browser.visit.session)
    response.raw_headers.extend(browser.kept(str(answer["challenge_id"])))
    return response


@router.post("/staff/volunteers/{volunteer_id}/phone")
async def replace_phone(
    browser: BrowserOf, volunteer_id: str, body: StaffPhoneFormIn, key: Key, ours: Ours = None
) -> Response:
    """Change the phone of a volunteer who lost the old one."""
    require_ours(ours)
    browser.visit.staff()
    proof = {"phone": body.phone, "code": body.code, "challenge_id": challenge_of(browser), "evidence": body.evidence}
    await browser.post(f"/volunteers/{volunteer_id}/phone", proof, **{"idempotency-key": key})
    response = finish(JSONResponse({}), browser.visit.session)
    response.raw_headers.extend(browser.kept(""))
    return response
