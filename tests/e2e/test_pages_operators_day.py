"""Faults under the console: a consumer is killed in a replay, and records hold what no page should run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, Page, expect

from shared.cloudevents import encode
from shared.contracts import PointsPosted
from shared.ids import new_id
from shared.outbox import event
from tests.e2e.pages_district import Api, District
from tests.e2e.pages_operators import log_in
from tests.e2e.pages_visitors import visitor
from tests.support.operating import points_posted
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

REPLAYED = 60
HOSTILE = "<script>window.hacked = true</script>"


async def engineer(page: Page, district: District) -> None:
    await log_in(page, district, "engineer", district.stack.secrets.engineer_password, "/console")


async def _execute(district: District, statement: str) -> None:
    conn: Any = await asyncpg.connect(district.stack.dsn("postgres"))
    try:
        await conn.execute(statement)
    finally:
        await conn.close()


@asynccontextmanager
async def broken_table(district: District, table: str, name: str, condition: str) -> AsyncIterator[None]:
    """A constraint that a bad deployment left; the block ends with it gone, if it has not been cured before."""
    await _execute(district, f"alter table {table} add constraint {name} check ({condition}) not valid")
    try:
        yield
    finally:
        await _execute(district, f"alter table {table} drop constraint if exists {name}")


async def produce(district: District, topic: str, *records: tuple[bytes, bytes, list[tuple[str, bytes]]]) -> None:
    """Put records on a topic past its owner: (key, value, headers)."""
    producer = AIOKafkaProducer(
        bootstrap_servers=district.stack.broker.bootstrap, enable_idempotence=False, max_request_size=1_048_576
    )
    await producer.start()
    try:
        for key, value, headers in records:
            await producer.send_and_wait(topic, value, key, headers=headers)
    finally:
        await producer.stop()


async def test_a_consumer_killed_in_the_middle_of_a_replay_applies_each_record_once(district: District) -> None:
    made = [event(points_posted(new_id()), source="test", aggregate_version=1) for _ in range(REPLAYED)]
    records = []
    for one in made:
        headers, value = encode(one)
        records.append((b"k", value, list(headers)))
    async with httpx.AsyncClient(base_url=district.url, timeout=30) as client:
        api = Api(client)
        await api.log_in("engineer", district.stack.secrets.engineer_password)
        async with broken_table(district, "notify.messages", "left_over", "false"):
            await produce(district, f"volunteering.{PointsPosted.topic}.v1", *records)

            async def lettered() -> bool:
                found = (await client.get("/api/notify/v1/dead-letters/groups")).json()["items"]
                return bool(sum(one["records"] for one in found if "left_over" in one["newest_reason"]) >= REPLAYED)

            await eventually(lettered, within=120)
        groups = (await client.get("/api/notify/v1/dead-letters/groups")).json()["items"]
        (group,) = [one for one in groups if "left_over" in one["newest_reason"] and one["topic"].endswith("points.v1")]
        body = {"group_id": group["group_id"], "reason": "约束已去掉"}
        replay = await api.post("/notify/v1/dead-letters/replay", body)
        address = f"/api/notify/v1/dead-letters/replays/{replay['replay_id']}"

        async def begun() -> bool:
            return bool((await client.get(address)).json()["applied"])

        async def ended() -> bool:
            return bool((await client.get(address)).json()["state"] == "done")

        await eventually(begun, within=120)
        pid = district.stack.kill("notify-worker")
        await district.stack.wait_restarted("notify-worker", pid)
        await eventually(ended, within=180)
        assert (await client.get(address)).json()["applied"] == group["records"]
    conn: Any = await asyncpg.connect(district.stack.dsn("postgres"))
    try:
        ids = [one.id for one in made]
        per_event = await conn.fetch(
            "select event_id, count(*) as n from notify.messages where event_id = any($1::uuid[]) group by 1", ids
        )
    finally:
        await conn.close()
    assert sorted(row["n"] for row in per_event) == [1] * REPLAYED


async def test_what_records_hold_is_text_and_places_that_are_not_there_are_said(
    district: District, browser: Browser
) -> None:
    key = new_id().hex.encode()
    large = b'{"name": "' + b"x" * 900_000 + b'"}'
    strange = [
        (key, large, [("ce_id", str(new_id()).encode()), ("ce_type", b"a.large.v1")]),
        (key, b"\xff\xfe\x00" + HOSTILE.encode(), []),
        (key, b"{}", [("x-bad", HOSTILE.encode()), ("ce_id", str(new_id()).encode()), ("ce_type", HOSTILE.encode())]),
    ]
    await produce(district, "volunteering.sites.v1", *strange)
    async with visitor(browser, phone=False) as page:
        await engineer(page, district)
        search = f"{district.url}/console/search?key={key.decode()}"
        rows = page.locator("tbody tr")
        await page.goto(search)
        while await rows.count() < len(strange):
            await page.reload()
        assert await page.evaluate("window.hacked") is None
        seen = ""
        for place in range(len(strange)):
            await page.goto(search)
            await rows.nth(place).locator("a").first.click()
            await expect(page.get_by_role("heading", name="内容")).to_be_visible()
            seen += await page.locator("main").inner_text()
            assert await page.evaluate("window.hacked") is None
        assert seen.count(HOSTILE) >= 2, "header and value are shown as they are"
        assert "x" * 900_000 in seen
        assert "\\xff\\xfe" in seen
        await page.goto(f"{district.url}/console/search?topic=sites&partition=0&offset=99999999")
        await expect(page.locator("main .message")).to_contain_text("这个分区还没有到这个位置")
        await page.goto(f"{district.url}/console/search?since=2099-01-01T00:00")
        await expect(page.locator("main .message")).to_be_visible()
