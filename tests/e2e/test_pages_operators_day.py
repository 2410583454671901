"""An operator's day: a poisoned record is read, its cause cured, its replay traced to points and message.

A paused consumer raises an alert for its lag, which clears when it resumes.

Faults under it: PostgreSQL restarts below an open stream, a consumer is killed in a replay, and records hold what no
page should run.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

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
from tests.e2e.pages_operators import log_in, reloaded, shot
from tests.e2e.pages_visitors import check_out, register, scan, staff_log_in, visitor
from tests.support.operating import points_posted
from tests.support.waiting import WAIT_LIMIT, eventually

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


async def points_of_nothing(district: District) -> None:
    """An event that notify reads and makes no message of."""
    data = PointsPosted(
        posting_id=new_id(), volunteer_id=new_id(), amount=0, available=0, held=0, debt=0, reason="award",
        posted_at=datetime.now(UTC),
    )  # fmt: skip
    headers, value = encode(event(data, source="test", aggregate_version=1))
    await produce(district, "volunteering.points.v1", (str(data.volunteer_id).encode(), value, list(headers)))


async def set_threshold(page: Page, district: District, trip: str, clear: str) -> None:
    """A new version of the threshold of lag: a lag of ten seconds, without a calm time."""
    await page.goto(f"{district.url}/console/alerts")
    monitor = page.locator("details.group", has=page.locator("summary b", has_text="积压增长"))
    version = await monitor.locator("summary .small").inner_text()
    await monitor.locator("summary").click()
    await monitor.get_by_label("触发值（条）").fill(trip)
    await monitor.get_by_label("解除值（条）").fill(clear)
    await monitor.get_by_label("持续多少秒").fill("10")
    await monitor.get_by_label("保持多少秒").fill("0")
    await monitor.get_by_label("理由").fill("小区里的积压都要看")
    await monitor.get_by_role("button", name="启用新的阈值").click()
    await expect(monitor.locator("summary .small")).not_to_have_text(version)


async def switch(page: Page, district: District, name: str, pill: str) -> None:
    """Pause or resume the consumer of notify."""
    await page.goto(f"{district.url}/console/streams")
    group = page.locator("details.group", has=page.locator("summary b", has_text=re.compile("^notify$"))).first
    if await group.get_attribute("open") is None:
        await group.locator("summary").click()
    form = group.locator("form", has=page.get_by_role("button", name=name, exact=True))
    await form.get_by_label("理由").fill("看告警")
    await form.get_by_role("button").click()
    await expect(group.locator("summary")).to_contain_text(pill)


async def shows(page: Page, address: str, section: str, text: str) -> None:
    """Reload a page until a section of it has the text."""

    async def seen() -> bool:
        await page.goto(address)
        place = page.locator(f"section[aria-labelledby={section}]") if section else page.locator("main")
        return text in await place.inner_text()

    await eventually(seen, every=0.3)


async def serve(phone: Page, screen: Page, district: District) -> None:
    """Check in and out of the district's shift."""
    await screen.get_by_role("link", name="签到二维码").first.click()
    await scan(phone, screen, district)
    await phone.get_by_role("button", name="报名签到", exact=True).click()
    await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
    await district.pass_time(65)
    await scan(phone, screen, district)
    await check_out(phone)


async def _act(page: Page, button: str, reason: str) -> None:
    form = page.locator("form", has=page.get_by_role("button", name=button, exact=True))
    await form.get_by_label("理由").fill(reason)
    await form.get_by_role("button", name=button, exact=True).click()


@pytest.mark.deep  # its steps have tests of their own: letters and pauses in the console's, monitors and traces by HTTP
async def test_a_poisoned_check_out_is_read_cured_replayed_and_traced(district: District, browser: Browser) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser, phone=False) as screen,
        visitor(browser, phone=False) as page,
    ):
        await register(phone, district, "孙丽")
        own = "fetch('/api/recruitment/v1/volunteers/me').then(a => a.json()).then(a => a.volunteer_id)"
        volunteer_id = UUID(await phone.evaluate(own))
        await staff_log_in(screen, district)
        await engineer(page, district)
        async with broken_table(district, "points.transfers", "left_over", f"volunteer_id <> '{volunteer_id}'"):
            await serve(phone, screen, district)
            group = page.locator("tr", has_text="check constraint").first
            await page.goto(f"{district.url}/console/dead-letters")
            await reloaded(page, group)
            await group.get_by_role("link").click()
            await expect(page.locator("main")).to_contain_text('violates check constraint "left_over"')
        await page.wait_for_url("**/groups/**")
        letters = page.url
        await _act(page, "试算重放", "约束已去掉")
        await expect(page.locator(".message.done")).to_contain_text("会处理 1 条")
        await _act(page, "重放", "约束已去掉")
        await page.wait_for_url("**/console/replays/points/*")
        await expect(page.locator("#replay")).to_contain_text("已完成")
        await page.goto(letters)
        await expect(page.locator("main")).not_to_contain_text("left_over")

        await page.goto(f"{district.url}/console/search?topic=points&key={volunteer_id}")
        await reloaded(page, page.get_by_role("link", name="追踪", exact=True))
        await page.get_by_role("link", name="追踪", exact=True).first.click()
        trace = page.locator(".trace")
        for said in ("签退，1 小时 5 分钟", "的积分 +", "的消息"):
            await reloaded(page, trace.get_by_text(said))
        await expect(page.locator(".trace-longest")).to_contain_text("等得最久")
        await trace.locator("summary").first.click()
        await expect(trace.locator("dl").first).to_contain_text("提交")

        await set_threshold(page, district, "1", "1")
        await switch(page, district, "暂停 4 小时", "已暂停")
        address = f"{district.url}/console/alerts"

        async def lagging() -> bool:
            # The consumer reads the pause within a second, and may still apply what came before.
            await points_of_nothing(district)
            await page.goto(address)
            return "消费组 notify 积压" in await page.locator("section[aria-labelledby=open]").inner_text()

        await eventually(lagging, every=1)
        await expect(page.locator("#console-alerts")).to_contain_text("条告警未解除")
        await shot(page, "console-alerts")
        await switch(page, district, "恢复", "运行中")
        notify = page.locator("details.group", has=page.locator("summary b", has_text=re.compile("^notify$"))).first
        await expect(notify.locator(".chart-said")).not_to_have_text("…")
        await shows(page, address, "history", "消费组 notify 积压")
        await shows(page, f"{district.url}/staff/messages", "", "告警解除：积压增长")
        await set_threshold(page, district, "1000", "100")


