"""Waitlists: to whom free places go, and what an entry may become."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.recruitment.activities.domain import DomainRefusal, Shift, State
from services.recruitment.signups.waitlist.domain import (
    DEFAULT_POLICY,
    Candidate,
    EndReason,
    EntryStatus,
    Joining,
    SkipReason,
    WaitlistEntry,
    accept,
    distribute,
    end_reason,
    finish,
    gives_places,
    is_live,
    join,
    lapses,
    place_entry,
    withdraw,
)

START = datetime(2026, 3, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
EARLY, LATE = START - 20 * HOUR, START - 5 * HOUR
"""Before and after free places are offered instead of given."""
SHIFT = Shift(uuid4(), uuid4(), START, START + 2 * HOUR, capacity=2, taken=2)


def waiting(position: int = 1, status: EntryStatus = EntryStatus.WAITING) -> WaitlistEntry:
    offered = START if status is EntryStatus.OFFERED else None
    return WaitlistEntry(uuid4(), SHIFT.shift_id, uuid4(), position, status, uuid4(), EARLY, offered)


def candidate(position: int, blocked: SkipReason | None = None) -> Candidate:
    return Candidate(waiting(position), uuid4(), blocked)


@pytest.mark.parametrize(
    ("joining", "at", "expected"),
    [
        (Joining(SHIFT, State.OPEN, None, None, None), EARLY, None),
        (Joining(SHIFT, State.OPEN, None, None, None), START, "shift-begun"),
        (Joining(SHIFT, State.CLOSED, None, None, None), EARLY, "activity-not-open"),
        (Joining(replace(SHIFT, cancelled_at=EARLY), State.OPEN, None, None, None), EARLY, "shift-cancelled"),
        (Joining(SHIFT, State.OPEN, waiting(), None, None), EARLY, "already-waiting"),
        (Joining(SHIFT, State.OPEN, None, uuid4(), None), EARLY, "already-signed-up"),
        (Joining(SHIFT, State.OPEN, None, None, uuid4()), EARLY, "signup-overlaps"),
    ],
)
def test_joining_is_refused_for_a_reason(joining: Joining, at: datetime, expected: str | None) -> None:
    entry = waiting()
    outcome = join(joining, entry, at)
    assert outcome == entry if expected is None else isinstance(outcome, DomainRefusal) and outcome.slug == expected


def test_a_free_place_is_given_early_and_offered_late_and_never_beyond_the_start() -> None:
    (placed,) = distribute([candidate(1)], 1, SHIFT, DEFAULT_POLICY, EARLY)
    assert placed.status is EntryStatus.PLACED
    (offered,) = distribute([candidate(1)], 1, SHIFT, DEFAULT_POLICY, LATE)
    assert (offered.status, offered.offer_until) == (EntryStatus.OFFERED, LATE + 2 * HOUR)
    (short,) = distribute([candidate(1)], 1, SHIFT, DEFAULT_POLICY, START - HOUR)
    assert short.offer_until == START
    boundary = START - DEFAULT_POLICY.direct_until
    assert distribute([candidate(1)], 1, SHIFT, DEFAULT_POLICY, boundary)[0].status is EntryStatus.OFFERED


@given(st.lists(st.sampled_from([None, *SkipReason]), max_size=12), st.integers(0, 6), st.sampled_from([EARLY, LATE]))
def test_places_go_in_order_to_those_who_can_take_them(
    blocks: list[SkipReason | None], free: int, at: datetime
) -> None:
    candidates = [candidate(position, blocked) for position, blocked in enumerate(blocks, 1)]
    changed = {entry.entry_id: entry for entry in distribute(candidates[::-1], free, SHIFT, DEFAULT_POLICY, at)}
    able = [each.entry.entry_id for each in candidates if each.blocked is None]
    served = [entry_id for entry_id, entry in changed.items() if entry.status is not EntryStatus.WAITING]
    assert served == able[:free]
    last = max((changed[entry_id].position for entry_id in served), default=0)
    for each in candidates:
        if each.blocked is not None and each.entry.entry_id in changed:
            after = changed[each.entry.entry_id]
            assert (after.status, after.skipped) == (EntryStatus.WAITING, each.blocked)
            assert after.position < last or len(served) < free, "passed over only when a place came by"


def test_who_was_passed_over_for_the_same_reason_is_told_once() -> None:
    once = Candidate(replace(waiting(), skipped=SkipReason.OVERLAP), uuid4(), SkipReason.OVERLAP)
    assert distribute([once], 1, SHIFT, DEFAULT_POLICY, EARLY) == []
    (again,) = distribute([replace(once, blocked=None)], 1, SHIFT, DEFAULT_POLICY, EARLY)
    assert (again.status, again.skipped) == (EntryStatus.PLACED, None)


@pytest.mark.parametrize("status", EntryStatus)
def test_only_an_offer_is_accepted_and_only_live_entries_are_left(status: EntryStatus) -> None:
    entry = waiting(status=status)
    refused = accept(entry, SHIFT, LATE)
    assert (refused is None) == (status is EntryStatus.OFFERED)
    if refused is not None:
        assert refused.extra["allowed"] == ["offered"]
    left = withdraw(entry, LATE)
    if status in (EntryStatus.WAITING, EntryStatus.OFFERED):
        expected = EntryStatus.LEFT if status is EntryStatus.WAITING else EntryStatus.DECLINED
        assert isinstance(left, WaitlistEntry)
        assert (left.status, left.ended_at) == (expected, LATE)
    else:
        assert isinstance(left, DomainRefusal)
        assert left.extra["allowed"] == ["waiting", "offered"]


def test_an_offer_is_over_at_its_end_or_when_the_shift_begins_earlier() -> None:
    entry = replace(waiting(status=EntryStatus.OFFERED), offer_until=LATE + HOUR)
    assert not lapses(entry, SHIFT, LATE + HOUR - timedelta(seconds=1))
    assert lapses(entry, SHIFT, LATE + HOUR)
    earlier = replace(SHIFT, starts_at=LATE)
    assert lapses(entry, earlier, LATE)
    assert not lapses(waiting(), SHIFT, START)
    refused = accept(entry, SHIFT, LATE + HOUR)
    assert refused is not None
    assert refused.slug == "offer-over"


def test_a_list_ends_when_its_shift_does_not_take_people_any_more() -> None:
    assert end_reason(SHIFT, State.OPEN, EARLY) is None
    assert gives_places(SHIFT, State.OPEN, EARLY)
    for shift, state, at, reason in (
        (SHIFT, State.OPEN, START, EndReason.BEGUN),
        (SHIFT, State.CLOSED, EARLY, EndReason.ACTIVITY_CLOSED),
        (replace(SHIFT, cancelled_at=EARLY), State.OPEN, EARLY, EndReason.CALLED_OFF),
    ):
        assert end_reason(shift, state, at) is reason
        assert not gives_places(shift, state, at)


class WaitlistMachine(RuleBasedStateMachine):
    """A shift of two places whose list is joined, left and served in any order, beside a plain queue."""

    def __init__(self) -> None:
        super().__init__()
        self.now = EARLY
        self.capacity = 2
        self.signed: set[UUID] = set()
        self.entries: dict[UUID, WaitlistEntry] = {}
        self.served: list[int] = []

    @property
    def live(self) -> list[WaitlistEntry]:
        return [entry for entry in self.entries.values() if is_live(entry)]

    @property
    def free(self) -> int:
        offered = sum(entry.status is EntryStatus.OFFERED for entry in self.live)
        return self.capacity - len(self.signed) - offered

    @initialize(late=st.booleans())
    def begin(self, late: bool) -> None:
        self.now = LATE if late else EARLY
        self.signed = {uuid4(), uuid4()}

    @rule()
    def come(self) -> None:
        if self.free > 0:
            self.signed.add(uuid4())
            return
        entry = waiting(len(self.entries) + 1)
        assert join(Joining(SHIFT, State.OPEN, None, None, None), entry, self.now) == entry
        self.entries[entry.entry_id] = entry

    @rule(data=st.data())
    @precondition(lambda self: self.signed)
    def cancel(self, data: st.DataObject) -> None:
        self.signed.remove(data.draw(st.sampled_from(sorted(self.signed))))
        self.fill()

    @rule()
    def add_a_place(self) -> None:
        self.capacity += 1
        self.fill()

    @rule(data=st.data())
    @precondition(lambda self: self.live)
    def act(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.live, key=lambda each: each.position)))
        if entry.status is EntryStatus.OFFERED and data.draw(st.booleans()):
            assert accept(entry, SHIFT, self.now) is None
            placed = place_entry(entry, uuid4(), self.now)
            assert placed.signup_id is not None
            self.signed.add(placed.signup_id)
            self.entries[entry.entry_id] = placed
        else:
            left = withdraw(entry, self.now)
            assert isinstance(left, WaitlistEntry)
            self.entries[entry.entry_id] = left
        self.fill()

    @rule(minutes=st.integers(1, 90))
    def pass_time(self, minutes: int) -> None:
        self.now = min(self.now + minutes * HOUR / 60, START - HOUR / 60)
        for entry in self.live:
            if lapses(entry, SHIFT, self.now):
                self.entries[entry.entry_id] = finish(entry, EndReason.LAPSED, self.now)
        self.fill()

    def fill(self) -> None:
        queue = [Candidate(entry, uuid4()) for entry in self.live if entry.status is EntryStatus.WAITING]
        for entry in distribute(queue, self.free, SHIFT, DEFAULT_POLICY, self.now):
            before = self.entries[entry.entry_id]
            assert entry.version == before.version + 1
            self.entries[entry.entry_id] = entry
            self.served.append(entry.position)
            if entry.status is EntryStatus.PLACED:
                assert entry.signup_id is not None
                self.signed.add(entry.signup_id)

    @invariant()
    def no_place_is_oversold_or_idle(self) -> None:
        assert self.free >= 0
        assert self.free == 0 or not any(entry.status is EntryStatus.WAITING for entry in self.live)

    @invariant()
    def places_were_given_in_order(self) -> None:
        assert self.served == sorted(self.served)
        assert len(set(self.served)) == len(self.served)


TestWaitlistMachine = WaitlistMachine.TestCase
