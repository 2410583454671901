"""Which evidence waits for another site, and which account that other site's is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal, Shift, State
from services.recruitment.approvals.domain import (
    SENIORITY,
    AssertionCaps,
    Decider,
    KnownSince,
    PendingApproval,
    Reason,
    RecruitingDrive,
    Spent,
    may_decide,
    reasons_to_wait,
)
from services.recruitment.attendance.domain import Place
from shared.auth.tokens import SECOND_PERSON_AGE

START = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CENTRE, NORTH, SOUTH, STATION, WINDOW, OTHER = (uuid4() for _ in range(6))
PARENTS = {CENTRE: None, NORTH: CENTRE, SOUTH: CENTRE, STATION: NORTH, WINDOW: STATION, OTHER: SOUTH}
KINDS = {CENTRE: "centre", NORTH: "institute", SOUTH: "institute", WINDOW: "service_point"}
RECORDER, VOLUNTEER = uuid4(), uuid4()
SHIFT = Shift(uuid4(), uuid4(), START, START + 2 * HOUR, 10, published_at=START - 9 * DAY)
PLACE = Place(SHIFT, State.OPEN, STATION, uuid4(), "t", "k")


def above(site: UUID) -> frozenset[UUID]:
    parent = PARENTS[site]
    return frozenset() if parent is None else above(parent) | {parent}


def a_decider(home: UUID, **changes: object) -> Decider:
    decider = Decider(
        subject=uuid4(),
        person_id=uuid4(),
        volunteer_id=None,
        since=START - 30 * DAY,
        home=home,
        home_kind=KINDS.get(home, "station"),
        above=above(home),
        below=frozenset(site for site in PARENTS if home in above(site) | {site}),
        centre=CENTRE,
    )
    return replace(decider, **changes)  # type: ignore[arg-type]


def a_claim(*sites: UUID, at: UUID | None = STATION, **changes: object) -> PendingApproval:
    claim = PendingApproval(VOLUNTEER, frozenset({RECORDER}), frozenset(), frozenset(sites), at, START)
    return replace(claim, **changes)  # type: ignore[arg-type]


def allowed(decider: Decider, claim: PendingApproval) -> bool:
    return may_decide(decider, claim) is None


@pytest.mark.parametrize(
    ("recorder", "deciders"),
    [
        (STATION, {CENTRE, NORTH, SOUTH, OTHER}),
        (WINDOW, {CENTRE, NORTH, SOUTH, OTHER, STATION}),
        (NORTH, {CENTRE, SOUTH, OTHER}),
        (CENTRE, {NORTH}),
    ],
)
def test_another_site_is_neither_the_same_nor_subordinate(recorder: UUID, deciders: set[UUID]) -> None:
    assert {site for site in PARENTS if allowed(a_decider(site), a_claim(recorder))} == deciders


def test_what_the_centre_recorded_at_the_centre_is_any_institutes_to_decide() -> None:
    assert {site for site in PARENTS if allowed(a_decider(site), a_claim(CENTRE, at=CENTRE))} == {NORTH, SOUTH}


def test_the_account_is_seven_days_older_than_the_record() -> None:
    assert allowed(a_decider(OTHER, since=START - 7 * DAY), a_claim(STATION))
    late = may_decide(a_decider(OTHER, since=START - 7 * DAY + timedelta(seconds=1)), a_claim(STATION))
    assert isinstance(late, DomainRefusal)
    assert (late.slug, late.status) == ("another-site-needed", 403)


def test_an_account_that_the_recorder_made_or_reset_or_that_is_the_same_person_does_not_decide() -> None:
    claim = a_claim(STATION)
    assert not allowed(a_decider(OTHER, makers=frozenset({RECORDER})), claim)
    assert allowed(a_decider(OTHER, makers=frozenset({uuid4()})), claim)
    assert not allowed(a_decider(OTHER, subject=RECORDER), claim)
    assert not allowed(a_decider(OTHER, volunteer_id=VOLUNTEER), claim)
    person = uuid4()
    assert not allowed(a_decider(OTHER, volunteer_id=person), replace(claim, claimant_ids=frozenset({person})))
    assert not allowed(a_decider(OTHER, volunteer_id=person), replace(claim, claimant_persons=frozenset({person})))
    assert not allowed(a_decider(OTHER, person_id=person), replace(claim, claimant_persons=frozenset({person})))


SITES = st.sampled_from(sorted(PARENTS))


@given(
    home=SITES,
    sites=st.frozensets(SITES, min_size=1),
    at=SITES,
    age=st.integers(0, 14),
    hand=st.booleans(),
    made=st.booleans(),
    own=st.booleans(),
)
def test_who_decides_is_always_independent_of_who_recorded(
    home: UUID, sites: frozenset[UUID], at: UUID, age: int, hand: bool, made: bool, own: bool
) -> None:
    decider = a_decider(
        home,
        since=START - age * DAY,
        subject=RECORDER if hand else uuid4(),
        makers=frozenset({RECORDER}) if made else frozenset(),
        volunteer_id=VOLUNTEER if own else None,
    )
    if allowed(decider, a_claim(*sites, at=at)):
        assert not (hand or made or own)
        assert age >= 7
        assert home not in sites
        assert not (above(home) & sites) - {CENTRE}
        assert CENTRE not in sites or home in (NORTH, SOUTH)
        assert CENTRE not in sites or at == CENTRE or at in decider.below
    elif home == CENTRE and not (hand or made or own) and age >= 7:
        assert CENTRE in sites, "the centre decides where no other can"


@pytest.mark.parametrize(
    ("place", "known", "reasons"),
    [
        (PLACE, KnownSince(START - DAY, START - DAY), []),
        (PLACE, KnownSince(START - DAY + HOUR, START - DAY), [Reason.VOLUNTEER_NEW]),
        (PLACE, KnownSince(START - DAY, START - DAY + HOUR), [Reason.DEVICE_NEW]),
        (PLACE, KnownSince(START - DAY), []),
        (
            replace(PLACE, shift=replace(SHIFT, published_at=START - DAY + HOUR)),
            KnownSince(START - DAY),
            [Reason.SHIFT_LATE],
        ),
        (replace(PLACE, shift=replace(SHIFT, published_at=None)), KnownSince(START - DAY), [Reason.SHIFT_LATE]),
    ],
)
def test_asserted_time_waits_when_device_shift_or_volunteer_is_less_than_a_day_older(
    place: Place, known: KnownSince, reasons: list[Reason]
) -> None:
    assert reasons_to_wait(place, known) == reasons


def test_a_drive_explains_a_new_volunteer_only_at_its_own_device_and_time() -> None:
    drive = RecruitingDrive(STATION, START - HOUR, START + HOUR)
    new = KnownSince(START - HOUR, START - 9 * DAY, frozenset({STATION}), drive)
    assert reasons_to_wait(PLACE, new) == [Reason.DRIVE]
    for other in (
        replace(new, device_sites=frozenset({OTHER})),
        replace(new, volunteer_since=START - 2 * HOUR),
        replace(new, drive=replace(drive, starts_at=START - 3 * HOUR, ends_at=START)),
        replace(new, drive=None),
    ):
        assert reasons_to_wait(PLACE, other) == [Reason.VOLUNTEER_NEW]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 600)), max_size=60), st.integers(0, 900), st.integers(0, 2000)
)
def test_what_counts_at_once_never_passes_a_cap(rows: list[tuple[int, int]], own: int, in_all: int) -> None:
    people, caps = [uuid4() for _ in range(4)], AssertionCaps(own, in_all)
    spent = Spent({}, 0)
    for who, minutes in rows:
        if spent.fits(people[who], minutes, caps):
            spent = spent.adding(people[who], minutes)
    assert spent.in_all == sum(spent.by_volunteer.values()) <= in_all
    assert all(minutes <= own for minutes in spent.by_volunteer.values())


def test_the_caps_are_eight_hours_for_one_volunteer_and_two_hundred_in_all() -> None:
    assert (AssertionCaps().per_volunteer, AssertionCaps().in_all) == (480, 12_000)


def test_a_second_person_has_one_age_in_all_services() -> None:
    assert SENIORITY == SECOND_PERSON_AGE
