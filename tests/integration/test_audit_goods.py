"""What the audit says of shelves, redemptions and deliveries: it names each breach."""

import pytest

from shared.ids import new_id
from tests.integration.points.serving import SITE
from tests.support.audit_world import PLANTS, World, named, world

__all__ = ["world"]


@pytest.mark.parametrize(
    "plant",
    ["stock_from_nowhere", "stock_below_zero", "receipt_changed", "redemption_gone", "redemption_captured"],
)
async def test_a7_names_a_shelf_that_does_not_add_up(world: World, plant: str) -> None:
    await world.drop_constraints("points.reward_stock")
    await world.plant(PLANTS[plant])
    assert named(await world.breached("A7"), f"at site {SITE}")


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        ("count_changed", "found 9 where 7 were due, its receipt says 1"),
        ("count_without_its_receipt", "has no receipt"),
        ("count_of_another_shelf", "of another shelf"),
    ],
)
async def test_a7_names_a_count_whose_difference_is_not_its_receipt(world: World, plant: str, told: str) -> None:
    count_id = new_id()
    await world.plant(PLANTS["count_with_its_receipt"], count_id)
    report = await world.audit()
    assert all(check.ok for check in report.checks), report.as_json()
    await world.drop_constraints("points.reward_count")
    await world.plant(PLANTS[plant], *([new_id()] if "$1" in PLANTS[plant] else []))
    assert told in named(await world.breached("A7"), count_id)


async def test_a7_names_a_redemption_without_its_hold(world: World) -> None:
    await world.plant(PLANTS["redemption_cheaper"])
    assert "its hold is open for 60" in named(await world.breached("A7"), world.redemption)


async def test_a8_names_a_message_that_was_tried_twice(world: World) -> None:
    event_id = new_id()
    await world.deliver(event_id)
    await world.superuser.execute("drop index notify.delivery_attempts_once")
    await world.plant(PLANTS["attempt"], event_id, world.volunteer, 2, "attempting")
    assert "sent, attempting" in named(await world.breached("A8"), f"event {event_id} to recipient {world.volunteer}")


async def test_a8_names_a_message_that_says_sent_and_was_never_tried(world: World) -> None:
    await world.plant(PLANTS["attempts_gone"])
    assert "none" in named(await world.breached("A8"), world.volunteer)
