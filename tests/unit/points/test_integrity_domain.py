"""Windows of integrity: each kind on hand-worked cases, and in any order."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.integrity import documents
from services.points.integrity.documents import BurstDocument, BurstPerClass, CountPerClass
from services.points.integrity.domain import (
    Flag,
    Seen,
    Span,
    Standing,
    ThresholdsInForce,
    acts_of,
    judge,
    measure,
    step,
    still_so,
    windows_of,
)
from services.points.integrity.packing import (
    pack_day,
    pack_standing,
    pack_window,
    unpack_day,
    unpack_standing,
    unpack_window,
)

SHIPPED = documents.shipped()[0]
IN_FORCE = ThresholdsInForce([SHIPPED.thresholds()])
LOW = SHIPPED.model_copy(
    update={
        "burst": BurstPerClass(
            others=BurstDocument(records=4, by="posted"),
            kiosk=BurstDocument(records=3, by="served"),
            leader=BurstDocument(records=3, by="served"),
        ),
        "many_accounts": CountPerClass(others=3, kiosk=None, leader=4),
    }
)
TIGHT = ThresholdsInForce([LOW.thresholds()])
"""Limits that drawn records reach."""
HERE, THERE = UUID(int=0xA), UUID(int=0xB)
RECORDER = UUID(int=0xEC)
PHONE, KIOSK = "phone:4f1c0b0a9d7e4c3b", str(UUID(int=0xD1))
Cases = dict[tuple[str, str, str], set[UUID]]


def seen(number: int, start: str = "2026-03-04T09:00", minutes: int = 60, **changes: Any) -> Seen:
    """A confirmed, scanned record of one volunteer; times are the district's."""
    started_at = datetime.fromisoformat(f"{start}+08:00").astimezone(UTC)
    values: dict[str, Any] = {
        "record_id": UUID(int=number),
        "revision": 1,
        "volunteer_id": UUID(int=0x70),
        "site_id": HERE,
        "provenance": "scanned",
        "status": "confirmed",
        "closed_by": "self",
        "started_at": started_at,
        "ended_at": started_at + timedelta(minutes=minutes),
        "minutes": minutes,
        "recorded_by": None,
        "device_ref": None,
        "told_at": started_at + timedelta(minutes=minutes),
    }
    return Seen(**(values | changes))


class Windows:
    """The tables as plain mappings, and what was flagged over them: (kind, subject, about) → records."""

    def __init__(self, thresholds: ThresholdsInForce = IN_FORCE) -> None:
        self.thresholds = thresholds
        self.standing: dict[UUID, Standing] = {}
        self.days: dict[tuple[UUID, Span], Any] = {}
        self.acts: dict[tuple[str, Span], dict[str, list[str]]] = {}
        self.cases: Cases = {}
        self.flags: list[Flag] = []

    def take(self, found: Iterable[Seen]) -> "Windows":
        for one in found:
            self._person(one)
            for act in acts_of(self.thresholds, one):
                for span in windows_of(act):
                    window, flag = judge(self.thresholds, span, self.acts.get((act.place, span), {}), act)
                    if window is not None:
                        assert unpack_window(pack_window(window)) == window
                        self.acts[act.place, span] = window
                    self._note([flag] if flag is not None else [])
        return self

    def _person(self, one: Seen) -> None:
        known = self.standing.get(one.record_id)
        done = step(self.thresholds, one, known, lambda span: self.days.get((one.volunteer_id, span), {}))
        if done is not None:
            self._note(done.flags)
            assert unpack_standing(pack_standing(done.standing)) == done.standing
            assert all(unpack_day(pack_day(day)) == day for day in done.days.values())
            self.standing[one.record_id] = done.standing
            self.days |= {(one.volunteer_id, span): day for span, day in done.days.items()}

    def _note(self, flags: Iterable[Flag]) -> None:
        for flag in flags:
            self.flags.append(flag)
            key = (flag.kind, flag.subject, flag.about)
            self.cases.setdefault(key, set()).update(record_id for record_id, _ in flag.records)

    @property
    def kinds(self) -> list[str]:
        return sorted({kind for kind, _, _ in self.cases})


def kinds(*found: Seen) -> list[str]:
    return Windows().take(found).kinds


def test_one_person_at_two_sites_at_once() -> None:
    windows = Windows().take([seen(1), seen(2, "2026-03-04T09:40", site_id=THERE)])
    (flag,) = windows.flags
    assert (flag.kind, flag.subject_kind, flag.subject) == ("two-sites", "volunteer", str(UUID(int=0x70)))
    assert [record_id.int for record_id, _ in flag.records] == [1, 2]
    assert (flag.evidence["measured"], flag.evidence["limit"], flag.site_ids) == (20, 1, (HERE, THERE))
    assert flag.evidence["from"] == "2026-03-04T01:40:00+00:00"


