"""The demo's rule on hand-worked cases, and on any cases against the plain reference."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.badges import documents as badge_documents
from services.points.ingest.fold import explanation_text
from services.points.rules import documents
from services.points.rules.domain import REASONS, Award, Facts, Rulebook, add_months, first_service
from services.points.rules.hours.domain import Lifetime
from services.points.rules.worth.domain import evaluate, evaluate_in_full
from shared.clock import district_day
from shared.errors import PermanentError
from tests.reference import points as reference
from tests.support.depth import examples
from tests.support.documents import rule_from
from tests.support.rule_facts import RULE, facts

BOOK = Rulebook([RULE])
CRITERIA = badge_documents.shipped()[0].criteria()


def worth(*records: Facts) -> list[tuple[int, str]]:
    """Points and reason per record, in the rule's order."""
    return [(line.points, line.reason) for line in evaluate(RULE, records).lines]


@pytest.mark.parametrize(
    ("minutes", "points", "reason"),
    [
        (0, 0, "short"),
        (14, 0, "short"),
        (15, 2, "counted"),
        (59, 9, "counted"),
        (60, 10, "counted"),
        (125, 20, "counted"),
    ],
)
def test_points_are_whole_and_begin_at_15_minutes(minutes: int, points: int, reason: str) -> None:
    assert worth(facts(minutes=minutes)) == [(points, reason)]


def test_march_is_worth_half_as_much_again() -> None:
    assert worth(facts(minutes=60, start="2026-03-04T09:00")) == [(15, "counted")]
    assert worth(facts(minutes=50, start="2026-03-31T23:30")) == [(12, "counted")]


def test_the_day_is_that_of_the_start_in_the_district() -> None:
    last_of_february = facts(start="2026-02-28T23:59")
    assert last_of_february.started_at.hour == 15
    assert worth(last_of_february) == [(10, "counted")]
    assert worth(facts(start="2026-03-01T00:00")) == [(15, "counted")]


def test_480_minutes_of_a_day_count_and_the_record_that_crosses_is_cut() -> None:
    morning = facts(1, 300, "2026-01-10T06:00")
    noon = facts(2, 240, "2026-01-10T12:00")
    evening = facts(3, 60, "2026-01-10T18:00")
    assert worth(evening, noon, morning) == [(50, "counted"), (30, "cut"), (0, "day-full")]


def test_what_is_left_after_the_cut_must_be_15_minutes() -> None:
    assert worth(facts(1, 466, "2026-01-10T06:00"), facts(2, 60, "2026-01-10T18:00")) == [
        (77, "counted"),
        (0, "cut-short"),
    ]
    assert worth(facts(1, 465, "2026-01-10T06:00"), facts(2, 60, "2026-01-10T18:00")) == [(77, "counted"), (2, "cut")]


def test_records_at_one_time_are_taken_by_their_ids() -> None:
    first, second = facts(1, 400), facts(2, 400)
    assert [line.record_id for line in evaluate(RULE, [second, first]).lines] == [first.record_id, second.record_id]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "provisional"}, "provisional"),
        ({"status": "void"}, "void"),
        ({"provenance": "backfilled"}, "provenance"),
        ({"provenance": "imported"}, "provenance"),
    ],
)
def test_what_earns_nothing_says_why_and_uses_up_nothing(changes: dict[str, str], reason: str) -> None:
    records = facts(1, 480, "2026-01-10T06:00", **changes), facts(2, 480, "2026-01-10T07:00")
    assert worth(*records) == [(0, reason), (80, "counted")]


def test_every_reason_has_words() -> None:
    assert set(REASONS) >= {"counted", "cut", "cut-short", "day-full", "short", "provisional", "void", "provenance"}


def test_points_are_good_for_24_months_after_the_day() -> None:
    assert evaluate(RULE, [facts()]).points == {date(2028, 1, 10): 10}
    assert add_months(date(2024, 2, 29), 24) == date(2026, 2, 28)
    assert add_months(date(2025, 12, 31), 2) == date(2026, 2, 28)


def test_the_first_service_ever_adds_20() -> None:
    award = evaluate(RULE, [facts(1, 10, "2026-01-10T06:00"), facts(2, 60, "2026-01-10T09:00")])
    assert award.first is not None
    assert award.first.record_id == UUID(int=2)
    assert first_service(RULE, award.first) == {date(2028, 1, 10): 20}
    assert first_service(RULE, None) == {}


def test_the_version_in_force_is_that_of_the_periods_first_day() -> None:
    text = documents.VERSIONS.joinpath("0001.yaml").read_text("utf-8")
    second = rule_from(text.replace("version: 1", "version: 2").replace("2000-01-01", "2026-02-01")).rule()
    book = Rulebook([second, RULE])
    assert [book.bucket(day)[0].version for day in (date(2026, 1, 31), date(2026, 2, 1))] == [1, 2]
    assert book.at(date(1999, 1, 1)).version == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("points_per_hour: 10", "points_per_hour: ten"), "earning.points_per_hour"),
        (("months: [3]", "months: [13]"), "earning.rates.0.months.0"),
        (("caps:", "caps: ["), "line"),
        (("first_service:", "second_service:"), "second_service"),
    ],
)
def test_a_bad_rule_says_where_it_is_bad(change: tuple[str, str], reason: str) -> None:
    text = documents.VERSIONS.joinpath("0001.yaml").read_text("utf-8")
    with pytest.raises(PermanentError, match=reason):
        rule_from(text.replace(*change, 1))


