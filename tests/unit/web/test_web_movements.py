"""A statement as a person counts it: one redemption is one movement."""

from typing import Any

import pytest

from services.web.gateway.sessions import Session
from services.web.pages.render import fragment
from services.web.pages.volunteer.explanation import Whose, entry, movements
from services.web.pages.volunteer.ledger_report import line_of

OPEN, HELD = "volunteer/v/available", "volunteer/v/held"


def line(number: int, code: str, debit: str, credit: str, amount: int, **more: Any) -> dict[str, Any]:
    lot = {"bucket": f"day/2026-03-0{number % 5 + 1}", "expires_on": "2028-03-05"}
    reward = {"redemption_id": "r", "reward_name": "志愿红帽子", "status": "captured"}
    return {
        "transfer_id": number, "posted_at": "2026-03-05T03:00:00Z", "amount": amount, "bucket": None,
        "rule_version": None, "code": code, "debit": debit, "credit": credit, "cause_event_id": f"{code}-event",
        "correlation_id": "c", "explanation": {"redemption": {**reward, **more}, "lot": lot},
    }  # fmt: skip


def redemption(status: str) -> list[dict[str, Any]]:
    """The lines of a redemption of 15 points out of two lots, newest first."""
    held = [line(number, "hold", OPEN, HELD, amount, status=status) for number, amount in ((2, 3), (1, 12))]
    captured = [
        line(number, "capture", HELD, "redeemed", amount, status=status) for number, amount in ((4, 3), (3, 12))
    ]
    released = [line(number, "release", HELD, OPEN, amount, status=status) for number, amount in ((4, 3), (3, 12))]
    refunded = [line(number, "refund", "redeemed", OPEN, amount, status=status) for number, amount in ((6, 3), (5, 12))]
    ends = {"held": [], "captured": captured, "released": released, "refunded": [*refunded, *captured]}
    return [*ends[status], *held]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("held", [("兑换，先冻结积分", -15)]),
        ("captured", [("兑换，已领取", -15)]),
        ("released", [("兑换退回，积分解冻", 15), ("兑换，先冻结积分", -15)]),
        ("refunded", [("退款，积分退还", 15), ("兑换，已领取", -15)]),
    ],
)
def test_a_redemption_is_one_movement_each_way(status: str, told: list[tuple[str, int]]) -> None:
    found = movements(redemption(status))
    assert [(one["title"], one["change"]) for one in found] == told
    assert found[-1]["transfer_ids"] == [2, 1]
    assert [(lot["amount"], lot["name"][-3:]) for lot in found[-1]["lots"]] == [(3, "的服务"), (12, "的服务")]


def test_two_redemptions_stay_two_movements() -> None:
    other = [{**one, "cause_event_id": "other"} for one in redemption("held")]
    assert [one["change"] for one in movements([*redemption("held"), *other])] == [-15, -15]


def test_the_page_says_out_of_which_points_it_was() -> None:
    account = dict.fromkeys(("available", "earned", "held", "spent", "expired", "donated", "debt"), 0)
    page = fragment(
        "volunteer/explanation.html", Session(), whose=Whose("v", "/me"), account=account,
        entries=movements(redemption("captured")),
        sites={}, first=True, next_cursor=None, path="/me/why",
    )  # fmt: skip
    assert page.count("兑换，已领取") == 1
    assert "3 积分来自“2026年3月3日（周二）的服务”" in page
    assert "12 积分来自“2026年3月2日（周一）的服务”" in page
    assert "先冻结" not in page


def test_the_sheet_keeps_every_transfer_with_its_year() -> None:
    rows = [line_of(entry(one)) for one in redemption("captured")]
    assert [row[1] for row in rows] == ["领取奖品，积分已用"] * 2 + ["兑换，先冻结积分"] * 2
    assert {row[0] for row in rows} == {"2026-03-05 11:00"}
