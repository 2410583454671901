"""How the page of hours that wait says what it shows."""

from services.recruitment.approvals.domain import Reason
from services.web.pages.staff.approvals import about_of, line
from services.web.pages.volunteer.explanation import record_line
from services.web.pages.wording import word

ITEM = {
    "record_id": "0199",
    "volunteer_number": "LD-2026-000001-0",
    "activity_id": None,
    "activity_title": None,
    "drive_id": None,
    "drive_name": None,
    "started_at": "2026-03-04T01:00:00Z",
    "ended_at": "2026-03-04T03:00:00Z",
    "minutes": 120,
    "overtime_minutes": 0,
    "provenance": "kiosk",
    "site_name": "惠民社区",
    "team_name": None,
    "recorder_sites": ["惠民社区", "北所"],
    "reasons": ["device-new", "cap"],
    "has_evidence": False,
    "lapses_at": "2026-04-03T01:00:00Z",
    "state": "open",
    "decision_reason": None,
}


def test_a_line_says_what_waits_and_why() -> None:
    said = line(ITEM)
    assert (said["title"], said["duration"], said["place"]) == ("志愿服务", "2 小时", "惠民社区")
    assert said["recorders"] == "惠民社区、北所"
    assert said["reasons"] == ["签到设备登记不满一天", "超出一个账户一天能记的时长"]
    assert line({**ITEM, "overtime_minutes": 30})["duration"] == "超时 30 分钟"


def test_a_list_says_whose_hours_it_has() -> None:
    named = {**ITEM, "activity_title": "理发", "drive_name": "广场招募"}
    assert about_of([named], {}) == ""
    assert about_of([named], {"activity_id": "1"}) == "只看活动“理发”的时长。"
    assert about_of([named], {"drive_id": "1"}) == "只看招募“广场招募”的时长。"
    assert about_of([], {"drive_id": "1"}) == "只看一场招募的时长。"


def test_a_record_says_what_lies_outside_of_its_shift() -> None:
    record = {**ITEM, "minutes": 90, "reason": "counted", "status": "confirmed", "counted_minutes": 90}
    assert record_line(record)["outside"] == "30 分钟"
    assert record_line({**record, "minutes": 120})["outside"] == ""
    assert record_line({**record, "provenance": "imported", "minutes": 600})["outside"] == ""
    assert record_line({**record, "minutes": 0, "ended_at": None})["outside"] == ""


def test_every_reason_has_words() -> None:
    assert all(word(reason.value, "waits_for") != reason.value for reason in Reason)