def test_stars_come_from_hours_of_every_kind_and_imported_ones_count() -> None:
    assert CRITERIA.earned(Lifetime(imported_minutes=5999)) == ()
    assert CRITERIA.earned(Lifetime(imported_minutes=6000)) == ("star-1",)
    lifetime = Lifetime(30_000, 20_000, 40_000, 1, 1, 1)
    assert CRITERIA.earned(lifetime) == ("first-service", "star-1", "star-2", "star-3", "star-4", "star-5")
    assert CRITERIA.star(CRITERIA.earned(lifetime)) == 5
    following = CRITERIA.next_star(Lifetime(credit_minutes=6000))
    assert following is not None
    assert (following[0].badge, following[1]) == ("star-2", 12_000)


starts = st.builds(
    lambda day, minute: datetime(2026, 2, 27, 16, tzinfo=UTC) + timedelta(days=day, minutes=minute),
    st.integers(0, 2),
    st.sampled_from([0, 1, 480, 600, 1439]),
)
records = st.lists(
    st.tuples(
        starts,
        st.sampled_from([0, 14, 15, 16, 60, 100, 240, 300, 465, 466, 480, 481, 1000]),
        st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
        st.sampled_from(["scanned", "kiosk", "leader", "backfilled", "imported"]),
    ),
    max_size=9,
)


@settings(max_examples=examples(300), deadline=None)
@given(records)
def test_any_records_are_worth_what_the_reference_says(drawn: list[tuple[datetime, int, str, str]]) -> None:
    found: dict[tuple[str, date], int] = {}
    firsts = []
    days = {district_day(started_at) for started_at, *_ in drawn}
    for day in days:
        inputs = [
            Facts(UUID(int=number), 1, day, status, provenance, started_at, minutes, minutes, "", "", None)
            for number, (started_at, minutes, status, provenance) in enumerate(drawn)
            if district_day(started_at) == day
        ]
        award = evaluate(RULE, inputs)
        assert sum(line.points for line in award.lines) == sum(award.points.values())
        found |= {(BOOK.bucket(day)[1].bucket, expires_on): amount for expires_on, amount in award.points.items()}
        if award.first is not None:
            firsts.append(award.first)
    for expires_on, amount in first_service(RULE, min(firsts, default=None)).items():
        found["life/first-service", expires_on] = amount
    plain = [
        reference.Record(str(UUID(int=number)), 1, "v", status, provenance, started_at, minutes)
        for number, (started_at, minutes, status, provenance) in enumerate(drawn)
    ]
    assert found == reference.awards(plain)


@settings(max_examples=examples(60))
@given(records)
def test_the_stored_explanation_is_the_plain_one_as_json(drawn: list[tuple[datetime, int, str, str]]) -> None:
    """Activations and previews compare it with their own by its text."""
    given_facts = [
        facts(number, minutes=minutes, started_at=started_at, status=status, provenance=provenance)
        for number, (started_at, minutes, status, provenance) in enumerate(drawn)
    ]
    for award in (evaluate(RULE, given_facts), Award({}, (), None, {"x": {"percent": 150}})):
        assert explanation_text(award) == orjson.dumps(award.explanation()).decode()


def test_a_flagged_record_counts_nothing_and_uses_up_no_cap() -> None:
    held = facts(1, 480, "2026-01-10T06:00", flags=frozenset({"two-sites"}))
    assert worth(held, facts(2, 120, "2026-01-10T18:00")) == [(0, "flagged"), (20, "counted")]
    assert worth(held._replace(status="void")) == [(0, "void")]
    assert worth(held._replace(minutes=1)) == [(0, "flagged")], "what is looked into says so first"
    assert evaluate_in_full(RULE, [held]) == evaluate(RULE, [held])
    other = held._replace(flags=frozenset({"burst"}))
    assert worth(other) == [(80, "counted")], "a kind that this rule does not heed"


def test_what_holds_points_back_is_a_setting_that_changes_no_older_hash() -> None:
    document = documents.shipped()[0]
    assert document.content_hash().hex() == "1142a63716d08a80af1bdf6df0f1c65c06cfde16bf5435f8498024f97633fe2b"
    assert RULE.holds_back == {"two-sites"}
    text = documents.VERSIONS.joinpath("0001.yaml").read_text("utf-8")
    said = rule_from(text + "integrity: {holds_back: [two-sites]}\n")
    assert said.canonical() == document.canonical(), "saying the default says nothing"
    stricter = rule_from(text + "integrity: {holds_back: [burst, long-day]}\n")
    assert stricter.content_hash() != document.content_hash()
    assert stricter.rule().holds_back == {"burst", "long-day"}
    assert rule_from(text + "integrity: {holds_back: []}\n").rule().holds_back == frozenset()
    with pytest.raises(PermanentError, match=r"integrity\.holds_back\.0"):
        rule_from(text + "integrity: {holds_back: [hunch]}\n")
