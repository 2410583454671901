"""Any rules, any draft, coming into force and out again in between: the ledger stands where the plain reference says,
also half-way, and the audit is clean at every end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ops.audit.main import audit
from services.points.activations.domain import ActivationStatus
from shared.clock import district_day
from shared.postgres import Database
from tests.integration.points.activating import Stage
from tests.integration.points.histories import World
from tests.reference import points as reference
from tests.support.audits import by_code
from tests.support.databases import Clock
from tests.support.depth import examples
from tests.support.drawn_rules import drawn_rules
from tests.support.rule_histories import (
    NEWCOMERS,
    NOW,
    Play,
    clear,
    drawn,
    enforce,
    rules_in_force,
)

PROPERTY = settings(
    max_examples=examples(200, 4),
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
CHECKS = ("A1", "A2", "A4", "A5", "A6")


@st.composite
def drafts(draw: Any) -> dict[str, Any]:
    """A draft that begins before everything, in the middle, or later."""
    begins = [date(2020, 1, 1), date(2026, 2, 27), date(2026, 3, 10), date(2026, 3, 15), date(2026, 4, 1)]
    rule: dict[str, Any] = draw(drawn_rules(3, draw(st.sampled_from(begins))))
    optional = {"referral": st.just({"points": 5}), "balance": st.just({"cap_points": 40})}
    more: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=optional))
    return rule | more


service = st.one_of(
    st.tuples(st.just("ingest"), st.lists(drawn, min_size=1, max_size=4)),
    st.tuples(st.just("ingest"), st.lists(drawn, min_size=1, max_size=4)),
    st.tuples(st.just("complain"), st.sampled_from(["activity", "record"]), st.integers(0, 2)),
    st.tuples(st.just("refer"), st.integers(0, 1), st.integers(0, 1)),
    st.tuples(st.just("redeem"), st.sampled_from([50, 100])),
    st.tuples(st.just("refund")),
)
acts = st.tuples(
    st.lists(service, min_size=1, max_size=5),
    st.lists(st.one_of(service, st.just(("step",))), max_size=4),
    st.lists(st.one_of(service, st.just(("step",))), min_size=1, max_size=5),
    st.booleans(),
    st.lists(st.one_of(service, st.just(("step",))), max_size=5),
)


@dataclass
class WithMoves(Play):
    """A play in which volunteers are moved one by one."""

    stage: Stage = field(kw_only=True)

    async def step(self) -> None:
        await self.stage.move(self.today)
        if self.stage.activation_id is not None:
            assert (await self.stage.activation()).problem is None

    async def finish(self) -> ActivationStatus:
        while await self.stage.move(self.today, 2):
            await self.world.agrees(self.model, range(2))
        found = await self.stage.activation()
        assert found.problem is None
        return found.status


async def start_over(database: Database, owner: str) -> None:
    """Nothing is left of the example before."""
    connection = await asyncpg.connect(owner)
    try:
        await connection.execute(
            "set search_path to points; alter table transfers disable trigger transfers_append_only; "
            "truncate transfers, holds, badge_awards, referrals, activations, activation_steps, activation_moves, "
            "rehearsals, rehearsal_results, rehearsal_budget; "
            "alter table transfers enable trigger transfers_append_only"
        )
    finally:
        await connection.close()
    await clear(database)


@PROPERTY
@given(rules_in_force(), drafts(), acts)
async def test_any_draft_comes_into_force_and_out_again_as_the_reference_says(
    points_db: Database,
    clock: Clock,
    dsn_for: Callable[[str], str],
    rules: list[dict[str, Any]],
    drafted: dict[str, Any],
    drawn_acts: tuple[Any, ...],
) -> None:
    await clock.set(NOW)
    await start_over(points_db, dsn_for("points_owner"))
    world = await World.open(points_db)
    world.stream = await enforce(points_db, rules)
    model = reference.Reference(rules)
    stage = Stage(points_db, world.stream.policy, model)
    play = WithMoves(world, model, district_day(NOW), stage=stage)

    async def clean() -> None:
        checks = by_code(await audit(dsn_for("auditor")))
        assert not [offender for code in CHECKS for offender in checks[code].as_json()["offenders"]]

    before, rehearsed, applying, reversing, afterwards = drawn_acts
    for act in before:
        await play.act(act)
    rule = await stage.draft(drafted)
    rehearsal_id = await stage.rehearse(rule, [world.volunteer(number) for number in (0, 1, *NEWCOMERS)])
    for act in rehearsed:
        await play.act(act)
    await stage.propose(rule, rehearsal_id)
    await stage.approve(rule)
    for act in applying:
        await play.act(act)
    await clean()
    assert await play.finish() is ActivationStatus.APPLIED
    await clean()
    if reversing:
        await stage.reverse()
        for act in afterwards:
            await play.act(act)
        await clean()
        assert await play.finish() is ActivationStatus.REVERSED
        await clean()
