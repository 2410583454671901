"""Who may change a record afterwards, and what it becomes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from services.recruitment.activities.domain import Refused
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    ApprovalLevel,
    Busy,
    ClosedBy,
    Provenance,
    Record,
    Revision,
    Status,
)
from services.recruitment.corrections.domain import Actor, confirm, correct, void

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SITE, RECORDER = uuid4(), uuid4()
RECORD = Record(
    record_id=uuid4(),
    revision=2,
    volunteer_id=uuid4(),
    activity_id=uuid4(),
    shift_id=uuid4(),
    site_id=SITE,
    team_id=uuid4(),
    drive_id=None,
    theme="t",
    kind="k",
    provenance=Provenance.SCANNED,
    closed_by=ClosedBy.AUTO,
    status=Status.PROVISIONAL,
    started_at=NOW - 6 * HOUR,
    ended_at=NOW - 4 * HOUR,
    minutes=120,
    planned_minutes=120,
)
BACKFILLED = replace(RECORD, revision=1, provenance=Provenance.BACKFILLED, recorded_by=RECORDER, recorder_site_id=SITE)
LEADER = Actor(uuid4(), uuid4(), ApprovalLevel.LEADER)
STATION = Actor(uuid4(), None, ApprovalLevel.SITE, SITE)
CENTRE = Actor(uuid4(), None, ApprovalLevel.CENTRE)
TIMES = (NOW - 5 * HOUR, NOW - 3 * HOUR)


def slug(outcome: Revision | Refused) -> str | None:
    return outcome.slug if isinstance(outcome, Refused) else None


def corrected(
    record: Record = RECORD,
    times: tuple[datetime, datetime] = TIMES,
    busy: list[Busy] | None = None,
    actor: Actor = STATION,
) -> Revision | Refused:
    return correct(record, times, busy or [], actor, "签到机慢了一小时", DEFAULT_POLICY, NOW)


@pytest.mark.parametrize("actor", [LEADER, STATION, CENTRE])
def test_confirming_keeps_how_the_record_came_about(actor: Actor) -> None:
    outcome = confirm(RECORD, actor, "问过了")
    assert isinstance(outcome, Revision)
    record = outcome.record
    assert (record.revision, record.status, record.approval_level) == (3, Status.CONFIRMED, actor.level)
    assert (record.provenance, record.closed_by, record.minutes) == (Provenance.SCANNED, ClosedBy.AUTO, 120)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (replace(RECORD, status=Status.CONFIRMED), "record-confirmed"),
        (replace(RECORD, status=Status.VOID), "record-void"),
        (replace(RECORD, ended_at=None, closed_by=None, minutes=0), "record-open"),
    ],
)
def test_only_what_waits_can_be_confirmed(record: Record, expected: str) -> None:
    assert slug(confirm(record, STATION, "x")) == expected


def test_nobody_touches_a_record_of_their_own() -> None:
    oneself = replace(LEADER, volunteer_id=RECORD.volunteer_id)
    for outcome in (confirm(RECORD, oneself, "x"), corrected(actor=oneself), void(RECORD, oneself, "x")):
        assert slug(outcome) == "own-record"


def test_backfilled_hours_need_staff_of_another_site_than_entered_them() -> None:
    assert slug(confirm(BACKFILLED, LEADER, "x")) == "approval-too-low"
    assert slug(confirm(BACKFILLED, STATION, "x")) == "second-approver-needed"
    assert slug(confirm(BACKFILLED, replace(CENTRE, subject=RECORDER), "x")) == "second-approver-needed"
    assert slug(confirm(BACKFILLED, replace(STATION, home_site_id=uuid4()), "x")) is None
    assert slug(confirm(BACKFILLED, CENTRE, "x")) is None


def test_a_correction_gives_new_times_and_confirms() -> None:
    outcome = corrected()
    assert isinstance(outcome, Revision)
    record = outcome.record
    assert (record.started_at, record.ended_at, record.minutes) == (*TIMES, 120)
    assert (record.revision, record.status, record.closed_by) == (3, Status.CONFIRMED, ClosedBy.CORRECTION)
    assert record.approval_level is ApprovalLevel.SITE
    assert outcome.reason == "签到机慢了一小时"


def test_correcting_backfilled_hours_sends_them_to_a_second_approver_again() -> None:
    approved = replace(BACKFILLED, status=Status.CONFIRMED, approval_level=ApprovalLevel.CENTRE)
    outcome = corrected(approved, actor=STATION)
    assert isinstance(outcome, Revision)
    record = outcome.record
    assert (record.status, record.approval_level, record.recorded_by) == (
        Status.PROVISIONAL,
        ApprovalLevel.NONE,
        STATION.subject,
    )
    assert slug(confirm(record, STATION, "x")) == "second-approver-needed"


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (NOW - HOUR, NOW - HOUR, "after started_at"),
        (NOW - HOUR, NOW - 2 * HOUR, "after started_at"),
        (NOW - HOUR, NOW + HOUR, "in the future"),
        (NOW - 17 * HOUR, NOW - timedelta(minutes=59), "at most 16 hours"),
    ],
)
def test_impossible_times_are_refused(start: datetime, end: datetime, said: str) -> None:
    refused = corrected(times=(start, end))
    assert isinstance(refused, Refused)
    assert (refused.slug, refused.status) == ("times-invalid", 422)
    assert said in refused.detail


def test_corrected_times_overlap_no_other_record_but_may_overlap_their_own() -> None:
    own = Busy(RECORD.record_id, RECORD.shift_id, RECORD.started_at, NOW, is_open=False)
    assert slug(corrected(busy=[own])) is None
    other = replace(own, record_id=uuid4())
    assert slug(corrected(busy=[own, other])) == "attendance-overlaps"


def test_a_correction_that_changes_nothing_is_none() -> None:
    assert RECORD.ended_at is not None
    assert slug(corrected(times=(RECORD.started_at, RECORD.ended_at))) == "nothing-to-correct"


def test_imported_hours_are_corrected_where_they_come_from() -> None:
    assert slug(corrected(replace(RECORD, provenance=Provenance.IMPORTED))) == "record-imported"


def test_a_void_record_keeps_its_times_and_stays_void() -> None:
    outcome = void(RECORD, CENTRE, "冒名")
    assert isinstance(outcome, Revision)
    record = outcome.record
    assert (record.status, record.minutes, record.ended_at) == (Status.VOID, 120, RECORD.ended_at)
    assert slug(void(record, CENTRE, "x")) == "record-void"
    assert slug(corrected(record)) == "record-void"
