"""The rotating code, scanned by people who are logged in, and by people who are not yet."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import check_out, fill_in, problem, register, scan, sent_by, staff_log_in, visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]


async def test_an_old_code_asks_to_scan_again_and_a_stranger_to_log_in(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await page.goto(f"{district.url}/s/{district.shift_id}?c=AAAAAAAA")
        await expect(page).to_have_url(f"{district.url}/login?next=%2Fs%2F{district.shift_id}")
        await expect(page.locator("main")).to_contain_text("还没有扫到有效的二维码")
        await register(page, district, "王强")
        await page.goto(f"{district.url}/s/{district.shift_id}?c=AAAAAAAA")
        await expect(problem(page)).to_contain_text("再扫一次")
        await expect(page.get_by_role("button", name="签到", exact=True)).to_have_count(0)


async def test_a_stranger_scans_registers_and_checks_in_without_scanning_again(
    district: District, browser: Browser
) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        sent = sent_by(phone)
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        await scan(phone, screen, district)
        await expect(phone).to_have_url(f"{district.url}/login?next=%2Fs%2F{district.shift_id}")
        await expect(phone.get_by_role("status")).to_contain_text("不用再扫")
        # the way that the page shows to who is not registered yet
        await phone.get_by_role("link", name="找一场招募活动登记").click()
        await phone.get_by_role("link", name=district.names.drive).click()
        await expect(phone.get_by_role("status")).to_contain_text("不用再扫")
        number = await fill_in(phone, district, "冯远征")
        await phone.wait_for_url(f"**/s/{district.shift_id}")
        await phone.get_by_role("button", name="报名签到").click()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
        await log_in_after_a_scan(phone, screen, district, number)
        told = {address.rpartition("/")[2]: body["device_id"] for address, body in sent if "device_id" in body}
        assert told.keys() == {"walk-ins", "check-outs"}, "the phone's id goes with a scan and with nothing else"
        assert told["walk-ins"] == told["check-outs"], "whoever is logged in"
        assert re.fullmatch("[0-9a-f]{32}", told["walk-ins"])


async def log_in_after_a_scan(phone: Page, screen: Page, district: District, number: str) -> None:
    """Who has an account is asked to log in, comes back, and presses the button."""
    await phone.get_by_role("button", name="退出").click()
    await expect(phone.get_by_role("link", name="登录", exact=True)).to_be_visible()
    # what the last scan bought went with who used it
    await phone.goto(f"{district.url}/s/{district.shift_id}")
    await expect(phone.locator("main")).to_contain_text("还没有扫到有效的二维码")
    await scan(phone, screen, district)
    await expect(phone.get_by_role("status")).to_contain_text("不用再扫")
    await phone.get_by_label("手机号", exact=True).fill(number)
    await phone.get_by_role("button", name="获取验证码").click()
    await expect(phone.get_by_text("验证码已发往")).to_be_visible()
    await phone.get_by_label("短信验证码").fill(district.one_time_code(number))
    await phone.get_by_role("button", name="登录").click()
    await phone.wait_for_url(f"**/s/{district.shift_id}")
    await check_out(phone)
    await expect(phone.get_by_role("heading", name="已签退")).to_be_visible()


@pytest.mark.deep
async def test_one_scan_is_for_one_person(district: District, browser: Browser) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser) as other,
        visitor(browser, phone=False) as screen,
    ):
        sent = sent_by(phone), sent_by(other)
        await register(phone, district, "郑洁")
        await register(other, district, "李娜")
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        await scan(phone, screen, district)
        (kept,) = [each for each in await phone.context.cookies() if each.get("name") == "wg_ticket"]
        assert kept.get("httpOnly")
        await phone.get_by_role("button", name="报名签到").click()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
        await other.context.add_cookies(
            [{"name": "wg_ticket", "value": kept.get("value", ""), "url": district.url, "httpOnly": True}]
        )
        await other.goto(f"{district.url}/s/{district.shift_id}")
        await other.get_by_role("button", name="报名签到").click()
        await expect(problem(other)).to_contain_text("另一位志愿者用了")
        await scan(other, screen, district)
        await other.get_by_role("button", name="报名签到").click()
        await expect(other.get_by_role("heading", name="已签到")).to_be_visible()
        phones = [{body["device_id"] for _, body in each if "device_id" in body} for each in sent]
        assert [len(each) for each in phones] == [1, 1]
        assert phones[0] != phones[1]


@pytest.mark.deep
async def test_four_accounts_on_one_phone_are_a_case_for_the_staff(district: District, browser: Browser) -> None:
    """The whole way: the browser's id, the record, the event, the window, the case on the page."""
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        await staff_log_in(screen, district)
        for name in ("周一", "吴二", "郑三", "王四"):
            await register(phone, district, name)
            await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
            await scan(phone, screen, district)
            await phone.get_by_role("button", name="报名签到").click()
            await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
            await phone.get_by_role("button", name="退出").click()
            await expect(phone.get_by_role("link", name="登录", exact=True)).to_be_visible()
        kept = await phone.evaluate("localStorage.getItem('wg_device')")

        async def case() -> bool:
            await screen.goto(f"{district.url}/staff/cases?kind=many-accounts")
            return await screen.get_by_role("link", name="一部手机多个账户").count() == 1

        await eventually(case, every=0.5)
        await screen.get_by_role("link", name="一部手机多个账户").click()
        page = screen.locator("main")
        await expect(page).to_contain_text("同一部手机或终端一天替 4 个账户签到或签退（从 4 个账户起核查）。")
        await expect(page).to_contain_text("志愿者的手机")
        await expect(screen.get_by_text(f"手机浏览器 {kept[-8:].upper()}")).to_have_count(4)


async def test_who_did_not_sign_up_does_both_with_one_button(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        await register(phone, district, "赵敏")
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        await scan(phone, screen, district)
        button = phone.get_by_role("button", name="报名签到")
        # a double tap is one check-in
        await button.dblclick()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
        await expect(problem(phone)).to_have_count(0)


async def test_the_screens_code_changes_by_itself(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as screen:
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        before = await screen.locator("#code").inner_text()
        await expect(screen.locator("#code")).not_to_have_text(before)
        await expect(screen.locator("#stale")).to_be_hidden()


async def test_an_early_check_out_says_what_it_costs_and_asks(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        await register(phone, district, "何小雨")
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        await scan(phone, screen, district)
        await phone.get_by_role("button", name="报名签到").click()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
        await district.pass_time(12)
        await phone.reload()
        await phone.get_by_role("button", name="签退", exact=True).click()
        dialog = phone.get_by_role("dialog")
        await expect(dialog).to_contain_text(
            "您服务了 12 分钟，班次到 11:00 才结束。现在签退得 0 积分，服务到结束可得 30 积分。"
        )
        await dialog.get_by_role("button", name="继续服务").click()
        await expect(dialog).to_have_count(0)
        await phone.reload()
        await expect(phone.get_by_role("button", name="签退", exact=True)).to_be_enabled()
        await phone.get_by_role("button", name="签退", exact=True).click()
        await dialog.get_by_role("button", name="现在签退").click()
        await expect(phone.get_by_role("heading", name="已签退")).to_be_visible()
