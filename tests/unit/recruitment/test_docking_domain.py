"""Docking by random begins and ends: terms of one site never overlap, and every past date keeps its answer."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.dockings.domain import Docking, dock, docked_on, undock

START = datetime(2026, 1, 1, tzinfo=UTC)
TEAM = UUID(int=1)
SITES = [UUID(int=n) for n in (11, 12)]
DAY = timedelta(days=1)
NEVER = datetime.max.replace(tzinfo=UTC)
STEPS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(SITES), st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=25
)


def played(steps: list[tuple[bool, UUID, int, int]]) -> tuple[list[Docking], datetime]:
    """The dockings after steps of (begin or end, site, days forward, days back)."""
    held: list[Docking] = []
    now = START
    for begins, site_id, forward, back in steps:
        now += forward * DAY
        if begins:
            new = dock(held, Docking(uuid4(), TEAM, site_id, now - back * DAY), now)
            if isinstance(new, Docking):
                held.append(new)
            continue
        for n, each in enumerate(held):
            if each.site_id == site_id and each.until is None:
                ended = undock(each, now - back * DAY if back else None, now)
                if isinstance(ended, Docking):
                    held[n] = ended
    return held, now


@given(STEPS)
def test_terms_of_one_team_with_one_site_never_overlap(steps: list[tuple[bool, UUID, int, int]]) -> None:
    held, now = played(steps)
    for site_id in SITES:
        terms = sorted(
            (each for each in held if each.site_id == site_id), key=lambda each: (each.since, each.until or NEVER)
        )
        assert sum(each.until is None for each in terms) <= 1
        for earlier, later in pairwise(terms):
            assert earlier.until is not None
            assert earlier.since <= earlier.until <= later.since <= now


@given(STEPS, st.integers(0, 140))
def test_a_team_is_docked_on_a_date_if_one_of_its_terms_holds_then(
    steps: list[tuple[bool, UUID, int, int]], hours: int
) -> None:
    held, _ = played(steps)
    at = START + timedelta(hours=hours)
    covered = any(each.since <= at < (each.until or NEVER) for each in held)
    assert docked_on(held, at) == covered


def test_begins_in_the_future_and_ends_outside_of_the_term_are_refused() -> None:
    def slug(outcome: Docking | DomainRefusal) -> str:
        assert isinstance(outcome, DomainRefusal)
        return outcome.slug

    begun = Docking(uuid4(), TEAM, SITES[0], START)
    assert slug(dock([], begun, START - DAY)) == "docking-in-future"
    assert slug(dock([begun], begun, START)) == "docked-already"
    assert slug(undock(begun, START - DAY, START)) == "docking-end-wrong"
    assert slug(undock(begun, START + DAY, START)) == "docking-end-wrong"
    ended = undock(begun, None, START + DAY)
    assert isinstance(ended, Docking)
    assert slug(undock(ended, None, START + DAY)) == "docking-ended"
    assert slug(dock([ended], Docking(uuid4(), TEAM, SITES[0], START), START + DAY)) == "docking-overlaps"
    assert isinstance(dock([ended], Docking(uuid4(), TEAM, SITES[0], START + DAY), START + DAY), Docking)
