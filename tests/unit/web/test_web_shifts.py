"""The page of a shift: what a volunteer can do in each state, and the calendar file."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.web.gateway.sessions import Session
from services.web.pages.render import fragment
from services.web.pages.volunteer.calendar import calendar_of
from services.web.pages.volunteer.shifts import NO_DETAILS

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
SHIFT: dict[str, Any] = {
    "shift_id": "s", "title": "晨光问候", "place": "广场", "site_name": "惠民社区", "team_name": "红纽带",
    "theme": "夕阳别样红", "content": None, "cancelled_at": None, "signup_id": None, "record_id": None, "entry_id": "e",
    "starts_at": (NOW + timedelta(days=1)).isoformat(), "ends_at": (NOW + timedelta(days=1, hours=2)).isoformat(),
    "offer_until": None, "waiting": 0, "rank": None, "free": 3,
}  # fmt: skip
SWAP = {
    "swap_id": "w",
    "shift_id": "s",
    "from_id": "a",
    "to_id": "b",
    "from_number": "V1",
    "to_number": "V2",
    "state": "proposed",
}
POSTS = [
    {"post_id": "p", "name": "引导", "capacity": 3, "taken": 1},
    {"post_id": "q", "name": "登记", "capacity": 2, "taken": 2},
]
SIGNED: dict[str, Any] = {"signup_id": "g"}
OFFERED: dict[str, Any] = {"offer_until": (NOW + timedelta(hours=2)).isoformat(), "free": 0}


def acts(html: str) -> set[str]:
    return set(re.findall(r'data-api="POST /api/recruitment/v1([^"]+)"', html))


def shown(state: str, me: str = "a", swaps: tuple[Any, ...] = (), lacks: tuple[str, ...] = (), **more: Any) -> str:
    flags = {name: more.pop(name, False) for name in ("begun", "over", "late")}
    context = {
        "details": {**NO_DETAILS, "bring": "雨伞"},
        "deadline": NOW,
        "worth": "",
        "messages": [{"said": "请提前几分钟到场集合。", "words": "东门", "sent_at": NOW.isoformat(), "by_staff": True}],
        "posts": POSTS,
        "own_post": "p",
        "order": None,
        "asked": [],
        "may_ask": False,
        "path": "/me/shifts/s",
        **flags,
    }
    return fragment(
        "volunteer/shift.html",
        Session(),
        shift={**SHIFT, **more},
        state=state,
        me=me,
        swaps=swaps,
        lacks=lacks,
        **context,
    )


@pytest.mark.parametrize(
    ("state", "more", "expected"),
    [
        ("none", {}, {"/shifts/s/signups"}),
        ("none", {"free": 0, "waiting": 2}, {"/shifts/s/waitlist"}),
        ("none", {"free": 1, "waiting": 2}, {"/shifts/s/waitlist"}),
        ("none", {"free": 1, "waiting": 2, "begun": True}, {"/shifts/s/signups"}),
        ("none", {"free": 0, "begun": True}, set()),
        ("none", {"lacks": ("要先完成培训",)}, set()),
        ("none", {"over": True, "begun": True}, set()),
        ("none", {"cancelled_at": NOW.isoformat()}, set()),
        ("waiting", {"rank": 2, "waiting": 5, "free": 0}, {"/waitlist/e/withdrawal"}),
        ("offered", OFFERED, {"/waitlist/e/acceptance", "/waitlist/e/withdrawal"}),
        ("signed_up", SIGNED, {"/signups/g/cancel", "/signups/g/swaps"}),
        ("signed_up", {**SIGNED, "swaps": (SWAP,)}, {"/signups/g/cancel", "/swaps/w/end"}),
        ("signed_up", {**SIGNED, "begun": True, "late": True}, {"/signups/g/cancel"}),
        (
            "none",
            {"swaps": (SWAP,), "me": "b", "free": 0},
            {"/swaps/w/acceptance", "/swaps/w/end", "/shifts/s/waitlist"},
        ),
        ("attending", {"record_id": "r"}, set()),
    ],
)
def test_each_state_offers_what_it_allows(state: str, more: dict[str, Any], expected: set[str]) -> None:
    assert acts(shown(state, **more)) == expected


def test_the_page_says_the_rank_the_deadline_and_what_is_missing() -> None:
    assert "候补第 2 位" in shown("waiting", rank=2, waiting=5, free=0)
    assert "不算临时取消" in shown("signed_up", **SIGNED)
    assert "会记为临时取消" in shown("signed_up", late=True, **SIGNED)
    html = shown("none", lacks=("要先完成培训",))
    assert "要先完成培训" in html
    assert "雨伞" in html
    choice = shown("none")
    assert re.search(r'value="q" disabled>登记：2 / 2 人', choice)
    assert "岗位：引导" in shown("signed_up", **SIGNED)
    assert "请提前几分钟到场集合。<br>东门" in html


def test_a_calendar_holds_each_sign_up_escaped_and_in_short_lines() -> None:
    signup = {**SHIFT, "signup_id": "g", "title": "一,二;三\n" + "四" * 60, "place": "广场\x07"}
    text = calendar_of([signup], NOW)
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert "DTSTART:20260305T010000Z\r\n" in text
    assert "SUMMARY:一\\,二\\;三\\n四" in text
    assert "LOCATION:广场 \r\n" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
