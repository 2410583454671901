"""The figures of orders: ends, time in each state, opinions with and without defaults, and what has no supply."""

from services.recruitment.orders import timers
from services.recruitment.orders.terms.domain import OrderPolicy
from shared.postgres import Database
from tests.integration.recruitment.ordering import ordering_of
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work, at

PERIOD = {"from": at(-DAY), "to": at(DAY)}


async def test_orders_are_counted_by_their_ends_and_opinions_apart_from_defaults(
    work: Work, recruitment_db: Database
) -> None:
    orders = await ordering_of(work)
    lonely = await work.district.made("/tags", {"tag": "plumbing", "zh": "修水管", "en": "plumbing"})
    rated, defaulted, cancelled = [await orders.scheduled() for _ in range(2)] + [await orders.placed()]
    await orders.act(cancelled, "cancel", orders.resident, reason_code="no-longer-needed")
    waiting = await orders.placed(need_tag=lonely["tag_id"])
    await work.clock.set(NOW + 2 * DAY + HOUR)
    for order in (rated, defaulted):
        await orders.act(order, "complete", orders.leader, outcome="served", residents_served=1)
    await orders.act(rated, "rating", orders.resident, stars=3, complaint=True)
    await work.clock.set(NOW + 15 * DAY)
    while await timers.run_due(recruitment_db, OrderPolicy()):
        pass

    found = (await work.get("/reports/orders", **PERIOD)).json()
    assert found["orders"] | {"by_state": None} == {
        "total": 4, "rated": 1, "rated_by_default": 1, "unfulfilled": 0, "cancelled": 1, "on_time": 2, "escalated": 1,
        "reopened": 0, "complaints": 1, "by_state": None,
    }  # fmt: skip
    assert found["orders"]["by_state"] == {"rated": 2, "cancelled": 1, "placed": 1}
    assert found["satisfaction"] == {
        "ratings": 1, "defaults": 1, "satisfaction": 0.0, "satisfaction_with_defaults": 0.5, "mean_stars": 3.0,
    }  # fmt: skip
    stays = {one["state"]: (one["stays"], one["median_seconds"]) for one in found["states"]}
    assert stays["scheduled"] == (2, 49 * 3600)
    assert stays["served"] == (2, (13 * 24 - 1) * 3600 // 2)
    assert [(one["name"], one["orders"]) for one in found["by_need"]] == [("理发", 3), ("修水管", 1)]
    assert [(one["zh"], one["orders"]) for one in found["needs_without_teams"]] == [("修水管", 1)]
    assert found["orders"].keys() - {"by_state"} <= found["formulas"].keys() | {"unfulfilled", "cancelled"}
    assert waiting["need_tag"] == "plumbing"

    public = (await work.get("/reports/district", **PERIOD)).json()
    assert public["orders"] == found["orders"]
    then = await work.get("/reports/district", **PERIOD, as_of=at(HOUR))
    assert then.json()["orders"]["by_state"] == {"scheduled": 2, "cancelled": 1, "placed": 1}


async def test_a_station_reads_the_figures_of_its_own_site_and_others_none(work: Work) -> None:
    orders = await ordering_of(work)
    await orders.placed()
    assert (await work.get("/reports/orders", work.station, **PERIOD)).json()["orders"]["total"] == 1
    assert (await work.get("/reports/orders", orders.resident)).status_code == 403
    assert (await work.get("/reports/orders", orders.leader)).status_code == 403
