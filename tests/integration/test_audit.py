"""The audit finds what is wrong, by name, and nothing where all is well. Breaches are planted by SQL as superuser."""

import io
import json
from collections.abc import Callable
from datetime import timedelta

import asyncpg
import pytest
from rich.console import Console

from ops.audit.main import audit, run_audit
from ops.audit.model import OFFENDERS_KEPT, Check, Report
from ops.database import bootstrap
from shared.ids import new_id
from tests.integration.points.serving import NOW, message, record
from tests.support.audit_world import PLANTS, World, named, world
from tests.support.audits import by_code
from tests.support.databases import TestDatabase

__all__ = ["world"]


async def test_a_new_database_is_clean(dsn_for: Callable[[str], str]) -> None:
    report = await audit(dsn_for("auditor"), settled=True)
    assert [check.code for check in report.checks] == ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"]
    assert report.ok, report.as_json()


async def test_a_world_with_everything_in_it_is_clean(world: World) -> None:
    report = await world.audit()
    assert report.ok, report.as_json()
    assert all(check.examined for check in report.checks), report.as_json()


async def test_over_several_sessions_it_says_the_same(world: World) -> None:
    await world.plant(PLANTS["change_lot"], world.volunteer)
    alone, together = [await audit(world.auditor, settled=True, sessions=sessions) for sessions in (1, 3)]

    def told(report: Report) -> list[object]:
        return [(check.code, check.examined, check.breaches, check.offenders) for check in report.checks]

    assert told(together) == told(alone)
    assert not together.ok


async def test_over_several_processes_it_says_the_same(world: World) -> None:
    await world.plant(PLANTS["change_bucket"], world.volunteer)
    await world.plant(PLANTS["change_badge"], world.volunteer)
    alone = await audit(world.auditor, settled=True)
    apart = await audit(world.auditor, settled=True, sessions=2, processes=3)

    def told(report: Report) -> list[object]:
        return [(check.code, check.title, check.examined, check.breaches, check.offenders) for check in report.checks]

    assert told(apart) == told(alone)
    assert [check.code for check in apart.checks if not check.ok] == ["A4", "A5"]


async def test_a_process_that_may_not_read_the_criteria_is_a_breach(world: World) -> None:
    await world.superuser.execute("revoke select on points.criteria_versions from auditor")
    report = await audit(world.auditor, settled=True, processes=2)
    assert "permission denied" in named(by_code(report)["A4"], "the audit")


@pytest.mark.parametrize("plant", ["change_transfer", "delete_transfer", "insert_transfer"])
async def test_a1_names_whose_transfers_were_touched(world: World, plant: str) -> None:
    await world.plant(PLANTS[plant], world.volunteer)
    check = await world.breached("A1", "A4", "A6")
    assert "available" in named(check, f"volunteer {world.volunteer}")
    assert "awarded" in named(check, "lot day/2026-01-10")


async def test_a1_names_a_lot_that_was_touched(world: World) -> None:
    await world.plant(PLANTS["change_lot"], world.volunteer)
    assert "expired is 5, should be 0" in named(await world.breached("A1"), world.volunteer)


async def test_a1_names_an_impossible_movement(world: World) -> None:
    await world.drop_constraints("points.transfers")
    await world.plant(
        PLANTS["transfer_without_lot"],
        world.volunteer,
    )
    assert named(await world.breached("A1"), "transfer ")


async def test_a2_names_points_beside_debt(world: World) -> None:
    await world.drop_constraints("points.volunteers")
    await world.plant(PLANTS["debt_beside_points"], world.volunteer)
    assert "debt 7" in named(await world.breached("A2", "A1", "A6"), world.volunteer)


async def test_a2_names_a_hold_that_holds_nothing(world: World) -> None:
    await world.plant(
        PLANTS["empty_hold"],
        planted := new_id(),
        world.volunteer,
    )
    check = await world.breached("A2")
    assert "in open holds 65" in named(check, f"volunteer {world.volunteer}")
    assert "transfers hold 0" in named(check, f"hold {planted}")


async def test_a3_names_what_never_arrived(world: World) -> None:
    lost = record(world.volunteer, started_at=NOW)
    await world.publish(lost)
    assert "not applied" in named(await world.breached("A3"), lost.record_id)


async def test_a3_lets_what_is_on_its_way_pass_unless_all_is_settled(world: World) -> None:
    await world.publish(record(world.volunteer, started_at=NOW), sent=False)
    report = await world.audit(settled=False)
    assert report.ok, report.as_json()
    assert by_code(report)["A3"].notes == ["1 revisions are on their way"]
    assert not (await world.audit()).ok


async def test_a3_names_what_was_overtaken_even_while_things_are_on_their_way(world: World) -> None:
    lost = record(world.volunteer, started_at=NOW)
    await world.publish(lost)
    await world.serve(record(world.volunteer, started_at=NOW + timedelta(hours=4)))
    check = await world.breached("A3", settled=False)
    assert "later events of the same volunteer" in named(check, lost.record_id)


async def test_a3_names_what_left_the_outbox_and_never_arrived(world: World) -> None:
    lost = record(world.volunteer, started_at=NOW)
    await world.publish(lost)
    await world.plant(PLANTS["forget_event"], message(lost).value)
    assert "no longer in the outbox" in named(await world.breached("A3", settled=False), lost.record_id)


@pytest.mark.parametrize(("status", "ok"), [("open", True), ("discarded", True), ("replayed", False)])
async def test_a3_takes_dead_letters_for_an_answer(world: World, status: str, ok: bool) -> None:
    lost = record(world.volunteer, started_at=NOW)
    await world.publish(lost)
    await world.dead_letter(lost, "permanent", status)
    assert (await world.audit()).ok is ok


