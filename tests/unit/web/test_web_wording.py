"""What the pages say: times, sums, refusals, explanations. Pure."""

import json
from typing import Any

import pytest

from services.web.pages.district import district_of
from services.web.pages.duties import of_records
from services.web.pages.refusals import SENTENCES, say, translated
from services.web.pages.rules import rule_sentence
from services.web.pages.visit import safe_next
from services.web.pages.why import entry, record_line
from services.web.pages.wording import day, figure, moment, percent, signed, span, spell_minutes, word


def test_times_are_said_in_the_districts_zone() -> None:
    assert moment("2026-03-04T17:05:00Z") == "3月5日 01:05"
    assert day("2026-03-04T17:05:00+00:00", year=True) == "2026年3月5日（周四）"
    assert span("2026-03-05T01:00:00Z", "2026-03-05T03:30:00Z") == "3月5日（周四） 09:00—11:30"
    assert span("2026-03-05T14:00:00Z", "2026-03-05T17:00:00Z") == "3月5日（周四） 22:00—3月6日（周五） 01:00"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "0 分钟"), (59, "59 分钟"), (60, "1 小时"), (65, "1 小时 5 分"), (None, "0 分钟"), (72_000, "1,200 小时")],
)
def test_minutes_are_said_in_hours(minutes: int | None, said: str) -> None:
    assert spell_minutes(minutes) == said


def test_numbers() -> None:
    assert figure(11751) == "11,751"
    assert figure(None) == "—"
    assert signed(12) == "+12"
    assert signed(-1200) == "−1,200"
    # 100 % means all: a share just below it is not rounded up
    assert percent(0.999) == "99%"
    assert percent(1.0) == "100%"
    assert word("scanned", "provenance") == "扫码签到"
    assert word("something-new", "provenance") == "something-new"


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("/s/1?c=2", "/s/1?c=2"),
        ("//evil.example/", "/me"),
        ("/\\evil.example/", "/me"),
        ("https://evil.example/", "/me"),
        ("/a\r\nset-cookie: x", "/me"),
        ("", "/me"),
        (None, "/me"),
    ],
)
def test_a_login_leads_to_our_own_addresses_only(target: str | None, goes: str) -> None:
    assert safe_next(target, "/me") == goes


def test_refusals_are_said_in_chinese_with_their_numbers() -> None:
    assert say("shift-full", "All 5 places are taken.", {"capacity": 5}) == "名额已满（共 5 个），请选别的班次。"
    assert say("shift-full", "All places are taken.") == "名额已满，请选别的班次。"
    assert say("too-many-attempts", "wait", {}) == "输错次数太多。"
    assert say("https://weiguang.example/problems/code-wrong", "…") == SENTENCES["code-wrong"]
    assert say("never-heard-of", "The service's own sentence.") == "The service's own sentence."
    errors = [{"field": "phone", "detail": "is required"}, {"field": "body", "detail": "x"}]
    assert say("invalid-input", "phone is required.", {"errors": errors}) == "“手机号”填写得不对，请检查后重填。"


