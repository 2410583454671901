"""Any rules, any records, complaints and referrals in between: the ledger stands where the plain reference says."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.clock import district_day
from shared.postgres import Database
from tests.integration.points.histories import World
from tests.reference import points as reference
from tests.support.databases import Clock
from tests.support.depth import examples
from tests.support.rule_histories import NOW, Play, clear, drawn, enforce, rules_in_force

PROPERTY = settings(
    max_examples=examples(200, 4),
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


acts = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(drawn, min_size=1, max_size=4)),
        st.tuples(st.just("ingest"), st.lists(drawn, min_size=1, max_size=4)),
        st.tuples(st.just("complain"), st.sampled_from(["activity", "record"]), st.integers(0, 2)),
        st.tuples(st.just("flag"), st.integers(0, 4), st.sampled_from(["two-sites", "two-sites", "long-day"])),
        st.tuples(st.just("refer"), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.just("redeem"), st.sampled_from([50, 100])),
        st.tuples(st.just("refund")),
    ),
    min_size=3,
    max_size=10,
)


@PROPERTY
@given(rules_in_force(), acts)
async def test_any_rules_and_facts_lead_where_the_reference_says(
    points_db: Database, clock: Clock, rules: list[dict[str, Any]], drawn_acts: list[tuple[Any, ...]]
) -> None:
    await clock.set(NOW)
    await clear(points_db)
    world = await World.open(points_db)
    world.stream = await enforce(points_db, rules)
    play = Play(world, reference.Reference(rules), district_day(NOW))
    for act in drawn_acts:
        await play.act(act)
