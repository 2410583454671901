"""The page of one shift for those who run it: who is expected, who is there, and the roll-call."""

import asyncio
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.language import N_, _, _n
from services.web.pages.public.district import district_now
from services.web.pages.public.login import Key, Ours, require_ours
from services.web.pages.refusals import say
from services.web.pages.render import finish, fragment, page
from services.web.pages.staff.accounts import numbered
from services.web.pages.staff.rewards_admin import require_staff
from services.web.pages.staff.schedule import local, marked
from services.web.pages.staff.words import MESSAGE_SUBJECTS
from services.web.pages.visit import Visit, VisitOf
from services.web.pages.wording import clock, parse, spell_minutes, word
from shared.auth.access import public
from shared.http.models import Input

__all__ = ["entry_lines", "numbers_in", "people_of", "router"]

router = APIRouter(prefix="/staff/shifts", include_in_schema=False, dependencies=[public()])


MOST_ENTRIES = 50


class RollCallFormIn(Input):
    """Ticked volunteers by number, or one who stands beside the list."""

    tick: Literal["in", "out"]
    volunteer_numbers: Annotated[list[Annotated[str, Field(max_length=50)]], Field(max_length=200)] = Field(
        default_factory=list
    )
    other: Annotated[str, Field(max_length=50)] = ""


@router.get("/{shift_id}")
async def shift(visit: VisitOf, shift_id: str) -> Response:
    """One shift: its roster by number, what each one's record says, and what can be done about it."""
    visit.staff()
    return page("staff/shift.html", visit.session, path=visit.path, said="", **await _standing(visit, shift_id))


@router.post("/{shift_id}/roll-call")
async def roll_call(visit: VisitOf, shift_id: str, body: RollCallFormIn, key: Key, ours: Ours = None) -> Response:
    """Send the ticks, and draw the roster anew with what came of them."""
    require_ours(ours)
    visit.staff()
    numbers = [*body.volunteer_numbers, *([body.other] if body.other else [])]
    sent = {"tick": body.tick, "volunteer_numbers": numbers}
    answer = await visit.post("recruitment", f"/shifts/{shift_id}/roll-call", sent, **{"idempotency-key": key})
    waiting = [one for one in answer["recorded"] if one["waits_for"]]
    said = [_n("记下了 %(n)s 位。", len(answer["recorded"]))]
    if waiting:
        said.append(_n("其中 %(n)s 位的时长要由别的站点核对。", len(waiting)))
    refused = [(one["volunteer_number"], _why(one)) for one in answer["refused"]]
    html = fragment(
        "staff/parts/roster.html",
        visit.session,
        said=" ".join(said),
        refused=refused,
        **await _standing(visit, shift_id),
    )
    return finish(JSONResponse({"html": html}), visit.session)


class SignupFormIn(Input):
    """The number of a volunteer to sign up."""

    number: Annotated[str, Field(max_length=200)]


@router.post("/{shift_id}/signups")
async def sign_up(visit: VisitOf, shift_id: str, body: SignupFormIn, key: Key, ours: Ours = None) -> Response:
    """Sign a volunteer of the caller's sites up, by number."""
    require_ours(ours)
    require_staff(visit)
    found = await numbered(visit, body.number.strip())
    if not found:
        raise UpstreamProblem("volunteer-unknown", "There is no such volunteer at your sites.", status=404)
    body_sent = {"volunteer_id": found[0]["volunteer_id"]}
    await visit.post("recruitment", f"/shifts/{shift_id}/signups", body_sent, **{"idempotency-key": key})
    return finish(JSONResponse({}), visit.session)


class TeamSignupFormIn(Input):
    """The ticked members of the team."""

    volunteer_ids: Annotated[list[UUID], Field(max_length=50)] = Field(default_factory=list)


