"""The audit names attendance at points that recruitment never wrote: the topic was forged."""

import io
from uuid import UUID

import pytest
from rich.console import Console

from ops.audit.main import audit, run_audit
from shared.ids import new_id
from tests.integration.points.serving import NOW, message, record
from tests.support.audit_world import PLANTS, World, named, world
from tests.support.audits import by_code

__all__ = ["world"]


async def test_a3_names_a_record_that_recruitment_never_wrote(world: World) -> None:
    forged = record(new_id(), 600)
    await world.ledger.feed(forged)
    check = await world.breached("A3", settled=False)
    detail = named(check, f"record {forged.record_id} revision 1")
    assert "forged: in points.records, never written by recruitment" in detail
    assert f"volunteer {forged.volunteer_id}, 600 minutes" in detail
    assert await run_audit(world.auditor, console=Console(file=io.StringIO())) == 1


async def test_a3_names_a_forged_revision_of_a_true_record(world: World) -> None:
    await world.ledger.feed(world.first.model_copy(update={"revision": 2, "closed_by": "correction"}))
    assert "never written" in named(await world.breached("A3"), f"{world.first.record_id} revision 2")


async def test_a3_names_a_forged_revision_that_was_superseded_since(world: World) -> None:
    await world.ledger.feed(world.first.model_copy(update={"revision": 2, "minutes": 470}))
    await world.serve(world.first.model_copy(update={"revision": 3, "closed_by": "correction"}))
    assert "superseded_revisions" in named(await world.breached("A3"), f"{world.first.record_id} revision 2")


async def test_a3_names_a_forged_service_of_a_team(world: World) -> None:
    forged = record(new_id(), team_id=UUID(int=0x7EA))
    await world.teams.handle([message(forged)])
    assert "counted for a team" in named(await world.breached("A3", settled=False), forged.record_id)


async def test_a3_names_a_forged_content_although_the_true_one_lies_aside_as_a_conflict(world: World) -> None:
    true = record(world.volunteer, started_at=NOW)
    forged = true.model_copy(update={"theme": "other"})
    await world.publish(true)
    await world.ledger.feed(forged)
    await world.teams.handle([message(true)])
    await world.dead_letter(true, "conflict", "open")
    assert "another content" in named(await world.breached("A3"), true.record_id)


@pytest.mark.parametrize("plant", ["change_superseded_kind", "change_superseded_site"])
async def test_a3_compares_every_member_of_a_superseded_revision(world: World, plant: str) -> None:
    await world.serve(world.first.model_copy(update={"revision": 2, "closed_by": "correction"}))
    await world.plant(PLANTS[plant], world.first.record_id)
    assert "another content" in named(await world.breached("A3"), f"{world.first.record_id} revision 1")


async def test_records_of_a_direct_feed_are_a_note(world: World) -> None:
    await world.ledger.feed(record(new_id(), 60))
    report = await audit(world.auditor, settled=True, direct_feed=True)
    assert report.ok, report.as_json()
    assert "1 records at points were not published by recruitment" in by_code(report)["A3"].notes
