"""Who may change a record afterwards, and what it becomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal, Shift, State
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    ApprovalLevel,
    Busy,
    ClosedBy,
    Place,
    Provenance,
    RecordStatus,
    ServiceRecord,
    ServiceRevision,
)
from services.recruitment.corrections.domain import Actor, add, confirm, correct, overtime, restore, void, with_overtime

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SITE, RECORDER = uuid4(), uuid4()
SHIFT = Shift(uuid4(), uuid4(), NOW - 6 * HOUR, NOW - 4 * HOUR, 10)
PLACE = Place(SHIFT, State.OPEN, SITE, uuid4(), "t", "k")
RECORD = ServiceRecord(
    record_id=uuid4(),
    revision=2,
    volunteer_id=uuid4(),
    activity_id=SHIFT.activity_id,
    shift_id=SHIFT.shift_id,
    site_id=SITE,
    team_id=uuid4(),
    drive_id=None,
    theme="t",
    kind="k",
    provenance=Provenance.SCANNED,
    closed_by=ClosedBy.AUTO,
    status=RecordStatus.PROVISIONAL,
    started_at=NOW - 6 * HOUR,
    ended_at=NOW - 4 * HOUR,
    minutes=120,
    planned_minutes=120,
)
BACKFILLED = replace(RECORD, revision=1, provenance=Provenance.BACKFILLED, recorded_by=RECORDER, recorder_site_id=SITE)
LONG = replace(RECORD, status=RecordStatus.CONFIRMED, closed_by=ClosedBy.SELF, ended_at=NOW - HOUR)
LEADER = Actor(uuid4(), uuid4(), ApprovalLevel.LEADER)
STATION = Actor(uuid4(), None, ApprovalLevel.SITE, SITE)
CENTRE = Actor(uuid4(), None, ApprovalLevel.CENTRE)
TIMES = (NOW - 5 * HOUR, NOW - 4 * HOUR - MINUTE)


def slug(outcome: ServiceRevision | DomainRefusal | int) -> str | None:
    return outcome.slug if isinstance(outcome, DomainRefusal) else None


def corrected(
    record: ServiceRecord = RECORD, times: tuple[datetime, datetime] = TIMES, actor: Actor = STATION
) -> ServiceRevision | DomainRefusal:
    return correct(record, times, PLACE, actor, "提前离开")


def added(
    record: ServiceRecord = RECORD,
    times: tuple[datetime, datetime] = TIMES,
    busy: list[Busy] | None = None,
    actor: Actor = STATION,
) -> ServiceRevision | DomainRefusal:
    return add(record, uuid4(), times, PLACE, busy or [], actor, "忘记签到", DEFAULT_POLICY, NOW)


def overtimed(
    record: ServiceRecord = LONG, approved: int = 0, waits: bool = False, actor: Actor = STATION
) -> int | DomainRefusal:
    return overtime(record, PLACE, approved, waits, actor, DEFAULT_POLICY)


@pytest.mark.parametrize("actor", [LEADER, STATION, CENTRE])
def test_confirming_keeps_how_the_record_came_about(actor: Actor) -> None:
    outcome = confirm(RECORD, actor, None, "问过了")
    assert isinstance(outcome, ServiceRevision)
    record = outcome.record
    assert (record.revision, record.status, record.approval_level) == (3, RecordStatus.CONFIRMED, actor.level)
    assert (record.provenance, record.closed_by, record.minutes) == (Provenance.SCANNED, ClosedBy.AUTO, 120)


def test_a_roll_call_that_the_shifts_end_closed_is_confirmed_by_its_site() -> None:
    outcome = confirm(replace(RECORD, provenance=Provenance.LEADER), STATION, None, "问过了")
    assert isinstance(outcome, ServiceRevision)
    assert (outcome.record.provenance, outcome.record.status) == (Provenance.LEADER, RecordStatus.CONFIRMED)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (replace(RECORD, status=RecordStatus.CONFIRMED), "record-confirmed"),
        (replace(RECORD, status=RecordStatus.VOID), "record-void"),
        (replace(RECORD, ended_at=None, closed_by=None, minutes=0), "record-open"),
        (BACKFILLED, "another-site-needed"),
        (replace(RECORD, provenance=Provenance.KIOSK), "another-site-needed"),
    ],
)
def test_a_site_confirms_only_what_a_scan_or_a_roll_call_checked_in(record: ServiceRecord, expected: str) -> None:
    assert slug(confirm(record, STATION, None, "x")) == expected


def test_a_site_confirms_the_end_of_a_roll_call_unless_it_waits() -> None:
    called = replace(RECORD, provenance=Provenance.LEADER)
    assert isinstance(confirm(called, STATION, None, "x"), ServiceRevision)
    assert slug(confirm(called, STATION, "open", "x")) == "another-site-needed"


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("open", "another-site-needed"),
        ("lapsed", "another-site-needed"),
        ("rejected", "another-site-needed"),
        ("approved", None),
        ("withdrawn", None),
    ],
)
def test_what_waits_for_another_site_is_not_confirmed_inside_the_site(last: str, expected: str | None) -> None:
    assert slug(confirm(RECORD, STATION, last, "x")) == expected


def test_volunteers_change_no_record_of_their_own() -> None:
    oneself = replace(LEADER, volunteer_id=RECORD.volunteer_id)
    voided = replace(RECORD, status=RecordStatus.VOID)
    for outcome in (
        confirm(RECORD, oneself, None, "x"),
        corrected(actor=oneself),
        void(RECORD, oneself, "x"),
        restore(voided, [], oneself, "x"),
        added(actor=oneself),
        overtimed(actor=oneself),
    ):
        assert slug(outcome) == "own-record"


def test_a_correction_shortens_and_leaves_the_status() -> None:
    for status in (RecordStatus.PROVISIONAL, RecordStatus.CONFIRMED):
        outcome = corrected(replace(RECORD, status=status))
        assert isinstance(outcome, ServiceRevision)
        record = outcome.record
        assert (record.started_at, record.ended_at, record.minutes) == (*TIMES, 59)
        assert (record.revision, record.status, record.closed_by) == (3, status, ClosedBy.CORRECTION)
        assert (record.approval_level, outcome.reason) == (ApprovalLevel.SITE, "提前离开")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (NOW - 5 * HOUR, NOW - 5 * HOUR, "times-invalid"),
        (NOW - 5 * HOUR, NOW - 6 * HOUR, "times-invalid"),
        (NOW - 6 * HOUR - MINUTE, NOW - 4 * HOUR, "correction-only-shortens"),
        (NOW - 6 * HOUR, NOW - 4 * HOUR + MINUTE, "correction-only-shortens"),
        (NOW - 30 * HOUR, NOW - 14 * HOUR, "correction-only-shortens"),
        (NOW - 6 * HOUR, NOW - 4 * HOUR, "nothing-to-correct"),
    ],
)
def test_a_correction_stays_inside_the_record(start: datetime, end: datetime, expected: str) -> None:
    assert slug(corrected(times=(start, end))) == expected


@given(st.integers(-90, 400), st.integers(-90, 400), st.integers(0, 240))
def test_a_correction_never_raises_minutes(start: int, end: int, approved: int) -> None:
    record = with_overtime(LONG, approved, STATION, "x").record
    outcome = corrected(record, (record.started_at + start * MINUTE, record.started_at + end * MINUTE))
    if isinstance(outcome, ServiceRevision):
        after = outcome.record
        assert 0 <= after.minutes <= record.minutes
        assert after.overtime_minutes <= min(after.minutes, record.overtime_minutes)
        assert record.ended_at is not None
        assert after.ended_at is not None
        assert record.started_at <= after.started_at < after.ended_at <= record.ended_at


def test_an_open_record_and_imported_hours_are_not_corrected_here() -> None:
    assert slug(corrected(replace(RECORD, ended_at=None, minutes=0))) == "record-open"
    assert slug(corrected(replace(RECORD, provenance=Provenance.IMPORTED))) == "record-imported"


def test_a_void_record_keeps_its_times_and_is_restored_provisionally() -> None:
    outcome = void(RECORD, CENTRE, "冒名")
    assert isinstance(outcome, ServiceRevision)
    record = outcome.record
    assert (record.status, record.minutes, record.ended_at) == (RecordStatus.VOID, 120, RECORD.ended_at)
    assert slug(void(record, CENTRE, "x")) == "record-void"
    assert slug(corrected(record)) == "record-void"
    restored = restore(record, [], STATION, "弄错了")
    assert isinstance(restored, ServiceRevision)
    again = restored.record
    assert (again.status, again.minutes, again.revision) == (RecordStatus.PROVISIONAL, 120, 4)
    assert slug(restore(again, [], STATION, "x")) == "record-not-void"
    busy = Busy(uuid4(), uuid4(), NOW - 5 * HOUR, NOW, is_open=False)
    assert slug(restore(record, [busy], STATION, "x")) == "attendance-overlaps"
    assert slug(restore(replace(record, ended_at=None), [], STATION, "x")) == "record-never-closed"


def test_forgotten_time_is_a_second_record_that_waits() -> None:
    outcome = added(times=(NOW - 7 * HOUR, NOW - 5 * HOUR))
    assert isinstance(outcome, ServiceRevision)
    record = outcome.record
    assert (record.provenance, record.status, record.minutes) == (Provenance.BACKFILLED, RecordStatus.PROVISIONAL, 60)
    assert (record.linked_record_id, record.recorded_by, record.revision) == (RECORD.record_id, STATION.subject, 1)
    assert slug(added(times=(NOW - 4 * HOUR, NOW - 3 * HOUR))) == "times-invalid", "outside of the shift"
    assert slug(added(times=(NOW - 5 * HOUR, NOW + HOUR))) == "times-invalid", "in the future"
    busy = Busy(uuid4(), uuid4(), NOW - 5 * HOUR, NOW, is_open=False)
    assert slug(added(busy=[busy])) == "attendance-overlaps"


def test_overtime_is_the_stay_after_the_shift_up_to_four_hours_a_shift() -> None:
    assert overtimed() == 180
    assert overtimed(approved=200) == 40
    assert slug(overtimed(approved=240)) == "overtime-exhausted"
    assert slug(overtimed(waits=True)) == "record-waits"
    assert slug(overtimed(RECORD)) == "record-not-confirmed"
    assert slug(overtimed(replace(LONG, ended_at=SHIFT.ends_at))) == "no-overtime"
    assert slug(overtimed(replace(BACKFILLED, status=RecordStatus.CONFIRMED))) == "no-overtime"
    longer = with_overtime(LONG, 180, STATION, "收尾").record
    assert (longer.minutes, longer.overtime_minutes, longer.revision) == (300, 180, 3)
    assert slug(overtimed(longer)) == "no-overtime", "it was approved already"
