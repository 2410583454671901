"""The sum behind a record's points, as a page says it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.pages.volunteer.sums import sum_of


@pytest.mark.parametrize(
    ("minutes", "per_hour", "points", "notes", "said"),
    [
        (42, 15, 10, {}, "42 分钟 × 15 积分/小时 = 10.5，舍去小数，得 10 积分"),
        (40, 15, 10, {}, "40 分钟 × 15 积分/小时 = 10 积分"),
        (65, 10, 10, {}, "1 小时 5 分钟 × 10 积分/小时 ≈ 10.83，舍去小数，得 10 积分"),
        (119, 50, 99, {}, "1 小时 59 分钟 × 50 积分/小时 ≈ 99.16，舍去小数，得 99 积分"),
        (
            63,
            10,
            5,
            {"complaint_percent": 50},
            "1 小时 3 分钟 × 10 积分/小时 = 10.5，舍去小数，得 10 积分；有投诉，只计 50% = 5 积分",
        ),
        (60, 10, 7, {}, "1 小时 × 10 积分/小时 = 10 积分；计 7 积分"),
    ],
)
def test_a_sum_is_true_and_says_what_was_dropped(
    minutes: int, per_hour: int, points: int, notes: dict[str, Any], said: str
) -> None:
    assert sum_of(minutes, per_hour, points, notes) == said


@given(st.integers(1, 100_000), st.integers(1, 500), st.integers(1, 400), st.sampled_from([None, 30, 50]))
def test_a_sum_ends_with_the_points_of_the_rule(
    minutes: int, per_hour: int, percent: int, complaint: int | None
) -> None:
    points = minutes * per_hour * percent // 6000
    if complaint is not None:
        points = points * complaint // 100
    said = sum_of(minutes, per_hour, points, {"percent": percent, "complaint_percent": complaint})
    assert said.endswith(f" {points:,} 积分")
    assert "；计 " not in said, "the page's own sum agrees with the rule's"
