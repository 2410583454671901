"""What records count for teams, and what teams earn by it. Pure."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.points.teams import domain
from services.points.teams.documents import shipped
from services.points.teams.domain import Figures, Said, add, increments, resolve, said
from shared.errors import PermanentError
from tests.support.documents import team_criteria_from

A, B = UUID(int=1), UUID(int=2)
DAY = date(2026, 3, 4)
DOCUMENT = shipped()[-1]
CRITERIA = DOCUMENT.criteria()


class Revised:
    """A revision, as far as counting looks at it."""

    def __init__(self, **changes: Any) -> None:
        plain = {
            "record_id": UUID(int=9),
            "revision": 1,
            "team_id": A,
            "day": DAY,
            "status": "confirmed",
            "provenance": "scanned",
        }
        self.__dict__.update(plain | changes)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def heard(**changes: Any) -> Said:
    return said(Revised(**changes))


@pytest.mark.parametrize(
    ("changes", "counted_as"),
    [
        ({}, "credit"),
        ({"provenance": "kiosk"}, "credit"),
        ({"provenance": "leader"}, "credit"),
        ({"provenance": "backfilled"}, "honour"),
        ({"provenance": "imported"}, None),
        ({"status": "provisional"}, None),
        ({"status": "void"}, None),
        ({"team_id": None}, None),
    ],
)
def test_a_service_is_confirmed_not_imported_and_names_a_team(changes: dict[str, Any], counted_as: str | None) -> None:
    assert heard(**changes).counted_as == counted_as


def test_the_highest_revision_counts_and_a_second_content_does_not() -> None:
    first, moved, void = heard(), heard(revision=2, team_id=B), heard(revision=3, status="void")
    resolution = resolve([first, void, moved, heard(team_id=B)], {})
    assert [(change.old, change.new, change.place) for change in resolution.changes] == [(None, void, 1)]
    resolution = resolve([moved, first, heard(revision=2)], {first.record_id: first})
    assert [(change.old, change.new) for change in resolution.changes] == [(first, moved)]
    assert resolution.conflicts == [2]
    assert increments(resolution.changes) == {(A, DAY): (-1, 0), (B, DAY): (1, 0)}


def test_what_adds_up_to_nothing_is_left_out() -> None:
    again = resolve([heard(revision=2)], {heard().record_id: heard()})
    assert len(again.changes) == 1
    assert increments(again.changes) == {}
    other = resolve([heard(revision=2, provenance="backfilled")], {heard().record_id: heard()})
    assert increments(other.changes) == {(A, DAY): (-1, 1)}


def test_thresholds_of_a_year_and_of_all_time() -> None:
    figures: Figures = {}
    add(figures, date(2025, 12, 31), (30, 0))
    add(figures, date(2026, 1, 1), (15, 4))
    assert CRITERIA.earned(*domain.judged(CRITERIA, figures)) == ()
    add(figures, date(2026, 1, 1), (0, 1))
    assert CRITERIA.earned(*domain.judged(CRITERIA, figures)) == ("team-50",)
    add(figures, date(2026, 1, 2), (30, 0))
    assert CRITERIA.earned(*domain.judged(CRITERIA, figures)) == ("team-50", "team-annual-caring-2026")
    add(figures, date(2026, 1, 2), (420, 0))
    assert set(CRITERIA.earned(*domain.judged(CRITERIA, figures))) == {
        *(f"team-{number}" for number in (50, 100, 200, 500)),
        *(f"team-annual-{grade}-2026" for grade in ("caring", "bronze", "silver")),
    }
    add(figures, date(2025, 12, 31), (-30, 0))
    assert "2025" not in figures
    assert domain.total(figures) == domain.total(figures, "2026") == 470
    assert "team-500" not in CRITERIA.earned(*domain.judged(CRITERIA, figures))


def test_the_highest_badge_of_each_window_stands_for_the_others() -> None:
    figures: Figures = {"": (250, 0), "2025": (60, 0), "2026": (190, 0)}
    assert domain.highest(CRITERIA, CRITERIA.earned(*domain.judged(CRITERIA, figures))) == [
        ("team-200", "二百次服务团队"),
        ("team-annual-bronze-2026", "2026年度铜奖志愿服务团队"),
        ("team-annual-caring-2025", "2025年度爱心志愿服务团队"),
    ]
    assert domain.highest(CRITERIA, ["gone-with-older-criteria"]) == []


def test_progress_says_how_far_it_is() -> None:
    figures: Figures = {"": (40, 5), "2026": (10, 2)}
    found = {one.badge: (one.value, one.remaining) for one in domain.progress(CRITERIA, figures, 2026)}
    assert found["team-50"] == (45, 5)
    assert found["team-annual-caring-2026"] == (12, 38)
    names = {one.name for one in domain.progress(CRITERIA, figures, 2026)}
    assert "2026年度金奖志愿服务团队" in names
    criterion, _ = CRITERIA.find("team-annual-gold-2026") or pytest.fail("not found")
    assert domain.sentence(criterion) == "团队一个自然年内完成 500 人次服务"


def test_the_shipped_version_is_what_it_was() -> None:
    assert [document.version for document in shipped()] == [1]
    assert DOCUMENT.content_hash().hex().startswith("1dfe17c6")
    thresholds = {(item.at_least, item.window) for item in CRITERIA.items}
    assert thresholds == {(number, window) for number in (50, 100, 200, 500) for window in ("year", "lifetime")}


@pytest.mark.parametrize(
    ("badge", "says"),
    [
        ("{badge: team-x, name: x, services: 0, of: [credit]}", "greater than or equal to 1"),
        ("{badge: team-x, name: x, services: 5, of: [imported]}", "credit"),
        ("{badge: team-x, name: x, services: 5, of: [credit, credit]}", "named twice"),
        ("{badge: star-1, name: x, services: 5, of: [credit]}", "pattern"),
        ("{badge: team-2026, name: x, services: 5, of: [credit]}", "taken for a year"),
        ("{badge: team-x, name: x, services: 5, window: month, of: [credit]}", "year"),
        ("{badge: team-x, name: x, hours: 5, of: [credit]}", "hours"),
    ],
)
def test_criteria_that_make_no_sense_are_refused_with_the_reason(badge: str, says: str) -> None:
    text = f"version: 2\nname: x\neffective_from: 2026-01-01\nbadges:\n  - {badge}\n"
    with pytest.raises(PermanentError, match=says):
        team_criteria_from(text)


def test_two_badges_of_one_name_are_refused() -> None:
    badge = "{badge: team-x, name: x, services: 5, of: [credit]}"
    with pytest.raises(PermanentError, match="same name"):
        team_criteria_from(f"version: 2\nname: x\neffective_from: 2026-01-01\nbadges:\n  - {badge}\n  - {badge}\n")
