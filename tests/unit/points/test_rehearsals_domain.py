"""What a volunteer's service is worth with and without a draft: against the plain reference, and the totals."""

from datetime import date
from typing import Any
from uuid import UUID

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.points.rehearsals.domain import (
    Appraisal,
    Appraised,
    Budget,
    Comparison,
    RehearsalResult,
    Summary,
    add_budget,
)
from services.points.rules.domain import Facts, Referral, Rule
from tests.reference import rules as reference
from tests.support.depth import examples
from tests.support.documents import rule_from
from tests.support.drawn_rules import ACTIVITY, drawn_records, drawn_rules
from tests.support.rule_facts import RULE, facts

SITES = (UUID(int=0x51), UUID(int=0x52), None)
REFERRALS = [Referral(UUID(int=0xF1), date(2026, 2, 3)), Referral(UUID(int=0xF2), date(2026, 3, 3))]


def _rule(document: dict[str, Any]) -> Rule:
    return rule_from(orjson.dumps(document).decode()).rule()


def _appraise(
    comparison: Comparison, found: list[Facts], referrals: list[Referral], stands: dict[str, Rule] | None = None
) -> Appraised:
    appraisal = Appraisal(comparison, stands)
    for one in sorted(found, key=lambda one: one.day):
        appraisal.take(one, SITES[one.record_id.int % 3])
    for brought in referrals:
        appraisal.refer(brought)
    return appraisal.close()


def _facts(one: reference.Record, complained: set[str]) -> Facts:
    activity = None if one.activity is None else UUID(one.activity)
    return Facts(
        UUID(one.record_id), 1, one.day, one.status, one.provenance, one.started_at, one.minutes, one.planned,
        one.kind, one.theme, activity, one.approval, one.record_id in complained or one.activity in complained,
    )  # fmt: skip


def _referred(rules: list[dict[str, Any]]) -> int:
    """The bonuses for `REFERRALS`, in the plainest way: the last rule begun by then, else the first."""
    worth = 0
    for brought in REFERRALS:
        begun = [rule for rule in rules if rule["effective_from"] <= brought.day] or [rules[0]]
        worth += begun[-1].get("referral", {"points": 0})["points"]
    return worth


@settings(max_examples=examples(400), deadline=None)
@given(
    drawn_records,
    drawn_rules(),
    drawn_rules(2, date(2026, 3, 1)),
    st.sampled_from([date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 15), date(2027, 1, 1)]),
    st.booleans(),
    st.data(),
)
def test_before_and_after_are_what_the_reference_says_without_and_with_the_draft(
    records: list[reference.Record],
    first: dict[str, Any],
    draft: dict[str, Any],
    begins: date,
    between: bool,
    data: Any,
) -> None:
    draft |= {"version": 1001, "effective_from": begins, "referral": {"points": 3}}
    in_force = [first, data.draw(drawn_rules(2, date(2026, 3, 2)))] if between else [first]
    about = [str(ACTIVITY), *(record.record_id for record in records)]
    complained = set(data.draw(st.lists(st.sampled_from(about), max_size=2)))
    with_draft = sorted([*in_force, draft], key=lambda rule: (rule["effective_from"], rule["version"]))
    comparison = Comparison([_rule(rule) for rule in in_force], _rule(draft))
    found = _appraise(comparison, [_facts(one, complained) for one in records], REFERRALS)
    assert found.records == len(records)
    assert found.before == sum(reference.awards(records, in_force, complained).values()) + _referred(in_force)
    assert found.after == sum(reference.awards(records, with_draft, complained).values()) + _referred(with_draft)
    assert sum(before for before, _ in found.budget.values()) == found.before
    assert sum(after for _, after in found.budget.values()) == found.after


@settings(max_examples=examples(100), deadline=None)
@given(
    drawn_records,
    drawn_rules(),
    drawn_rules(2, date(2026, 3, 2)),
    drawn_rules(3, date(2027, 1, 1)),
    st.sampled_from([date(2026, 1, 2), date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 15)]),
)
def test_as_if_it_had_been_in_force_the_draft_alone_decides_from_that_day_on(
    records: list[reference.Record],
    first: dict[str, Any],
    second: dict[str, Any],
    draft: dict[str, Any],
    since: date,
) -> None:
    draft |= {"version": 1001}
    in_force = [first, second]
    found = _appraise(
        Comparison([_rule(rule) for rule in in_force], _rule(draft), since), [_facts(one, set()) for one in records], []
    )
    earlier = [rule for rule in in_force if rule["effective_from"] < since]
    assumed = [*earlier, {**draft, "effective_from": since}]
    assert found.before == sum(reference.awards(records, in_force, set()).values())
    assert found.after == sum(reference.awards(records, assumed, set()).values())


