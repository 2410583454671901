"""Badge criteria as data: what is refused, how figures move, and increments against full counting."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.badges import documents
from services.points.badges.domain import Criteria, Served, changes
from services.points.rules.hours.domain import Lifetime
from shared.errors import PermanentError
from tests.support.depth import examples
from tests.support.documents import criteria_from

SHIPPED = documents.shipped()
CRITERIA = SHIPPED[-1].criteria()
MONDAY = date(2026, 1, 5)
WIDE = criteria_from(
    """
version: 9
name: every kind of criterion
effective_from: 2026-01-01
badges:
  - {badge: sites, name: 三地, distinct_sites: 3, of: [credit]}
  - {badge: yearly-themes, name: 年度主题, distinct_themes: 2, window: year, of: [credit, honour]}
  - {badge: here, name: 本站, hours: 2, sites: [00000000-0000-0000-0000-000000000001], of: [credit, imported]}
  - {badge: yearly-weeks, name: 年度相守, weeks_in_a_row: 2, window: year, of: [credit]}
  - {badge: spring, name: 春, records: 2, between: {from: 02-01, to: 04-30}, themes: [甲, 乙], of: [credit]}
"""
).criteria()


def served(day: date = MONDAY, **changes: Any) -> Served:
    """An hour on a Monday."""
    return Served(day, "scanned", 60, "甲", UUID(int=1))._replace(**changes)


def earned(criteria: Criteria, *services: Served) -> set[str]:
    return set(criteria.earned(Lifetime(), criteria.tally(services)))


def test_shipped_versions_survive_the_table_and_the_first_keeps_its_hash() -> None:
    for document in SHIPPED:
        assert documents.CriteriaDocument.model_validate_json(document.canonical()) == document
    assert SHIPPED[0].content_hash().hex().startswith("9fca46c8")
    assert SHIPPED[1].content_hash().hex().startswith("fb3667e9")


def test_what_the_district_was_promised_is_shipped() -> None:
    hours = {(item.at_least // 60, item.window) for item in CRITERIA.items if item.measure == "minutes"}
    assert hours == {
        *((number, "lifetime") for number in (100, 300, 600, 1000, 1500)),
        *((number, "year") for number in (50, 100, 200, 500, 1000)),
    }
    assert sorted(item.star for item in CRITERIA.items if item.star) == [1, 2, 3, 4, 5]
    others = {item.badge for item in CRITERIA.items if item.measure != "minutes"}
    assert others == {"first-service", "lei-feng-month", "morning-greeting", "ten-themes", "four-weeks", "twelve-weeks"}
    weeks = {item.at_least for item in CRITERIA.items if item.measure == "weeks"}
    assert weeks == {4, 12}


def test_annual_grades_are_one_badge_for_each_year_and_imported_hours_carry_no_dates() -> None:
    hours = [served(minutes=50 * 60), served(date(2025, 6, 1), minutes=100 * 60, provenance="backfilled")]
    annual = {name for name in earned(CRITERIA, *hours) if name.startswith("annual")}
    assert annual == {"annual-caring-2026", "annual-caring-2025", "annual-bronze-2025"}
    assert not earned(CRITERIA, served(minutes=99_999, provenance="imported"))
    full = [served(minutes=1000 * 60)]
    assert len({name for name in earned(CRITERIA, *full) if name.startswith("annual")}) == 5
    found = CRITERIA.find("annual-gold-2026")
    assert found is not None
    assert found[0].title(found[1]) == "2026年度金奖志愿者"
    assert CRITERIA.find("annual-gold") is None
    assert CRITERIA.find("star-1-2026") is None


def test_lei_feng_month_counts_march_of_one_year() -> None:
    march = [served(date(2026, 3, day)) for day in (1, 15, 31)]
    assert "lei-feng-month-2026" in earned(CRITERIA, *march)
    assert not {name for name in earned(CRITERIA, *march[:2], served(date(2026, 4, 1))) if "lei-feng" in name}
    assert "lei-feng-month-2026" not in earned(CRITERIA, *march[:2], served(date(2025, 3, 5)))


def test_themes_and_greetings() -> None:
    assert "ten-themes" in earned(CRITERIA, *(served(theme=str(number)) for number in range(10)))
    assert "ten-themes" not in earned(CRITERIA, *(served(theme=str(number % 9)) for number in range(20)))
    assert "morning-greeting" in earned(CRITERIA, *[served(theme="晨光问候")] * 5)
    assert "morning-greeting" not in earned(CRITERIA, *[served(theme="晨光问候", provenance="backfilled")] * 5)


def test_a_streak_is_of_weeks_from_monday_to_sunday_across_new_year() -> None:
    begin = date(2025, 12, 22)
    weeks = [served(begin + timedelta(weeks=number, days=number % 7)) for number in range(12)]
    assert {"four-weeks", "twelve-weeks"} <= earned(CRITERIA, *weeks)
    assert earned(CRITERIA, *weeks[:3], *weeks[4:]) & {"four-weeks", "twelve-weeks"} == {"four-weeks"}
    assert "four-weeks" not in earned(CRITERIA, *weeks[:3], *weeks[4:7])


def test_sites_windows_and_filters_of_any_kind() -> None:
    sites = [served(site_id=UUID(int=number)) for number in (1, 2, 3)]
    assert "sites" in earned(WIDE, *sites)
    assert "sites" not in earned(WIDE, *sites[:2], served(site_id=None))
    assert "here" in earned(WIDE, served(), served(provenance="imported"))
    assert "here" not in earned(WIDE, served(), served(site_id=UUID(int=2)))
    assert "yearly-themes-2026" in earned(WIDE, served(), served(theme="乙"))
    assert "yearly-themes-2026" not in earned(WIDE, served(), served(date(2025, 5, 5), theme="乙"))
    assert "spring" in earned(WIDE, served(date(2026, 2, 1)), served(date(2024, 4, 30), theme="乙"))
    assert "spring" not in earned(WIDE, served(date(2026, 1, 31)), served(date(2026, 4, 30)))


def test_progress_is_towards_this_years_grade_and_tells_what_remains() -> None:
    states = CRITERIA.tally([served(minutes=3000 - 60)])
    progress = {one.badge: one for one in CRITERIA.progress(Lifetime(credit_minutes=2940), states, 2026)}
    assert (progress["annual-caring-2026"].value, progress["annual-caring-2026"].remaining) == (2940, 60)
    assert progress["star-1"].remaining == 3060
    assert progress["twelve-weeks"].value == 1
    assert progress["lei-feng-month-2026"].value == 0


histories = st.lists(
    st.builds(
        Served,
        day=st.builds(lambda days: date(2025, 11, 24) + timedelta(days=days), st.integers(0, 160)),
        provenance=st.sampled_from(["scanned", "kiosk", "leader", "backfilled", "imported"]),
        minutes=st.sampled_from([0, 15, 60, 600, 3000]),
        theme=st.sampled_from(["甲", "乙", "晨光问候", *map(str, range(8))]),
        site_id=st.sampled_from([None, UUID(int=1), UUID(int=2), UUID(int=3)]),
    ),
    max_size=40,
)


@settings(max_examples=examples(), deadline=None)
@given(histories, st.data())
def test_increments_come_to_what_full_counting_says_and_every_change_is_noticed(
    records: list[Served], data: st.DataObject
) -> None:
    gone = data.draw(st.lists(st.sampled_from(range(len(records))), unique=True) if records else st.just([]))
    for criteria in (CRITERIA, WIDE):
        states, present = criteria.blank(), list[Served]()
        steps = [(one, 1) for one in records] + [(records[place], -1) for place in gone]
        for one, sign in steps:
            before = criteria.earned(Lifetime(), states)
            noticed = criteria.count(states, one, 1 if sign == 1 else -1)
            if sign == 1:
                present.append(one)
            else:
                present.remove(one)
            assert states == criteria.tally(present)
            assert noticed or criteria.earned(Lifetime(), states) == before


@given(st.lists(st.integers(0, 120_000), min_size=2))
def test_a_lifetime_that_earns_another_badge_is_noticed(minutes: list[int]) -> None:
    for before, after in pairwise(Lifetime(imported_minutes=value) for value in minutes):
        gained, lost = changes(CRITERIA.earned(before), CRITERIA.earned(after))
        assert CRITERIA.crossed(before, after) == bool(gained or lost)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("hours: 50,", "hours: 50, records: 2,"), "exactly one of"),
        (("hours: 50,", ""), "exactly one of"),
        (("from: 03-01", "from: 04-01"), "first day lies after"),
        (("from: 03-01", "from: 02-30"), "day"),
        (("from: 03-01", "from: March"), "between.from"),
        (("window: year", "window: month"), "window"),
        (("badge: annual-caring", "badge: annual-2026"), "year"),
        (("badge: annual-caring", "badge: star-9"), "stars"),
        (("star: 1,", "star: 1, window: year,"), "a star comes from"),
        (("badge: annual-bronze", "badge: annual-caring"), "same name"),
        (("themes: [晨光问候]", "themes: []"), "themes"),
        (("of: [credit]", "of: [points]"), "of"),
    ],
)
def test_bad_criteria_say_what_is_wrong(change: tuple[str, str], reason: str) -> None:
    text = documents.VERSIONS.joinpath("0002.yaml").read_text("utf-8")
    assert change[0] in text
    with pytest.raises(PermanentError, match=reason):
        criteria_from(text.replace(*change, 1))
