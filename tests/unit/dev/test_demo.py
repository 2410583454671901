"""The demo's plan is the same for the same seed, and the minting attempts use people whom it needs for nothing else."""

import pytest

from dev.demo.minting import Attempt, Minted, cast_of
from dev.demo.plan import FULL, SMALL, Scale, make_plan
from dev.demo.staff import deciding_site


def test_the_same_seed_gives_the_same_plan() -> None:
    assert make_plan(7, SMALL) == make_plan(7, SMALL)
    assert make_plan(7, SMALL) != make_plan(8, SMALL)


@pytest.mark.parametrize(("seed", "scale"), [(2026, FULL), (2026, SMALL), (7, SMALL)])
def test_minting_uses_nobody_whose_service_the_figures_count(seed: int, scale: Scale) -> None:
    plan, cast = make_plan(seed, scale), cast_of(make_plan(seed, scale))
    serving = {visit.person for activity in (*plan.activities, plan.finale) for visit in activity.visits}
    assert not serving & {cast.accomplice, cast.stranger}
    assert len({cast.accomplice, cast.stranger, cast.leader}) == 3
    assert plan.people[cast.stranger].registry is not None
    assert plan.people[cast.leader].day is not None


def test_another_institute_than_the_recorder_decides() -> None:
    for site in range(26):
        assert {deciding_site(site, turn) for turn in range(14)} == set(range(1, 8)) - {site}


def test_a_taken_attempt_or_a_point_is_no_refutation() -> None:
    held = (Attempt("a", "refused", "403"), Attempt("b", "waiting", "cap"))
    assert Minted(held, 0).refuted
    assert not Minted(held, 1).refuted
    assert not Minted((*held, Attempt("c", "taken", "1 approved")), 0).refuted
    assert Minted(held, 0).as_json()["tried"] == 2
