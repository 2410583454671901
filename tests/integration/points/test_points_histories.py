"""Any history leads where the plain reference model says, in whatever order and batches it comes, and the audit is
clean after every step of it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.postgres import Database
from tests.drill.stage import Stage, setting
from tests.drill.twins import Act, Served, Twins
from tests.reference import points as reference
from tests.reference.rules import SHIPPED
from tests.support.databases import TestDatabase
from tests.support.depth import examples
from tests.support.drawn_rules import drawn_rules

PROPERTY = settings(
    max_examples=examples(breadth=6),
    phases=[Phase.generate],  # to shrink a history on a database takes longer than to read it
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture
async def stage(all_services: None, test_database: TestDatabase, points_db: Database) -> AsyncIterator[Stage]:
    async with setting(test_database, points_db) as found:
        yield found


@dataclass(frozen=True)
class Delivery:
    """A set of revisions as it comes: shuffled, partly twice, cut into batches."""

    batches: list[list[Served]]


revisions = st.builds(
    Served,
    record=st.integers(0, 5),
    revision=st.integers(1, 3),
    volunteer=st.sampled_from([0, 0, 0, 1, 2]),
    day=st.sampled_from([0, 0, 1, 2, 17]),
    minute=st.sampled_from([0, 540, 1439]),
    minutes=st.sampled_from([60, 0, 15, 100, 470, 480, 500, 5_900, 6_100]),
    status=st.sampled_from(["confirmed", "confirmed", "confirmed", "provisional", "void"]),
    provenance=st.sampled_from(["scanned", "scanned", "kiosk", "leader", "backfilled", "imported"]),
    activity=st.sampled_from([0, 0, 1, None]),
    approval=st.sampled_from(["none", "site", "centre"]),
    kind=st.sampled_from(["visit", "night"]),
    theme=st.sampled_from(["夕阳别样红", "晨光问候"]),
)
batches = st.lists(revisions, min_size=1, max_size=4)


@st.composite
def deliveries(draw: Any) -> Delivery:
    drawn = draw(st.lists(revisions, min_size=1, max_size=12, unique_by=lambda one: (one.record, one.revision)))
    again = draw(st.lists(st.sampled_from(drawn), max_size=4))
    order = draw(st.permutations([*drawn, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)))
    edges = [0, *cuts, len(order)]
    found = [list(order[begin:end]) for begin, end in pairwise(edges)]
    return Delivery([batch for batch in found if batch])


@st.composite
def rules_in_force(draw: Any) -> list[dict[str, Any]]:
    """The demo's rule, or any other with bonuses and a balance that is soon reached."""
    if draw(st.booleans()):
        return [SHIPPED]
    return [draw(rule_changes(1, date(2020, 1, 1)))]


@st.composite
def rule_changes(draw: Any, version: int = 2, begins: date = date(2026, 3, 1)) -> dict[str, Any]:
    """Any rule; where it is one that comes later, its number and beginning are set when it does."""
    more: dict[str, Any] = {"referral": st.just({"points": 2}), "balance": st.just({"cap_points": 30})}
    more["redemptions"] = st.just({"per_quarter": 2})
    found: dict[str, Any] = draw(drawn_rules(version, begins)) | draw(st.fixed_dictionaries({}, optional=more))
    return found


@PROPERTY
@given(rules_in_force(), deliveries())
async def test_any_order_duplication_and_batching_leads_to_the_same(
    stage: Stage, rules: list[dict[str, Any]], delivery: Delivery
) -> None:
    # What may be spent does not depend on the order where nothing is donated and nothing has expired.
    rules = [{name: said for name, said in rule.items() if name not in ("balance", "expiry")} for rule in rules]
    await stage.begin(rules)
    twins = Twins(stage, rules)
    await twins.do_wait(20)
    for batch in delivery.batches:
        await twins.act(("serve", *batch))
        await stage.audit()
    await twins.compare()
    # The same set, at once and sorted: awards and badges, and so balances, don't depend on how it came.
    alone = reference.Reference(rules)
    alone.ingest(sorted(twins.first_content.values(), key=lambda one: (one.record_id, one.revision)), twins.today)
    await stage.compare(alone, twins.volunteers)


place = st.integers(0, 3)
acts: st.SearchStrategy[list[Act]] = st.lists(
    st.one_of(
        st.tuples(st.just("serve"), revisions),
        batches.map(lambda batch: ("serve", *batch)),
        st.tuples(st.just("again"), place, st.integers(1, 3)),
        st.tuples(st.just("receive"), st.integers(0, 1), st.just(0), st.sampled_from([1, 2])),
        st.tuples(st.just("redeem"), st.sampled_from([0, 0, 1]), st.integers(0, 1), st.just(0)),
        st.tuples(st.sampled_from(["capture", "capture", "release"]), place),
        st.tuples(st.just("refund"), place, st.booleans()),
        st.tuples(st.just("hold"), st.sampled_from([0, 0, 1]), st.sampled_from([10, 50, 100, 110]), st.just(3)),
        st.tuples(st.just("settle"), st.sampled_from(["capture", "capture", "release", "refund"]), place),
        st.tuples(st.just("propose"), st.just(0), st.sampled_from([1, 40]), place, st.sampled_from([None, 0])),
        st.tuples(st.just("decide"), place, place, st.sampled_from(["approved", "approved", "rejected", "withdrawn"])),
        st.tuples(st.just("complain"), st.sampled_from(["activity", "record"]), st.integers(0, 2)),
        st.tuples(st.just("refer"), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.just("wait"), st.sampled_from([0, 1, 3, 30, 700, 731])),
        st.tuples(st.just("timers")),
        st.tuples(st.just("rule"), rule_changes(), st.sampled_from([-3000, -20, 0, 1])),
        st.tuples(st.just("move"), st.integers(1, 2)),
    ),
    min_size=4,
    max_size=20,
)


@PROPERTY
@given(rules_in_force(), acts)
async def test_whatever_comes_in_between_leads_where_the_reference_says(
    stage: Stage, rules: list[dict[str, Any]], drawn_acts: list[Act]
) -> None:
    await stage.begin(rules)
    twins = Twins(stage, rules)
    await twins.do_wait(0)
    for act in drawn_acts:
        await twins.act(act)
        await stage.audit()
    await twins.compare()
