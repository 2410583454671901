"""The operators' pages in a real browser: a case is cleared; a draft comes into force by two."""

import re
from datetime import datetime
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from shared.ids import new_id
from shared.postgres import Database
from tests.e2e.pages_district import PASSWORD, District
from tests.e2e.pages_furnished import at_two_sites
from tests.e2e.pages_operators import log_in, operator_of, refusal, second_operator, shot
from tests.e2e.pages_visitors import staff_log_in, visitor
from tests.integration.points.serving import Ledger, record

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

MORNING = datetime.fromisoformat("2026-02-10T09:00:00+08:00")


async def _points(district: District, volunteer_id: UUID) -> int:
    database = await Database.open(district.stack.dsn("points_app"), "points", size=1)
    try:
        found: int = await database.pool.fetchval(
            "select available from volunteers where volunteer_id = $1", volunteer_id
        )
    finally:
        await database.close()
    return found


async def test_a_case_is_read_by_the_station_and_cleared_by_the_centre(district: District, browser: Browser) -> None:
    volunteer_id, case_id = await at_two_sites(district)
    case = f"a[href='/staff/cases/{case_id}']"
    assert await _points(district, volunteer_id) == 0
    async with visitor(browser, phone=False) as station, visitor(browser, phone=False) as page:
        await staff_log_in(station, district)
        await station.get_by_role("link", name="核查", exact=True).click()
        await station.locator(case, has_text="同时在两处").click()
        await expect(station.get_by_text("结论由中心的操作员来定")).to_be_visible()
        await expect(station.get_by_role("button", name="核查无误")).to_have_count(0)

        await log_in(page, district, "operator", district.stack.secrets.operator_password)
        await page.get_by_role("link", name="核查", exact=True).click()
        await page.get_by_label("种类").select_option("burst")
        await page.get_by_role("button", name="筛选").click()
        await page.wait_for_url("**kind=burst**")
        await expect(page.locator(case)).to_have_count(0)
        await page.get_by_label("种类").select_option("")
        await page.get_by_role("button", name="筛选").click()
        await expect(page.locator(case, has_text="同时在两处")).to_be_visible()
        await shot(page, "cases")
        await page.locator(case).click()
        await expect(page.get_by_text("两条已确认记录在不同站点，有 1 小时重叠")).to_be_visible()
        await expect(page.get_by_text("2月10日 10:00 — 2月10日 11:00")).to_be_visible()
        await expect(page.get_by_text("仍然成立")).to_be_visible()
        await expect(page.get_by_text("这些记录的积分先扣住，等核查")).to_be_visible()
        await expect(page.locator("#records + p + ul > li")).to_have_count(2)
        await shot(page, "case")
        clear = page.locator("form", has=page.get_by_role("button", name="核查无误，恢复积分"))
        await clear.get_by_role("button").click()
        await expect(clear.locator(".message")).to_have_text("请填写原因，例如已向两个站点核对。")
        await clear.get_by_label("原因").fill("两站相邻，上午是接力")
        await clear.get_by_role("button").click()
        await expect(page.get_by_role("heading", name="结论：核查无误")).to_be_visible()
        await expect(page.get_by_text("两站相邻，上午是接力")).to_be_visible()
        await shot(page, "case-cleared")
        assert await _points(district, volunteer_id) > 0

        # the case is decided: whoever has the old page open is told so
        confirmed = await refusal(page, f"cases/{case_id}/confirm", {"reason": "x"})
        assert confirmed == "这个核查事项已经有了结论，请刷新页面。"
        await page.goto(f"{district.url}/staff/cases")
        await expect(page.locator(case)).to_have_count(0)
        await page.get_by_role("link", name="核查无误").click()
        await expect(page.locator(case)).to_be_visible()


async def test_an_operator_of_one_site_is_offered_what_is_theirs_to_do(district: District, browser: Browser) -> None:
    _, case_id = await at_two_sites(district)
    await operator_of(district, "site-office", district.site_ids[district.names.station])
    async with visitor(browser, phone=False) as page:
        await log_in(page, district, "site-office", PASSWORD)
        await expect(page.get_by_role("link", name="积分规则")).to_have_count(0)
        await expect(page.get_by_role("link", name="人工调整")).to_be_visible()
        await shot(page, "site-office")
        await page.get_by_role("link", name="核查", exact=True).click()
        await page.locator(f"a[href='/staff/cases/{case_id}']").click()
        await expect(page.get_by_text("还涉及您不负责的站点，由区中心的操作员来定")).to_be_visible()
        await expect(page.get_by_role("button", name="核查无误")).to_have_count(0)
        said = "这个核查事项还涉及您不负责的站点，由区中心的操作员来定。"
        assert await refusal(page, f"cases/{case_id}/clear", {"reason": "x"}) == said

        await page.goto(f"{district.url}/staff/rewards")
        await expect(page.get_by_text("奖品由区中心添加和修改")).to_be_visible()
        await page.get_by_role("link", name=district.reward).click()
        await expect(page.get_by_role("button", name="登记盘点")).to_be_visible()
        await expect(page.get_by_text("由区中心来改")).to_be_visible()
        await expect(page.get_by_role("button", name="保存修改")).to_have_count(0)
        await shot(page, "site-office-reward")
        assert "由区中心的操作员来办" in await refusal(page, "rewards", {"name": "x", "price": 1})
        await page.goto(f"{district.url}/staff/rules")
        await expect(page.get_by_text("由区中心的操作员来办")).to_be_visible()