@settings(max_examples=examples(150), deadline=None)
@given(drawn_records, drawn_rules(), st.sampled_from([date(2026, 1, 1), date(2026, 1, 20), date(2026, 3, 1)]))
def test_a_draft_that_says_what_is_in_force_differs_nowhere_from_the_beginning_on(
    records: list[reference.Record], rule: dict[str, Any], begins: date
) -> None:
    """From a later day on it is a boundary of every cap and so may differ; with the days' caps alone it doesn't."""
    rule = rule | {"caps": {name: limit for name, limit in rule.get("caps", {}).items() if name.startswith("day")}}
    draft = rule | {"version": 1001, "effective_from": begins}
    if "limits" in rule:
        del rule["limits"], draft["limits"]
    comparison = Comparison([_rule(rule)], _rule(draft))
    found = _appraise(comparison, [_facts(one, set()) for one in records], REFERRALS)
    assert found.before == found.after
    assert all(before == after for before, after in found.budget.values())


def test_the_first_service_may_be_another_one_under_the_draft() -> None:
    short, long = facts(1, 20, "2026-01-10T09:00"), facts(2, 120, "2026-02-10T09:00")
    draft = _rule(
        {
            "version": 1001,
            "name": "n",
            "effective_from": "2026-01-01",
            "earning": {"provenances": ["scanned"], "points_per_hour": 10, "minimum_minutes": 60},
            "first_service": {"points": 50},
        }
    )
    found = _appraise(Comparison([RULE], draft), [short, long], [])
    assert (found.before, found.after) == (3 + 20 + 20, 20 + 50)
    # The bonus stands at the site and in the month of the service that it is for.
    assert found.budget == {
        (SITES[1], date(2026, 1, 1)): (23, 0),
        (SITES[2], date(2026, 2, 1)): (20, 70),
    }


def test_a_bucket_counts_under_the_version_that_it_stands_under() -> None:
    older = _rule(
        {
            "version": 3,
            "name": "n",
            "effective_from": "2026-01-01",
            "earning": {"provenances": ["scanned"], "points_per_hour": 60},
            "first_service": {"points": 7},
        }
    )
    draft = _rule(
        {
            "version": 1001,
            "name": "n",
            "effective_from": "2026-02-01",
            "earning": {"provenances": ["scanned"], "points_per_hour": 20},
        }
    )
    stands = {"day/2026-01-10": older, "life/first-service": older, "day/2026-02-10": older}
    served = [facts(1, 60, "2026-01-10T09:00"), facts(2, 60, "2026-02-10T09:00"), facts(3, 60, "2026-02-11T09:00")]
    found = _appraise(Comparison([RULE], draft), served, [], stands)
    assert (found.before, found.after) == (60 + 7 + 60 + 10, 60 + 7 + 20 + 20)


def test_a_bucket_is_worked_out_when_its_period_is_over_and_not_kept() -> None:
    appraisal = Appraisal(Comparison([RULE], RULE))
    for day in range(1, 29):
        appraisal.take(facts(day, 60, f"2026-02-{day:02}T09:00"), None)
        assert appraisal.before == 10 * (day - 1), "all days before this one"
    assert appraisal.close().before == 28 * 10 + 20


points = st.integers(0, 30)
drawn_results = st.lists(
    st.builds(
        RehearsalResult, st.integers(1, 40).map(lambda number: UUID(int=number)), st.integers(0, 5), points, points
    ),
    unique_by=lambda result: result.volunteer_id,
)


@given(drawn_results, st.integers(0, 40))
@example([RehearsalResult(UUID(int=2), 1, 0, 5), RehearsalResult(UUID(int=1), 1, 0, 5)], 1)
def test_the_totals_are_those_of_all_however_they_are_split(results: list[RehearsalResult], cut: int) -> None:
    whole = Summary.of(results)
    parts = Summary.of(results[cut:]).plus(Summary.of(results[:cut]))
    assert parts == whole == Summary().plus(whole)
    differences = [result.after - result.before for result in results]
    assert whole.difference == sum(differences) == whole.gained + whole.lost
    assert whole.winners == sum(one > 0 for one in differences)
    assert whole.losers == sum(one < 0 for one in differences)
    assert whole.unchanged == differences.count(0)
    assert whole.largest_gain == max([0, *differences])
    assert whole.largest_loss == min([0, *differences])
    best = [result.volunteer_id for result in results if 0 < result.difference == whole.largest_gain]
    assert whole.largest_gain_of == min(best, default=None)


def test_budgets_add_up() -> None:
    january = (SITES[0], date(2026, 1, 1))
    total: Budget = {january: (1, 2)}
    add_budget(total, {january: (10, 20), (None, date(2026, 2, 1)): (5, 0)})
    assert total == {january: (11, 22), (None, date(2026, 2, 1)): (5, 0)}
