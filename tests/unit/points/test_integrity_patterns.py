"""Findings across streams: each kind from its limit on and not below, whatever the order and the repeats."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.integrity import documents
from services.points.integrity.domain import Flag, measure
from services.points.integrity.patterns.domain import (
    CrossApproval,
    OpenedShift,
    PhonePickup,
    Recruited,
    RecruitingEvent,
    Seat,
    Unsigned,
    filled_at_once,
    idle_drive,
    mutual_approvals,
    never_signed_up,
    pair_of,
    shared_pickups,
)
from services.points.integrity.reviews.domain import About
from services.points.integrity.terms.domain import DriveLimits, OpeningLimits
from tests.support.depth import examples
from tests.unit.points.windowing import HERE, seen

SHIPPED = documents.shipped()[-1].thresholds()
LOW = documents.shipped()[-1].model_copy(
    update={
        "mutual_approvals": documents.MutualApprovalsDocument(each_way=2),
        "filled_at_once": documents.FilledAtOnceDocument(minutes=3, people=2, percent=50),
        "never_signed_up": documents.CountPerClass(others=2, kiosk=3, leader=None),
        "shared_pickups": documents.SharedPickupsDocument(people=2),
        "idle_drives": documents.IdleDrivesDocument(people=3, served_percent=10, days=30),
    }
)
TIGHT = LOW.thresholds()
MARCH, OPENED = date(2026, 3, 1), datetime(2026, 3, 2, 2, tzinfo=UTC)
ANNE, BEN, CLEO = UUID(int=0xA0), UUID(int=0xB0), UUID(int=0xC0)
SHIFT, DRIVE = UUID(int=0x51), RecruitingEvent(UUID(int=0xD0), HERE, OPENED)


def about(number: int, person: int | None = None) -> About:
    return About(UUID(int=0x100 + number), UUID(int=0x700 + (number if person is None else person)), HERE)


def approved(recorder: UUID, decider: UUID, *numbers: int) -> list[CrossApproval]:
    return [CrossApproval(recorder, decider, about(number)) for number in numbers]


def shift(quick: int, *, places: int, late: int = 0, source: str | None = "self") -> OpenedShift:
    seats = [Seat(UUID(int=0x700 + n), OPENED + timedelta(seconds=n), source) for n in range(quick)]
    seats += [Seat(UUID(int=0x780 + n), OPENED + timedelta(minutes=4), source) for n in range(late)]
    return OpenedShift(SHIFT, OPENED + timedelta(days=2), OPENED, places, seats)


def test_two_who_approve_each_other_are_a_finding_and_an_approver_is_none() -> None:
    one_way = approved(ANNE, BEN, *range(9))
    assert mutual_approvals(TIGHT, MARCH, one_way) == []
    assert mutual_approvals(TIGHT, MARCH, [*one_way, *approved(BEN, ANNE, 20)]) == []
    assert mutual_approvals(TIGHT, MARCH, [*one_way, *approved(BEN, CLEO, 20, 21), *approved(CLEO, ANNE, 22, 23)]) == []
    assert mutual_approvals(TIGHT, MARCH, [*approved(ANNE, ANNE, 1, 2)]) == [], "of their own is for the approvals"
    (flag,) = mutual_approvals(TIGHT, MARCH, [*one_way, *approved(BEN, ANNE, 20, 21)])
    assert (flag.kind, flag.subject, flag.evidence["measured"]) == ("mutual-approvals", pair_of(BEN, ANNE), 2)
    assert len(flag.records) == 11
    records = {
        record: seen(record.int, recorded_by=BEN if record.int >= 0x100 + 20 else ANNE) for record, _ in flag.records
    }
    assert measure("mutual-approvals", MARCH, records) == 2
    records = {record: one for record, one in records.items() if one.recorded_by == ANNE}
    assert measure("mutual-approvals", MARCH, records) == 0


def test_a_shift_that_was_full_within_minutes_is_a_finding_about_those_who_served() -> None:
    served = [about(n) for n in range(10)]
    flag = filled_at_once(TIGHT, shift(4, places=8), served)
    assert flag is not None
    assert (flag.subject_kind, flag.subject, len(flag.records)) == ("shift", str(SHIFT), 4)
    assert (flag.evidence["measured"], flag.evidence["taken"], flag.evidence["places"]) == (4, 4, 8)
    assert filled_at_once(TIGHT, shift(3, places=8, late=5), served) is None, "half of the places within three minutes"
    assert filled_at_once(TIGHT, shift(8, places=8), served[:1]) is None, "one person served"
    assert filled_at_once(TIGHT, shift(8, places=8, source="team"), served) is None, "a team's list competes with none"
    assert filled_at_once(TIGHT, shift(8, places=8), []) is None


def test_records_of_people_who_had_not_signed_up_count_by_recorder_and_class() -> None:
    def unsigned(named: str, *numbers: int, recorder: UUID = ANNE) -> list[Unsigned]:
        return [Unsigned(str(recorder), named, about(number)) for number in numbers]

    assert (
        never_signed_up(TIGHT, MARCH, [*unsigned("others", 1), *unsigned("kiosk", 2, 3), *unsigned("leader", 4, 5)])
        == []
    )
    assert never_signed_up(TIGHT, MARCH, [*unsigned("others", 1), *unsigned("others", 2, recorder=BEN)]) == []
    flags = never_signed_up(TIGHT, MARCH, [*unsigned("others", 1, 2), *unsigned("kiosk", 3, 4, 5)])
    assert [(flag.subject, flag.about, flag.evidence["measured"]) for flag in flags] == [
        (str(ANNE), "2026-03|kiosk", 3),
        (str(ANNE), "2026-03|others", 2),
    ]


def pickup(number: int, person: int, phone: str = "phone:a") -> PhonePickup:
    return PhonePickup(phone, UUID(int=0x900 + number), UUID(int=0x700 + person), HERE)


def test_people_whose_rewards_one_phone_redeemed_are_a_finding_without_records() -> None:
    assert shared_pickups(TIGHT, MARCH, [pickup(n, 1) for n in range(5)]) == [], "one person's rewards"
    assert shared_pickups(TIGHT, MARCH, [pickup(1, 1), pickup(2, 2, "phone:b")]) == []
    (flag,) = shared_pickups(TIGHT, MARCH, [pickup(1, 1), pickup(2, 2), pickup(3, 2)])
    assert (flag.subject_kind, flag.subject, flag.records, len(flag.people)) == ("device", "phone:a", (), 3)
    assert (flag.evidence["measured"], flag.evidence["limit"]) == (2, 2)


@pytest.mark.parametrize(("people", "serving", "found"), [(20, 0, True), (20, 2, True), (20, 3, False), (2, 0, False)])
def test_a_drive_of_whose_people_next_to_none_served_is_a_finding(people: int, serving: int, found: bool) -> None:
    registered = [Recruited(UUID(int=0x700 + n), n < serving) for n in range(people)]
    flag = idle_drive(TIGHT, DRIVE, registered)
    assert (flag is not None) == found
    if flag is not None:
        assert (flag.evidence["measured"], flag.evidence["limit"]) == (people - serving, people - people // 10)
        assert {volunteer for volunteer, _ in flag.people} == {one.volunteer_id for one in registered if not one.served}


def test_versions_without_these_terms_find_none_of_them() -> None:
    old = documents.shipped()[1].thresholds()
    assert mutual_approvals(old, MARCH, [*approved(ANNE, BEN, *range(30)), *approved(BEN, ANNE, *range(40, 70))]) == []
    assert filled_at_once(old, shift(90, places=90), [about(n) for n in range(90)]) is None
    assert never_signed_up(old, MARCH, [Unsigned("r", "others", about(n)) for n in range(99)]) == []
    assert shared_pickups(old, MARCH, [pickup(n, n) for n in range(9)]) == []
    assert idle_drive(old, DRIVE, [Recruited(UUID(int=n), served=False) for n in range(99)]) is None
    assert SHIPPED.filled_at_once == OpeningLimits(3, 10, 90)
    assert SHIPPED.idle_drives == DriveLimits(20, 10, 30)


accounts, numbers = st.sampled_from([ANNE, BEN, CLEO]), st.integers(0, 12)
JUDGES: dict[str, tuple[st.SearchStrategy[Any], Callable[[list[Any]], list[Flag]]]] = {
    "approvals": (
        st.builds(lambda one, other, n: CrossApproval(one, other, about(n)), accounts, accounts, numbers),
        lambda found: mutual_approvals(TIGHT, MARCH, found),
    ),
    "shift": (
        st.builds(
            lambda person, after, source: Seat(UUID(int=0x700 + person), OPENED + timedelta(seconds=after), source),
            numbers,
            st.sampled_from([-1, 0, 90, 180, 181, 999]),
            st.sampled_from([None, "self", "staff", "team"]),
        ),
        lambda found: [
            flag
            for flag in [
                filled_at_once(TIGHT, OpenedShift(SHIFT, OPENED, OPENED, 6, found), [about(n) for n in range(0, 12, 2)])
            ]
            if flag is not None
        ],
    ),
    "unsigned": (
        st.builds(
            lambda recorder, named, n: Unsigned(str(recorder), named, about(n)),
            accounts,
            st.sampled_from(["others", "kiosk", "leader"]),
            numbers,
        ),
        lambda found: never_signed_up(TIGHT, MARCH, found),
    ),
    "pickups": (
        st.builds(pickup, numbers, st.integers(0, 3), st.sampled_from(["phone:a", "phone:b"])),
        lambda found: shared_pickups(TIGHT, MARCH, found),
    ),
    "drives": (
        st.builds(lambda n: Recruited(UUID(int=0x700 + n), n == 0), numbers),
        lambda found: [flag for flag in [idle_drive(TIGHT, DRIVE, found)] if flag is not None],
    ),
}


@pytest.mark.parametrize("kind", JUDGES)
@settings(max_examples=examples(), deadline=None)
@given(st.data(), st.randoms(use_true_random=False))
def test_any_order_and_any_repeats_give_the_same_findings(kind: str, data: Any, random: Any) -> None:
    drawn, judge = JUDGES[kind]
    found = data.draw(st.lists(drawn, max_size=30))
    again = [
        *found,
        *(found[n] for n in data.draw(st.lists(st.integers(0, max(0, len(found) - 1)), max_size=9)) if found),
    ]
    random.shuffle(again)
    assert judge(again) == judge(found)
    for flag in judge(found):
        assert flag.evidence["measured"] >= flag.evidence["limit"]
        assert bool(flag.records) != bool(flag.people)
