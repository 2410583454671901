"""Windows of integrity: each kind on hand-worked cases."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.points.integrity.domain import SeenRevision, measure, still_so
from tests.unit.points.windowing import HERE, KIOSK, PHONE, RECORDER, THERE, Windows, entries, kinds, seen


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
def test_what_is_not_at_two_sites_at_once(other: SeenRevision) -> None:
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


def test_a_second_content_of_a_revision_changes_nothing() -> None:
    here, there = seen(1), seen(2, "2026-03-04T10:00", site_id=THERE)
    longer = seen(1, minutes=90)
    assert kinds(here, there, longer) == []
    assert kinds(longer, there) == ["two-sites"]
    assert kinds(longer, here, there) == ["two-sites"], "nor does it hide anything"
    assert kinds(here, seen(1, revision=2), there, seen(1, minutes=90, revision=2)) == []
    voided = seen(1, revision=2, status="void")
    assert kinds(here, voided, there, seen(1, minutes=90, revision=2)) == []
    assert kinds(seen(1, provenance="imported"), longer, there) == []


def test_a_second_content_of_a_revision_is_no_second_act() -> None:
    posted = entries(20, "backfilled", timedelta(seconds=4))
    elsewhere = [one._replace(site_id=THERE, emitted_at=one.emitted_at + timedelta(minutes=2)) for one in posted]
    assert kinds(*posted, *elsewhere) == []
    by_another = [one._replace(recorded_by=UUID(int=0xED)) for one in entries(30, "backfilled", timedelta(seconds=4))]
    assert kinds(*posted, *by_another[:20]) == []
    later = [one._replace(revision=2, closed_by="staff") for one in posted]
    assert kinds(*later, *posted, *elsewhere) == [], "a revision that comes late is taken in, and then known"
    assert kinds(*later, *by_another) == ["burst"]


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
    def scans(people: int, provenance: str = "scanned", **more: Any) -> list[SeenRevision]:
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
