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
