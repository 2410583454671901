"""The operator's pages of rules in a real browser: a draft, its mistakes by line, and what it would change."""

import csv
import io
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from shared.ids import new_id
from shared.postgres import Database
from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import staff_log_in, visitor
from tests.integration.points.serving import Ledger, record

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

SHOTS = os.environ.get("WEIGUANG_SHOTS")
"""A directory for pictures of the pages, for whoever wants to look at them."""


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


async def _operator(page: Page, district: District) -> None:
    await page.goto(f"{district.url}/staff/login?next=/staff/rules")
    await page.get_by_label("账号").fill("operator")
    await page.get_by_label("密码").fill(district.stack.secrets.operator_password)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_url("**/staff/rules")


async def _served(district: District) -> int:
    """Service of 14 people at two sites over two months, past the topic; how many volunteers have an account then.

    More of them follow by and by, as events of other tests arrive.
    """
    sites = list(district.site_ids.values())
    database = await Database.open(district.stack.dsn("points_app"), "points", size=1)
    try:
        ledger = await Ledger.open(database)
        for number in range(14):
            volunteer_id = new_id()
            for week in range(1 + number % 4):
                await ledger.feed(
                    record(
                        volunteer_id,
                        20 + 25 * number,
                        started_at=datetime.fromisoformat("2026-01-20T09:00:00+08:00") + timedelta(weeks=week * 2),
                        site_id=sites[(number + week) % len(sites)],
                    )
                )
        people: int = await database.pool.fetchval("select count(*) from volunteers")
    finally:
        await database.close()
    return people


async def test_a_draft_is_corrected_by_line_rehearsed_and_read(district: District, browser: Browser) -> None:
    people = await _served(district)
    async with visitor(browser, phone=False) as page:
        await _operator(page, district)
        await _shot(page, "rules")
        text = page.get_by_label("规则（YAML）")
        document = await text.input_value()
        assert "points_per_hour: 10" in document
        begun = re.sub(r"effective_from: .*", "effective_from: '2026-02-01'", document)
        await text.fill("\n\n" + begun.replace("points_per_hour: 10", "points_per_hour: ten"))
        await page.get_by_role("button", name="保存草案").click()
        wrong = page.locator("form .message li")
        line = 3 + begun.splitlines().index("  points_per_hour: 10")
        await expect(wrong).to_have_text(f"第 {line} 行（earning.points_per_hour）：应是整数")
        await _shot(page, "rules-wrong")

        await text.fill(begun.replace("points_per_hour: 10", "points_per_hour: 8").replace("points: 20", "points: 30"))
        await page.get_by_role("button", name="保存草案").click()
        await page.wait_for_url("**/staff/rules/1*")
        await expect(page.get_by_text("草案", exact=True)).to_be_visible()
        await _shot(page, "rule")
        await page.get_by_role("button", name="开始试算").click()
        await page.wait_for_url("**/staff/rehearsals/*")
        await _shot(page, "rehearsal-begun")
        await expect(page.get_by_text("差额合计")).to_be_visible()
        unchanged = await page.locator(".figure", has_text="不变的志愿者").inner_text()
        (rehearsed,) = (int(number.replace(",", "")) for number in re.findall(r"共 ([\d,]+) 人", unchanged))
        assert rehearsed >= people
        await expect(page.get_by_role("heading", name="按站点")).to_be_visible()
        await _shot(page, "rehearsal")

        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="每位志愿者（CSV）").click()
        downloaded = Path(await (await downloading.value).path()).read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(downloaded)))
        assert len(rows) == rehearsed
        difference = sum(int(row["difference"]) for row in rows)
        said = await page.locator(".figure", has_text="差额合计").locator(".number").inner_text()
        assert said.replace("−", "-").replace(",", "").strip("+积分 \n") == str(difference)


async def test_rules_are_for_operators(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await staff_log_in(page, district)
        await expect(page.get_by_role("link", name="积分规则")).to_have_count(0)
        answer = await page.goto(f"{district.url}/staff/rules")
        assert answer is not None
        assert answer.status == 403
