"""What the operators' pages say of cases, of a move of volunteers that stopped, and of adjustments. Pure."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import pytest

from services.points.activations.domain import stop_reason
from services.points.activations.mover import Unforeseen
from services.web.gateway.sessions import Session
from services.web.gateway.upstream import UpstreamProblem
from services.web.pages.operator.activations import problem_said
from services.web.pages.operator.adjustments import standing
from services.web.pages.refusals import say
from services.web.pages.render import fragment
from services.web.pages.staff.cases import KINDS, _case_row, _proposal, found_in_words, left_to
from services.web.pages.staff.people import within_reach
from services.web.pages.visit import Visit, centre_only
from services.web.pages.volunteer.explanation import Whose, entry

MORNING = "2026-03-05T01:00:00+00:00"


def test_a_case_is_said_in_one_sentence_with_its_numbers() -> None:
    units = {"burst": "records", "many-accounts": "people"}
    beside = {"minutes": 3, "places": 12, "taken": 11, "registered": 40, "days": 30}
    evidence = {"measured": 1000, "limit": 960, **beside}
    said = {
        kind: found_in_words({"kind": kind, "evidence": {**evidence, "unit": units.get(kind, "minutes")}})
        for kind in KINDS
    }
    assert said["long-day"] == "同一位志愿者一天记了 16 小时 40 分钟服务（超过 16 小时就核查）。"
    assert said["burst"] == "同一位记录人十分钟内录了 1,000 条记录（从 960 条记录起核查）。"
    assert said["many-accounts"] == "同一部手机或终端一天替 1,000 个账户签到或签退（从 960 个账户起核查）。"
    assert said["filled-at-once"].startswith("开放报名 3 分钟内，12 个名额占了 11 个")
    assert said["idle-drives"].startswith("这次招募登记了 40 人，结束 30 天后有")
    assert len(set(said.values())) == len(KINDS)


@pytest.mark.parametrize(("after", "linked"), [({}, False), ({"after": "0191"}, True)])
def test_a_case_after_a_settled_one_leads_to_it(after: dict[str, str], linked: bool) -> None:
    evidence = {"day": "2026-03-04", "measured": 1021, "limit": 960, "unit": "minutes", **after}
    case = {
        "case_id": "0192",
        "kind": "long-day",
        "subject_kind": "volunteer",
        "subject": "0193",
        "site_ids": [],
        "evidence": evidence,
        "thresholds_version": 1,
        "records": 1,
        "status": "open",
        "opened_at": "2026-03-04T10:00:00+00:00",
        "measured": 1021,
        "still_so": True,
        "undecided": 0,
    }
    session = Session("token", {"sub": "me", "roles": ["operator"]})
    context = {
        "case": _case_row(case, {}, {}),
        "held": frozenset(),
        "records": [],
        "persons": [],
        "waiting": 0,
        "people": 0,
        "left_to": "",
        "known": {},
        "settled_by": "",
    }
    html = fragment("staff/case.html", session, path="", **context)
    assert ('href="/staff/cases/0191"' in html) is linked
    assert ("只列它没有包括的记录" in html) is linked


SITES = {"site-2": "东湖站"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"outcome": None}, ("等另一个站点决定是否作废", "")),
        ({"outcome": "voided"}, ("已作废：东湖站 的 wang，3月5日 09:00", "")),
        ({"outcome": "kept"}, ("没有作废，仍算有效：东湖站 的 wang，3月5日 09:00", "")),
        ({"outcome": "lapsed", "site_id": None}, ("到 3月5日 09:00 没有站点决定，不计入时长", "")),
        (
            {"outcome": "kept", "flag": "cleared", "flag_by": "li", "flag_at": MORNING, "flag_reason": "已核对"},
            ("没有作废，仍算有效：东湖站 的 wang，3月5日 09:00", "标记解除：li，3月5日 09:00，已核对"),
        ),
    ],
)
def test_what_became_of_a_void_is_said(changes: dict[str, Any], said: tuple[str, str]) -> None:
    proposal = {"site_id": "site-2", "decided_by": "wang", "decided_at": MORNING, "flag": None, **changes}
    found = _proposal(proposal, SITES, str)
    assert found is not None
    assert (found["said"], found["flag"]) == said
    assert _proposal(None, SITES, str) is None


@pytest.mark.parametrize(
    ("undecided", "left_to", "offered"), [(2, "", True), (2, "由另一位操作员来定", False), (0, "", False)]
)
def test_flags_that_are_left_are_offered_to_those_who_may_decide(undecided: int, left_to: str, offered: bool) -> None:
    case = {
        "case_id": "0192", "kind": "two-sites", "subject_kind": "volunteer", "subject": "0193", "site_ids": [],
        "evidence": {"day": "2026-03-04", "measured": 60, "limit": 1, "unit": "minutes"}, "thresholds_version": 3,
        "records": 2, "status": "confirmed", "opened_at": MORNING, "settled_at": MORNING, "reason": "代签",
        "measured": 60, "still_so": True, "undecided": undecided,
    }  # fmt: skip
    context = {
        "case": _case_row(case, {}, {}), "held": frozenset({"two-sites"}), "records": [], "persons": [], "waiting": 0,
        "people": 1, "left_to": left_to, "known": {}, "settled_by": "li",
    }  # fmt: skip
    html = fragment("staff/case.html", Session("token", {"sub": "me", "roles": ["operator"]}), path="", **context)
    assert ("/cases/0192/flags" in html) is offered
    assert ("2 条记录没有作废" in html) is (undecided > 0)


def test_why_a_move_stopped_is_said_by_its_code() -> None:
    volunteer_id = "01a213ec-b58f-7754-9bf4-8139d5ae778c"
    stored = str(Unforeseen(UUID(volunteer_id), -3, 5))
    reason = asdict(stop_reason(stored))
    said = problem_said(reason, {volunteer_id: "LD-2026-000461-7"})
    assert said.startswith("志愿者 LD-2026-000461-7 按新规则会变动 5 积分，试算时是 -3 积分")
    assert problem_said(reason, {}).startswith("志愿者 编号暂时取不到（D5AE778C）")
    assert stop_reason("KeyError: 'x'").code == "error"
    assert problem_said({"code": "error"}, {}).startswith("系统出了错")
    # the words of the stored text may change: the page goes by the code
    assert problem_said({**reason, "problem": "other words"}, {volunteer_id: "LD-1"}).startswith("志愿者 LD-1")


def test_an_adjustment_still_comes_to_what_was_approved() -> None:
    given = {"status": "approved", "points": 30}
    corrections = [{"status": status, "points": -10} for status in ("approved", "proposed", "rejected", "withdrawn")]
    assert standing(given, []) == 30
    assert standing(given, corrections) == 20
    assert standing({**given, "status": "proposed"}, []) == 0


def test_what_people_moved_is_not_called_service() -> None:
    inputs = [{"points": -10, "reason": "多写了", "decided_at": "2026-03-05T01:00:00Z"}]
    line = {"code": "reversal", "amount": 10, "debit": "volunteer/v/available", "credit": "issued"}
    said = entry(
        {
            **line,
            "bucket": "life/adjustment/0192",
            "posted_at": "2026-03-05T01:00:00Z",
            "explanation": {"adjustments": inputs},
        }
    )
    assert (said["title"], said["because"], said["change"]) == ("人工调整，积分扣回", "", -10)
    assert said["adjustments"] == [{"points": -10, "reason": "多写了", "when": "3月5日 09:00"}]


def test_more_taken_back_than_was_given_is_said_with_the_difference() -> None:
    said = "扣回的比给过的多（多出 3 积分），请不批准这一笔，另提一笔少些的。"
    assert say("adjustment-below-zero", "…", {"missing": 3}) == said
    assert say("adjustment-below-zero", "…") == said.replace("（多出 3 积分）", "")


PROPOSED: dict[str, Any] = {
    "adjustment_id": "0192",
    "volunteer_id": "volunteer-1",
    "points": 30,
    "corrects": None,
    "reason": "<b>停电</b>",
    "evidence": "签字单",
    "status": "proposed",
    "proposed_by": "first",
    "proposed_at": "2026-03-05T01:00:00Z",
    "decided_by": None,
    "decided_at": None,
    "decision_note": "",
    "correlation_id": "c",
}

NAMED = {"who": str, "number_of": str}
"""Functions from ids to the words that stand for them."""


@pytest.mark.parametrize(
    ("me", "volunteer", "offered", "told"),
    [
        ("first", None, {"withdraw"}, "要由另一位操作员批准"),
        ("second", None, {"approve", "reject"}, "批准的依据"),
        ("second", "volunteer-2", {"approve", "reject"}, "批准的依据"),
        ("second", "volunteer-1", set(), "这是您自己的账户，要由别的操作员决定"),
    ],
)
def test_only_who_may_decide_is_offered_to(me: str, volunteer: str | None, offered: set[str], told: str) -> None:
    session = Session("token", {"sub": me, "roles": ["operator"], "volunteer": volunteer})
    context: dict[str, Any] = {
        "adjustment": PROPOSED,
        "corrections": [],
        "standing": 0,
        "posted": [],
        "person": None,
        "me": me,
        **NAMED,
    }
    html = fragment("operator/adjustment.html", session, path="", **context)
    assert {act for act in ("approve", "reject", "withdraw") if f"/adjustments/0192/{act}" in html} == offered
    assert told in html
    assert "&lt;b&gt;停电" in html


def test_pages_say_that_evidence_was_erased_and_keep_the_adjustment() -> None:
    context: dict[str, Any] = {"corrections": [], "standing": 0, "posted": [], "person": None, "me": "second", **NAMED}
    listing: dict[str, Any] = {"chosen": "all", "states": [], "person": None, "number": "", "account": None}
    for evidence, erased in (("签字单", False), (None, True)):
        adjustment = {**PROPOSED, "evidence": evidence}
        html = fragment("operator/adjustment.html", CENTRE, path="", adjustment=adjustment, **context)
        assert ("凭据已经删除，不能再看" in html, "签字单" in html) == (erased, not erased)
        assert "&lt;b&gt;停电" in html
        assert "None" not in html
        listed = {"adjustments": [adjustment], "next_cursor": None, **listing, **NAMED}
        html = fragment("operator/adjustments.html", CENTRE, path="", **listed)
        assert ("凭据已删除" in html) is erased
        decided = {"status": "approved", "decided_by": "second", "decided_at": "2026-03-05T02:00:00Z"}
        adjustment |= {**decided, "decision_note": None if erased else "问过本人"}
        html = fragment("operator/adjustment.html", CENTRE, path="", adjustment=adjustment, **context)
        assert ("依据已经删除，不能再看" in html, "问过本人" in html) == (erased, not erased)
        assert "+30 积分" in html


NORTH = Session("token", {"sub": "north", "roles": ["operator"], "sites": ["site-1"]})
CENTRE = Session("token", {"sub": "centre", "roles": ["operator"], "sites": "*"})


def test_who_is_responsible_for_some_sites_is_offered_nothing_of_the_districts() -> None:
    rewards: dict[str, Any] = {"rewards": [], "next_cursor": None, "path": ""}
    staff: dict[str, Any] = {"today": [], "coming": [], "waiting": [], "held": [], "path": ""}
    for session, offered in ((CENTRE, True), (NORTH, False)):
        assert session.centre is offered
        assert ('href="/staff/rules"' in fragment("staff/home.html", session, **staff)) is offered
        html = fragment("staff/rewards.html", session, **rewards)
        assert ('data-api="POST /api/points/v1/rewards"' in html) is offered
        assert ("奖品由区中心添加和修改" in html) is not offered
        assert 'href="/staff/adjustments"' in fragment("staff/home.html", session, **staff), (
            "of their sites, both have some"
        )


@pytest.mark.parametrize("sites", ["*", ["site-1"]])
def test_the_rules_are_a_page_of_the_centres(sites: Any) -> None:
    session = Session("token", {"sub": "somebody", "roles": ["operator"], "sites": sites})
    visit = Visit(None, session, "/staff/rules", "/staff/rules")  # type: ignore[arg-type]
    if sites == "*":
        centre_only(visit)
    else:
        with pytest.raises(UpstreamProblem) as refused:
            centre_only(visit)
        assert "由区中心的操作员来办" in say(refused.value.type, refused.value.detail)


def test_why_nothing_can_be_proposed_for_a_volunteer_is_said_by_whose_they_are() -> None:
    person = Whose("volunteer-1", "/staff/volunteers/volunteer-1", "志愿者 周**")
    context: dict[str, Any] = {
        "adjustments": [], "chosen": "all", "states": [], "person": person, "number": "", "account": None, **NAMED,
        "next_cursor": None, "path": "",
    }  # fmt: skip
    assert "第一次服务之后才有" in fragment("operator/adjustments.html", CENTRE, **context)
    assert "没有在您负责的站点服务或兑换过" in fragment("operator/adjustments.html", NORTH, **context)


CASE: dict[str, Any] = {
    "subject": "phone:1",
    "site_ids": ["site-1"],
    "seen_records": [{"volunteer_id": "v", "recorded_by": "clerk", "revision": 1, "site_id": "site-1"}],
    "people": [],
}


@pytest.mark.parametrize(
    ("session", "changes", "said"),
    [
        (CENTRE, {}, ""),
        (CENTRE, {"site_ids": ["site-2"]}, ""),
        (NORTH, {}, ""),
        (NORTH, {"site_ids": ["site-1", "site-2"]}, "由区中心的操作员来定"),
        (NORTH, {"seen_records": [{**CASE["seen_records"][0], "site_id": None}]}, "由区中心的操作员来定"),
        (Session("token", {"sub": "clerk", "roles": ["operator"], "sites": "*"}), {}, "要由另一位操作员来定"),
        (Session("token", {"sub": "x", "roles": ["operator"], "sites": "*", "volunteer": "v"}), {}, "另一位操作员"),
        (
            Session("token", {"sub": "x", "roles": ["operator"], "sites": "*", "volunteer": "w"}),
            {"seen_records": [], "people": [{"volunteer_id": "w"}]},
            "另一位操作员",
        ),
        (
            Session("token", {"sub": "y", "roles": ["operator"], "sites": "*"}),
            {"subject": "x|y", "seen_records": []},
            "另一位操作员",
        ),
        (Session("token", {"sub": "x", "roles": ["station"], "sites": ["site-1"]}), {}, "请告诉中心"),
    ],
)
def test_whom_a_case_is_left_to_is_said(session: Session, changes: dict[str, Any], said: str) -> None:
    told = left_to(session, CASE | changes)
    assert said in told if said else not told


class _Reach:
    """A visit to which recruitment shows some volunteers and none of the others."""

    def __init__(self, session: Session, shown: set[str]) -> None:
        self.session, self._shown = session, shown
        self.asked: list[str] = []

    async def get_optional(self, service: str, path: str) -> Any:
        self.asked.append(path)
        return {} if path.removeprefix("/volunteers/") in self._shown else None


async def test_a_case_leads_only_to_volunteers_whose_pages_the_caller_may_open() -> None:
    station = _Reach(Session("t", {"roles": ["station"]}), {"a"})
    assert await within_reach(station, ["a", "b", "a", None]) == {"a"}  # type: ignore[arg-type]
    assert sorted(station.asked) == ["/volunteers/a", "/volunteers/b"]
    centre = _Reach(Session("t", {"roles": ["operator"], "sites": "*"}), set())
    assert await within_reach(centre, ["a", "b"]) == {"a", "b"}  # type: ignore[arg-type]
    assert centre.asked == []
