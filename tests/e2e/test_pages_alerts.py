"""Alerts in a browser on the real stack: a pause, the alert for its lag, the message, the end; the rules' metrics."""

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import yaml
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, Page, expect

from shared.cloudevents import encode
from shared.contracts import PointsPosted
from shared.ids import new_id
from shared.outbox import event
from tests.e2e.pages_district import District
from tests.e2e.pages_operators import log_in, shot
from tests.e2e.pages_visitors import visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

RULES = Path(__file__).resolve().parents[2] / "ops/alerts/weiguang.yml"
RARE = {"weiguang_dead_letters_total", "weiguang_unreadable_ranges_total"}
"""Counters without a sample until the first of their kind."""


async def points_of_nothing(district: District) -> None:
    """An event that notify reads and makes no message of."""
    data = PointsPosted(
        posting_id=new_id(), volunteer_id=new_id(), amount=0, available=0, held=0, debt=0, reason="award",
        posted_at=datetime.now(UTC),
    )  # fmt: skip
    headers, value = encode(event(data, source="test", aggregate_version=1))
    producer = AIOKafkaProducer(bootstrap_servers=district.stack.broker.bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait("volunteering.points.v1", value, str(data.volunteer_id).encode(), headers=headers)
    finally:
        await producer.stop()


async def set_threshold(page: Page, district: District, trip: str, clear: str) -> None:
    """A new version of the threshold of lag: a lag of ten seconds, without a calm time."""
    await page.goto(f"{district.url}/console/alerts")
    monitor = page.locator("details.group", has=page.locator("summary b", has_text="积压增长"))
    await monitor.locator("summary").click()
    await monitor.get_by_label("触发值（条）").fill(trip)
    await monitor.get_by_label("解除值（条）").fill(clear)
    await monitor.get_by_label("持续多少秒").fill("10")
    await monitor.get_by_label("保持多少秒").fill("0")
    await monitor.get_by_label("理由").fill("小区里的积压都要看")
    version = await monitor.locator("summary .small").inner_text()
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

    await eventually(seen, within=120)


async def test_the_lag_of_a_paused_consumer_raises_an_alert_that_ends_when_it_resumes(
    district: District, browser: Browser
) -> None:
    async with visitor(browser, phone=False) as page:
        await log_in(page, district, "engineer", district.stack.secrets.engineer_password, "/console")
        await set_threshold(page, district, "1", "1")
        await switch(page, district, "暂停 4 小时", "已暂停")
        await points_of_nothing(district)
        address = f"{district.url}/console/alerts"
        await shows(page, address, "open", "消费组 notify 积压")
        await expect(page.locator("#console-alerts")).to_contain_text("条告警未解除")
        await shot(page, "console-alerts")
        await switch(page, district, "恢复", "运行中")
        await shows(page, address, "history", "消费组 notify 积压")
        await shows(page, f"{district.url}/staff/messages", "", "告警解除：积压增长")
        await set_threshold(page, district, "1000", "100")


async def test_the_metrics_of_the_alerting_rules_are_on_the_stack(district: District) -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
    wanted = {name for rule in rules for name in re.findall(r"\b(?:weiguang|process)_[a-z_]+", rule["expr"])} - RARE
    urls = [process["url"] for process in district.stack.state()["processes"].values() if "url" in process]
    found: set[str] = set()
    async with httpx.AsyncClient() as client:
        for url in urls:
            text = (await client.get(f"{url}/metrics")).text
            found |= set(re.findall(r"^([a-z_]+)(?:\{| )", text, re.MULTILINE))
    assert wanted <= found