async def _rehearsed(page: Page, district: District) -> None:
    """A draft that pays less from February on, and its rehearsal, done."""
    await page.goto(f"{district.url}/staff/rules")
    text = page.get_by_label("规则（YAML）")
    begun = re.sub(r"effective_from: .*", "effective_from: '2026-02-01'", await text.input_value())
    await text.fill(begun.replace("points_per_hour: 10", "points_per_hour: 8"))
    await page.get_by_role("button", name="保存草案").click()
    await page.wait_for_url("**/staff/rules/1*")
    await expect(page.get_by_text("试算完成之后，才能提议启用")).to_be_visible()
    await page.get_by_role("button", name="开始试算").click()
    await page.wait_for_url("**/staff/rehearsals/*")
    await expect(page.get_by_text("差额合计")).to_be_visible()


async def test_a_draft_comes_into_force_by_two_operators_and_out_again(district: District, browser: Browser) -> None:
    site_id = district.site_ids[district.names.station]
    database = await Database.open(district.stack.dsn("points_app"), "points", size=1)
    try:
        ledger = await Ledger.open(database)
        for number in range(5):
            served = record(new_id(), 60 * (1 + number), started_at=MORNING, site_id=site_id)
            await ledger.feed(served)
    finally:
        await database.close()
    async with visitor(browser, phone=False) as first, visitor(browser, phone=False) as second:
        await log_in(first, district, "operator", district.stack.secrets.operator_password)
        await _rehearsed(first, district)
        # the section follows by itself when the rehearsal is done
        await first.get_by_label("为什么启用").fill("中心会议定的")
        await first.get_by_role("button", name="提议启用").click()
        section = first.locator("#activation")
        await expect(section.locator(".tag")).to_have_text("等候批准")
        await expect(section).to_contain_text("要由另一位操作员批准")
        await expect(section.get_by_role("button", name="批准启用")).to_have_count(0)
        await shot(first, "activation-proposed")
        await first.get_by_role("link", name="回到规则").click()
        await first.wait_for_url("**/staff/rules/*")
        withdraw = await first.locator("form[data-api$='/withdraw']").get_attribute("data-api")
        assert withdraw is not None
        base = withdraw.removeprefix("POST /api/points/v1/").removesuffix("/withdraw")
        assert await refusal(first, f"{base}/approve", {"note": "x"}) == "要由另一位工作人员来批准。"

        await log_in(second, district, await second_operator(district), PASSWORD)
        await second.goto(first.url)
        await shot(second, "activation-to-approve")
        await second.get_by_label("批准的依据").fill("看过试算")
        await second.get_by_role("button", name="批准启用").click()
        applied = second.locator("#activation")
        await expect(applied.locator(".tag")).to_have_text("已启用")
        await expect(applied).to_contain_text("位已换到新规则")
        totals = applied.locator("td.n")
        assert await totals.nth(0).inner_text() == await totals.nth(1).inner_text() != "0"
        await expect(second.locator("h1 + p .tag")).to_have_text("生效")
        await applied.locator("summary", has_text="经过").click()
        await expect(applied.locator("details li").first).to_contain_text("提议启用：中心会议定的")
        await shot(second, "activation-applied")
        await second.goto(f"{district.url}/staff/{base}/late")
        await expect(second.get_by_text("共 0 位")).to_be_visible()

        await first.reload()
        await first.locator("summary", has_text="撤销这次启用").click()
        await first.get_by_label("为什么撤销").fill("算少了")
        await first.get_by_role("button", name="提议撤销").click()
        await expect(first.get_by_role("heading", name="提议撤销")).to_be_visible()
        await second.goto(first.url)
        await second.get_by_label("批准的依据").fill("同意")
        await second.get_by_role("button", name="批准撤销").click()
        await expect(second.locator("#activation .tag")).to_have_text("已撤销")
        await shot(second, "activation-reversed")