async def test_a3_knows_a_discarded_letter_by_its_attributes_once_its_bytes_are_a_hash(world: World) -> None:
    lost = record(world.volunteer, started_at=NOW)
    await world.publish(lost)
    await world.dead_letter(lost, "permanent", "discarded")
    await world.plant(PLANTS["reduce_letters"], str(lost.record_id))
    assert (await world.audit()).ok


async def test_a3_names_a_record_whose_content_was_changed(world: World) -> None:
    await world.plant(PLANTS["change_record"], world.first.record_id)
    assert "another content" in named(await world.breached("A3", "A5"), world.first.record_id)


async def test_a3_names_a_superseded_revision_whose_content_was_changed(world: World) -> None:
    again = world.first.model_copy(update={"revision": 2, "closed_by": "correction"})
    await world.serve(again)
    assert (await world.audit()).ok
    await world.plant(PLANTS["change_superseded"], world.first.record_id)
    assert "another content" in named(await world.breached("A3"), f"{world.first.record_id} revision 1")


async def test_a3_lists_a_conflicting_second_content_apart(world: World) -> None:
    second = world.first.model_copy(update={"theme": "other"})
    await world.dead_letter(second, "conflict", "open")
    check = by_code(await world.audit())["A3"]
    assert check.ok
    assert any(str(second.record_id) in note and "conflicting" in note for note in check.notes)


async def test_a4_names_a_bucket_that_says_something_else_than_the_rule(world: World) -> None:
    await world.plant(
        PLANTS["change_bucket"],
        world.volunteer,
    )
    assert "its points is 81, should be 80" in named(await world.breached("A4"), "bucket day/2026-01-10")


async def test_a4_names_an_explanation_that_is_not_true(world: World) -> None:
    await world.plant(
        PLANTS["change_explanation"],
        world.volunteer,
    )
    assert "explanation" in named(await world.breached("A4"), "bucket day/2026-01-10")


async def test_a4_names_a_bucket_under_a_rule_that_is_not_there(world: World) -> None:
    await world.plant(PLANTS["change_rule"], world.volunteer)
    assert "99" in named(await world.breached("A4"), world.volunteer)


async def test_a4_and_a5_name_whose_record_was_changed(world: World) -> None:
    await world.plant(PLANTS["shorten_record"], world.first.record_id)
    check = await world.breached("A4", "A3", "A5")
    assert "posted is 80, should be 10" in named(check, "bucket day/2026-01-10")
    assert "credit_minutes is 480, should be 60" in named(by_code(await world.audit())["A5"], world.volunteer)


async def test_a5_names_a_star_that_nobody_earned_and_a_badge_that_is_gone(world: World) -> None:
    await world.plant(PLANTS["change_badge"], world.volunteer)
    assert "star-5" in named(await world.breached("A5"), world.volunteer)


async def test_a5_names_figures_that_the_records_do_not_bear_out(world: World) -> None:
    await world.plant(PLANTS["change_badge_figures"], world.volunteer)
    assert "badge figures" in named(await world.breached("A5"), world.volunteer)


async def test_a6_names_points_out_of_nowhere(world: World) -> None:
    await world.drop_constraints("points.volunteers")
    await world.plant(PLANTS["spend_from_nowhere"], world.volunteer)
    check = await world.breached("A6", "A1")
    assert named(check, world.volunteer)
    assert "accounted for" in named(check, "the district")


async def test_what_cannot_be_looked_at_is_a_breach(world: World) -> None:
    await world.superuser.execute("revoke select on notify.deliveries from auditor")
    assert "permission denied" in named(await world.breached("A8"), "the audit")


async def test_the_auditor_sees_no_pickup_code_however_often_the_database_is_prepared(
    world: World, test_database: TestDatabase
) -> None:
    server = test_database.postgres
    await bootstrap(server.superuser_dsn, test_database.name, driven_time=True, passwords=server.server.passwords)
    conn = await asyncpg.connect(world.auditor)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.fetch("select * from points.pickup")
    finally:
        await conn.close()
    assert (await world.audit()).ok


async def test_it_prints_a_table_and_the_offenders_and_says_so_by_its_exit_code(world: World) -> None:
    screen = Console(file=(written := io.StringIO()), width=160)
    assert await run_audit(world.auditor, settled=True, console=screen) == 0
    await world.plant(PLANTS["change_lot"], world.volunteer)
    assert await run_audit(world.auditor, settled=True, console=screen) == 1
    text = written.getvalue()
    assert "Audit clean" in text
    assert "Audit BREACHED" in text
    assert str(world.volunteer) in text
    plain = Console(file=(document := io.StringIO()))
    assert await run_audit(world.auditor, settled=True, as_json=True, console=plain) == 1
    report = json.loads(document.getvalue())
    assert report["ok"] is False
    assert [check["code"] for check in report["checks"] if not check["ok"]] == ["A1"]


async def test_it_says_when_the_database_is_away() -> None:
    screen = Console(file=(written := io.StringIO()), width=160)
    assert await run_audit("postgresql://auditor@127.0.0.1:1/none", console=screen) == 2
    assert "could not run" in written.getvalue()


def test_offenders_are_counted_beyond_those_that_are_kept() -> None:
    check = Check("A1", "")
    for number in range(OFFENDERS_KEPT + 7):
        check.add_violation(number, "wrong")
    assert check.breaches == OFFENDERS_KEPT + 7
    assert len(check.offenders) == OFFENDERS_KEPT
