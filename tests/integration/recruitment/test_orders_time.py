"""Orders over time: deadlines once each, series, and the ways on of orders that lost their team, site or resident."""

import asyncio
import contextlib
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.recruitment.orders import timers
from services.recruitment.orders.terms.domain import OrderPolicy
from shared import outbox
from shared.errors import TransientError
from shared.postgres import Tx
from tests.integration.recruitment.ordering import ordering_of, run_timers, steps
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work, at
from tests.support.depth import examples


@pytest.mark.grows
async def test_deadlines_raise_an_order_once_however_many_workers_run(work: Work) -> None:
    crowd = examples(1000, 100)
    orders = await ordering_of(work)
    order = await orders.placed()
    async with work.database.transaction() as tx:
        columns = ", ".join(
            row["column_name"]
            for row in await tx.fetch(
                "select column_name from information_schema.columns where table_name = 'orders' "
                "and table_schema = current_schema() and column_name not in ('order_id', 'number')"
            )
        )
        await tx.execute(
            f"insert into orders (order_id, number, {columns}) select gen_random_uuid(), 'X-' || n, {columns} "
            "from orders, generate_series(2, $2) n where order_id = $1",
            UUID(order["order_id"]),
            crowd,
        )
    await work.clock.set(NOW + DAY)
    policy = OrderPolicy()

    async def worker() -> int:
        total = 0
        for _ in range(crowd // 2):
            total += await timers.run_due(work.database, policy, batch=7)
        return total

    assert sum(await asyncio.gather(worker(), worker())) == crowd
    count = "select count(*) from order_changes where act = 'escalate'"
    assert await work.count(count) == crowd
    assert await work.count("select count(distinct order_id) from order_changes where act = 'escalate'") == crowd
    raised = (await orders.read(order, work.operator)).json()
    assert (raised["state"], raised["waits_at"], raised["escalations"], raised["late"]) == (
        "placed",
        "institute",
        1,
        False,
    )
    await work.clock.set(NOW + 2 * DAY)
    await run_timers(work)
    await work.clock.set(NOW + 20 * DAY)
    assert await run_timers(work) == 0
    assert await work.count("select max(escalations) from orders") == 2
    late = (await work.get("/orders", work.operator, late=True, limit=3)).json()
    assert [each["waits_at"] for each in late["items"]] == ["centre"] * 3
    events = [each for each in await work.events("orders") if each["act"] == "escalate"]
    assert len(events) == 2 * crowd
    assert all(each["staff_ids"] for each in events if each["desk"] == "centre")


async def test_lost_teams_sites_and_residents_leave_no_order_behind(work: Work) -> None:
    orders = await ordering_of(work)
    called_off, leaderless, erased = [await orders.scheduled() for _ in range(3)]
    accepted = await orders.accepted()
    version = (await work.get(f"/activities/{called_off['activity_id']}", orders.leader)).json()["version"]
    path = f"/shifts/{called_off['shift_id']}/cancellation"
    answer = await work.post(path, {"version": version, "reason": "weather"}, orders.leader)
    assert answer.status_code == 200, answer.text
    async with work.database.transaction() as tx:
        await tx.execute("update teams set leader_volunteer_id = null where team_id = $1", UUID(work.team))
    await run_timers(work)
    assert (await steps(orders, called_off))[-1] == ("release", "offered", "leader-gone")
    assert (await steps(orders, called_off))[-2] == ("release", "accepted", "called-off")
    assert (await steps(orders, accepted))[-1] == ("release", "offered", "leader-gone")
    assert (await steps(orders, leaderless))[-1][:2] == ("schedule", "scheduled")
    async with work.database.transaction() as tx:
        await tx.execute("update teams set closed_at = now() where team_id = $1", UUID(work.team))
        await tx.execute("update sites set closed_at = now() where site_id = $1", UUID(work.sites["惠民社区"]))
    await run_timers(work)
    moved = (await orders.read(leaderless, work.operator)).json()
    assert (moved["state"], moved["site_id"], moved["waits_at"]) == ("offered", work.sites["north"], "institute")
    shift = (await work.get(f"/shifts/{leaderless['shift_id']}")).json()
    assert shift["cancelled_at"] is not None
    async with work.database.transaction() as tx:
        await tx.execute("update vault_people p set wrapped_key = '' from orders o where o.resident_id = p.resident_id")
    await run_timers(work)
    assert await work.count("select count(*) from orders where state <> 'cancelled' or reason <> 'erased'") == 0
    assert await work.count("select count(*) from order_texts") == 0
    assert erased["order_id"]


async def test_a_series_is_accepted_once_and_served_per_date(work: Work) -> None:
    orders = await ordering_of(work)
    order = await orders.scheduled(series={"every": "week", "times": 3})
    own = (await work.get("/orders/mine", orders.resident)).json()["items"]
    assert [(each["state"], each["series_id"], each["starts_at"]) for each in reversed(own)] == [
        ("scheduled", None, at(2 * DAY).replace("+00:00", "Z")),
        ("scheduled", order["order_id"], at(9 * DAY).replace("+00:00", "Z")),
        ("scheduled", order["order_id"], at(16 * DAY).replace("+00:00", "Z")),
    ]
    assert len({each["activity_id"] for each in own}) == 3
    await work.clock.set(NOW + 9 * DAY)
    second = await orders.act(own[1], "complete", orders.leader, outcome="served", residents_served=1)
    assert second["state"] == "served"
    details = (await work.get(f"/orders/{second['order_id']}/details", orders.leader)).json()
    assert details["address"] == "和平路 7 号 3 单元 402"
    await work.get(f"/orders/{order['order_id']}/details", orders.leader)
    looks = (await work.get(f"/orders/{second['order_id']}/looks", orders.resident)).json()["items"]
    assert [each["reader_kind"] for each in looks] == ["leader", "leader"], "looks at the series are its dates' too"
    await work.clock.set(NOW + 16 * DAY)
    await run_timers(work)
    assert (await orders.read(second, orders.resident)).json()["rated_by_default"] is True


async def test_a_connection_that_dies_between_two_steps_leaves_the_order_before_both(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = await ordering_of(work)
    order = await orders.placed()
    append, dies = outbox.append, [True]

    async def deadly(tx: Tx, *events: Any) -> None:
        if dies[0]:
            dies[0] = False
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                await tx.execute("select pg_terminate_backend(pg_backend_pid())")
        await append(tx, *events)

    monkeypatch.setattr(outbox, "append", deadly)
    start = {"starts_at": at(2 * DAY), "ends_at": at(2 * DAY + HOUR), "places": 2}
    acts: list[tuple[str, str, dict[str, Any], str]] = [
        ("review", work.station, {"decision": "take"}, "under_review"),
        ("review", work.station, {"decision": "offer"}, "offered"),
        ("accept", orders.leader, {"team_id": work.team}, "accepted"),
        ("schedule", orders.leader, start, "scheduled"),
    ]
    for number, (act, token, body, state) in enumerate(acts, 2):
        dies[0] = True
        path, key = f"/orders/{order['order_id']}/{act}", str(uuid4())
        lost = await work.post(path, body, token, key=key)
        assert lost.status_code == 503, lost.text
        assert (await orders.read(order, orders.resident)).json()["version"] == number - 1
        again = await work.post(path, body, token, key=key)
        assert (again.status_code, again.json()["state"], again.json()["version"]) == (200, state, number), again.text
        assert len(await steps(orders, order)) == number
    assert await work.count("select count(*) from activities where visibility = 'team'") == 1
    await work.clock.set(NOW + 6 * DAY)
    dies[0] = True
    with pytest.raises(TransientError):
        await timers.run_due(work.database, OrderPolicy())
    await run_timers(work)
    assert [step[0] for step in await steps(orders, order)].count("remind") == 1