def test_every_sentence_stands_without_its_numbers() -> None:
    for type in SENTENCES:
        said = say(type, "detail")
        assert "{" not in said
        assert said.endswith("。"), said


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]", b'{"type": 5}', b"[" * 100_000])
def test_what_is_no_problem_passes_untranslated(body: bytes) -> None:
    assert translated(body) == body


def test_a_problem_is_translated_and_keeps_its_members() -> None:
    problem = {"type": "shift-full", "title": "Shift full", "status": 409, "detail": "All taken.", "capacity": 3}
    assert json.loads(translated(json.dumps(problem).encode())) == {
        **problem,
        "detail": "名额已满（共 3 个），请选别的班次。",
    }


RECORD: dict[str, Any] = {
    "record_id": "r",
    "revision": 2,
    "theme": "夕阳别样红",
    "provenance": "scanned",
    "started_at": "2026-03-05T01:00:00Z",
    "minutes": 65,
    "counted_minutes": 65,
    "points_per_hour": 15,
    "points": 16,
    "reason": "counted",
}


def test_a_record_explains_its_sum() -> None:
    line = record_line(RECORD)
    assert line["sum"] == "1 小时 5 分 × 每小时 15 分 = 16 分"
    assert (line["title"], line["when"], line["provenance"]) == ("夕阳别样红", "3月5日 09:00", "扫码签到")


def test_a_record_explains_why_it_is_worth_nothing() -> None:
    line = record_line(
        {**RECORD, "minutes": 14, "counted_minutes": 0, "points_per_hour": 0, "points": 0, "reason": "short"}
    )
    assert line["sum"] == "计 0 分"
    assert "不足最低服务时长" in line["reason"]


def transfer(code: str, debit: str, credit: str, **more: Any) -> dict[str, Any]:
    posted = {"transfer_id": 1, "posted_at": "2026-03-05T03:00:00Z", "amount": 16, "bucket": None, "rule_version": None}
    return {**posted, "code": code, "debit": debit, "credit": credit, "explanation": {}, "correlation_id": "c", **more}


@pytest.mark.parametrize(
    ("code", "debit", "credit", "change"),
    [
        ("award", "issuance", "volunteer/v/available", 16),
        ("reversal", "volunteer/v/available", "issuance", -16),
        ("hold", "volunteer/v/available", "volunteer/v/held", -16),
        ("release", "volunteer/v/held", "volunteer/v/available", 16),
        ("capture", "volunteer/v/held", "redeemed", 0),
        ("expiry", "volunteer/v/available", "expired", -16),
    ],
)
def test_a_transfer_says_how_it_changed_what_may_be_spent(code: str, debit: str, credit: str, change: int) -> None:
    assert entry(transfer(code, debit, credit))["change"] == change


def test_an_award_names_its_day_rule_and_records() -> None:
    explanation = {"rule_version": 1, "points": 16, "records": [RECORD]}
    said = entry(
        transfer("award", "issuance", "volunteer/v/available", bucket="day/2026-03-05", explanation=explanation)
    )
    assert said["title"] == "服务获得积分"
    assert said["about"] == "2026年3月5日（周四）的服务"
    assert said["rule_version"] == 1
    assert said["records"][0]["points"] == 16


def test_the_latest_record_of_a_shift_counts_and_void_ones_dont() -> None:
    records: list[dict[str, Any]] = [
        {"shift_id": "a", "status": "void", "ended_at": None},
        {"shift_id": "a", "status": "provisional", "ended_at": None},
        {"shift_id": "a", "status": "confirmed", "ended_at": "2026-03-05T03:00:00Z"},
        {"shift_id": None, "status": "confirmed", "ended_at": "2026-03-05T03:00:00Z"},
    ]
    found = of_records(records)
    assert list(found) == ["a"]
    assert found["a"]["open"]


def test_the_rule_is_said_as_it_is() -> None:
    document = {
        "earning": {
            "points_per_hour": 10,
            "minimum_minutes": 15,
            "rates": [{"name": "雷锋月", "months": [3], "points_per_hour": 15}],
        },
        "caps": {"day_minutes": 480},
        "first_service": {"points": 20},
    }
    assert rule_sentence(document) == (
        "从签到到签退满 15 分钟才计积分：每小时 10 分，3 月雷锋月每小时 15 分，"
        "一天最多计 8 小时，第一次服务另加 20 分。"
    )
    assert rule_sentence({"earning": {"points_per_hour": 1, "minimum_minutes": 1}}) == ("从签到到签退，每小时 1 分。")


def test_a_report_that_lacks_figures_shows_dashes() -> None:
    district = district_of({"sites": {"total": 26, "centre": 1, "institute": 7, "station": 18, "service_point": 0}})
    assert district.sites_more == ["1 中心", "7 所", "18 站"]
    assert figure(district.registered) == "—"
    assert district.coverage == []
    assert district.formulas == []
