"""Manual adjustments in a real browser: one operator proposes, another decides, the volunteer sees what came of it."""

from datetime import datetime
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from shared.postgres import Database
from tests.e2e.pages_district import PASSWORD, District
from tests.e2e.pages_operators import log_in, refusal, second_operator, shot
from tests.e2e.pages_visitors import problem, register, staff_log_in, visitor
from tests.integration.points.serving import Ledger, record

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

MORNING = datetime.fromisoformat("2026-02-10T09:00:00+08:00")


async def _serve(district: District, volunteer_id: UUID) -> None:
    """Two hours of service, past the topic: 20 points, and 20 for the first."""
    database = await Database.open(district.stack.dsn("points_app"), "points", size=1)
    try:
        await (await Ledger.open(database)).feed(record(volunteer_id, 120, started_at=MORNING))
    finally:
        await database.close()


async def _look_up(page: Page, district: District, number: str) -> None:
    await page.goto(f"{district.url}/staff")
    await page.get_by_role("link", name="人工调整").click()
    await page.get_by_label("志愿者编号").fill(number)
    await page.get_by_role("button", name="查", exact=True).click()
    await page.wait_for_url("**/staff/adjustments?*")


async def _propose(page: Page, points: str, reason: str, evidence: str, button: str) -> str:
    """Fill in the form and send it; returns the address of the adjustment among the calls."""
    await page.get_by_label("多少积分").fill(points)
    await page.get_by_label("为什么").fill(reason)
    await page.get_by_label("凭据").fill(evidence)
    await page.get_by_role("button", name=button).click()
    await page.wait_for_url("**/staff/adjustments/*-*")
    await expect(page.locator("h1 + p .tag")).to_have_text("等候批准")
    return f"adjustments/{page.url.rsplit('/', 1)[1]}"


async def _approve(page: Page, address: str, button: str) -> None:
    await page.goto(address)
    await page.get_by_label("批准的依据").fill("对照过原件")
    await page.get_by_role("button", name=button).click()
    await expect(page.locator("h1 + p .tag")).to_have_text("已批准")


async def _nonsense(page: Page) -> None:
    """What cannot be meant is told beside its field, and everything stays as it was typed."""
    propose = page.get_by_role("button", name="提议给分")
    await propose.click()
    await expect(problem(page).nth(0)).to_have_text("请填写 1 到 1,000,000 的整数。")
    await expect(problem(page).nth(2)).to_contain_text("请填写凭据")
    await page.get_by_label("为什么").fill("整理档案")
    await page.get_by_label("凭据").fill(" \t ")
    for wrong in ("0", "-5", "1.5", "1000001"):
        await page.get_by_label("多少积分").fill(wrong)
        await propose.click()
        await expect(problem(page)).to_have_text("请填写 1 到 1,000,000 的整数。")
    await shot(page, "adjustment-nonsense")
    await page.get_by_label("多少积分").fill("30")
    await propose.click()
    await expect(problem(page)).to_have_text("“凭据”填写得不对，请检查后重填。")
    await expect(page.get_by_label("多少积分")).to_have_value("30")
    await expect(page.get_by_label("为什么")).to_have_value("整理档案")


async def _many(page: Page, person: str) -> None:
    """More proposals than a page holds: the older ones are a page further, and still this volunteer's alone."""
    words = {"volunteer_id": person.split("volunteer=")[1][:36], "reason": "送水", "evidence": "值班记录"}
    for points in range(101, 132):
        assert await refusal(page, "adjustments", {**words, "points": points}) == ""
    await page.goto(person)
    await page.get_by_role("link", name="等候批准").click()
    await expect(page.locator(".card .list > li a").first).to_have_text("+131 积分")
    await expect(page.locator(".card .list > li")).to_have_count(30)
    await page.get_by_role("link", name="更早的").click()
    await expect(page.locator(".card .list > li a")).to_have_text(["+101 积分"])
    await expect(page.get_by_role("link", name="更早的")).to_have_count(0)


