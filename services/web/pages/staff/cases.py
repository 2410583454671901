"""The staff's pages of integrity cases: what was found, what the records say now, and the centre's decision."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, get_args

from fastapi import APIRouter, Response

from services.web.gateway.sessions import Session
from services.web.pages.language import N_, _, listed
from services.web.pages.render import page
from services.web.pages.staff.people import colleagues_of, number_said, numbers_of, within_reach
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.visit import VisitOf
from services.web.pages.wording import measured, moment, word
from shared.auth.access import public
from shared.contracts.integrity import CaseKind

__all__ = ["found_in_words", "left_to", "router"]

router = APIRouter(prefix="/staff/cases", include_in_schema=False, dependencies=[public()])

KINDS: tuple[CaseKind, ...] = get_args(CaseKind)
UNSAID = {"holds_back": ("two-sites",)}
"""What holds points back where a rule says nothing of it: its document then leaves the member out."""
FOUND: Mapping[str, str] = {
    "two-sites": N_("同一位志愿者的两条已确认记录在不同站点，有 %(size)s重叠（从 %(limit)s起核查）。"),
    "burst": N_("同一位记录人十分钟内录了 %(size)s（从 %(limit)s起核查）。"),
    "no-check-in": N_("同一位志愿者一天有 %(size)s服务没有本人签到（从 %(limit)s起核查）。"),
    "many-accounts": N_("同一部手机或终端一天替 %(size)s签到或签退（从 %(limit)s起核查）。"),
    "recorder-hours": N_("同一位记录人一个月确认了 %(size)s，远多于同类记录人（从 %(limit)s起核查）。"),
    "denials": N_("同一位记录人一个月有 %(size)s被志愿者提出异议（从 %(limit)s起核查）。"),
    "one-time-referrals": N_("同一位志愿者介绍来的人里有 %(size)s只服务过一次（从 %(limit)s起核查）。"),
    "mutual-approvals": N_("两位记录人一个月里互相核定，每一方至少有 %(size)s由另一方通过（从 %(limit)s起核查）。"),
    "filled-at-once": N_(
        "开放报名 %(minutes)s 分钟内，%(places)s 个名额占了 %(taken)s 个，%(size)s有服务记录（从 %(limit)s起核查）。"
    ),
    "never-signed-up": N_("同一位记录人一个月录了 %(size)s，当事人在到场前都没有报名（从 %(limit)s起核查）。"),
    "shared-pickups": N_("一个月里，同一部手机替 %(size)s兑换的奖品已被领走（从 %(limit)s起核查）。"),
    "idle-drives": N_(
        "这次招募登记了 %(registered)s 人，结束 %(days)s 天后有 %(size)s一次也没有服务（从 %(limit)s起核查）。"
    ),
    "long-day": N_("同一位志愿者一天记了 %(size)s服务（超过 %(limit)s就核查）。"),
}
PEOPLE_SHOWN = 200
STATES = ("open", "undecided", "cleared", "confirmed", "all")


@router.get("")
async def cases(visit: VisitOf, status: str = "open", kind: str = "", cursor: str | None = None) -> Response:
    """Cases of the caller's sites, those that wait for a decision first."""
    require_staff(visit)
    chosen, of_kind = status if status in STATES else STATES[0], kind if kind in KINDS else ""
    query = {name: value for name, value in (("kind", of_kind), ("cursor", cursor or "")) if value}
    if chosen == "undecided":
        query["undecided"] = "true"
    elif chosen != "all":
        query["status"] = chosen
    found, sites = await asyncio.gather(visit.ask("points", "/cases", limit="30", **query), visit.site_names())
    numbers = await numbers_of(visit, _volunteers(found["items"]))
    return page(
        "staff/cases.html",
        visit.session,
        path=visit.path,
        cases=[_case_row(case, sites, numbers) for case in found["items"]],
        chosen=chosen,
        kind=of_kind,
        kinds=KINDS,
        states=STATES,
        next_cursor=found["next_cursor"],
    )


@router.get("/{case_id}")
async def case(visit: VisitOf, case_id: str) -> Response:
    """One case: what was found then, its records now, and the two ways to settle it."""
    require_staff(visit)
    found, rules, sites, who = await asyncio.gather(
        visit.ask("points", f"/cases/{case_id}"),
        visit.get_optional("points", "/rules"),
        visit.site_names(),
        colleagues_of(visit),
    )
    seen = found["seen_records"]
    about = [one["volunteer_id"] for one in (*seen, *found["people"][:PEOPLE_SHOWN])]
    persons = [*_volunteers([found]), *about]
    numbers, reached = await asyncio.gather(numbers_of(visit, persons), within_reach(visit, persons))
    proposals = {one["record_id"]: one for one in found["proposals"]}
    records = [
        {
            **record,
            "proposal": _proposal(proposals.get(record["record_id"]), sites, who),
            "site_name": _site(record["site_id"], sites),
            "number": _("志愿者 %(number)s", number=number_said(numbers, record["volunteer_id"])),
            "recorder": _("%(who)s 记录", who=who(record["recorded_by"])) if record["recorded_by"] else "",
        }
        for record in seen
    ]
    return page(
        "staff/case.html",
        visit.session,
        path=visit.path,
        case=_case_row(found, sites, numbers),
        waiting=sum(one["outcome"] is None for one in proposals.values()),
        settled_by=who(found["settled_by"]) if found["settled_by"] else "",
        held=_held_kinds(rules["items"], found["evidence"]["day"]) if rules else None,
        records=records,
        people=len({one["volunteer_id"] for one in (*seen, *found["people"])}),
        persons=[
            {
                **one,
                "site_name": _site(one["site_id"], sites) if one["redemption_id"] else "",
                "number": _("志愿者 %(number)s", number=number_said(numbers, one["volunteer_id"])),
            }
            for one in found["people"][:PEOPLE_SHOWN]
        ],
        left_to=left_to(visit.session, found),
        known=numbers.keys() & reached,
    )


