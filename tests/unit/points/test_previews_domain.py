"""What is said before a service is what is posted after it, under every shipped rule."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.points.previews.domain import Plan, Worth, served_part, worth
from services.points.rules import documents
from services.points.rules.domain import NEVER, REASONS, Rule
from services.points.rules.worth.domain import evaluate
from tests.support.documents import RULE_EXAMPLES, rule_from
from tests.support.drawn_rules import served


def rule(name: str) -> Rule:
    if name == "lingdong":
        return documents.shipped()[0].rule()
    return rule_from(RULE_EXAMPLES.joinpath(f"{name}.yaml").read_text("utf-8"), name).rule()


def plan(minutes: int, day: date = date(2026, 5, 10)) -> Plan:
    return Plan(day, datetime(day.year, day.month, day.day, 1, tzinfo=UTC), minutes, "visit", "t")


@pytest.mark.parametrize(
    ("name", "minutes", "points", "least", "reason"),
    [
        ("lingdong", 120, 20, 15, "counted"),  # 15 minutes × 10 ÷ 60 = 2
        ("lingdong", 14, 0, None, "short"),
        ("lingdong", 600, 80, 15, "cut"),
        ("yunnan", 120, 2, 72, "counted"),  # 60 % of two hours
        ("yunnan", 100, 1, 60, "counted"),  # 60 % and a whole hour
        ("shancheng", 60, 2, 15, "counted"),
        ("hailin", 180, 2, 60, "activity-cut"),
        ("izhiyuan", 600, 8, 60, "approval-cut"),
    ],
)
def test_what_a_shift_is_worth_and_from_when_on(
    name: str, minutes: int, points: int, least: int | None, reason: str
) -> None:
    found = worth(rule(name), plan(minutes))
    assert (found.points, found.from_minutes, found.reason) == (points, least, reason)


@pytest.mark.parametrize("name", ["lingdong", *sorted(path.stem for path in RULE_EXAMPLES.glob("*.yaml"))])
def test_the_threshold_is_the_first_minute_that_earns(name: str) -> None:
    found = rule(name)
    for whole in (*range(1, 130), 479, 480, 481, 719, 720, 721, 1440):
        told = worth(found, plan(whole))
        earned = [
            evaluate(found, [served(1, minutes, planned_minutes=whole, activity_id=None)]).lines[0].points
            for minutes in range(whole + 1)
        ]
        assert told.points == earned[whole]
        assert told.from_minutes == next((minutes for minutes, points in enumerate(earned) if points), None)
        assert told.reason in REASONS


def test_the_month_and_the_expiry_are_the_days_own() -> None:
    march = worth(rule("lingdong"), plan(60, date(2026, 3, 5)))
    assert march == Worth(1, 60, 60, 15, 15, "counted", date(2028, 3, 5))
    assert worth(rule("yunnan"), plan(60)).expires_on == NEVER
    assert timedelta(minutes=march.minutes) == timedelta(hours=1)


@pytest.mark.parametrize("name", ["lingdong", "yunnan", "shancheng", "hailin"])
def test_a_part_of_a_shift_is_worth_no_more_than_the_whole(name: str) -> None:
    whole = plan(120)
    parts = [served_part(rule(name), whole, minutes)[0] for minutes in range(121)]
    assert parts == sorted(parts)
    assert parts[-1] == worth(rule(name), whole).points
    assert parts[0] == 0


def test_a_part_below_the_minimum_is_worth_nothing_and_says_why() -> None:
    assert served_part(rule("lingdong"), plan(120), 12) == (0, "short")
    assert served_part(rule("yunnan"), plan(120), 71)[0] == 0, "60 % of the planned time, not of the served"
