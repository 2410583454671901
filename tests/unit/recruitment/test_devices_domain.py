"""Uploads of devices: each row by itself, the same again the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recruitment.activities.domain import Shift, State, overlaps
from services.recruitment.approvals.domain import Reason
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    ApprovalLevel,
    Busy,
    ClosedBy,
    Place,
    Provenance,
    RecordStatus,
)
from services.recruitment.devices.domain import (
    AcceptedUpload,
    Context,
    Duplicate,
    Outcome,
    Person,
    RefusedRow,
    Upload,
    UploadedBefore,
    decide,
)
from tests.support.depth import examples

START = datetime(2026, 3, 4, 1, tzinfo=UTC)
NOW = START + timedelta(hours=12)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SITE, TEAM, DEVICE = uuid4(), uuid4(), uuid4()
SHIFT = Shift(uuid4(), uuid4(), START, START + 2 * HOUR, capacity=3, taken=1, published_at=START - timedelta(days=9))
PLACE = Place(SHIFT, State.OPEN, SITE, TEAM, "theme", "kind")
LONG_AGO = START - timedelta(days=9)
PEOPLE = {f"LD{number}": Person(uuid4(), None, LONG_AGO) for number in range(3)}


def a_row(
    index: int = 0, number: str = "LD0", start: timedelta = MINUTE, end: timedelta = HOUR, **changes: object
) -> Upload:
    upload = Upload(index, f"u{index}", number, SHIFT.shift_id, START + start, START + end)
    return replace(upload, **changes)  # type: ignore[arg-type]


def a_context(rows: list[Upload], provenance: Provenance = Provenance.KIOSK, **changes: object) -> Context:
    context = Context(
        device_id=DEVICE,
        device_site_id=SITE,
        device_since=LONG_AGO,
        device_sites=frozenset({SITE}),
        provenance=provenance,
        recorded_by=uuid4(),
        recorder_volunteer_id=None,
        owner_volunteer_id=None,
        teams=None,
        people=PEOPLE,
        places={SHIFT.shift_id: PLACE},
        record_ids={row.index: uuid5(DEVICE, row.upload_id) for row in rows},
        free={SHIFT.shift_id: SHIFT.capacity - SHIFT.taken},
    )
    for name, value in changes.items():
        setattr(context, name, value)
    return context


def outcomes_of(
    *rows: Upload,
    skew: timedelta = timedelta(0),
    context: Context | None = None,
    provenance: Provenance = Provenance.KIOSK,
) -> list[Outcome]:
    skewed = {row.index: (row.started_at - skew, row.ended_at - skew) for row in rows}
    return decide(rows, skewed, context or a_context(list(rows), provenance), DEFAULT_POLICY, NOW)


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, RefusedRow), outcome
    return outcome.detail


@pytest.mark.parametrize(
    ("provenance", "closed_by", "status", "level"),
    [
        (Provenance.KIOSK, ClosedBy.SELF, RecordStatus.CONFIRMED, ApprovalLevel.NONE),
        (Provenance.LEADER, ClosedBy.STAFF, RecordStatus.CONFIRMED, ApprovalLevel.LEADER),
        (Provenance.BACKFILLED, ClosedBy.STAFF, RecordStatus.PROVISIONAL, ApprovalLevel.NONE),
    ],
)
def test_a_row_becomes_a_record(
    provenance: Provenance, closed_by: ClosedBy, status: RecordStatus, level: ApprovalLevel
) -> None:
    (outcome,) = outcomes_of(a_row(), provenance=provenance)
    assert isinstance(outcome, AcceptedUpload)
    record = outcome.revision.record
    assert (record.provenance, record.closed_by, record.status, record.approval_level) == (
        provenance,
        closed_by,
        status,
        level,
    )
    assert (record.revision, record.minutes, record.device_ref) == (1, 59, str(DEVICE))
    assert record.volunteer_id == PEOPLE["LD0"].volunteer_id


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (a_row(number="LD9"), "no volunteer LD9"),
        (a_row(shift_id=uuid4()), "no shift"),
        (a_row(start=HOUR, end=HOUR), "after started_at"),
        (a_row(start=HOUR, end=MINUTE), "after started_at"),
        (a_row(start=MINUTE, end=13 * HOUR), "in the future"),
        (a_row(start=-61 * MINUTE), "outside of the shift"),
        (a_row(start=2 * HOUR, end=2 * HOUR + MINUTE), "outside of the shift"),
        (a_row(end=6 * HOUR + MINUTE), "too long after"),
    ],
)
def test_a_row_that_cannot_be_true_says_why_and_the_others_stand(row: Upload, said: str) -> None:
    good = a_row(1, "LD1")
    first, second = outcomes_of(row, good)
    assert said in refused(first)
    assert isinstance(second, AcceptedUpload)


@pytest.mark.parametrize(
    ("published", "provenance", "reasons"),
    [
        (START - timedelta(hours=24), Provenance.KIOSK, ()),
        (START - timedelta(hours=23), Provenance.KIOSK, (Reason.SHIFT_LATE,)),
        (START, Provenance.KIOSK, (Reason.SHIFT_LATE,)),
        (START + timedelta(seconds=1), Provenance.BACKFILLED, (Reason.BACKFILLED,)),
    ],
)
def test_a_shift_that_was_planned_late_makes_rows_wait_or_entered_hours(
    published: datetime, provenance: Provenance, reasons: tuple[Reason, ...]
) -> None:
    row, place = a_row(), replace(PLACE, shift=replace(SHIFT, published_at=published))
    (outcome,) = outcomes_of(row, context=a_context([row], places={SHIFT.shift_id: place}))
    assert isinstance(outcome, AcceptedUpload)
    assert (outcome.revision.record.provenance, outcome.reasons) == (provenance, reasons)
    assert outcome.revision.record.status is (RecordStatus.PROVISIONAL if reasons else RecordStatus.CONFIRMED)


def test_longer_than_sixteen_hours_is_refused() -> None:
    long_shift = replace(PLACE, shift=replace(SHIFT, starts_at=START - 10 * HOUR, ends_at=START + 6 * HOUR))
    row = a_row(start=-10 * HOUR - 30 * MINUTE, end=6 * HOUR)
    context = a_context([row], places={SHIFT.shift_id: long_shift})
    assert "longer than 16 hours" in refused(outcomes_of(row, context=context)[0])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"device_sites": frozenset({uuid4()})}, "does not belong to"),
        ({"teams": frozenset({uuid4()})}, "do not lead"),
        ({"recorder_volunteer_id": PEOPLE["LD0"].volunteer_id}, "of their own"),
        ({"places": {SHIFT.shift_id: replace(PLACE, activity_state=State.PLANNED)}}, "never opened"),
    ],
)
def test_a_device_and_its_user_have_bounds(changes: dict[str, Any], said: str) -> None:
    row = a_row()
    assert said in refused(outcomes_of(row, context=a_context([row], **changes))[0])


def test_a_closed_activity_still_takes_late_uploads() -> None:
    row = a_row()
    context = a_context([row], places={SHIFT.shift_id: replace(PLACE, activity_state=State.CLOSED)})
    assert isinstance(outcomes_of(row, context=context)[0], AcceptedUpload)


def test_the_measured_skew_is_taken_off() -> None:
    fast = a_row(start=3 * HOUR, end=4 * HOUR)
    assert isinstance(outcomes_of(fast)[0], RefusedRow)
    (outcome,) = outcomes_of(fast, skew=3 * HOUR)
    assert isinstance(outcome, AcceptedUpload)
    assert outcome.revision.record.started_at == START


def test_the_same_row_again_is_a_duplicate_even_with_another_skew() -> None:
    row = a_row()
    first, again = outcomes_of(row, replace(row, index=1))
    assert isinstance(first, AcceptedUpload)
    assert isinstance(again, Duplicate)
    assert again.record_id == first.revision.record.record_id
    known = {row.upload_id: UploadedBefore(first.content_hash, first.revision.record.record_id)}
    (later,) = outcomes_of(row, skew=MINUTE, context=a_context([row], known=known))
    assert isinstance(later, Duplicate)


def test_an_upload_id_with_other_content_is_refused() -> None:
    row = a_row()
    _, other = outcomes_of(row, replace(row, index=1, ended_at=row.ended_at + MINUTE))
    assert "other content" in refused(other)


def test_times_that_overlap_another_record_are_refused_and_back_to_back_is_not() -> None:
    first, overlapping, adjacent = outcomes_of(
        a_row(0, start=0 * HOUR, end=HOUR),
        a_row(1, start=30 * MINUTE, end=90 * MINUTE),
        a_row(2, start=HOUR, end=2 * HOUR),
    )
    assert isinstance(first, AcceptedUpload)
    assert "overlap another record" in refused(overlapping)
    assert isinstance(adjacent, AcceptedUpload)
    row = a_row()
    open_one = Busy(uuid4(), uuid4(), START, START + 3 * HOUR, is_open=True)
    context = a_context([row], busy={PEOPLE["LD0"].volunteer_id: [open_one]})
    assert "an open record" in refused(outcomes_of(row, context=context)[0])


def test_walk_ins_take_free_places_and_are_recorded_without_one_all_the_same() -> None:
    rows = [a_row(index, f"LD{index}") for index in range(3)]
    taken = [each.takes_place for each in outcomes_of(*rows) if isinstance(each, AcceptedUpload)]
    assert taken == [True, True, False], "two places were free"
    signed = {(PEOPLE["LD0"].volunteer_id, SHIFT.shift_id)}
    outcomes = outcomes_of(*rows, context=a_context(rows, signed=signed))
    assert [each.takes_place for each in outcomes if isinstance(each, AcceptedUpload)] == [False, True, True]


ROWS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 2), st.integers(-90, 160), st.integers(-20, 120)), max_size=25
)


@settings(max_examples=examples(100), deadline=None)
@given(ROWS, st.integers(0, 25))
def test_a_batch_sent_whole_in_parts_or_twice_leaves_the_same_records(
    raw: list[tuple[int, int, int, int]], cut: int
) -> None:
    rows = [
        a_row(index, f"LD{who}", start * MINUTE, (start + length) * MINUTE, upload_id=f"u{upload_id}")
        for index, (upload_id, who, start, length) in enumerate(raw)
    ]

    def records(context: Context, *parts: list[Upload]) -> dict[UUID, tuple[UUID, datetime, datetime | None]]:
        found = {}
        for part in parts:
            for outcome in outcomes_of(*part, context=context):
                if isinstance(outcome, AcceptedUpload):
                    record = outcome.revision.record
                    assert record.record_id not in found, "a record is made once"
                    found[record.record_id] = (record.volunteer_id, record.started_at, record.ended_at)
        return found

    whole = records(a_context(rows), rows)
    assert records(a_context(rows), rows[:cut], rows[cut:]) == whole
    assert records(a_context(rows), rows, rows) == whole
    kept = list(whole.values())
    for place, (who, start, end) in enumerate(kept):
        for other, other_start, other_end in kept[place + 1 :]:
            assert end is not None
            assert other_end is not None
            assert who != other or not overlaps(start, end, other_start, other_end)
