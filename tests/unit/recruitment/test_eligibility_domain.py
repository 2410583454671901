"""Eligibility: what an activity asks, compared with what is known of a volunteer."""

from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.eligibility.domain import (
    ActivityDetails,
    Qualifications,
    asks_for_age,
    asks_for_facts,
    missing,
)

OPEN_TO_ALL = ActivityDetails(uuid4())
STRICT = replace(
    OPEN_TO_ALL, min_age=18, max_age=60, needs_trainings=("first-aid",), needs_skills=("barber",), needs_insurance=True,
    team_only=True,
)  # fmt: skip
ALL = Qualifications(30, trainings=frozenset({"first-aid"}), skills=frozenset({"barber"}), insured=True, in_team=True)
NONE = Qualifications(None, trainings=frozenset(), skills=frozenset(), insured=False, in_team=False)


def listed(code: str | None) -> tuple[str, ...]:
    return () if code is None else (code,)


def slugs(details: ActivityDetails, known: Qualifications) -> list[str]:
    return [each.slug for each in missing(details, known)]


def test_who_has_all_may_take_part_and_who_has_nothing_learns_all_that_is_missing() -> None:
    assert slugs(STRICT, ALL) == []
    assert slugs(OPEN_TO_ALL, NONE) == []
    assert slugs(STRICT, NONE) == [
        "age-unknown", "training-missing", "skill-missing", "insurance-missing", "team-only",
    ]  # fmt: skip
    assert not asks_for_age(OPEN_TO_ALL)
    assert not asks_for_facts(OPEN_TO_ALL)


@pytest.mark.parametrize(("age", "expected"), [(17, ["too-young"]), (18, []), (60, []), (61, ["too-old"])])
def test_both_bounds_of_age_are_included(age: int, expected: list[str]) -> None:
    assert slugs(STRICT, replace(ALL, age=age)) == expected
    for refused in missing(STRICT, replace(ALL, age=age)):
        assert str(age) not in refused.detail, "no answer says the age of a person"


AGES = st.none() | st.integers(0, 120)


@given(AGES, AGES, st.none() | st.just("a"), st.none() | st.just("b"), st.booleans(), st.booleans(), AGES,
       st.tuples(*[st.booleans()] * 4))  # fmt: skip
def test_only_what_is_asked_for_can_be_missing(
    low: int | None,
    high: int | None,
    training: str | None,
    skill: str | None,
    insurance: bool,
    team: bool,
    age: int | None,
    known: tuple[bool, bool, bool, bool],
) -> None:
    details = replace(
        OPEN_TO_ALL, min_age=low, max_age=high, needs_trainings=listed(training), needs_skills=listed(skill),
        needs_insurance=insurance,
        team_only=team,
    )  # fmt: skip
    trained, skilled, insured, in_team = known
    found = set(
        slugs(
            details,
            Qualifications(age, frozenset("a" if trained else ""), frozenset("b" if skilled else ""), insured, in_team),
        )
    )
    assert ("age-unknown" in found) == (asks_for_age(details) and age is None)
    assert ("too-young" in found) == (age is not None and low is not None and age < low)
    assert ("too-old" in found) == (age is not None and high is not None and age > high)
    assert ("training-missing" in found) == (training is not None and not trained)
    assert ("skill-missing" in found) == (skill is not None and not skilled)
    assert ("insurance-missing" in found) == (insurance and not insured)
    assert ("team-only" in found) == (team and not in_team)
