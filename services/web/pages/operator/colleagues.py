"""The staff's pages about colleagues: invite, activate, close; and the centre's page of the security log."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from services.web.pages.language import _
from services.web.pages.render import page
from services.web.pages.visit import Visit, VisitOf, centre_only, operators_only
from services.web.pages.wording import moment, parse, word
from shared.auth.access import public
from shared.clock import DISTRICT_ZONE

__all__ = ["router"]

router = APIRouter(prefix="/staff", include_in_schema=False, dependencies=[public()])

KINDS = (
    "sign-in",
    "code-asked",
    "limit-reached",
    "alert",
    "refresh-reused",
    "session-ended",
    "invitation-made",
    "invitation-accepted",
    "invitation-withdrawn",
    "account-created",
    "account-activated",
    "account-deactivated",
    "role-changed",
    "password-changed",
    "password-reset-asked",
    "password-reset",
    "second-factor-set",
    "second-factor-removed",
    "unmasked",
    "quota-reached",
    "keys-rotated",
    "import-proposed",
    "import-approved",
    "import-rejected",
    "data-exported",
)


@router.get("/colleagues")
async def colleagues(visit: VisitOf, closed: str = "", cursor: str | None = None) -> Response:
    """Accounts and open invitations within the operator's bounds."""
    operators_only(visit)
    query = {"limit": "100", **({"closed": "true"} if closed else {}), **({"cursor": cursor} if cursor else {})}
    accounts, invitations, sites = await asyncio.gather(
        visit.ask("recruitment", "/staff", **query),
        visit.ask("recruitment", "/staff/invitations"),
        visit.site_names(),
    )
    return page(
        "operator/colleagues.html",
        visit.session,
        path=visit.path,
        accounts=[_account(visit, one, sites) for one in accounts["items"]],
        invitations=[{**one, "site": sites.get(str(one["site_id"]), _("区中心"))} for one in invitations["items"]],
        sites=sorted(
            ((site_id, name) for site_id, name in sites.items() if visit.session.owns(site_id)),
            key=lambda site: str(site[1]),
        ),
        closed=bool(closed),
        following=accounts["next_cursor"],
    )


@router.get("/security")
async def security(
    visit: VisitOf,
    kind: str = "",
    result: str = "",
    subject: str = "",
    address: str = "",
    day: str = "",
    cursor: str | None = None,
) -> Response:
    """The security log in plain words, newest first; filters stand in the address."""
    centre_only(visit)
    asked = {"kind": kind, "result": result, "subject": subject.strip(), "address": address.strip(), "day": day}
    wanted = {name: value for name, value in asked.items() if value}
    found = await visit.ask("recruitment", "/security/events", **_query(wanted, cursor))
    more = urlencode({**wanted, "cursor": found["next_cursor"]}) if found["next_cursor"] else None
    return page(
        "operator/security.html",
        visit.session,
        path=visit.path,
        events=[_event(one) for one in found["items"]],
        kinds=[(one, word(one, "security_kind")) for one in KINDS],
        wanted=asked,
        more=more,
    )


def _query(wanted: Mapping[str, str], cursor: str | None) -> dict[str, str]:
    """The service's filters: a day becomes its beginning and its end in the district."""
    query = {name: value for name, value in wanted.items() if name != "day"}
    if "day" in wanted:
        try:
            begin = datetime.fromisoformat(wanted["day"]).replace(tzinfo=DISTRICT_ZONE)
        except ValueError:
            return {**query, "limit": "50"}
        query |= {"from": begin.isoformat(), "to": (begin + timedelta(days=1)).isoformat()}
    return {**query, "limit": "50", **({"cursor": cursor} if cursor else {})}


def _account(visit: Visit, one: Mapping[str, Any], sites: Mapping[str, str]) -> dict[str, Any]:
    """An account with its site's name, and what the visitor may do about it; the service decides."""
    own = one["staff_id"] == visit.session.claims.get("sub")
    closed = one["state"] == "deactivated"
    reach = visit.session.centre or one["role"] == "station"
    return {
        **one,
        "site": sites.get(str(one["site_id"]), _("区中心")),
        "origin": _origin(one),
        "own": own,
        "may_activate": reach and one["state"] == "pending",
        "may_close": reach and not own and not closed,
    }


def _origin(one: Mapping[str, Any]) -> str:
    """The origin of an account: its inviter, its activator and its last use."""
    facts = [_("%(who)s 邀请", who=one["created_by"]) if one["created_by"] else _("安装时建立或早期建立")]
    if one["activated_by"]:
        facts.append(_("%(who)s 启用", who=one["activated_by"]))
    seen = one["last_sign_in_at"]
    facts.append(_("%(when)s 登录过", when=moment(seen)) if seen else _("还没登录过"))
    if one["second_factor"]:
        facts.append(_("已开启第二步验证"))
    return " · ".join(facts)


def _event(one: Mapping[str, Any]) -> dict[str, Any]:
    """An event with its people by name or the end of their id, and its codes as words."""
    known = {
        name: one[f"{name}_name"] or (_("尾号 %(tail)s", tail=one[name][-8:].upper()) if one[name] else "")
        for name in ("subject", "actor")
    }
    codes = [f"{word(key, 'security_detail')} {word(value, 'security_code')}" for key, value in one["detail"].items()]
    at = parse(one["at"])
    return {
        **one,
        **{f"{name}_said": said for name, said in known.items()},
        "codes": " · ".join(codes),
        "when": f"{at.year}-{at:%m-%d %H:%M:%S}",
    }