@pytest.mark.parametrize(
    "other",
    [
        seen(2, "2026-03-04T10:00", site_id=THERE),  # back to back: intervals are half open
        seen(2, "2026-03-04T09:40"),  # the same site
        seen(2, "2026-03-04T09:40", site_id=None),
        seen(2, "2026-03-04T09:40", site_id=THERE, status="provisional"),
        seen(2, "2026-03-04T09:40", site_id=THERE, status="void"),
        seen(2, "2026-03-04T09:40", site_id=THERE, ended_at=None),
        seen(2, "2026-03-04T09:40", site_id=THERE, provenance="imported"),
        seen(2, "2026-03-04T09:40", site_id=THERE, volunteer_id=UUID(int=0x71)),
        seen(2, "2026-03-04T09:56", site_id=THERE, provenance="kiosk"),  # a kiosk's clock may be 4 minutes off
        seen(2, "2026-03-04T09:51", site_id=THERE, provenance="leader"),
    ],
)
def test_what_is_not_at_two_sites_at_once(other: Seen) -> None:
    assert kinds(seen(1), other) == []
    assert kinds(other, seen(1)) == []


def test_the_more_patient_of_two_limits_holds() -> None:
    assert kinds(seen(1), seen(2, "2026-03-04T09:55", site_id=THERE, provenance="kiosk")) == ["two-sites"]
    assert kinds(seen(1), seen(2, "2026-03-04T09:50", site_id=THERE, provenance="leader")) == ["two-sites"]


def test_two_sites_over_midnight_are_one_finding() -> None:
    windows = Windows().take([seen(1, "2026-03-04T22:00", 240), seen(2, "2026-03-04T23:30", 120, site_id=THERE)])
    assert len(windows.flags) == 1
    windows = Windows().take([seen(1, "2026-03-04T22:00", 240), seen(2, "2026-03-05T00:30", 30, site_id=THERE)])
    assert [flag.evidence["day"] for flag in windows.flags] == ["2026-03-05"]


def test_a_revision_that_moves_a_record_takes_it_out_of_its_day() -> None:
    moved = seen(1, "2026-03-05T09:00", revision=2)
    assert kinds(seen(1), moved, seen(2, "2026-03-04T09:40", site_id=THERE)) == []
    assert kinds(moved, seen(1), seen(2, "2026-03-04T09:40", site_id=THERE)) == [], "a lower one comes too late"
    assert kinds(seen(1), moved, seen(2, "2026-03-05T09:40", site_id=THERE)) == ["two-sites"]
    void = seen(1, revision=2, status="void")
    assert kinds(seen(1), void, seen(2, "2026-03-04T09:40", site_id=THERE)) == []


def test_more_than_16_hours_a_day() -> None:
    morning, evening = seen(1, "2026-03-04T00:00", 480), seen(2, "2026-03-04T09:00", 480)
    assert kinds(morning, evening) == []
    windows = Windows().take([morning, evening, seen(3, "2026-03-04T20:00", 1)])
    (flag,) = windows.flags
    assert (flag.kind, flag.evidence["measured"], flag.evidence["limit"]) == ("long-day", 961, 960)
    assert [record_id.int for record_id, _ in flag.records] == [1, 2, 3]
    assert kinds(morning, evening, seen(3, "2026-03-04T20:00", 1, status="provisional")) == []


def test_a_day_holds_only_what_lies_in_it() -> None:
    night, day = seen(1, "2026-03-03T22:00", 600), seen(2, "2026-03-04T08:00", 480)
    assert kinds(night, day) == []
    assert kinds(night, day, seen(3, "2026-03-04T16:00", 1)) == ["long-day"], "8 of the night's 10 hours are its own"


def test_hours_without_a_check_in() -> None:
    entered = seen(1, minutes=239, provenance="backfilled", status="provisional")
    assert kinds(entered) == []
    windows = Windows().take([entered, seen(2, "2026-03-04T15:00", 1, provenance="backfilled")])
    (flag,) = windows.flags
    assert (flag.kind, flag.about, flag.evidence["measured"]) == ("no-check-in", "2026-03-04|others", 240)
    assert kinds(seen(1, minutes=240)) == [], "a scan is a check-in"
    assert kinds(seen(1, minutes=900, provenance="kiosk")) == [], "so is a card at a kiosk"
    assert kinds(seen(1, minutes=719, provenance="leader")) == []
    assert kinds(seen(1, minutes=720, provenance="leader")) == ["no-check-in"], "a roll-call is the leader's word alone"


