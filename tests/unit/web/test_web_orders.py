"""Orders on the pages: their way, what is next, why a team matches, and what the form sends. Pure."""

from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

import pytest

from services.recruitment.orders.terms.domain import (
    ACTS,
    ASK_REASONS,
    CANCEL_REASONS,
    DECLINE_REASONS,
    REFUSE_REASONS,
    Desk,
    OrderAct,
    OrderActor,
    OrderState,
    Outcome,
    SeriesEvery,
    TakenBy,
)
from services.web.gateway.sessions import Session
from services.web.pages import order_words, render
from services.web.pages.operator.desk import leads_of
from services.web.pages.order_words import ORDER_WORDS
from services.web.pages.ordering import matched, shown, time_left
from services.web.pages.refusals import say
from services.web.pages.resident.placing import OrderFormIn, order_of
from services.web.pages.staff.orders import plan_of, reasons_of
from shared.contracts import OrderChanged

NOW = datetime.fromisoformat("2026-03-05T09:00:00+08:00")
TEAM, SITE, NEED = (str(UUID(int=n)) for n in (1, 2, 3))
RESIDENT = Session("token", {"sub": "r", "roles": ["resident"]})
STATION = Session("token", {"sub": "s", "roles": ["station"], "sites": [SITE]})
ENDED = ("rated", "refused", "closed", "unfulfilled", "cancelled")


def order(state: str = "placed", **more: Any) -> dict[str, Any]:
    """An order as recruitment answers it."""
    ended = state in ENDED
    return {
        "order_id": str(UUID(int=9)), "number": "DD-2026-000001", "state": state, "need_tag_id": NEED,
        "need_tag": "haircut", "need_zh": "上门理发", "need_en": "Haircut at home", "site_id": SITE,
        "site_name": "惠民站", "team_id": None, "team_name": None, "placed_at": NOW.isoformat(),
        "since": NOW.isoformat(),
        "due_at": None if ended else "2026-03-06T18:00:00+08:00", "late": False, "waits_at": "station",
        "waits_for": None, "wished_from": "2026-03-07T09:00:00+08:00", "wished_to": "2026-03-07T12:00:00+08:00",
        "minutes": 60, "people": 2, "frail": True, "for_another": True, "taken_by": "phone",
        "series": {"every": "month", "times": 3}, "series_id": None, "activity_id": None, "shift_id": None,
        "starts_at": None, "ends_at": None, "declines": 0, "escalations": 0, "reopened": False,
        "residents_served": None, "stars": None, "rated_by_default": False, "complaint": False, "reason_code": None,
        "version": 1, "allowed": [], "teams": [],
        "history": [
            {"act": "place", "state": "placed", "waits_at": "station", "at": NOW.isoformat(), "by_kind": "resident",
             "reason_code": None, "team_id": None},
        ],
    } | more  # fmt: skip


def step(act: str, state: str, **more: Any) -> dict[str, Any]:
    return {**order()["history"][0], "act": act, "state": state, **more}


def test_each_code_of_orders_has_a_word() -> None:
    for group, codes in (
        ("order_state", OrderState),
        ("order_act", OrderAct),
        ("order_desk", Desk),
        ("order_actor", OrderActor),
        ("order_channel", TakenBy),
        ("order_every", SeriesEvery),
    ):
        assert set(ORDER_WORDS[group]) == {str(code) for code in codes}, group
    assert set(ORDER_WORDS["order_outcome"]) == set(Outcome) - {"served"}
    for own, theirs in (
        (order_words.ASK_REASONS, ASK_REASONS),
        (order_words.REFUSE_REASONS, REFUSE_REASONS),
        (order_words.DECLINE_REASONS, DECLINE_REASONS),
        (order_words.CANCEL_REASONS, CANCEL_REASONS - {"no-team"}),
    ):
        assert set(own) == theirs
        assert set(own) <= set(ORDER_WORDS["order_reason"])
    assert "no-team" in dict(reasons_of()["cancel"])
    causes, _ = get_args(OrderChanged.model_fields["cause"].annotation)
    assert set(ORDER_WORDS["order_reason"]) == set(get_args(causes)), "the steps of the timers give reasons too"


@pytest.mark.parametrize("state", list(OrderState))
def test_an_open_order_says_what_is_next_and_by_when(state: str) -> None:
    for late in (False, True):
        for working in (False, True):
            said = shown(order(state, late=late), NOW, {}, working=working)
            assert bool(said["next"]) == (state not in ENDED)
            assert said["ended"] == (state in ENDED)
            assert "%(" not in said["next"]


def test_staff_are_asked_for_the_next_step_and_residents_read_what_it_is() -> None:
    asked, read = (shown(order("accepted"), NOW, {}, working=working)["next"] for working in (True, False))
    assert asked.startswith("请在3月6日 18:00前定好时间")
    assert read.startswith("队伍已接单")


def test_the_stages_of_an_order_that_is_offered_are_two_done_and_one_at_work() -> None:
    assert [mark for _, mark in shown(order("offered"), NOW, {})["stages"]] == ["done", "done", "now", "", ""]
    assert shown(order("cancelled"), NOW, {})["stages"] == []


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("2026-03-05T10:30:00+08:00", "还剩 1 小时 30 分钟"),
        ("2026-03-06T12:00:00+08:00", "还剩 1 天 3 小时"),
        ("2026-03-07T09:20:00+08:00", "还剩 2 天"),
        ("2026-03-05T08:15:00+08:00", "超时 45 分钟"),
    ],
)
def test_time_left_is_said_in_days_hours_and_minutes(due: str, said: str) -> None:
    assert time_left(due, NOW) == said


