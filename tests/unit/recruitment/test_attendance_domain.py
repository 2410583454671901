"""Check-in, check-out and the automatic close; and that no order of them lets hours overlap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recruitment.activities.domain import DomainRefusal, Shift, State, overlaps
from services.recruitment.attendance.domain import (
    DEFAULT_POLICY,
    Arrival,
    Busy,
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
    imported,
    minutes_between,
)
from tests.support.depth import examples

START = datetime(2026, 3, 4, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
VOLUNTEER = uuid4()


def place_of(start: datetime = START, length: timedelta = 2 * HOUR, state: State = State.OPEN) -> Place:
    shift = Shift(uuid4(), uuid4(), start, start + length, 10)
    return Place(shift, state, uuid4(), uuid4(), "夕阳别样红", "助老")


PLACE = place_of()


def arrival(
    *here: ServiceRecord, place: Place = PLACE, signed_up: bool = True, busy: list[Busy] | None = None
) -> Arrival:
    return Arrival(place, signed_up, here, busy or [])


def arrives(at: datetime, state: Arrival | None = None) -> ServiceRevision | DomainRefusal:
    return check_in(state or arrival(), CheckIn(uuid4(), VOLUNTEER, None), DEFAULT_POLICY, at)


def leaves(at: datetime, state: Arrival) -> ServiceRevision | DomainRefusal:
    return check_out(state, VOLUNTEER, DEFAULT_POLICY, at)


def done(outcome: ServiceRevision | DomainRefusal | None) -> ServiceRecord:
    assert isinstance(outcome, ServiceRevision), outcome
    return outcome.record


def slug(outcome: ServiceRevision | DomainRefusal) -> str | None:
    return outcome.slug if isinstance(outcome, DomainRefusal) else None


def test_a_check_in_opens_a_provisional_record_that_counts_nothing_yet() -> None:
    outcome = arrives(START)
    record = done(outcome)
    assert isinstance(outcome, ServiceRevision)
    assert (outcome.change, outcome.made_by) == (RevisionKind.CHECK_IN, VOLUNTEER)
    assert (record.revision, record.status, record.provenance) == (1, RecordStatus.PROVISIONAL, Provenance.SCANNED)
    assert (record.started_at, record.ended_at, record.minutes, record.planned_minutes) == (START, None, 0, 120)
    assert (record.theme, record.kind, record.site_id) == ("夕阳别样红", "助老", PLACE.site_id)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (START - HOUR - timedelta(seconds=1), "check-in-too-early"),
        (START - HOUR, None),
        (START + 2 * HOUR - timedelta(seconds=1), None),
        (START + 2 * HOUR, "shift-over"),
    ],
)
def test_check_in_is_open_from_an_hour_before_until_the_end(at: datetime, expected: str | None) -> None:
    assert slug(arrives(at)) == expected


def test_check_in_needs_a_sign_up_and_an_open_activity() -> None:
    assert slug(arrives(START, arrival(signed_up=False))) == "signup-missing"
    assert slug(arrives(START, arrival(place=place_of(state=State.CLOSED)))) == "activity-not-open"
    assert slug(arrives(START, arrival(place=place_of(state=State.PLANNED)))) == "activity-not-open"


def test_a_second_check_in_is_told_of_the_open_record() -> None:
    open_record = done(arrives(START))
    refused = arrives(START + MINUTE, arrival(open_record))
    assert isinstance(refused, DomainRefusal)
    assert (refused.slug, refused.extra["record_id"]) == ("already-checked-in", str(open_record.record_id))


def test_one_may_come_back_after_a_pause_three_times_at_most() -> None:
    records: list[ServiceRecord] = []
    for turn in range(3):
        at = START + turn * 20 * MINUTE
        record = done(arrives(at, arrival(*records)))
        records.append(done(leaves(at + 20 * MINUTE, arrival(*records, record))))
    assert [record.minutes for record in records] == [20, 20, 20]
    assert slug(arrives(START + HOUR, arrival(*records))) == "too-many-check-ins"


@pytest.mark.parametrize(
    ("is_open", "since", "until", "expected"),
    [
        (True, -HOUR, HOUR, "checked-in-elsewhere"),
        (False, -HOUR, HOUR, "attendance-overlaps"),
        (False, -HOUR, 0 * HOUR, None),
        (True, -5 * HOUR, 0 * HOUR, None),
        (False, HOUR, 2 * HOUR, None),
    ],
)
def test_nobody_is_in_two_places(is_open: bool, since: timedelta, until: timedelta, expected: str | None) -> None:
    busy = Busy(uuid4(), uuid4(), START + since, START + until, is_open)
    assert slug(arrives(START, arrival(busy=[busy]))) == expected


def test_a_check_out_confirms_and_counts_whole_minutes() -> None:
    record = done(arrives(START))
    outcome = leaves(START + timedelta(minutes=65, seconds=59), arrival(record))
    closed = done(outcome)
    assert (closed.revision, closed.status, closed.closed_by) == (2, RecordStatus.CONFIRMED, ClosedBy.SELF)
    assert closed.minutes == 65


def test_a_record_names_the_phone_of_the_last_scan() -> None:
    revision = check_in(arrival(), CheckIn(uuid4(), VOLUNTEER, None, device_id="a" * 16), DEFAULT_POLICY, START)
    record = done(revision)
    assert record.device_ref == "phone:" + "a" * 16
    assert done(leaves(START + HOUR, arrival(record))).device_ref == record.device_ref, "a phone without an id"
    assert done(auto_close(record, PLACE.shift, DEFAULT_POLICY, START + 3 * HOUR)).device_ref == record.device_ref
    other = done(check_out(arrival(record), VOLUNTEER, DEFAULT_POLICY, START + HOUR, "b" * 16))
    assert other.device_ref == "phone:" + "b" * 16
    assert done(arrives(START)).device_ref is None


def test_a_check_out_without_a_check_in_or_twice_is_told() -> None:
    assert slug(leaves(START, arrival())) == "not-checked-in"
    record = done(arrives(START))
    closed = done(leaves(START + HOUR, arrival(record)))
    refused = leaves(START + 2 * HOUR, arrival(closed))
    assert isinstance(refused, DomainRefusal)
    assert (refused.slug, refused.extra["record_id"]) == ("already-checked-out", str(record.record_id))


def test_what_counts_is_inside_the_shift_and_the_instants_are_kept() -> None:
    early = done(arrives(START - HOUR))
    end = PLACE.shift.ends_at
    assert done(leaves(START, arrival(early))).minutes == 0
    for at in (end, end + 20 * MINUTE, end + 4 * HOUR):
        closed = done(leaves(at, arrival(early)))
        assert (closed.started_at, closed.ended_at, closed.minutes) == (START - HOUR, at, 120)
    record = done(arrives(START + HOUR))
    assert done(leaves(end + HOUR, arrival(record))).minutes == 60
    assert slug(leaves(end + 4 * HOUR + MINUTE, arrival(record))) == "check-out-too-late"


def test_a_check_out_never_reaches_into_a_later_record() -> None:
    record = done(arrives(START))
    later = Busy(uuid4(), uuid4(), START + HOUR, START + 2 * HOUR, is_open=False)
    assert done(leaves(START + 90 * MINUTE, arrival(record, busy=[later]))).ended_at == START + HOUR


def test_a_clock_that_was_set_back_gives_no_negative_record() -> None:
    record = done(arrives(START))
    closed = done(leaves(START - HOUR, arrival(record)))
    assert (closed.ended_at, closed.minutes) == (START, 0)


def test_what_is_left_open_is_closed_at_the_shifts_end_once_the_grace_is_over() -> None:
    record = done(arrives(START))
    end = PLACE.shift.ends_at
    assert auto_close(record, PLACE.shift, DEFAULT_POLICY, end + 29 * MINUTE) is None
    closed = done(auto_close(record, PLACE.shift, DEFAULT_POLICY, end + 30 * MINUTE))
    assert (closed.status, closed.closed_by, closed.ended_at) == (RecordStatus.PROVISIONAL, ClosedBy.AUTO, end)
    assert auto_close(closed, PLACE.shift, DEFAULT_POLICY, end + HOUR) is None


def test_a_late_real_check_out_replaces_the_automatic_one_but_no_confirmation() -> None:
    end = PLACE.shift.ends_at
    closed = done(auto_close(done(arrives(START)), PLACE.shift, DEFAULT_POLICY, end + HOUR))
    real = done(leaves(end + 2 * HOUR, arrival(closed)))
    assert (real.revision, real.status, real.closed_by) == (3, RecordStatus.CONFIRMED, ClosedBy.SELF)
    confirmed = replace(closed, revision=3, status=RecordStatus.CONFIRMED)
    assert slug(leaves(end + 2 * HOUR, arrival(confirmed))) == "already-checked-out"


def test_imported_hours_have_no_shift_and_take_no_time() -> None:
    record = imported(uuid4(), VOLUNTEER, 6000, START).record
    assert (record.theme, record.provenance, record.status) == ("imported", Provenance.IMPORTED, RecordStatus.CONFIRMED)
    assert (record.shift_id, record.started_at, record.ended_at, record.minutes) == (None, START, START, 6000)


# Three shifts, two of which overlap; steps move on in time and try something at one of them.
PLACES = [place_of(START), place_of(START + HOUR), place_of(START + 3 * HOUR)]
STEPS = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(["in", "out", "timer"]), st.integers(0, len(PLACES) - 1)),
    max_size=40,
)


def _arrival(records: dict[UUID, ServiceRecord], place: Place) -> Arrival:
    here = [record for record in records.values() if record.shift_id == place.shift.shift_id]
    busy = []
    for record in records.values():
        if record.shift_id != place.shift.shift_id:
            other = next(each.shift for each in PLACES if each.shift.shift_id == record.shift_id)
            until = record.ended_at or other.ends_at + DEFAULT_POLICY.grace
            busy.append(Busy(record.record_id, record.shift_id, record.started_at, until, record.is_open))
    return Arrival(place, True, sorted(here, key=lambda record: record.started_at), busy)


def _step(records: dict[UUID, ServiceRecord], what: str, place: Place, now: datetime) -> None:
    outcomes: list[ServiceRevision | DomainRefusal | None]
    if what == "timer":
        shifts = {each.shift.shift_id: each.shift for each in PLACES}
        outcomes = [
            auto_close(record, shifts[record.shift_id], DEFAULT_POLICY, now)
            for record in records.values()
            if record.shift_id is not None
        ]
    else:
        act = arrives if what == "in" else leaves
        outcomes = [act(now, _arrival(records, place))]
    for outcome in outcomes:
        if isinstance(outcome, ServiceRevision):
            record = outcome.record
            before = records.get(record.record_id)
            assert record.revision == (before.revision if before else 0) + 1
            records[record.record_id] = record


@settings(max_examples=examples(150), deadline=None)
@given(STEPS)
def test_in_no_order_do_hours_overlap_or_exceed_the_time_there_was(steps: list[tuple[int, str, int]]) -> None:
    records: dict[UUID, ServiceRecord] = {}
    now = START - HOUR
    for minutes, what, index in steps:
        now += minutes * MINUTE
        _step(records, what, PLACES[index], now)
        open_here = [record.shift_id for record in records.values() if record.is_open]
        assert len(open_here) == len(set(open_here)), "one open record per shift"
    closed = [record for record in records.values() if record.ended_at is not None]
    for record in closed:
        assert record.ended_at is not None
        assert record.started_at <= record.ended_at <= now
        shift = next(each.shift for each in PLACES if each.shift.shift_id == record.shift_id)
        inside = minutes_between(max(record.started_at, shift.starts_at), min(record.ended_at, shift.ends_at))
        assert record.minutes == inside <= shift.planned_minutes
        for other in closed:
            if other.record_id != record.record_id:
                assert other.ended_at is not None
                assert not overlaps(record.started_at, record.ended_at, other.started_at, other.ended_at)