@router.post("/{shift_id}/team-signups")
async def sign_up_team(visit: VisitOf, shift_id: str, body: TeamSignupFormIn, key: Key, ours: Ours = None) -> Response:
    """Sign the ticked members up, and draw the team anew with what came of each."""
    require_ours(ours)
    visit.staff()
    if not body.volunteer_ids:
        raise UpstreamProblem("members-missing", "Tick at least one member of the team.", status=422)
    sent = {"volunteer_ids": [str(one) for one in body.volunteer_ids]}
    answer = await visit.post("recruitment", f"/shifts/{shift_id}/team-signups", sent, **{"idempotency-key": key})
    standing = await _standing(visit, shift_id)
    names = {one["volunteer_id"]: f"{one['name']} {one['number']}" for one in standing["team"]}
    refused = [
        (names.get(one["volunteer_id"], ""), say(one["type"], one["detail"]))
        for one in answer["items"]
        if one["signup"] is None
    ]
    said = _n("报上了 %(n)s 位。", len(answer["items"]) - len(refused))
    outcome = {"said": f"{said} {_('这几位没有报上：')}" if refused else said, "refused": refused}
    html = fragment("staff/parts/shift_team.html", visit.session, outcome=outcome, **standing)
    return finish(JSONResponse({"html": html}), visit.session)


class EntriesFormIn(Input):
    """Volunteers by number, as typed or pasted, with the hours that they served."""

    numbers: Annotated[str, Field(max_length=5000)]
    started_at: Annotated[str, Field(max_length=50)]
    ended_at: Annotated[str, Field(max_length=50)]
    reason: Annotated[str, Field(max_length=500)]
    evidence: Annotated[str, Field(max_length=4000)]
    all_or_none: bool = False


@router.post("/{shift_id}/entries")
async def enter(visit: VisitOf, shift_id: str, body: EntriesFormIn, key: Key, ours: Ours = None) -> Response:
    """Enter the hours, and draw the form anew with what came of each volunteer; numbers not entered stay in it."""
    require_ours(ours)
    require_staff(visit)
    numbers = numbers_in(body.numbers)
    if not 1 <= len(numbers) <= MOST_ENTRIES:
        raise UpstreamProblem("entry-numbers", f"Give 1 to {MOST_ENTRIES} volunteer numbers.", status=422)
    sent = {**body.model_dump(exclude={"numbers"}), "volunteer_numbers": numbers}
    answer = await visit.post("recruitment", f"/shifts/{shift_id}/entries", sent, **{"idempotency-key": key})
    standing = await _standing(visit, shift_id)
    left = [one["volunteer_number"] for one in answer["items"] if one["record"] is None]
    typed = {
        "numbers": "\n".join(left),
        "from": local(body.started_at),
        "to": local(body.ended_at),
        "reason": body.reason,
        "evidence": body.evidence,
        "all_or_none": body.all_or_none,
    }
    outcome = {"said": _entered_in_words(len(answer["items"]) - len(left)), "lines": entry_lines(answer["items"])}
    html = fragment("staff/parts/shift_entry.html", visit.session, typed=typed, outcome=outcome, **standing)
    return finish(JSONResponse({"html": html}), visit.session)


def numbers_in(text: str) -> list[str]:
    """The numbers of a text: one a line, or separated by spaces, commas or the like; each once."""
    return list(dict.fromkeys(each for each in re.split(r"[^\w-]+", unicodedata.normalize("NFKC", text)) if each))


