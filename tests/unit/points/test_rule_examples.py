"""Rules of other places, shipped as examples, on hand-worked cases; and any rule against the plain reference."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.ledger.domain import Balances, Lot, Wallet
from services.points.rules import documents
from services.points.rules.domain import (
    NEVER,
    REASONS,
    BucketSpan,
    Facts,
    First,
    Referral,
    Rule,
    Rulebook,
    first_service,
    referral,
)
from services.points.rules.worth.domain import evaluate, evaluate_in_full
from shared.errors import PermanentError
from tests.reference import rules as reference
from tests.support.depth import examples
from tests.support.documents import RULE_EXAMPLES, rule_from
from tests.support.drawn_rules import (
    ACTIVITY,
    OTHER,
    drawn_records,
    drawn_rules,
    served,
)

DEMO = documents.shipped()[0].rule()


def example(name: str) -> Rule:
    return rule_from(RULE_EXAMPLES.joinpath(f"{name}.yaml").read_text("utf-8"), name).rule()


def told(rule: Rule, *records: Facts) -> list[tuple[int, str]]:
    """Points and reason per record, in the rule's order."""
    return [(line.points, line.reason) for line in evaluate(rule, records).lines]


def test_every_example_is_a_rule_and_every_reason_has_words() -> None:
    names = {path.stem for path in RULE_EXAMPLES.glob("*.yaml")}
    assert names == {"hailin", "huangshi", "huangshan", "izhiyuan", "shancheng", "yunnan", "nanjing"}
    for name in names:
        assert not [reason for _, reason in told(example(name), served(1, 300)) if reason not in REASONS]


def test_hailin_counts_two_hours_of_an_activity_however_many_days_it_takes() -> None:
    rule = example("hailin")
    records = (
        served(1, 90),
        served(2, 90, "2026-05-11T09:00"),
        served(3, 60, "2026-07-11T09:00"),
        served(4, 60, "2026-07-11T12:00", activity_id=OTHER),
        served(5, 150, "2026-08-01T09:00", activity_id=None),
    )
    book = Rulebook([rule])
    found = {record.record_id.int: book.bucket(record.day, record.activity_id)[1].bucket for record in records}
    assert found[1] == found[2] == found[3] == f"activity/{ACTIVITY}"
    assert found[4] == f"activity/{OTHER}"
    assert found[5] == "day/2026-08-01"
    # 90 minutes are 1 point; 30 of the next 90 are left, worth nothing by themselves; then the activity is full.
    assert told(rule, *records) == [
        (1, "counted"),
        (0, "activity-cut"),
        (0, "activity-full"),
        (1, "counted"),
        (2, "activity-cut"),
    ]


def test_hailin_gives_2_for_a_referral_nothing_under_a_complaint_and_one_redemption_a_quarter() -> None:
    rule = example("hailin")
    assert told(rule, served(1, 120, complained=True), served(2, 120)) == [(0, "complaint"), (2, "counted")]
    assert referral(rule, Referral(UUID(int=7), date(2026, 5, 10))) == {NEVER: 2}
    assert referral(rule, None) == referral(DEMO, Referral(UUID(int=7), date(2026, 5, 10))) == {}
    assert rule.redemptions_per_quarter == 1


def test_huangshi_counts_scanned_hours_only_and_all_expire_on_31_december() -> None:
    rule = example("huangshi")
    records = served(1, 125), served(2, 60, "2026-12-31T09:00"), served(3, 600, provenance="kiosk")
    award = evaluate(rule, [*records, served(4, 600, provenance="backfilled"), served(5, 60, "2027-01-01T00:00")])
    assert award.points == {date(2026, 12, 31): 3, date(2027, 12, 31): 1}


def test_huangshan_expires_after_three_years() -> None:
    assert evaluate(example("huangshan"), [served(1, 60)]).points == {date(2029, 5, 10): 1}
    assert evaluate(example("huangshan"), [served(1, 60, "2028-02-29T09:00")]).points == {date(2031, 2, 28): 1}


@pytest.mark.parametrize(
    ("level", "minutes", "points", "reason"),
    [
        ("none", 480, 8, "counted"),
        ("none", 540, 8, "approval-cut"),
        ("leader", 540, 8, "approval-cut"),
        ("site", 540, 9, "counted"),
        ("site", 720, 12, "counted"),
        ("site", 780, 12, "approval-cut"),
        ("centre", 900, 15, "counted"),
    ],
)
def test_izhiyuan_needs_approval_above_8_and_above_12_hours(level: str, minutes: int, points: int, reason: str) -> None:
    assert told(example("izhiyuan"), served(1, minutes, approval_level=level)) == [(points, reason)]


