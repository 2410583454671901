"""A check-out is undone for ten minutes by the session that made it, and nothing else opens a record again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal, Shift, State
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    Arrival,
    CheckIn,
    ClosedBy,
    Place,
    Provenance,
    RecordStatus,
    RevisionKind,
    ServiceRecord,
    ServiceRevision,
    auto_close,
    check_in,
    check_out,
    resume,
)
from tests.support.depth import examples

START = datetime(2026, 3, 4, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
END = START + 120 * MINUTE
VOLUNTEER, PHONE, OTHER_PHONE = uuid4(), uuid4(), uuid4()
PLACE = Place(Shift(uuid4(), uuid4(), START, END, 10), State.OPEN, uuid4(), uuid4(), "夕阳别样红", "助老")


WINDOW = DEFAULT_POLICY.resumable
Outcome = ServiceRevision | DomainRefusal


def done(outcome: Outcome | None) -> ServiceRecord:
    assert isinstance(outcome, ServiceRevision), outcome
    return outcome.record


def checked_out(at: datetime) -> ServiceRecord:
    opened = done(check_in(Arrival(PLACE, True, (), ()), CheckIn(uuid4(), VOLUNTEER, None), DEFAULT_POLICY, START))
    return done(check_out(Arrival(PLACE, True, [opened], ()), VOLUNTEER, DEFAULT_POLICY, at))


def undo(record: ServiceRecord, at: datetime, *, same: bool = True, state: Arrival | None = None) -> Outcome:
    standing = state or Arrival(PLACE, True, [record], ())
    return resume(record, standing, VOLUNTEER, DEFAULT_POLICY, at, same_session=same)


def test_an_undone_check_out_leaves_the_record_as_it_was_checked_in() -> None:
    record = checked_out(START + 12 * MINUTE)
    revision = undo(record, START + 20 * MINUTE)
    opened = done(revision)
    assert isinstance(revision, ServiceRevision)
    assert revision.change is RevisionKind.RESUME
    assert (opened.is_open, opened.minutes, opened.closed_by, opened.status) == (
        True,
        0,
        None,
        RecordStatus.PROVISIONAL,
    )
    assert (opened.started_at, opened.revision, opened.record_id) == (START, 3, record.record_id)
    again = done(check_out(Arrival(PLACE, True, [opened], ()), VOLUNTEER, DEFAULT_POLICY, END))
    assert (again.minutes, again.status) == (120, RecordStatus.CONFIRMED)


@pytest.mark.parametrize(
    ("slug", "at", "same", "place"),
    [
        ("resumption-too-late", START + 12 * MINUTE + WINDOW, True, PLACE),
        ("check-out-of-another-session", START + 13 * MINUTE, False, PLACE),
        ("activity-not-open", START + 13 * MINUTE, True, replace(PLACE, activity_state=State.CLOSED)),
    ],
)
def test_a_check_out_that_cannot_be_undone_says_why(slug: str, at: datetime, same: bool, place: Place) -> None:
    record = checked_out(START + 12 * MINUTE)
    refused = undo(record, at, same=same, state=Arrival(place, True, [record], ()))
    assert isinstance(refused, DomainRefusal)
    assert refused.slug == slug


@pytest.mark.parametrize("provenance", [each for each in Provenance if each is not Provenance.SCANNED])
def test_what_another_account_recorded_is_not_resumed(provenance: Provenance) -> None:
    refused = undo(replace(checked_out(START + 12 * MINUTE), provenance=provenance), START + 13 * MINUTE)
    assert isinstance(refused, DomainRefusal)
    assert refused.slug == "not-resumable"


STEPS = st.lists(
    st.tuples(
        st.integers(0, 25), st.sampled_from(["in", "out", "undo", "timer"]), st.sampled_from([PHONE, OTHER_PHONE])
    ),
    max_size=30,
)


@settings(max_examples=examples(150), deadline=None)
@given(STEPS)
def test_in_no_order_does_anything_but_the_same_session_open_a_record_again(
    steps: list[tuple[int, str, object]],
) -> None:
    records: dict[object, ServiceRecord] = {}
    made: dict[object, tuple[int, object]] = {}
    now = START
    for minutes, what, session in steps:
        now += minutes * MINUTE
        state = Arrival(PLACE, True, sorted(records.values(), key=lambda each: each.started_at), ())
        last = state.here[-1] if state.here else None
        outcome: Outcome | None = None
        if what == "in":
            outcome = check_in(state, CheckIn(uuid4(), VOLUNTEER, None), DEFAULT_POLICY, now)
        elif what == "out":
            outcome = check_out(state, VOLUNTEER, DEFAULT_POLICY, now)
        elif last is not None and what == "timer":
            outcome = auto_close(last, PLACE.shift, DEFAULT_POLICY, now)
        elif last is not None:
            same = made.get(last.record_id) == (last.revision, session)
            outcome = undo(last, now, same=same, state=state)
        if not isinstance(outcome, ServiceRevision):
            continue
        record, before = outcome.record, records.get(outcome.record.record_id)
        if before is not None and not before.is_open and record.is_open:
            assert what == "undo"
            assert before.closed_by is ClosedBy.SELF
            assert before.ended_at is not None
            assert now < before.ended_at + WINDOW
            assert now < END
            assert made[record.record_id] == (before.revision, session)
        records[record.record_id] = record
        if what == "out":
            made[record.record_id] = (record.revision, session)
        assert sum(each.is_open for each in records.values()) <= 1
    counted = sum(each.minutes for each in records.values())
    assert counted <= PLACE.shift.planned_minutes