def entries(number: int, provenance: str, apart: timedelta, **changes: Any) -> list[Seen]:
    """Records of as many people, entered one after the other by one recorder."""
    first = datetime(2026, 3, 4, 4, tzinfo=UTC)
    return [
        seen(
            1000 + place,
            provenance=provenance,
            volunteer_id=UUID(int=0x900 + place),
            recorded_by=RECORDER,
            told_at=first + place * apart,
            **changes,
        )
        for place in range(number)
    ]


def test_a_burst_of_back_office_entries() -> None:
    assert kinds(*entries(29, "backfilled", timedelta(seconds=4))) == []
    windows = Windows().take(entries(32, "backfilled", timedelta(seconds=4)))
    assert windows.kinds == ["burst"]
    ((key, records),) = windows.cases.items()
    assert key == ("burst", str(RECORDER), "2026-03-04|others")
    assert len(records) == 32, "who comes after the window is full is part of it all the same"
    assert kinds(*entries(60, "backfilled", timedelta(seconds=30))) == [], "twenty in ten minutes are work"


def test_an_upload_of_what_happened_off_line_is_a_burst_and_no_fraud() -> None:
    assert kinds(*entries(200, "kiosk", timedelta(milliseconds=1), device_ref="kiosk-1")) == []
    assert kinds(*entries(120, "leader", timedelta(milliseconds=1), device_ref="phone-1")) == []


def test_kiosks_and_leaders_are_looked_at_by_when_people_left() -> None:
    assert kinds(*entries(299, "kiosk", timedelta(hours=1))) == []
    assert kinds(*entries(300, "kiosk", timedelta(hours=1))) == ["burst"]
    assert kinds(*entries(150, "leader", timedelta(hours=1))) == ["burst"]


def test_a_correction_is_not_the_first_recorders_act() -> None:
    corrected = entries(40, "leader", timedelta(seconds=1), revision=2, closed_by="correction")
    assert kinds(*corrected) == []
    assert kinds(*entries(40, "backfilled", timedelta(seconds=1), revision=2, closed_by="correction")) == ["burst"]


def test_many_accounts_on_one_phone() -> None:
    def scans(people: int, provenance: str = "scanned", **more: Any) -> list[Seen]:
        return [
            seen(place, f"2026-03-04T{8 + place % 12:02}:00", 30, provenance=provenance, **more,
                 device_ref=PHONE if provenance == "scanned" else KIOSK, volunteer_id=UUID(int=0x900 + place))
            for place in range(people)
        ]  # fmt: skip

    assert kinds(*scans(3)) == []
    windows = Windows().take(scans(6))
    ((key, records),) = windows.cases.items()
    assert (key, len(records)) == (("many-accounts", PHONE, "2026-03-04|others"), 6)
    assert kinds(*scans(300, "kiosk")) == [], "that is what a kiosk is for"
    assert kinds(*scans(100, "leader")) == []
    assert kinds(*scans(200, "leader")) == ["many-accounts"], "nobody leads so many"
    assert kinds(*scans(6, "backfilled")) == [], "what a registered device enters afterwards is a recorder's work"
    for not_held_up in ("auto", "correction"):
        assert kinds(*scans(6, revision=2, closed_by=not_held_up)) == []
    assert (
        kinds(*(seen(n, f"2026-03-0{n + 1}T09:00", device_ref=PHONE, volunteer_id=UUID(int=n)) for n in range(6))) == []
    )
    assert kinds(*(seen(n, f"2026-03-04T{9 + n:02}:00", device_ref=PHONE) for n in range(6))) == [], "one person"


def test_one_phone_that_checks_out_many_who_came_with_their_own() -> None:
    people = range(4)
    came, left = (
        [seen(n, volunteer_id=UUID(int=n), revision=r, device_ref=f"{PHONE}-{n}") for n in people] for r in (1, 2)
    )
    assert kinds(*came, *left) == []
    windows = Windows().take([*came, *(one._replace(device_ref=PHONE) for one in left)])
    assert {key: len(records) for key, records in windows.cases.items()} == {
        ("many-accounts", PHONE, "2026-03-04|others"): 4
    }


drawn = st.builds(
    lambda record, revision, volunteer, site, provenance, status, start, minutes, device, recorder, told: seen(
        record,
        "2026-03-04T00:00",
        minutes,
        revision=revision,
        volunteer_id=UUID(int=0x70 + volunteer),
        site_id=(HERE, THERE)[site],
        provenance=provenance,
        status=status,
        started_at=datetime(2026, 3, 3, 16, tzinfo=UTC) + timedelta(minutes=start),
        ended_at=datetime(2026, 3, 3, 16, tzinfo=UTC) + timedelta(minutes=start + minutes),
        device_ref=device,
        recorded_by=recorder,
        told_at=datetime(2026, 3, 4, 4, tzinfo=UTC) + timedelta(minutes=told),
    ),
    record=st.integers(1, 40),
    revision=st.integers(1, 3),
    volunteer=st.integers(0, 5),
    site=st.integers(0, 1),
    provenance=st.sampled_from(["scanned", "scanned", "kiosk", "leader", "backfilled", "imported"]),
    status=st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
    start=st.sampled_from([0, 300, 540, 560, 1380, 1440, 1980]),
    minutes=st.sampled_from([0, 15, 60, 240, 480, 900]),
    device=st.sampled_from([None, PHONE, PHONE, KIOSK]),
    recorder=st.sampled_from([None, RECORDER]),
    told=st.sampled_from([0, 1, 4, 9, 600]),
)
records_once = st.lists(drawn, min_size=1, max_size=40, unique_by=lambda one: one.record_id)
records_revised = st.lists(drawn, min_size=1, max_size=40, unique_by=lambda one: (one.record_id, one.revision))


