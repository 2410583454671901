"""`kill -9` of the processes of orders, between any two steps: each step, event and message comes once."""

import asyncio
import signal
from collections import Counter
from random import Random
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson
import pytest

from dev.stack.processes import ChildProcess, free_port
from services.notify.inbox.orders import order_notices
from shared.cloudevents import decode
from shared.settings import Settings
from tests.integration.recruitment.ordering import Ordering, ordering_of
from tests.integration.recruitment.work import DAY, HOUR, NOW, Work, at
from tests.support import doomed
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase
from tests.support.depth import examples, part_of
from tests.support.roles import ready, role
from tests.support.settings import SettingsFactory
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker

WORKER_POINTS = (doomed.ORDER_STEPPED, doomed.ORDER_RECORDED, doomed.ORDER_CHANGED)
INBOX_POINTS = (doomed.INBOX_WRITTEN, doomed.INBOX_COMMITTED)
EXPECTED = {("escalate", "escalate"): 2, ("lapse",): 1, ("release", "escalate"): 1, ("remind",): 1, ("default",): 1}
"""Steps of the timers, and of how many of `one_in_each_state`: placed, offered, asked, dispatched, planned, served."""


async def killed(process: ChildProcess) -> None:
    """Wait until the process has met its fate."""
    assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == -signal.SIGKILL


async def one_in_each_state(orders: Ordering) -> None:
    """Orders whose deadlines pass, one in each state that the timers end; the served one was planned by its team."""
    work = orders.work
    await orders.placed()
    asked = await orders.placed()
    await orders.act(asked, "review", work.station, decision="take")
    await orders.act(asked, "review", work.station, decision="ask", reason_code="address")
    await orders.offered()
    dispatched = await orders.offered()
    await orders.act(dispatched, "dispatch", work.operator, team_id=work.team)
    await orders.scheduled()
    served = await orders.scheduled()
    await work.clock.set(NOW + 2 * DAY + HOUR)
    await orders.act(served, "complete", orders.leader, outcome="served", residents_served=1)


async def crowd_of(conn: Any, copies: int) -> int:
    """So many copies of each order, all with a deadline that has passed; returns how many orders there are."""
    columns = ", ".join(
        row["column_name"]
        for row in await conn.fetch(
            "select column_name from information_schema.columns where table_schema = 'recruitment' "
            "and table_name = 'orders' and column_name not in ('order_id', 'number')"
        )
    )
    await conn.execute(
        f"insert into recruitment.orders (order_id, number, {columns}) select gen_random_uuid(), number || '-' || n, "
        f"{columns} from recruitment.orders, generate_series(1, $1) n",
        copies,
    )
    count: int = await conn.fetchval("select count(*) from recruitment.orders")
    return count


async def pass_deadlines(conn: Any, work: Work, settings: Settings, due: int, rng: Random) -> None:
    """Kill worker after worker, the last one after its commit; then let one end its work, and a second round of it."""
    for point in part_of(WORKER_POINTS, rng.randrange(3)):
        for _turn in range(examples(3, 1)):
            async with role(settings, "worker", point=point, at=rng.randint(1, min(due, 50))) as process:
                await killed(process)
        assert await conn.fetchval("select count(*) from recruitment.order_changes where by_kind = 'timer'") == 0
    async with role(settings, "worker", point=doomed.ORDERS_COMMITTED, at=1) as process:
        await killed(process)
    async with role(settings, "worker"):
        open_ = "select count(*) from recruitment.orders where next_at <= $1"
        for now in (NOW + 30 * DAY, NOW + 60 * DAY):
            await work.clock.set(now)
            await eventually(lambda: done(conn, open_, now), what="all deadlines to pass")  # noqa: B023


async def done(conn: Any, sql: str, *values: object) -> bool:
    """Whether nothing is left to count."""
    return bool(await conn.fetchval(sql, *values) == 0)


async def messages_due(conn: Any) -> set[tuple[UUID, UUID]]:
    """(event, recipient) of the messages that the events of orders ask for, each event being there once."""
    rows = await conn.fetch("select event_id, headers, value from recruitment.outbox where topic = 'orders'")
    events = [decode([(k, v.encode()) for k, v in orjson.loads(row["headers"]).items()], row["value"]) for row in rows]
    steps = [(event.aggregate_id, event.aggregate_version) for event in events]
    assert len(set(steps)) == len(steps)
    return {
        (event.id, notice.recipient_id)
        for event in events
        for notice in order_notices(event)
        if notice.template is not None
    }