def entry_lines(items: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Say for each volunteer whether hours were entered, with the record where there is one."""
    lines = []
    for one in items:
        said = _("这一位可以补录；因为有人不行，先没有记")
        if one["record"] is not None:
            said = _("已补录，等别的站点核对")
        elif one["type"] is not None:
            said = say(one["type"], one["detail"]) if one["type"] == "own-record" else _why(one)
        record_id = "" if one["record"] is None else str(one["record"]["record_id"])
        lines.append({"number": str(one["volunteer_number"]), "record_id": record_id, "said": said})
    return lines


def _entered_in_words(count: int) -> str:
    return _n("补录了 %(n)s 位，等别的站点核对。", count) if count else _("一位也没有补录。")


async def _team(visit: Visit, team_id: str, placed: set[str]) -> list[dict[str, Any]]:
    """The members of a shift's team, where the visitor may see them, and whether they are in the roster."""
    found = await visit.get_optional("recruitment", f"/teams/{team_id}/members", status="active", limit="200")
    return [
        {
            "volunteer_id": str(one["volunteer_id"]),
            "number": one["volunteer_number"],
            "name": one["name"],
            "placed": str(one["volunteer_id"]) in placed,
        }
        for one in _items(found)
    ]


async def _standing(visit: Visit, shift_id: str) -> dict[str, Any]:
    """A shift with its people, by how they stand."""
    found, roster, messages, swaps, posts, now = await asyncio.gather(
        visit.ask("recruitment", f"/shifts/{shift_id}"),
        visit.ask("recruitment", f"/shifts/{shift_id}/roster"),
        visit.get_optional("recruitment", f"/shifts/{shift_id}/messages"),
        visit.get_optional("recruitment", "/swaps", shift_id=shift_id),
        visit.get_optional("recruitment", f"/shifts/{shift_id}/posts"),
        district_now(visit),
    )
    people = people_of(roster["items"])
    account = bool(visit.session.roles & {"station", "operator"})
    team = await _team(visit, found["team_id"], {one["volunteer_id"] for one in people})
    return {
        "shift": marked(found, now),
        "people": people,
        "expected": [one for one in people if not one["present"] and not one["records"]],
        "present": [one for one in people if one["present"]],
        "waiting": roster.get("waiting") or [],
        "messages": _items(messages),
        "swaps": _items(swaps),
        "posts": _items(posts),
        "team": team,
        "subjects": [(kind, _(text)) for kind, text in MESSAGE_SUBJECTS.items()],
        "account": account,
        "enters": account and visit.session.owns(found["site_id"]) and now >= parse(found["starts_at"]),
        "entry_from": local(found["starts_at"]),
        "entry_to": local(min(now, parse(found["ends_at"]))),
    }


def _items(answer: Mapping[str, Any] | None) -> list[Any]:
    return list(answer["items"]) if answer else []


def _why(refused: Mapping[str, Any]) -> str:
    known = {
        "own-record": N_("不能给自己点名，请别的工作人员或副队长来点"),
        "volunteer-unknown": N_("您的站点和队伍里没有这位志愿者"),
        "not-checked-in": N_("还没有签到，不用签退"),
        "check-in-too-early": N_("开始前一小时内才能签到"),
        "checked-in-elsewhere": N_("在别处签到了还没签退"),
        "attendance-overlaps": N_("这段时间已经有别的记录"),
        "too-many-check-ins": N_("这个班次签到次数太多"),
        "shift-over": N_("班次已经结束，请补录"),
    }.get(refused["type"])
    return _(known) if known else say(refused["type"], refused["detail"])


def people_of(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The volunteers of a shift, each with their records there; the service answers one row for each record."""
    people: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = people.setdefault(
            str(row["volunteer_id"]),
            {
                "volunteer_id": str(row["volunteer_id"]),
                "number": row["volunteer_number"],
                "name": row.get("name") or "",
                "signup_id": row["signup_id"],
                "walk_in": row["signup_id"] is None,
                "post": row.get("post"),
                "records": [],
                "present": False,
            },
        )
        if row["record_id"] is None or row["record_status"] == "void":
            continue
        one["present"] = one["present"] or row["ended_at"] is None
        one["records"].append(
            {
                "record_id": str(row["record_id"]),
                "said": _said(row),
                "provenance": word(row["provenance"], "provenance"),
                "status": row["record_status"],
                "open": row["ended_at"] is None,
            }
        )
    return list(people.values())


def _said(row: Mapping[str, Any]) -> str:
    start = clock(parse(row["started_at"]))
    if row["ended_at"] is None:
        return _("%(time)s 起在场", time=start)
    times = f"{start}—{clock(parse(row['ended_at']))}"
    return _("%(times)s，计 %(minutes)s", times=times, minutes=spell_minutes(row["minutes"]))