def owned(found: list[Seen]) -> list[Seen]:
    """A record stays its volunteer's."""
    return [one._replace(volunteer_id=UUID(int=0x70 + one.record_id.int % 6)) for one in found]


@settings(max_examples=200, deadline=None)
@given(records_once, st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_repetition_give_the_same_cases(found: list[Seen], random: Any, data: Any) -> None:
    straight = Windows(TIGHT).take(sorted(found, key=lambda one: (one.started_at, one.record_id)))
    again = found + [found[place] for place in data.draw(st.lists(st.integers(0, len(found) - 1), max_size=20))]
    random.shuffle(again)
    assert Windows(TIGHT).take(again).cases == straight.cases
    assert Windows(TIGHT).take(again).take(found).cases == straight.cases, "a replay opens nothing"


@settings(max_examples=200, deadline=None)
@given(records_revised, st.randoms(use_true_random=False))
def test_with_revisions_in_any_order_what_holds_in_the_end_is_the_same(found: list[Seen], random: Any) -> None:
    """Of acts all cases are the same; of people's days all that still hold for the highest revisions."""
    found = owned(found)
    highest = {one.record_id: one for one in sorted(found, key=lambda one: one.revision)}
    shuffled = list(found)
    random.shuffle(shuffled)
    straight, mixed = Windows(TIGHT).take(found), Windows(TIGHT).take(shuffled)
    only_last = Windows(TIGHT).take(highest.values())
    acts = ("burst", "many-accounts")
    assert {k: v for k, v in straight.cases.items() if k[0] in acts} == {
        k: v for k, v in mixed.cases.items() if k[0] in acts
    }
    expected = {key for key in only_last.cases if key[0] not in acts}
    for windows in (straight, mixed):
        holds = {key for key in windows.cases if key[0] not in acts and _holds(key, windows, highest)}
        assert holds == expected
        for key in expected:
            assert windows.cases[key] >= only_last.cases[key]


def _holds(key: tuple[str, str, str], windows: Windows, highest: dict[UUID, Seen]) -> bool:
    flag = next(one for one in windows.flags if (one.kind, one.subject, one.about) == key)
    records = {record_id: highest[record_id] for record_id in windows.cases[key]}
    if flag.kind == "no-check-in":
        records = {k: v for k, v in records.items() if v.provenance in _CLASSES[flag.evidence["class"]]}
    if flag.kind == "two-sites":
        limits = [SHIPPED.two_sites.model_dump()[_class(one.provenance)] for one in records.values()]
        return bool(measure("two-sites", date.fromisoformat(flag.evidence["day"]), records) >= max(limits))
    measured = measure(flag.kind, date.fromisoformat(flag.evidence["day"]), records)
    return still_so(flag.kind, measured, flag.evidence["limit"])


_CLASSES = {"others": ("backfilled",), "leader": ("leader",), "kiosk": ("kiosk",)}


def _class(provenance: str) -> str:
    return provenance if provenance in ("kiosk", "leader") else "others"


def test_a_case_says_what_its_records_come_to_now() -> None:
    day = date(2026, 3, 4)
    pair = {UUID(int=1): seen(1), UUID(int=2): seen(2, "2026-03-04T09:40", site_id=THERE)}
    assert measure("two-sites", day, pair) == 20
    assert measure("two-sites", day, pair | {UUID(int=1): seen(1, minutes=30, revision=2)}) == 0
    assert measure("two-sites", day, pair | {UUID(int=1): seen(1, revision=2, status="void")}) == 0
    assert measure("two-sites", day, pair | {UUID(int=1): seen(1, site_id=THERE)}) == 0
    assert measure("long-day", day, {UUID(int=1): seen(1, "2026-03-04T20:00", 480)}) == 240
    posted = {one.record_id: one for one in entries(31, "backfilled", timedelta(seconds=1))}
    assert measure("burst", day, posted) == 31
    assert measure("many-accounts", day, posted) == 31
    assert (still_so("long-day", 960, 960), still_so("burst", 30, 30)) == (False, True)