async def test_two_operators_give_points_and_take_some_back(district: District, browser: Browser) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser, phone=False) as first,
        visitor(browser, phone=False) as second,
    ):
        await register(phone, district, "周大明")
        number = await phone.locator("main .number").first.inner_text()
        await log_in(first, district, "operator", district.stack.secrets.operator_password)
        await _look_up(first, district, "LD-0000")
        await expect(problem(first)).to_contain_text("没有这个编号的志愿者")
        await _look_up(first, district, f" {number.lower()} ")
        await expect(first.locator(".news")).to_contain_text(number)
        await expect(first.locator("main")).to_contain_text("还没有积分账户")
        await first.wait_for_url("**volunteer=*")
        volunteer_id = UUID(first.url.split("volunteer=")[1][:36])
        await _serve(district, volunteer_id)
        await first.reload()
        await expect(first.locator(".news")).to_contain_text("可用 40 积分")
        await _nonsense(first)

        given = await _propose(first, "30", "现场停电，没有签到", "签字单第 12 页", "提议给分")
        await expect(first.locator("main")).to_contain_text("要由另一位操作员批准")
        await expect(first.get_by_role("button", name="批准")).to_have_count(0)
        assert await refusal(first, f"{given}/approve", {"note": "x"}) == "要由另一位工作人员来批准。"
        await shot(first, "adjustment-proposed")

        await log_in(second, district, await second_operator(district), PASSWORD)
        await second.get_by_role("link", name="人工调整").click()
        await expect(second.locator("h1")).to_have_text("人工调整")
        await shot(second, "adjustments")
        await second.get_by_role("link", name="+30 积分").click()
        await expect(second.get_by_role("button", name="收回提议")).to_have_count(0)
        assert await refusal(second, f"{given}/withdraw", {}) == "只有提议的人自己才能收回。"
        await shot(second, "adjustment-to-approve")
        await second.get_by_role("button", name="批准，入账").click()
        await expect(problem(second)).to_have_text("请填写“批准的依据”。")
        await _approve(second, second.url, "批准，入账")
        await expect(second.locator("#trail + ul")).to_contain_text("人工调整，积分入账 +30")
        assert await refusal(second, f"{given}/reject", {"note": "x"}) == "这笔人工调整已经有了决定，请刷新页面。"

        await second.locator("summary", has_text="提议扣回").click()
        await second.get_by_label("多少积分").fill("31")
        await second.get_by_role("button", name="提议扣回").click()
        await expect(problem(second).first).to_have_text("请填写 1 到 30 的整数。")
        await shot(second, "adjustment-approved")
        await _propose(second, "10", "多写了", "签字单第 12 页", "提议扣回")
        await _approve(first, second.url, "批准，扣回")
        await expect(first.locator("#trail + ul")).to_contain_text("人工调整，积分扣回 −10")
        await shot(first, "adjustment-taken-back")
        await first.get_by_role("link", name="以前批准的一笔").click()
        await expect(first.locator("main")).to_contain_text("现在合计 20 积分")

        await phone.goto(f"{district.url}/me/why")
        await expect(phone.locator("main")).to_contain_text("可用积分 60 积分")
        await expect(phone.locator(".entry").first).to_contain_text("人工调整，积分扣回")
        await expect(phone.locator(".entry").first).to_contain_text("−10 积分：多写了")
        await expect(phone.locator("main")).not_to_contain_text("签字单")
        await shot(phone, "adjustment-in-the-account")


@pytest.mark.deep
async def test_a_proposal_is_withdrawn_or_rejected_and_moves_nothing(district: District, browser: Browser) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser, phone=False) as first,
        visitor(browser, phone=False) as second,
    ):
        await register(phone, district, "吴小娟")
        number = await phone.locator("main .number").first.inner_text()
        await log_in(first, district, "operator", district.stack.secrets.operator_password)
        await _look_up(first, district, number)
        await first.wait_for_url("**volunteer=*")
        person = first.url
        await _serve(district, UUID(person.split("volunteer=")[1][:36]))
        await first.reload()
        await _propose(first, "5", "记错了人", "值班记录", "提议给分")
        await first.get_by_role("button", name="收回提议").click()
        await expect(first.locator("h1 + p .tag")).to_have_text("已收回")

        await first.goto(person)
        await _propose(first, "7", "送水", "照片", "提议给分")
        await log_in(second, district, await second_operator(district), PASSWORD)
        await second.goto(first.url)
        await second.get_by_label("不批准的原因").fill("照片看不清")
        await second.get_by_role("button", name="不批准").click()
        await expect(second.locator("h1 + p .tag")).to_have_text("未批准")
        await expect(second.locator("#trail + ul")).to_contain_text("不批准：照片看不清")
        await shot(second, "adjustment-rejected")

        await second.goto(person)
        await expect(second.locator(".news")).to_contain_text("可用 40 积分")
        await expect(second.locator(".card .list > li a")).to_have_text(["+7 积分", "+5 积分"])
        await second.get_by_role("link", name="未批准").click()
        await expect(second.locator(".card .list > li a")).to_have_text(["+7 积分"])
        await shot(second, "adjustments-of-one")
        await _many(first, person)
        await second.get_by_role("link", name="积分明细").click()
        await second.locator("main").get_by_role("link", name="人工调整").click()
        await expect(second).to_have_url(person)


@pytest.mark.deep
async def test_only_operators_may_look(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await page.goto(f"{district.url}/staff/adjustments")
        await expect(page).to_have_url(f"{district.url}/staff/login?next=%2Fstaff%2Fadjustments")
        await staff_log_in(page, district)
        await expect(page.get_by_role("link", name="人工调整")).to_have_count(0)
        for path in ("", f"/{UUID(int=1)}", "?number=LD-0000"):
            answer = await page.goto(f"{district.url}/staff/adjustments{path}")
            assert answer is not None
            assert answer.status == 403
            await expect(page.locator("main")).to_contain_text("您的账户不能做这件事。")
        await log_in(page, district, "operator", district.stack.secrets.operator_password)
        for path, status in ((f"/{UUID(int=1)}", 404), ("/nonsense", 422), ("?volunteer=../sites", 404)):
            answer = await page.goto(f"{district.url}/staff/adjustments{path}")
            assert answer is not None
            assert answer.status == status
            await expect(page.locator("h1")).not_to_have_text("人工调整")
