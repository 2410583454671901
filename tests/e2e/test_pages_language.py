"""The pages in English: by the browser's own language, and by the switch, which lasts."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import visitor

pytestmark = [pytest.mark.browser, pytest.mark.broker]

CHINESE = re.compile(r"[\u4e00-\u9fff]")


async def _language(page: Page) -> str:
    return await page.locator("html").get_attribute("lang") or ""


async def test_the_switch_puts_all_pages_into_english_and_back(browser: Browser, district: District) -> None:
    async with visitor(browser) as phone:
        await phone.goto(f"{district.url}/rules")
        assert await _language(phone) == "zh-CN"
        await phone.get_by_role("contentinfo").get_by_role("button", name="English").click()
        await expect(phone.get_by_role("heading", level=1)).to_have_text("How points work")
        assert await _language(phone) == "en"
        assert phone.url == f"{district.url}/rules", "the switch leads back to the page that it stood on"
        await phone.goto(f"{district.url}/login")
        await phone.get_by_label("Mobile number").fill("123")
        await phone.get_by_role("button", name="Log in", exact=True).click()
        await expect(phone.locator(".message").first).to_contain_text("11-digit mobile number")
        await phone.get_by_role("contentinfo").get_by_role("button", name="中文").click()
        await expect(phone.get_by_role("heading", level=1)).to_have_text("登录")


async def test_a_browser_in_english_registers_and_sees_its_pages_in_english(
    browser: Browser, district: District
) -> None:
    async with visitor(browser, locale="en-GB") as phone:
        await phone.goto(f"{district.url}/d/{district.drive_code}")
        number = district.new_phone()
        await phone.get_by_label("Name", exact=True).fill("Norman")
        await phone.get_by_label("Mobile number").fill(number)
        await phone.get_by_role("button", name="Send code").click()
        await expect(phone.get_by_text("A code was sent to this phone")).to_be_visible()
        await expect(phone.get_by_role("button", name=re.compile(r"^Resend in \d+ seconds$"))).to_be_visible()
        right = district.one_time_code(number)
        await phone.get_by_label("Code from the text message").fill("000000" if right != "000000" else "111111")
        await phone.get_by_label("I volunteer freely").check()
        await phone.get_by_role("button", name="Register", exact=True).click()
        refusal = phone.locator("form > .message")
        await expect(refusal).to_be_visible()
        assert not CHINESE.search(await refusal.inner_text()), "a refusal in English is the service's own"
        await phone.get_by_label("Code from the text message").fill(right)
        await phone.get_by_role("button", name="Register", exact=True).click()
        await phone.wait_for_url("**/me?welcome=1")
        await expect(phone.get_by_role("status").first).to_contain_text("You are registered")
        await expect(phone.get_by_role("link", name="Points", exact=True)).to_be_visible()
        await expect(phone.locator("#summary")).to_contain_text("Available points")
        await phone.goto(f"{district.url}/me/shifts/{district.shift_id}")
        await phone.get_by_role("button", name="Sign up").first.click()
        await expect(phone.get_by_role("button", name="Cancel sign-up").first).to_be_visible()
        await phone.goto(f"{district.url}/me/inbox")
        await expect(phone.locator("#inbox")).to_contain_text("Signed up: ")