def test_izhiyuan_adds_up_the_day_and_takes_three_records_of_an_activity() -> None:
    rule = example("izhiyuan")
    morning, evening = served(1, 360, "2026-05-10T06:00"), served(2, 360, "2026-05-10T13:00")
    assert told(rule, morning, evening) == [(6, "counted"), (2, "approval-cut")]
    assert told(rule, morning, evening._replace(approval_level="site")) == [(6, "counted"), (6, "counted")]
    four = [served(n, 60, f"2026-05-10T{8 + n:02}:00") for n in range(1, 5)]
    assert told(rule, *four) == [(1, "counted")] * 3 + [(0, "too-many")]
    assert told(rule, *four[:3], four[3]._replace(activity_id=OTHER)) == [(1, "counted")] * 4
    assert told(rule, *four[:3], served(9, 60, "2026-05-11T08:00")) == [(1, "counted")] * 4


@pytest.mark.parametrize(
    ("minutes", "points"), [(14, 0), (15, 1), (44, 1), (45, 2), (59, 2), (60, 2), (74, 2), (75, 3), (105, 4), (150, 5)]
)
def test_shancheng_rounds_to_half_hours(minutes: int, points: int) -> None:
    assert told(example("shancheng"), served(1, minutes)) == [(points, "counted" if points else "rounded")]


@pytest.mark.parametrize(("minutes", "planned", "told_"), [
    (71, 120, (0, "share")), (72, 120, (1, "counted")), (60, 0, (1, "counted")), (180, 120, (3, "counted")),
])  # fmt: skip
def test_yunnan_gives_nothing_below_60_percent_of_the_plan(minutes: int, planned: int, told_: tuple[int, str]) -> None:
    assert told(example("yunnan"), served(1, minutes, planned_minutes=planned)) == [told_]


def test_nanjing_donates_what_is_above_1500_from_what_expires_last() -> None:
    cap = example("nanjing").balance_cap
    assert cap == 1500
    wallet = Wallet(
        Balances(available=1490, held=5, earned=1495), [Lot("a", date(2027, 1, 1), 1490, 1490)], date(2026, 5, 1)
    )
    wallet.grant(("b", date(2028, 1, 1)), 20)
    wallet.level(cap)
    assert (wallet.available, wallet.held, wallet.figures().donated) == (1495, 5, 15)
    assert wallet.lots["b", date(2028, 1, 1)].available == 5
    # A correction takes 100 away: then the 15 were no excess, and they come back.
    wallet.reverse(("a", date(2027, 1, 1)), 100)
    wallet.level(cap)
    assert (wallet.available, wallet.figures().donated, wallet.debt) == (1410, 0, 0)


def test_caps_apply_in_order_and_name_what_cut() -> None:
    rule = replace(
        rule_from(
            """
            {version: 1, name: caps, effective_from: 2026-01-01,
             earning: {provenances: [scanned], points_per_hour: 60, minimum_minutes: 15,
                       rates: [{name: 夜间, kinds: [night], points_per_hour: 120}],
                       multipliers: [{name: 周年, first_day: 2026-05-11, last_day: 2026-05-11, percent: 150}]},
             caps: {record_minutes: 100, activity_minutes: 150, day_minutes: 200, month_minutes: 240,
                    year_minutes: 300, month_points: 290}}
            """
        ).rule()
    )
    assert rule.span == BucketSpan.LIFE
    first, second = served(1, 130), served(2, 90, "2026-05-10T12:00")
    third = served(3, 60, "2026-05-10T15:00", activity_id=OTHER)
    fourth = served(4, 60, "2026-05-11T09:00", activity_id=UUID(int=0xA3))
    fifth = served(5, 60, "2026-06-01T09:00", activity_id=UUID(int=0xA4), kind="night")
    award = evaluate(rule, [fifth, fourth, third, second, first])
    assert [(line.counted, line.points, line.reason) for line in award.lines] == [
        (100, 100, "record-cut"),
        (50, 50, "activity-cut"),
        (50, 50, "cut"),
        (40, 60, "month-cut"),
        (60, 120, "counted"),
    ]
    assert award.notes is not None
    assert award.notes[str(UUID(int=4))] == {"multiplier": "周年", "percent": 150, "cuts": [["month", 20]]}
    assert award.notes[str(UUID(int=5))] == {"rate": "夜间"}


