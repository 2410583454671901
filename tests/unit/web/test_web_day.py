"""Pages of a station's day, drawn from canned answers of the services."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import Response

from services.web.gateway.sessions import Session
from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.public import district
from services.web.pages.staff import endings, plan, records, shifts
from services.web.pages.visit import Visit
from services.web.pages.volunteer import contact

SITE, SHIFT, ONE = (f"00000000-0000-0000-0000-00000000000{n}" for n in range(1, 4))
AT, LATER = "2026-03-04T01:00:00Z", "2026-03-04T03:00:00Z"
VOLUNTEER = Session("token", {"sub": "v", "roles": ["volunteer"], "volunteer": "v"})
STATION = Session("token", {"sub": "s", "roles": ["station"], "sites": [SITE]})


def items(*rows: Any) -> dict[str, Any]:
    return {"items": list(rows), "next_cursor": None}


PERSON = {
    "volunteer_id": ONE, "volunteer_number": "LD-1", "name": "张**", "signup_id": ONE, "source": "self",
    "post": "引导",
    "record_id": None, "record_status": None, "provenance": None, "started_at": None, "ended_at": None, "minutes": None,
}  # fmt: skip
WAITING = {
    "rank": 1, "entry_id": ONE, "volunteer_id": ONE, "volunteer_number": "LD-2", "status": "offered",
    "skipped": None, "joined_at": AT, "offer_until": LATER,
}  # fmt: skip
SWAP = {"swap_id": ONE, "from_number": "LD-1", "to_number": "LD-3", "state": "agreed"}
MESSAGE = {
    "message_id": ONE, "kind": "bring", "words": "红马甲", "by_staff": True, "sent_at": AT, "recipients": 7,
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    f"/shifts/{SHIFT}": {
        "shift_id": SHIFT, "activity_id": ONE, "title": "晨光问候", "place": "广场", "state": "open", "starts_at": AT,
        "ends_at": LATER, "site_id": SITE, "team_id": ONE, "cancelled_at": None, "capacity": 3, "taken": 1, "now": AT,
    },
    f"/shifts/{SHIFT}/roster": {"items": [PERSON], "waiting": [WAITING]},
    f"/shifts/{SHIFT}/messages": items(MESSAGE),
    "/volunteers/me": {"phone": "138****0000", "email": None, "volunteer_number": "LD-1", "name": "张三"},
    "/volunteers/me/consent": {
        "current": 2, "accepted": 1, "accepted_at": AT, "due": True, "guardian_needed": True,
    },
    "/volunteers/me/phone/changes": items({"change_id": ONE, "changed_at": AT, "by_staff": True}),
    "/volunteers/me/looks": items({"site": None, "purpose": "核对保险", "read_at": AT}),
    "/volunteers/me/facts": items(
        {"kind": "insurance", "code": "2026", "valid_until": "2026-12-31", "revoked_at": None},
    ),
    "/volunteers/me/export": {"person": {"name": "张三"}, "records": []},
    "/accounts/v": {"available": 30},
    "/accounts/v/statement": items({"amount": 30, "explanation": "2 小时"}),
    "/preferences": {"email": False, "quiet_from": "22:00", "quiet_to": "07:00"},
    "/signups/reliability": {"missed": 2, "late": 1, "days": 90, "allowed": 1, "paused_until": LATER},
    f"/activities/{ONE}": {
        "activity_id": ONE, "title": "晨光问候", "version": 3,
        "shifts": [{"shift_id": SHIFT, "starts_at": AT, "ends_at": LATER}],
    },
    f"recruitment /activities/{ONE}/void-preview": {
        "records": 3, "people": 2, "confirmed_minutes": 180, "honour_minutes": 60, "waiting": 1, "digest": "d",
    },
    f"points /activities/{ONE}/void-preview": {
        "records": 2, "people": 2, "points": 30, "debt": 12, "badges": {"star-1": 1}, "digest": "p",
    },
    f"POST /shifts/{SHIFT}/team-signups": items(
        {"volunteer_id": SITE, "signup": None, "type": "shift-full", "detail": "full"}
    ),
    f"POST /shifts/{SHIFT}/entries": items(
        {"volunteer_number": "LD-1", "record": {"record_id": ONE}, "type": None, "detail": None},
        {"volunteer_number": "LD-2", "record": None, "type": "volunteer-unknown", "detail": "none"},
        {"volunteer_number": "LD-9", "record": None, "type": "own-record", "detail": "own"},
    ),
    f"/shifts/{SHIFT}/cancellation-preview": {
        "shifts": 1, "absent": 2, "waiting": 1, "open_records": 3, "open_minutes": 95, "confirmed": 4,
        "confirmed_minutes": 480, "unconfirmed": 1, "digest": "d",
    },
    f"/activities/{ONE}/ending-preview": {
        "records": 8, "waiting": 4, "points": 80, "expected": 16, "badges": {"star-1": 1}, "digest": "p",
    },
    f"POST /shifts/{SHIFT}/cancellation": {},
    "/swaps": items(SWAP),
    f"/teams/{ONE}/members": items(
        {"volunteer_id": ONE, "volunteer_number": "LD-1", "name": "张**"},
        {"volunteer_id": SITE, "volunteer_number": "LD-7", "name": "李**"},
    ),
    f"/shifts/{SHIFT}/posts": {
        "items": [{"post_id": ONE, "name": "引导", "capacity": 3, "taken": 1}], "own": None,
    },
}  # fmt: skip


class CannedVisit(Visit):
    """A visit whose services answer from the table."""

    async def ask(self, service: str, path: str, **query: str) -> Any:
        path = f"{service} {path}" if f"{service} {path}" in ANSWERS else path
        if path not in ANSWERS:
            raise UpstreamProblem("not-found", path, status=404)
        return ANSWERS[path]

    async def post(self, service: str, path: str, body: object, **headers: str) -> Any:
        return await self.ask(service, f"POST {path}")


def visit(session: Session = STATION, path: str = "/") -> Visit:
    return CannedVisit(None, session, path, path)  # type: ignore[arg-type]


def text(answer: Response) -> str:
    assert answer.status_code == 200
    return bytes(answer.body).decode()


@pytest.fixture(autouse=True)
def _morning(monkeypatch: pytest.MonkeyPatch) -> None:
    async def now(_visit: Visit) -> datetime:
        return datetime.fromisoformat(AT)

    monkeypatch.setattr(shifts, "district_now", now)


async def test_a_shift_shows_who_waits_what_is_swapped_and_what_was_written() -> None:
    html = text(await shifts.shift(visit(), SHIFT))
    assert f"POST /api/recruitment/v1/shifts/{SHIFT}/messages" in html
    assert "请带好物品<br>红马甲" in html
    assert "发给 7 位" in html
    assert "引导：1 / 3 人" in html
    assert f"PUT /api/recruitment/v1/signups/{ONE}/post" in html
    assert "LD-1 想换给 LD-3" in html
    assert f"POST /api/recruitment/v1/swaps/{ONE}/approval" in html
    assert "第 1 位" in html
    assert "有名额留着" in html


async def test_a_team_is_signed_up_at_once_but_for_those_in_the_roster() -> None:
    html = text(await shifts.shift(visit(), SHIFT))
    assert f'name="volunteer_ids" value="{SITE}"' in html, "one who is not in the roster can be ticked"
    assert f'name="volunteer_ids" value="{ONE}"' not in html
    assert "已在名单里" in html
    with pytest.raises(UpstreamProblem, match="at least one"):
        await shifts.sign_up_team(visit(), SHIFT, shifts.TeamSignupFormIn(), "key", "1")


async def test_what_came_of_each_member_is_said_by_name() -> None:
    html = text(
        await shifts.sign_up_team(visit(), SHIFT, shifts.TeamSignupFormIn(volunteer_ids=[UUID(SITE)]), "k", "1")
    )
    assert "报上了 0 位" in html
    assert "李** LD-7" in html


def entries_form(numbers: str) -> shifts.EntriesFormIn:
    return shifts.EntriesFormIn(numbers=numbers, started_at=AT, ended_at=LATER, reason="手机没电", evidence="签到表")


async def test_what_came_of_each_entry_is_said_by_number_and_what_is_left_stays_in_the_form() -> None:
    html = text(await shifts.enter(visit(), SHIFT, entries_form("LD-1、LD-2\nLD-9 LD-1"), "k", "1"))
    assert "补录了 1 位" in html
    assert f"/staff/records/{ONE}" in html
    assert "您的站点和队伍里没有这位志愿者" in html
    assert "不能操作自己的服务记录" in html
    assert json.loads(html)["html"].count("LD-2\nLD-9</textarea>") == 1
    for numbers in ("，", " ".join(f"LD-{n}" for n in range(51))):
        with pytest.raises(UpstreamProblem, match="1 to 50"):
            await shifts.enter(visit(), SHIFT, entries_form(numbers), "k", "1")


def test_numbers_are_read_from_lines_and_lists() -> None:
    assert shifts.numbers_in("LD-1\n LD-2,ＬＤ－3；LD-1\t\n") == ["LD-1", "LD-2", "LD-3"]


RECORD: dict[str, Any] = {
    "record_id": ONE, "volunteer_id": ONE, "shift_id": SHIFT, "volunteer_number": "LD-1", "activity_title": "晨光问候",
    "site_name": "惠民社区", "started_at": AT, "ended_at": LATER, "minutes": 120, "status": "provisional",
    "provenance": "scanned", "closed_by": "auto", "waits_for": [], "stayed_minutes": 0, "distance_m": None,
    "answer": None, "left_at": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said", "far"),
    [
        ({}, "", ""),
        ({"answer": "left", "left_at": AT}, "本人说 09:00 走的", ""),
        ({"answer": "absent", "distance_m": 500}, "本人说没有来", ""),
        ({"distance_m": 501}, "", "签到时离站点 501 m"),
        ({"distance_m": 12_340}, "", "签到时离站点 12.3 km"),
    ],
)
def test_a_record_says_what_its_volunteer_answered_and_how_far_they_were(
    more: dict[str, Any], said: str, far: str
) -> None:
    line = records.record_line({**RECORD, **more})
    assert (line["answer"], line["far"]) == (said, far)


async def test_own_data_say_from_how_many_unused_places_on_sign_ups_pause() -> None:
    html = text(await contact.contact(visit(VOLUNTEER)))
    assert "90 天里没到和临时取消合计超过 1 次，会暂停自己报名" in html


async def test_own_data_say_how_messages_arrive() -> None:
    html = text(await contact.contact(visit(VOLUNTEER)))
    assert "PATCH /api/notify/v1/preferences" in html
    assert 'value="07:00"' in html
    assert "还没有邮箱，先在上面填好。" in html


async def test_own_data_ask_for_the_terms_and_say_who_read_them() -> None:
    html = text(await contact.contact(visit(VOLUNTEER)))
    assert "POST /api/recruitment/v1/volunteers/me/consents" in html
    assert "监护人已知情" in html
    assert 'data-send-code="/me/contact/phone-codes"' in html
    assert "由站点换过" in html
    assert "区中心 · 核对保险" in html
    assert "2 次没到、1 次临时取消" in html
    assert "到 2026" in html
    assert "监护人" in text(await contact.terms(visit(Session())))


async def test_voiding_an_activity_shows_both_parts_and_refuses_what_changed() -> None:
    html = text(await plan.void_page(visit(), ONE))
    assert "2 人的 3 条" in html
    assert "其中 12 已经用掉" in html
    assert "star-1 × 1" in html
    assert "积分那边现在看到 2 条记录" in html
    said = plan.ActivityVoidFormIn(digest="d", points_digest="older", reason="没有办", evidence="照片")
    with pytest.raises(UpstreamProblem, match="changed"):
        await plan.void_activity(visit(), ONE, said, "key", "1")


async def test_calling_off_shows_the_part_of_each_service_and_refuses_what_changed() -> None:
    html = text(await endings.ending(visit(), ONE, "call-off", UUID(SHIFT)))
    for said in ("2 位", "1 位", "到现在为止 1 小时 35 分钟", "8 小时", "80", "16 积分", "star-1 × 1"):
        assert said in html, said
    form = endings.EndingFormIn(act="call-off", shift_id=UUID(SHIFT), version=3, digest="d", reason="weather")
    assert (await endings.end(visit(), ONE, form, "key", "1")).status_code == 200
    with pytest.raises(UpstreamProblem, match="changed"):
        await endings.end(visit(), ONE, form.model_copy(update={"points_digest": "older"}), "key", "1")


@pytest.mark.parametrize("away", [False, True])
async def test_a_day_begins_at_the_districts_midnight(away: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def report(visit: Visit) -> Any:
        if away:
            raise UpstreamProblem("away", "away", status=503)
        return {"to": "2026-03-03T17:30:00Z"}

    monkeypatch.setattr(district, "district_report", report)
    monkeypatch.setattr(district, "real_now", lambda: datetime.fromisoformat("2026-03-03T17:30:00Z"))
    now = await district.district_now(visit(STATION, "/staff"))
    assert f"{now:%Y-%m-%d %H:%M}" == "2026-03-04 01:30"


async def test_an_export_is_one_file_that_names_what_is_missing() -> None:
    answer = await contact.export(visit(VOLUNTEER))
    held = json.loads(text(answer))
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert held["recruitment"]["person"]["name"] == "张三"
    assert held["points"]["statement"] == [{"amount": 30, "explanation": "2 小时"}]
    assert held["notify"]["preferences"]["email"] is False
    assert (held["notify"]["inbox"], held["missing"]) == (None, ["notify"])
