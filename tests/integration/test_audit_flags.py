"""The audit names flags that somebody changed past the program."""

from uuid import UUID

from services.points.integrity import handlers
from services.points.policy import stored_policy
from tests.integration.points.serving import OTHER_SITE, record
from tests.support.audit_world import PLANTS, World, named, world
from tests.support.integrity_cases import flag

__all__ = ["world"]


async def flagged(world: World) -> UUID:
    """The volunteer's first record and one at another site are in a case; returns the other's id."""
    other = record(world.volunteer, 60, started_at=world.first.started_at, site_id=OTHER_SITE)
    await world.serve(other)
    async with world.ledger.database.transaction() as tx:
        assert await handlers.report(tx, [flag(world.first, other)], stored_policy()) == 1
    report = await world.audit()
    assert report.ok, report.as_json()
    return other.record_id


async def test_a4_names_a_flag_that_was_lowered(world: World) -> None:
    other = await flagged(world)
    await world.plant(PLANTS["lower_flag"], world.first.record_id)
    check = await world.breached("A4")
    assert "standing is False" in named(check, f"flag of record {world.first.record_id}")
    assert "should be 80" in named(check, "bucket day/2026-01-10")
    assert "standing flags is 2, should be 1" in named(check, f"volunteer {world.volunteer}")
    assert not [found for found in check.offenders if str(other) in found.subject]


async def test_a4_names_who_would_not_be_asked_about(world: World) -> None:
    await flagged(world)
    await world.plant(PLANTS["forget_flags"], world.volunteer)
    assert "standing flags is 0, should be 2" in named(await world.breached("A4"), f"volunteer {world.volunteer}")


async def test_a4_names_flags_that_outlive_their_case(world: World) -> None:
    other = await flagged(world)
    await world.plant(PLANTS["clear_case"])
    assert "the case is cleared" in named(await world.breached("A4"), f"flag of record {other}")