def test_buckets_are_as_wide_as_the_widest_cap_and_end_where_another_version_begins() -> None:
    earning = "{{provenances: [scanned], points_per_hour: 1}}"
    text = "{{version: {0}, name: n, effective_from: {1}, earning: " + earning + ", caps: {2}}}"
    monthly = rule_from(text.format(1, "2026-01-01", "{month_minutes: 60}")).rule()
    again = rule_from(text.format(2, "2026-03-15", "{month_minutes: 60}")).rule()
    yearly = rule_from(text.format(3, "2027-01-01", "{year_points: 60, day_minutes: 9}")).rule()
    book = Rulebook([yearly, again, monthly])
    found = {
        day: book.bucket(date.fromisoformat(day)) for day in ("2025-06-02", "2026-03-14", "2026-03-15", "2027-05-05")
    }
    assert [(rule.version, *period[:3]) for rule, period in found.values()] == [
        (1, "month/2025-06", date(2025, 6, 1), date(2025, 6, 30)),
        (1, "month/2026-03", date(2026, 3, 1), date(2026, 3, 14)),
        (2, "month/2026-03/from-2026-03-15", date(2026, 3, 15), date(2026, 3, 31)),
        (3, "year/2027", date(2027, 1, 1), date(2027, 12, 31)),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("points_per_hour: 1\n", "points_per_hour: 1.5\n"), "line 7, earning.points_per_hour"),
        (("points_per_hour: 1\n", "points_per_hour: yes\n"), "line 7, earning.points_per_hour"),
        (("[scanned]", "[scanned, told]"), "line 6, earning.provenances.1"),
        (("fixed_day:", "fixed_dya:"), "line 9, expiry.fixed_dya"),
        (('"12-31"', '"02-29"'), "line 8, expiry"),
        (("name: 黄石市志愿服务积分规则", "name: ''"), "line 3, name"),
        (("version: 1\n", ""), "line 2, version"),
        (("2026-01-01", "20260101"), "line 4, effective_from"),
        (("expiry:", "earning:"), "line 8: 'earning' is said twice"),
        (("[scanned]", "&all [scanned]\n  kinds: *all"), "line 7: aliases"),
        (("[scanned]", "[scanned"), "line 7"),
        (("2026-01-01", "2026-02-30"), "line 4: day is out of range"),
    ],
)
def test_a_bad_document_says_the_line(change: tuple[str, str], said: str) -> None:
    text = RULE_EXAMPLES.joinpath("huangshi.yaml").read_text("utf-8")
    assert change[0] in text
    with pytest.raises(PermanentError, match=said.replace(".", r"\.")):
        rule_from(text.replace(*change, 1))


def test_the_first_versions_hash_is_what_it_was_when_it_was_shipped() -> None:
    assert documents.shipped()[0].content_hash().hex() == (
        "1142a63716d08a80af1bdf6df0f1c65c06cfde16bf5435f8498024f97633fe2b"
    )
    for path in RULE_EXAMPLES.glob("*.yaml"):
        document = rule_from(path.read_text("utf-8"))
        assert documents.RuleDocument.model_validate_json(document.canonical()) == document


@settings(max_examples=examples(400), deadline=None)
@given(drawn_records, drawn_rules(), drawn_rules(2, date(2026, 3, 1)), st.booleans(), st.data())
def test_any_records_under_any_rules_are_worth_what_the_reference_says(
    records: list[reference.Record], first: dict[str, Any], second: dict[str, Any], both: bool, data: Any
) -> None:
    rules = [first, second] if both else [first]
    book = Rulebook(rule_from(orjson.dumps(rule).decode()).rule() for rule in rules)
    about = [str(ACTIVITY), *(record.record_id for record in records)]
    complained = set(data.draw(st.lists(st.sampled_from(about), max_size=2)))
    held = set(data.draw(st.lists(st.sampled_from(about), max_size=2)))
    buckets: dict[str, tuple[Rule, list[Facts]]] = {}
    for one in records:
        activity = None if one.activity is None else UUID(one.activity)
        rule, period = book.bucket(one.day, activity)
        assert period.first <= one.day <= period.last
        facts = Facts(
            UUID(one.record_id), 1, one.day, one.status, one.provenance, one.started_at, one.minutes, one.planned,
            one.kind, one.theme, activity, one.approval, one.record_id in complained or one.activity in complained,
            frozenset({"two-sites"}) if one.record_id in held else frozenset(),
        )  # fmt: skip
        buckets.setdefault(period.bucket, (rule, []))[1].append(facts)
    found: dict[tuple[str, date], int] = {}
    firsts: list[First] = []
    for bucket, (rule, inputs) in buckets.items():
        award = evaluate(rule, inputs)
        assert award == evaluate_in_full(rule, inputs)
        assert {line.reason for line in award.lines} <= REASONS.keys()
        assert sum(line.points for line in award.lines) == sum(award.points.values())
        found |= {(bucket, expires_on): amount for expires_on, amount in award.points.items()}
        firsts += [award.first] if award.first is not None else []
    if firsts:
        for expires_on, amount in first_service(book.at(min(firsts).day), min(firsts)).items():
            found["life/first-service", expires_on] = amount
    assert found == reference.awards(records, rules, complained, flags={key: {"two-sites"} for key in held})
