"""What the pages say: times, sums, refusals, explanations. Pure."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.points.rules.domain import REASONS
from services.web.pages.public.district import district_of
from services.web.pages.public.rules import clauses, rule_sentence, worth_said
from services.web.pages.refusal_sentences import SENTENCES
from services.web.pages.refusals import say, translated
from services.web.pages.staff.rewards_admin import changes_said, shelves_of
from services.web.pages.visit import safe_next
from services.web.pages.volunteer.duties import of_records
from services.web.pages.volunteer.explanation import bucket_said, entry, lot_line, record_line, records_of
from services.web.pages.volunteer.ledger_report import COLUMNS, line_of, text_of
from services.web.pages.volunteer.rewards import limits_said, window_said
from services.web.pages.wording import (
    day,
    figure,
    final_day,
    first_day,
    moment,
    percent,
    signed,
    span,
    spell_minutes,
    word,
)
from tests.support.documents import RULE_EXAMPLES, rule_from


def test_times_are_said_in_the_districts_zone() -> None:
    assert moment("2026-03-04T17:05:00Z") == "3月5日 01:05"
    assert day("2026-03-04T17:05:00+00:00", year=True) == "2026年3月5日（周四）"
    assert span("2026-03-05T01:00:00Z", "2026-03-05T03:30:00Z") == "3月5日（周四） 09:00—11:30"
    assert span("2026-03-05T14:00:00Z", "2026-03-05T17:00:00Z") == "3月5日（周四） 22:00—3月6日（周五） 01:00"


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0, "0 分钟"), (59, "59 分钟"), (60, "1 小时"), (65, "1 小时 5 分钟"), (None, "0 分钟"), (72_000, "1,200 小时")],
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


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Field required", "缺少这一项"),
        ("Extra inputs are not permitted", "没有这样的项，请核对名称"),
        ("Input should be a valid integer, unable to parse string as an integer", "应是整数"),
        ("Input should be less than or equal to 1440", "不能大于 1440"),
        ("Input should be 'scanned', 'kiosk' or 'leader'", "只能是 'scanned', 'kiosk' or 'leader'"),
        ("Value error, a day is written as 2026-03-05", "日期要写成 2026-03-05"),
        ("a text must not contain U+0000", "文字里不能有 U+0000（空字符）"),
        (
            "Value error, only 'scanned', 'kiosk' and 'leader' earn points: hours that were entered do not",
            "只有 scanned、kiosk、leader 的时长能得分，补录和导入的不能",
        ),
        ("steps must ascend", "steps must ascend"),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_line_by_line(message: str, said: str) -> None:
    problem = {"line": 3, "path": "caps", "message": message}
    body = json.dumps({"type": "rule-invalid", "detail": "line 3", "problems": [problem, 7]}).encode()
    found = json.loads(translated(body))
    assert found["detail"] == SENTENCES["rule-invalid"]
    assert found["problems"] == [problem | {"message": said}, 7]


def test_refusals_are_said_in_chinese_with_their_numbers() -> None:
    assert say("shift-full", "All 5 places are taken.", {"capacity": 5}) == "名额已满（共 5 个），请选别的班次。"
    assert say("shift-full", "All places are taken.") == "名额已满，请选别的班次。"
    assert say("too-many-attempts", "wait", {}) == "输错次数太多。"
    assert say("https://weiguang.example/problems/code-wrong", "…") == SENTENCES["code-wrong"]
    assert say("never-heard-of", "The service's own sentence.") == "The service's own sentence."
    errors = [{"field": "phone", "detail": "is required"}, {"field": "body", "detail": "x"}]
    assert say("invalid-input", "phone is required.", {"errors": errors}) == "“手机号”填写得不对，请检查后重填。"


def test_whatever_a_service_refuses_a_page_with_is_said_in_chinese() -> None:
    raised = re.compile(r"(?:Conflict|Invalid|NotFound|Forbidden|TooMany|Refusal|Refused|Declined)\(\s*\"([a-z-]+)\"")
    services = Path(__file__).parents[3] / "services"
    rooms = [
        "points/rewards", "points/rewards/pickups", "points/rewards/catalogue", "points/accounts", "points/leaders",
    ]  # fmt: skip
    rooms += ["points/activations", "points/adjustments", "points/integrity", "points/previews"]
    rooms += ["recruitment/signups", "recruitment/volunteers/handlers.py", "recruitment/imports"]
    files = [path for room in rooms for path in _python(services / room)]
    unsaid = {slug for path in files for slug in raised.findall(path.read_text("utf-8")) if slug not in SENTENCES}
    # asked of the API only: no page unmasks people
    assert unsaid <= {"purpose-required"}


def _python(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


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
    assert line["sum"] == "1 小时 5 分钟 × 15 积分/小时 = 16.25，舍去小数，得 16 积分"
    assert (line["title"], line["when"], line["provenance"]) == ("夕阳别样红", "3月5日 09:00", "扫码签到")


def test_a_record_explains_why_it_is_worth_nothing() -> None:
    line = record_line(
        {**RECORD, "minutes": 14, "counted_minutes": 0, "points": 0, "reason": "short", "reason_text": REASONS["short"]}
    )
    assert line["sum"] == "计 0 积分"
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


def test_a_transfer_says_why_in_a_sentence() -> None:
    hold = transfer(
        "hold", "volunteer/v/available", "volunteer/v/held", explanation={"redemption": {"reward_name": "伞"}}
    )
    assert entry(hold)["because"] == "您兑换了“伞”，积分先冻结，领取时才真正用掉。"
    assert entry(transfer("release", "volunteer/v/held", "volunteer/v/available"))["because"].startswith("奖品没有领取")
    assert entry(transfer("award", "issuance", "volunteer/v/available"))["because"] == ""


def test_a_text_of_the_sheet_is_never_a_formula() -> None:
    assert text_of([("=1+1", -5, "@x", "好")]) == "'=1+1,-5,'@x,好\r\n"
    award = transfer(
        "award",
        "issuance",
        "volunteer/v/available",
        bucket="day/2026-03-05",
        explanation={"rule_version": 1, "points": 16, "records": [RECORD]},
    )
    line = line_of(entry(award))
    assert len(line) == len(COLUMNS)
    assert line[5] == "夕阳别样红 3月5日 09:00：1 小时 5 分钟 × 15 积分/小时 = 16.25，舍去小数，得 16 积分（全部计分）"


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
        "从签到到签退满 15 分钟才计积分：每小时 10 积分，3 月雷锋月每小时 15 积分，"
        "一天最多计 8 小时，第一次服务另加 20 积分。"
    )
    assert rule_sentence({"earning": {"points_per_hour": 1, "minimum_minutes": 1}}) == ("从签到到签退，每小时 1 积分。")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hailin", ["一个活动最多计 2 小时", "有投诉的服务不计分", "每季度最多兑换 1 次"]),
        ("hailin", ["引荐一人成为志愿者奖励 2 积分"]),
        ("huangshi", ["只有扫码签到的时长计积分，其余只计服务时长", "积分有效到下一个 12 月 31 日"]),
        ("huangshan", ["积分从服务当天起 36 个月内有效"]),
        ("izhiyuan", ["同一个活动一天最多计 3 次", "一天超过 8 小时的部分，要站点批准才计分"]),
        ("izhiyuan", ["一天超过 12 小时的部分，要中心批准才计分"]),
        ("shancheng", ["时长按每 1 小时计，余下的满 15 分钟计 30 分钟，满 45 分钟计 1 小时，再少不计"]),
        ("yunnan", ["服务时长不到计划时长的 60% 不计分", "积分长期有效"]),
        ("nanjing", ["余额最多 1,500 积分，超出的捐出"]),
    ],
)
def test_every_places_rule_is_said_in_words(name: str, said: list[str]) -> None:
    text = RULE_EXAMPLES.joinpath(f"{name}.yaml").read_text("utf-8")
    found = list(clauses(rule_from(text, name).model_dump(mode="json")))
    assert set(said) <= set(found), found


def test_no_term_of_a_rule_goes_unsaid() -> None:
    text = """
        {version: 1, name: all, effective_from: 2026-01-01,
         earning: {provenances: [scanned, leader], points_per_hour: 7, minimum_minutes: 20,
                   rates: [{name: 夜间, kinds: [night], points_per_hour: 12}],
                   multipliers: [{name: 周年, first_day: 2026-05-11, last_day: 2026-05-12, percent: 150}]},
         caps: {record_minutes: 100, activity_minutes: 150, activity_within: day, day_points: 30, month_minutes: 2400,
                year_points: 290},
         complaint: {worth_percent: 50}, expiry: {fixed_day: "06-30", years: 1}}
        """
    assert list(clauses(rule_from(text).model_dump(mode="json"))) == [
        "从签到到签退满 20 分钟才计积分：每小时 7 积分",
        "类别为night的夜间每小时 12 积分",
        "2026-05-11 到 2026-05-12 周年按 150% 计",
        "一次最多计 1 小时 40 分钟",
        "每天一个活动最多计 2 小时 30 分钟",
        "一天最多得 30 积分",
        "一个月最多计 40 小时",
        "一年最多得 290 积分",
        "只有扫码签到、队长点名的时长计积分，其余只计服务时长",
        "有投诉的服务只计 50%",
        "积分有效到第 1 年后的 6 月 30 日",
    ]


def test_a_shift_says_before_it_what_it_is_worth() -> None:
    assert worth_said({"points": 30, "minutes": 120, "from_minutes": 72}) == (
        "全程 2 小时得 30 积分，满 1 小时 12 分钟开始得分。"
    )
    assert worth_said({"points": 1, "minutes": 60, "from_minutes": 60}) == "全程 1 小时得 1 积分。"
    assert "不计积分，时长照记" in worth_said({"points": 0, "minutes": 10, "from_minutes": None})


def test_a_sum_names_rate_multiplier_complaint_and_every_cut() -> None:
    record = {**RECORD, "counted_minutes": 60, "points_per_hour": 20, "points": 12, "reason": "day-points"}
    record["reason_text"] = REASONS["day-points"]
    notes = {
        "rate": "夜间",
        "multiplier": "周年",
        "percent": 150,
        "complaint_percent": 50,
        "cuts": [["month", 5], ["day-points", 3]],
    }
    [line] = records_of({"records": [record], "remarks": {"notes": {"r": notes}}})
    assert line["sum"] == (
        "1 小时 × 20 积分/小时（夜间） × 150%（周年） = 30 积分；有投诉，只计 50% = 15 积分"
        "；超出当月时长上限的 5 分钟没有计；超出当天积分上限的 3 积分没有计，得 12 积分"
    )
    assert line["reason"] == "超出当日积分上限的部分不计"
    assert line["uncounted"] == "5 分钟"


def test_a_record_names_its_revision_device_and_recorder() -> None:
    line = record_line({**RECORD, "device_ref": "kiosk-3", "recorded_by": "0192-abc123", "closed_by": "staff"})
    assert (line["revision"], line["device"], line["recorder"]) == (2, "kiosk-3", "ABC123")
    assert line["closed_by"] == "工作人员签退"
    assert record_line(RECORD)["recorder"] == ""
    assert record_line({**RECORD, "device_ref": "phone:0a1b2c3d4e5f6a7b"})["device"] == "手机浏览器 4E5F6A7B"


@pytest.mark.parametrize(
    ("bucket", "said"),
    [
        ("day/2026-03-05", "2026年3月5日（周四）的服务"),
        ("month/2026-03", "2026年3月的服务"),
        ("month/2026-03/from-2026-03-15", "2026年3月的服务（2026年3月15日（周日）起的规则）"),
        ("year/2026", "2026年的服务"),
        ("activity/0192", "同一个活动的服务"),
        ("life/first-service", "首次服务奖励"),
        ("life/referral/0192", "引荐志愿者奖励"),
        ("life/adjustment/0192", "中心人工调整"),
        ("life/records/from-2026-03-15", "历次服务（2026年3月15日（周日）起的规则）"),
        (None, ""),
    ],
)
def test_every_bucket_has_a_name(bucket: str | None, said: str) -> None:
    assert bucket_said(bucket) == said


def test_points_that_never_end_say_nothing_of_a_day() -> None:
    lot = {"bucket": "day/2026-03-05", "awarded": 5, "available": 3, "held": 0, "spent": 2, "expired": 0}
    assert lot_line({**lot, "expires_on": None})["expires_on"] == ""
    assert lot_line({**lot, "expires_on": "2028-03-05"})["expires_on"] == "2028年3月5日（周日）"


def test_a_rewards_limits_and_time_are_said() -> None:
    reward: dict[str, Any] = {"per_quarter_limit": 1, "per_person_limit": 3, "own": {"in_quarter": 1, "ever": 1}}
    assert limits_said(reward) == "每季度限 1 次（您已兑换 1 次），每人限 3 次（您已兑换 1 次）"
    assert limits_said({"per_quarter_limit": None, "per_person_limit": 2, "own": None}) == "每人限 2 次"
    # the end is the first moment after it: midnight belongs to the day before
    march = {"available_from": "2026-02-28T16:00:00Z", "available_until": "2026-03-31T16:00:00Z"}
    assert window_said(march) == "3月1日（周日）到3月31日（周二）可兑换"
    assert window_said({**march, "available_until": None}) == "3月1日（周日）起可兑换"
    assert window_said({**march, "available_from": None}) == "3月31日（周二）前（含当天）可兑换"
    assert (first_day(march["available_from"]), final_day(march["available_until"])) == ("2026-03-01", "2026-03-31")


def test_a_change_and_a_shelf_are_said() -> None:
    change = {
        "before": {"price": 10, "per_person_limit": None},
        "after": {"price": 25, "per_person_limit": 2},
        "changed_at": "2026-03-05T01:00:00Z",
        "changed_by": "0192-abc123",
    }
    assert changes_said(change, str)["said"] == "积分 10 → 25、每人限 不限 → 2"
    shelf = {"site_id": "a", "free": 3, "reserved": 1}
    [told] = shelves_of([shelf], {"hold_days": 30, "hold_days_by_site": {"a": 5}}, {"a": "惠民社区站"})
    assert (told["site_name"], told["on_shelf"], told["hold_days"]) == ("惠民社区站", 4, 5)


def test_a_report_that_lacks_figures_shows_dashes() -> None:
    district = district_of({"sites": {"total": 26, "centre": 1, "institute": 7, "station": 18, "service_point": 0}})
    assert district.sites_more == ["1 中心", "7 所", "18 站"]
    assert figure(district.registered) == "—"
    assert district.coverage == []
    assert district.formulas == []
