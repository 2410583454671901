"""What the fold does without an object in between is what it would do with it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.points.ingest.fold import facts, first_of, reevaluate, touched_buckets
from services.points.ledger.buckets import BucketCause, BucketChange, BucketState, Movement, VolunteerRow
from services.points.ledger.domain import Balances, Lot, Transfer, Wallet
from services.points.ledger.entries import Entries
from services.points.ledger.events import posting_id
from services.points.ledger.handlers import _grant
from services.points.ledger.posting import Books, split_grants
from services.points.records.domain import RecordRevision
from services.points.rules import documents
from services.points.rules.domain import Facts, First, Rulebook
from services.points.rules.hours.domain import Lifetime
from services.points.rules.valuation.domain import Known
from services.points.rules.worth.domain import evaluate, evaluate_in_full
from shared.clock import district_day, stored_instant
from shared.ids import derived_id

VOLUNTEER = UUID(int=7)
RULE = documents.shipped()[0].rule()
BOOK = Rulebook([RULE])
BEGIN = datetime(2026, 3, 4, tzinfo=UTC)


@st.composite
def revisions(draw: st.DrawFn) -> RecordRevision:
    """A revision of one of a few records, within two days."""
    started_at = BEGIN + timedelta(minutes=draw(st.integers(0, 2880)))
    return RecordRevision(
        record_id=UUID(int=draw(st.integers(1, 9))),
        revision=draw(st.integers(1, 3)),
        content_hash=b"",
        volunteer_id=VOLUNTEER,
        day=district_day(started_at),
        status=draw(st.sampled_from(["provisional", "confirmed", "confirmed", "void"])),
        provenance=draw(st.sampled_from(["scanned", "kiosk", "leader", "backfilled", "imported"])),
        kind="visit",
        theme="夕阳别样红",
        closed_by=None,
        approval_level="none",
        started_at=started_at,
        ended_at=None,
        minutes=draw(st.integers(0, 600)),
        planned_minutes=60,
        activity_id=draw(st.sampled_from([None, UUID(int=11), UUID(int=12)])),
        shift_id=None,
        site_id=None,
        team_id=None,
        drive_id=None,
        recorded_by=None,
        recorder_site_id=None,
        device_ref=None,
        distance_m=None,
        event_id=UUID(int=99),
        correlation_id="c",
    )


several = st.lists(revisions(), max_size=6, unique_by=lambda one: one.record_id)


@given(several)
def test_a_rule_sees_in_revisions_what_it_sees_in_their_facts(found: list[RecordRevision]) -> None:
    known = [facts(one) for one in found]
    assert [[getattr(one, name) for name in Facts._fields] for one in found] == [list(one) for one in known]
    assert evaluate(RULE, found) == evaluate(RULE, known)
    assert evaluate_in_full(RULE, found) == evaluate_in_full(RULE, known)


@given(several, several)
def test_a_bucket_is_worth_the_same_in_one_batch_and_on_top_of_what_is_stored(
    before: list[RecordRevision], batch: list[RecordRevision]
) -> None:
    applied = {one.record_id: one for one in batch}
    standing = [one for one in before if one.record_id not in applied]
    touched = touched_buckets([(one, None) for one in batch], {VOLUNTEER: BOOK})
    days = {key: [facts(one) for one in before if one.day == bucket.period.first] for key, bucket in touched.items()}
    awards = reevaluate(touched, applied, {key: stored for key, stored in days.items() if stored})
    for key, bucket in touched.items():
        own = [facts(one) for one in [*standing, *batch] if one.day == bucket.period.first]
        assert awards[key] == evaluate(RULE, own)
    cases = Known(flags={UUID(int=5): frozenset()})
    assert reevaluate(touched, applied, days, cases) == awards


def test_the_first_service_is_looked_for_elsewhere_where_its_bucket_lost_it() -> None:
    early, late = First(BEGIN, UUID(int=1), date(2026, 3, 4)), First(BEGIN, UUID(int=2), date(2026, 3, 4))
    assert first_of(None, late, was_here=False) == (late, False)
    assert first_of(late, early, was_here=False) == (early, False)
    assert first_of(early, late, was_here=False) == (early, False)
    assert first_of(early, early, was_here=True) == (early, False)
    assert first_of(early, late, was_here=True) == (late, True)
    assert first_of(early, None, was_here=True) == (None, True)


@pytest.mark.parametrize("what", ["day/2026-03-04", "life/first-service", "award"])
def test_a_posting_is_named_by_its_volunteer_its_bucket_and_its_version(what: str) -> None:
    assert posting_id(VOLUNTEER, what, 3) == derived_id("posting", VOLUNTEER, what, 3)


def test_only_transfers_of_an_award_name_its_versions() -> None:
    wallet = Wallet(Balances(debt=4), (), date(2026, 3, 4))
    wallet.grant(("day/2026-03-04", date(2027, 3, 4)), 10)
    row = VolunteerRow(VOLUNTEER, 7, wallet.figures(), Lifetime(), None, (), 0, None, 1, 0, BEGIN)
    cause = BucketCause(UUID(int=6), "c")
    lot = ("day/2026-03-04", date(2027, 3, 4))
    debt = Transfer("reversal", 3, 0, 4, lot, None, None)
    plain = Transfer("award", 0, 1, 4, lot, lot, None)
    entries = Entries(BEGIN, BEGIN)
    for transfers in (wallet.transfers, [debt], [plain]):
        entries.add(row, Movement("award", 10, transfers, cause, ("day/2026-03-04", 2, 1)))
    award, repayment, alone, short = entries.transfers
    source = (posting_id(VOLUNTEER, "day/2026-03-04", 2), UUID(int=6), "c", stored_instant(BEGIN))
    assert award == (VOLUNTEER, "award", 0, 1, 10, *lot, 2, 1, *lot, None, *source)
    assert repayment == (VOLUNTEER, "repayment", 1, 3, 4, *(None,) * 4, *lot, None, *source)
    assert alone[9:12] == (None, None, None)
    assert short == (VOLUNTEER, "award", 0, 1, 4, *lot, 2, 1, *lot, None, *source)
    assert row.version == 10, "one event each"
    entries.add(row, Movement("award", 0, [plain], cause, ("day/2026-03-04", 3, 1)))
    assert (row.version, len(entries.transfers), len(entries.outbox)) == (10, 5, 3), "nothing in all, no event"


def earner() -> VolunteerRow:
    first = First(BEGIN, UUID(int=1), date(2026, 3, 4))
    return VolunteerRow(
        VOLUNTEER, 7, Balances(*range(7)), Lifetime(*range(6)), first, ("star-1",), 2, "[]", 1, 0, BEGIN
    )


EARNING = {
    ("figures", "available"),
    ("figures", "earned"),
    ("lifetime", "credit_minutes"),
    ("lifetime", "credit_records"),
}


@pytest.mark.parametrize(
    ("group", "member"),
    [("figures", name) for name in Balances._fields] + [("lifetime", name) for name in Lifetime._fields],
)
def test_a_row_is_written_whole_unless_only_earning_changed_it(group: str, member: str) -> None:
    row = earner()
    row.version, row.badge_figures = 8, "[{}]"
    assert row.only_earned
    setattr(row, group, getattr(row, group)._replace(**{member: 99}))
    assert row.only_earned == ((group, member) in EARNING)


@pytest.mark.parametrize(("member", "value"), [("first", None), ("badges", ()), ("criteria_version", 3)])
def test_nor_is_one_with_another_first_service_badge_or_judgement(member: str, value: object) -> None:
    row = earner()
    setattr(row, member, value)
    assert not row.only_earned


@st.composite
def bucket_changes(draw: st.DrawFn) -> list[BucketChange]:
    """New buckets of two volunteers, some worth nothing, some past their day."""
    found = []
    for place in range(draw(st.integers(1, 5))):
        days = st.sampled_from([date(2026, 3, 3), date(2027, 3, 4), date(2028, 3, 4)])
        points = draw(st.dictionaries(days, st.integers(1, 30), max_size=2))
        state = BucketState(1, 1, sum(points.values()), "{}", None, None)
        cause = BucketCause(UUID(int=place), "c")
        found.append(BucketChange(UUID(int=draw(st.integers(1, 2))), f"day/{place}", None, state, points, cause))
    return found


@given(bucket_changes(), st.sampled_from([0, 4]), st.booleans())
def test_plain_grants_are_what_the_books_make_of_them(changes: list[BucketChange], debt: int, capped: bool) -> None:
    today, caps = date(2026, 3, 4), {UUID(int=2): 1000} if capped else {}

    def rows() -> dict[UUID, VolunteerRow]:
        figures = [Balances(debt=debt), Balances(available=7, earned=7)]
        return {
            UUID(int=number): VolunteerRow(UUID(int=number), 3, one, Lifetime(), None, (), 0, None, 1, 0, BEGIN)
            for number, one in enumerate(figures, 1)
        }

    def through_books(volunteers: dict[UUID, VolunteerRow], some: list[BucketChange], entries: Entries) -> list[Lot]:
        books = Books(volunteers, some, {}, today, caps)
        books.increase()
        postings = books.decrease()
        for volunteer_id, wallet in books.wallets.items():
            volunteers[volunteer_id].figures = wallet.figures()
        for change, amount, transfers in postings:
            award = (change.bucket, 1, 1)
            entries.add(volunteers[change.volunteer_id], Movement("award", amount, transfers, change.cause, award))
        return [lot for _, lot in books.lots()[0]]

    def outcome(volunteers: dict[UUID, VolunteerRow], entries: Entries, lots: list[Lot]) -> list[Any]:
        made = sorted((lot.bucket, lot.expires_on, lot.awarded, lot.available, lot.expired) for lot in lots)
        balances = [(one.figures, one.version) for one in volunteers.values()]
        return [balances, made, sorted(entries.transfers, key=str), sorted(entries.outbox)]

    whole, entries = rows(), Entries(BEGIN, BEGIN)
    expected = outcome(whole, entries, through_books(whole, changes, entries))
    parts, entries = rows(), Entries(BEGIN, BEGIN)
    grants, left = split_grants(parts, changes, today, caps)
    new, _, _ = _grant(parts, grants, entries)
    lots = [lot for _, lot in new] + (through_books(parts, left, entries) if left else [])
    assert outcome(parts, entries, lots) == expected