def test_steps_name_the_team_the_desk_and_the_reason_with_the_latest_first() -> None:
    found = order(
        "unfulfilled",
        history=[
            step("place", "placed"),
            step("escalate", "offered", waits_at="institute"),
            step("decline", "unfulfilled", team_id=TEAM, reason_code="no-people"),
            step("complete", "accepted", reason_code="absent"),
            step("complete", "served"),
        ],
    )
    assert [one["said"] for one in shown(found, NOW, {TEAM: "晨光队"})["steps"]] == [
        "服务完成",
        "这次没有服务成，重新定时间（居民不在家）",
        "晨光队 没有接（人手不够）",
        "超时，转到所处理",
        "下了单",
    ]


def test_a_match_says_why_and_leaves_out_what_counts_nothing() -> None:
    reasons = [{"code": code, "value": value, "points": 0} for code, value in (
        ("distance", 0), ("docked", 0), ("skilled", 3), ("load", 2), ("rating", 4.5))]  # fmt: skip
    assert matched([{"team_id": TEAM, "reasons": reasons}])[0]["why"] == [
        "就在本站点",
        "3 位有这项技能",
        "近 30 天有 2 场服务",
        "评价 4.5 分",
    ]


def form(**more: Any) -> OrderFormIn:
    said = {
        "need": NEED,
        "day": date(2026, 3, 7),
        "part": "morning",
        "address": "和平小区 3 号楼",
        "phone": "13912345678",
    }
    return OrderFormIn(**(said | more))


def test_the_form_sends_a_part_of_a_day_as_a_window_of_the_district() -> None:
    sent = order_of(form())
    assert (sent["wished_from"], sent["wished_to"]) == ("2026-03-07T09:00:00+08:00", "2026-03-07T12:00:00+08:00")
    assert sent["details"] == {"address": "和平小区 3 号楼", "phone": "13912345678", "know": None}
    assert "beneficiary" not in sent
    assert "series" not in sent


def test_an_order_for_another_without_a_phone_uses_the_one_at_the_door() -> None:
    sent = order_of(form(another=True, other_name="张大爷", every="month", times=4))
    assert sent["beneficiary"] == {"name": "张大爷", "phone": "13912345678"}
    assert sent["series"] == {"every": "month", "times": 4}
    assert "beneficiary" not in order_of(form(another=False, other_name="张大爷"))


def test_a_plan_begins_with_the_wished_time_and_no_longer_than_wished() -> None:
    assert plan_of(order()) == {"starts_at": "2026-03-07T09:00", "ends_at": "2026-03-07T10:00", "places": 2}
    assert plan_of(order(minutes=480))["ends_at"] == "2026-03-07T12:00"


def test_leads_for_recruitment_count_needs_by_site() -> None:
    other = str(UUID(int=8))
    leads = leads_of(
        [order("unfulfilled"), order("unfulfilled", site_id=other, site_name="东湖站"), order("unfulfilled")]
    )
    assert [(one["need"], one["site"], one["count"]) for one in leads] == [
        ("上门理发", "惠民站", 2),
        ("上门理发", "东湖站", 1),
    ]


@pytest.mark.parametrize("state", list(OrderState))
def test_pages_of_an_order_render_in_each_state_with_what_is_allowed(state: str) -> None:
    acts = [str(act) for act in ACTS[OrderState(state)]]
    found = order(state, allowed=acts, team_id=TEAM, team_name="<b>队")
    if state in ("scheduled", "served", "rated"):
        found |= {"shift_id": TEAM, "starts_at": found["wished_from"], "ends_at": found["wished_to"]}
    one = shown(found, NOW, {TEAM: "<b>队"})
    match = {"team_id": TEAM, "team_name": "<b>队", "members": 3, "why": ["就在本站点"]}
    theirs = render.fragment(
        "resident/order.html", RESIDENT, path="/orders/9", order=one, details=None, looks=[], door="123456",
        cancel_reasons=order_words.CANCEL_REASONS,
    )  # fmt: skip
    ours = render.fragment(
        "staff/order.html", STATION, path="/staff/orders/9", order=one, details=None, suggested=[match],
        plan=plan_of(one), led=[(TEAM, "<b>队")], reasons=reasons_of(),
    )  # fmt: skip
    for html, expected in (
        (theirs, {"rate", "cancel", "answer"}),
        (ours, set(acts) - {"take", "offer", "ask", "refuse"}),
    ):
        assert "<b>队" not in html
        verbs = {"complete": "complete", "rate": "rating"}
        for act in expected & set(acts):
            assert f'/{verbs.get(act, act)}"' in html, act
    decisions = {"take", "offer", "ask", "refuse"} & set(acts)
    assert all(f'name="decision" value="{one}"' in " ".join(ours.split()) for one in decisions)


@pytest.mark.parametrize(("seconds", "wait"), [(90, "90 秒"), (5341, "1 小时 30 分钟"), (86_400, "24 小时")])
def test_too_many_orders_are_refused_with_how_many_and_when_again(seconds: int, wait: str) -> None:
    said = say("orders-many", "", {"most": 10, "retry_after": seconds})
    assert said == f"点单太多了，同一位居民一天最多 10 单，请 {wait}后再点；急事请直接联系站点。"