async def send_messages(conn: Any, settings_for: SettingsFactory, rng: Random) -> None:
    """Relay and deliver, with the relay and then the inbox's worker killed; returns when nothing is under way."""
    relaying, inbox = settings_for("recruitment"), settings_for("notify")
    async with role(relaying, "relay", point=doomed.RELAY_SENT, at=1) as process:
        await killed(process)
    assert not await done(conn, "select count(*) from recruitment.outbox where sent_at is null")
    async with role(relaying, "relay"):
        for point in part_of(INBOX_POINTS, rng.randrange(2), of=2):
            async with role(inbox, "worker", point=point, at=1) as process:
                await killed(process)
        due = await messages_due(conn)
        async with role(inbox, "worker"):
            unsent = "select count(*) from recruitment.outbox where sent_at is null"
            await eventually(lambda: done(conn, unsent), what="the outbox to be sent")
            count = "select count(*) - $1 from notify.messages where template like 'order_%'"
            await eventually(lambda: done(conn, count, len(due)), what="all messages")
    found = await conn.fetch("select event_id, recipient_id from notify.messages where template like 'order_%'")
    assert sorted((row["event_id"], row["recipient_id"]) for row in found) == sorted(due)


@pytest.mark.grows
async def test_killed_processes_pass_each_deadline_once_and_send_each_message_once(
    work: Work, broker: TestBroker, settings_for: SettingsFactory, test_database: TestDatabase
) -> None:
    rng, orders = Random(4711), await ordering_of(work)
    await one_in_each_state(orders)
    conn: Any = await asyncpg.connect(test_database.dsn_for("postgres"))
    try:
        due = await crowd_of(conn, examples(9, 2))
        await work.clock.set(NOW + 30 * DAY)
        await pass_deadlines(conn, work, settings_for("recruitment"), due, rng)
        rows = await conn.fetch(
            "select array_agg(act order by version) as acts from recruitment.order_changes where by_kind = 'timer' "
            "group by order_id"
        )
        assert Counter(tuple(row["acts"]) for row in rows) == {acts: due * n // 6 for acts, n in EXPECTED.items()}
        events = "select count(*) from recruitment.outbox where topic = 'orders'"
        steps = "select count(*) from recruitment.order_changes"
        assert await conn.fetchval(events) == await conn.fetchval(steps)
        await send_messages(conn, settings_for, rng)
    finally:
        await conn.close()


async def test_an_api_that_is_killed_within_a_plan_leaves_no_half_of_a_series(
    work: Work, broker: TestBroker, settings_for: SettingsFactory
) -> None:
    orders = await ordering_of(work)
    order = await orders.accepted(series={"every": "week", "times": 3})
    settings = settings_for("recruitment", http_port=free_port())
    url = f"http://127.0.0.1:{settings.http_port}"
    address = f"{url}/api/recruitment/v1/orders/{order['order_id']}/schedule"
    body = {"starts_at": at(2 * DAY), "ends_at": at(2 * DAY + HOUR), "places": 2}
    headers = {"authorization": f"Bearer {orders.leader}", "idempotency-key": str(uuid4())}

    async def schedule(process: ChildProcess) -> int | None:
        await ready(process, url)
        async with aiohttp.ClientSession(headers=headers) as client:
            try:
                async with client.post(address, json=body) as answer:
                    return answer.status
            except aiohttp.ClientError:
                return None

    # the second of the three dates that one transaction writes
    for point in part_of(WORKER_POINTS, 2):
        async with role(settings, "api", point=point, at=2) as process:
            assert await schedule(process) is None
            await killed(process)
        assert await work.count("select count(*) from orders") == 1
        assert await work.count("select count(*) from activities where visibility = 'team'") == 0
    async with role(settings, "api") as process:
        assert [await schedule(process), await schedule(process)] == [200, 200]
    assert await work.count("select count(*) from orders where state = 'scheduled'") == 3
    assert await work.count("select count(distinct activity_id) from orders") == 3
    planned = [each for each in await work.events("orders") if each["act"] == "schedule"]
    assert len({each["order_id"] for each in planned}) == len(planned) == 3
