"""An early check-out asks what it costs."""

from datetime import datetime

from services.web.pages.volunteer.scan import early_question


def test_an_early_check_out_asks_only_where_it_costs_something() -> None:
    ends = datetime.fromisoformat("2026-03-05T11:00:00+08:00")
    said = early_question(12, ends, {"points": 30, "served": {"points": 0}})
    assert said.startswith("您服务了 12 分钟，班次到 11:00 才结束。现在签退得 0 积分，服务到结束可得 30 积分。")
    assert early_question(119, ends, {"points": 30, "served": {"points": 30}}) == ""
    assert "积分" not in early_question(12, ends, None), "points is away: the time is said all the same"
