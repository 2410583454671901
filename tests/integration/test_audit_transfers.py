"""What is done to the ledger past its triggers, by the owner or with every sum adjusted, is named by the audit."""

from collections.abc import Callable
from datetime import timedelta

import asyncpg
import pytest

from services.points.ledger.handlers import expire_points
from shared.postgres import Database
from tests.integration.points.serving import NOW
from tests.support.audit_world import PLANTS, World, named, world
from tests.support.databases import Clock

__all__ = ["world"]


@pytest.mark.parametrize("code", ["award", "hold", "expiry"])
@pytest.mark.parametrize("act", ["change", "delete", "insert"])
async def test_what_the_owner_does_to_transfers_is_named(
    world: World, points_db: Database, clock: Clock, dsn_for: Callable[[str], str], act: str, code: str
) -> None:
    if code == "expiry":
        await clock.set(NOW + timedelta(days=1000))
        assert await expire_points(points_db) == 2
        assert (await world.audit()).ok
    owner = await asyncpg.connect(dsn_for("points_owner"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append only"):
            await owner.execute(PLANTS["delete_one_transfer"], 0)
        await owner.execute("alter table points.transfers disable trigger transfers_append_only")
        transfer_id = await owner.fetchval(PLANTS["one_transfer"], world.volunteer, code)
        touched = await owner.fetchval(PLANTS[f"{act}_one_transfer"], transfer_id)
    finally:
        await owner.close()
    report = await world.audit()
    told = [
        f"{offender.subject} {offender.detail}"
        for check in report.checks
        for offender in check.offenders
        if str(world.volunteer) in offender.subject or str(world.redemption) in offender.subject
    ]
    assert told, report.as_json()
    if code == "expiry":
        assert any("lot day/2026-01-10" in line and "expired is" in line for line in told), told
    elif act != "delete":
        assert any("transfers " in line and str(touched) in line for line in told), told
    else:
        assert any("no transfers" in line or f"hold {world.redemption}" in line for line in told), told


async def test_a1_names_points_that_ran_out_too_early(world: World) -> None:
    """Lot and balance agree with the transfer, and yet."""
    await world.plant(PLANTS["expire_early"], world.volunteer)
    assert "expiry" in named(await world.breached("A1"), "transfer ")


async def test_a2_names_a_hold_that_was_given_back_and_taken_again(world: World) -> None:
    """Nothing is missing in any sum."""
    await world.plant(PLANTS["release_and_hold_again"], world.volunteer)
    assert "transfers " in named(await world.breached("A2"), world.redemption)


async def test_a1_names_both_lots_when_points_lie_in_another_one(world: World) -> None:
    """The bucket that was awarded to is right, the lots are not."""
    await world.plant(PLANTS["award_into_another_lot"], world.volunteer)
    check = await world.breached("A1")
    assert "available is 20, should be -60" in named(check, "lot day/2026-01-10")
    assert "available is 20, should be 100" in named(check, "lot life/first-service")


async def test_a4_names_the_versions_around_one_that_was_changed(world: World) -> None:
    await world.serve(world.first.model_copy(update={"revision": 2, "minutes": 240, "closed_by": "correction"}))
    assert (await world.audit()).ok
    await world.plant(PLANTS["change_first_version"], world.volunteer)
    check = await world.breached("A4")
    assert "posted 80, the version changed it by 87; transfers " in named(check, "bucket day/2026-01-10 version 1")
    assert "posted -40, the version changed it by -47; transfers " in named(check, "bucket day/2026-01-10 version 2")
