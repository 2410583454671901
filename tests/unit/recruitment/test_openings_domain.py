"""Opening hours and rotas: accepted weeks have no overlaps, and every duty lies in the hours."""

from datetime import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.openings.domain import Duty, Opening, check_openings

CLOCKS = st.integers(0, 23).map(time)
DAYS = st.integers(1, 2)
HOURS = st.lists(st.builds(Opening, DAYS, CLOCKS, CLOCKS), max_size=4)
ROTA = st.lists(st.builds(Duty, DAYS, CLOCKS, CLOCKS, st.sampled_from([UUID(int=1), UUID(int=2)])), max_size=4)


def sound(hours: list[Opening], rota: list[Duty]) -> bool:
    """By every hour of the week: at most one opening, at most one duty of a team, and none while it is closed."""
    if any(each.opens >= each.closes for each in hours) or any(each.begins >= each.ends for each in rota):
        return False
    for weekday in (1, 2):
        for hour in range(24):
            at = time(hour)
            opened = [each for each in hours if each.weekday == weekday and each.opens <= at < each.closes]
            duties = [each for each in rota if each.weekday == weekday and each.begins <= at < each.ends]
            teams = [each.team_id for each in duties]
            if len(opened) > 1 or len(teams) != len(set(teams)) or (duties and not opened):
                return False
    return True


@given(HOURS, ROTA)
def test_what_is_accepted_is_sound(hours: list[Opening], rota: list[Duty]) -> None:
    try:
        check_openings(hours, rota)
    except ValueError:
        return
    assert sound(hours, rota)


@given(HOURS)
def test_sound_hours_are_accepted(hours: list[Opening]) -> None:
    if sound(hours, []):
        check_openings(hours, [])


def test_a_duty_outside_of_the_hours_is_refused() -> None:
    opening = Opening(1, time(9), time(11))
    check_openings([opening], [Duty(1, time(9), time(11), UUID(int=1))])
    with pytest.raises(ValueError, match="outside of the hours"):
        check_openings([opening], [Duty(1, time(9), time(12), UUID(int=1))])