async def test_a_stream_goes_on_by_itself_when_the_database_comes_back(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page, visitor(browser) as phone:
        await engineer(page, district)
        state = page.locator("#live-state")
        await expect(state).to_have_attribute("data-live", "on")
        pid = district.stack.kill("postgres")
        await district.stack.wait_restarted("postgres", pid)
        await expect(state).to_have_attribute("data-live", "on")
        newest = page.locator(".live-row:visible .live-said").first
        before = await newest.inner_text()
        await register(phone, district, "郑爽")
        await expect(newest).not_to_have_text(before)


@pytest.mark.deep  # in breadth a worker that dies in a replay is succeeded by another in test_operator_routes
async def test_a_consumer_killed_in_the_middle_of_a_replay_applies_each_record_once(district: District) -> None:
    made = [event(points_posted(new_id()), source="test", aggregate_version=1) for _ in range(REPLAYED)]
    records = []
    for one in made:
        headers, value = encode(one)
        records.append((b"k", value, list(headers)))
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        api = Api(client)
        await api.log_in("engineer", district.stack.secrets.engineer_password)
        async with broken_table(district, "notify.messages", "left_over", "false"):
            await produce(district, f"volunteering.{PointsPosted.topic}.v1", *records)

            async def lettered() -> bool:
                found = (await client.get("/api/notify/v1/dead-letters/groups")).json()["items"]
                return bool(sum(one["records"] for one in found if "left_over" in one["newest_reason"]) >= REPLAYED)

            await eventually(lettered)
        groups = (await client.get("/api/notify/v1/dead-letters/groups")).json()["items"]
        (group,) = [one for one in groups if "left_over" in one["newest_reason"] and one["topic"].endswith("points.v1")]
        body = {"group_id": group["group_id"], "reason": "约束已去掉"}
        replay = await api.post("/notify/v1/dead-letters/replay", body)
        address = f"/api/notify/v1/dead-letters/replays/{replay['replay_id']}"

        async def begun() -> bool:
            return bool((await client.get(address)).json()["applied"])

        async def ended() -> bool:
            return bool((await client.get(address)).json()["state"] == "done")

        await eventually(begun)
        pid = district.stack.kill("notify-worker")
        await district.stack.wait_restarted("notify-worker", pid)
        await eventually(ended)
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
        rows = page.locator("tbody tr", has=page.locator("a[href^='/console/events/']"))
        await page.goto(search)
        await reloaded(page, rows.nth(len(strange) - 1))
        assert await page.evaluate("window.hacked") is None
        await page.locator("#histogram .u-over").click(position={"x": 2, "y": 40})
        await page.wait_for_url("**&since=*")
        await expect(rows.first).to_be_visible()
        await expect(page.locator("#histogram .chart-said")).to_contain_text("每格 1 秒")
        seen = ""
        for place in range(len(strange)):
            await page.goto(search)
            await rows.nth(place).locator("a").first.click()
            await expect(page.get_by_role("heading", name="内容")).to_be_visible()
            await page.wait_for_load_state()  # the heading comes long before the end of what is shown below it
            seen += await page.locator("main").inner_text()
            assert await page.evaluate("window.hacked") is None
        assert seen.count(HOSTILE) >= 2, "header and value are shown as they are"
        assert "x" * 900_000 in seen
        assert "\\xff\\xfe" in seen
        await page.goto(f"{district.url}/console/search?topic=sites&partition=0&offset=99999999")
        await expect(page.locator("main .message")).to_contain_text("这个分区还没有到这个位置")
        await page.goto(f"{district.url}/console/search?since=2099-01-01T00:00")
        await expect(page.locator("main .message")).to_be_visible()