def left_to(session: Session, case: Mapping[str, Any]) -> str:
    """Why another member of staff settles the case, in a sentence; empty if the caller may."""
    if "operator" not in session.roles:
        return _("结论由中心的操作员来定；您了解情况的话，请告诉中心。")
    records = case["seen_records"]
    persons = {session.claims.get("sub"), session.person} - {None}
    about = {*case["subject"].split("|"), *(one["volunteer_id"] for one in case["people"])}
    about |= {*(record[who] for record in records for who in ("volunteer_id", "recorded_by"))}
    if not persons.isdisjoint(about):
        return _("这个核查事项关于您自己，或有您录入的记录，要由另一位操作员来定。")
    sites = {*case["site_ids"], *(record["site_id"] for record in records if record["revision"] is not None)}
    if not all(map(session.owns, sites)):
        return _("这个核查事项还涉及您不负责的站点，由区中心的操作员来定。")
    return ""


def found_in_words(case: Mapping[str, Any]) -> str:
    """Word the finding in one sentence with its numbers."""
    evidence = case["evidence"]
    size, limit = (measured(evidence[name], evidence["unit"]) for name in ("measured", "limit"))
    sentence = FOUND.get(case["kind"])
    return _(sentence, **{**evidence, "size": size, "limit": limit}) if sentence else f"{size} / {limit}"


def _case_row(case: Mapping[str, Any], sites: Mapping[str, str], numbers: Mapping[str, str]) -> dict[str, Any]:
    evidence = case["evidence"]
    # ten minutes, a shared time, the first minutes of a shift; a day needs no hours
    timed = "from" in evidence and case["kind"] != "many-accounts"
    # of a device's many accounts, what is no kiosk's and no leader's is a phone's
    of_class = evidence.get("class")
    if case["kind"] == "many-accounts" and of_class == "others":
        of_class = "phone"
    return {
        **case,
        "said": found_in_words(case),
        "site_said": listed([_site(site_id, sites) for site_id in case["site_ids"]]) or _("没有站点"),
        "day": date.fromisoformat(evidence["day"]),
        "hours": f"{moment(evidence['from'])} — {moment(evidence['to'])}" if timed else "",
        "device_class": word(of_class, "device_class") if of_class else "",
        "subject_said": _subject(case, numbers),
    }


def _volunteers(cases: Iterable[Mapping[str, Any]]) -> list[str]:
    """The volunteers that cases are about."""
    return [str(case["subject"]) for case in cases if case["subject_kind"] == "volunteer"]


def _subject(case: Mapping[str, Any], numbers: Mapping[str, str]) -> str:
    """The volunteer by number; a device or a member of staff by the end of the id."""
    if case["subject_kind"] == "volunteer":
        return _("志愿者 %(number)s", number=number_said(numbers, case["subject"]))
    ends = listed([part[-8:].upper() for part in str(case["subject"]).split("|")])
    return f"{word(case['subject_kind'], 'case_subject')} {ends}"


def _proposal(
    proposal: Mapping[str, Any] | None, sites: Mapping[str, str], who: Callable[[str], str]
) -> dict[str, str] | None:
    """Word the outcome of a proposed void, and of the flag that is left, each in a sentence."""
    if proposal is None:
        return None
    if proposal["outcome"] is None:
        return {"said": _("等另一个站点决定是否作废"), "flag": ""}
    at = moment(proposal["decided_at"])
    by = _("%(site)s 的 %(who)s", site=_site(proposal["site_id"], sites), who=who(proposal["decided_by"] or ""))
    said = {
        "voided": _("已作废：%(by)s，%(at)s", by=by, at=at),
        "kept": _("没有作废，仍算有效：%(by)s，%(at)s", by=by, at=at),
        "lapsed": _("到 %(at)s 没有站点决定，不计入时长", at=at),
    }[proposal["outcome"]]
    if not proposal["flag"]:
        return {"said": said, "flag": ""}
    names = {"who": who(proposal["flag_by"]), "at": moment(proposal["flag_at"]), "why": proposal["flag_reason"]}
    kept, cleared = _("标记保留：%(who)s，%(at)s，%(why)s", **names), _("标记解除：%(who)s，%(at)s，%(why)s", **names)
    return {"said": said, "flag": kept if proposal["flag"] == "kept" else cleared}


def _site(site_id: str | None, sites: Mapping[str, str]) -> str:
    return sites.get(site_id, _("其他站点")) if site_id else _("没有站点")


def _held_kinds(rules: Iterable[Mapping[str, Any]], day: str) -> frozenset[str]:
    """The kinds of cases that hold points back by the rule in force on a day."""
    active = [rule for rule in rules if rule["status"] == "active"]
    begun = [rule for rule in active if str(rule["effective_from"]) <= day] or active
    if not begun:
        return frozenset()
    rule = max(begun, key=lambda found: (str(found["effective_from"]), int(found["version"])))
    return frozenset(rule["document"].get("integrity", UNSAID)["holds_back"])
