"""The pages of staff accounts in a browser: invitation, activation, second factor, sessions, security log."""

import re

import pyotp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.pages_district import PASSWORD, District
from tests.e2e.pages_operators import log_in, shot
from tests.e2e.pages_visitors import visitor

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

OWN = "three quiet rivers 2026"
PHONE = "13912377001"


async def fill_login(page: Page, district: District, username: str, password: str) -> None:
    await page.goto(f"{district.url}/staff/login")
    await page.get_by_label("账号").fill(username)
    await page.get_by_label("密码").fill(password)
    await page.get_by_role("button", name="登录").click()


async def accept(own: Page, district: District, link: str) -> None:
    """Open the invitation, prove the phone, and set a password."""
    await own.goto(link)
    await own.get_by_role("button", name="获取验证码").click()
    await expect(own.get_by_text("验证码已发往这个手机号")).to_be_visible()
    await own.get_by_label("短信验证码").fill(district.one_time_code(PHONE))
    await own.get_by_label("设一个密码").fill("password2026")
    await own.get_by_role("button", name="接受邀请").click()
    await expect(own.get_by_text("密码太容易猜到")).to_be_visible()
    await own.get_by_label("设一个密码").fill(OWN)
    await shot(own, "invitation")
    await own.get_by_role("button", name="接受邀请").click()
    await own.wait_for_url("**/invitation-accepted")


async def set_second_factor(own: Page) -> list[str]:
    """Set a second factor from one's account; returns the recovery codes."""
    await own.get_by_role("link", name="账号").click()
    await own.get_by_role("link", name="开启第二步验证").click()
    await own.get_by_role("button", name="显示二维码").click()
    await expect(own.get_by_role("img", name="验证器二维码")).to_be_visible()
    told = await own.get_by_text("把这串字母填进验证器").inner_text()
    await own.get_by_label("6 位数字").fill(pyotp.TOTP(told.rpartition("：")[2].strip()).now())
    await own.get_by_role("button", name="开启").click()
    codes = own.get_by_text("抄下这 10 个备用码")
    await expect(codes).to_be_visible()
    recovery = re.findall(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}", await codes.inner_text())
    assert len(recovery) == 10
    return recovery


async def test_a_colleague_is_invited_activated_and_signs_in_with_two_steps(
    district: District, browser: Browser
) -> None:
    secrets = district.stack.secrets
    async with (
        visitor(browser, phone=False) as first,
        visitor(browser, phone=False) as second,
        visitor(browser, phone=False) as own,
    ):
        await log_in(first, district, "operator", secrets.operator_password)
        await first.get_by_role("link", name="同事").click()
        await first.locator("#username").fill("colleague")
        await first.get_by_label("姓名").fill("赵新")
        await first.get_by_label("手机号").fill(PHONE)
        await first.get_by_label("角色").select_option("operator")
        await first.get_by_role("button", name="邀请", exact=True).click()
        await expect(first.get_by_label("链接")).to_be_visible()
        link = await first.get_by_label("链接").input_value()
        await shot(first, "colleagues")

        await accept(own, district, link)
        await fill_login(own, district, "colleague", OWN)
        await expect(own.get_by_text("等候另一位操作员启用")).to_be_visible()

        await first.reload()
        await first.get_by_role("button", name="启用", exact=True).click()
        await expect(first.get_by_text("要由另一位工作人员来批准")).to_be_visible()
        await log_in(second, district, "operator2", secrets.second_operator_password)
        await second.goto(f"{district.url}/staff/colleagues")
        await second.get_by_role("button", name="启用", exact=True).click()
        await expect(second.get_by_text("operator2 启用")).to_be_visible()

        await log_in(own, district, "colleague", OWN)
        recovery = await set_second_factor(own)
        await own.get_by_role("button", name="退出").click()
        await own.wait_for_url(f"{district.url}/")
        await fill_login(own, district, "colleague", OWN)
        await own.wait_for_url("**/second-step**")
        await shot(own, "second-step")
        await own.get_by_label("验证码").fill(recovery[0])
        await own.get_by_role("button", name="登录").click()
        await own.wait_for_url("**/staff")
        await own.goto(f"{district.url}/account")
        await expect(own.get_by_text("备用码还剩 9 个")).to_be_visible()
        await expect(own.get_by_text("（本机）")).to_be_visible()
        await shot(own, "account")

        await first.goto(f"{district.url}/staff/security")
        await expect(first.get_by_text("启用账号").last).to_be_visible()
        await shot(first, "security")
        await first.get_by_label("事情").select_option("second-factor-set")
        await first.get_by_role("button", name="查找").click()
        await first.wait_for_url("**kind=second-factor-set**")
        await expect(first.get_by_role("link", name="colleague")).to_be_visible()


@pytest.mark.deep
async def test_a_session_of_another_device_is_ended_and_a_password_changed(
    district: District, browser: Browser
) -> None:
    async with visitor(browser, phone=False) as one, visitor(browser, phone=False) as two:
        for page in (one, two):
            await log_in(page, district, district.station_user, PASSWORD)
        await one.goto(f"{district.url}/account")
        await one.get_by_label("现在的密码").fill(PASSWORD)
        await one.get_by_label("新密码").fill(OWN)
        await one.get_by_role("button", name="修改密码").click()
        await expect(one.get_by_text("密码已修改，其他设备已退出。")).to_be_visible()
        await one.reload()
        await expect(one.get_by_text("（本机）")).to_be_visible()
        assert await one.get_by_role("button", name="退出", exact=True).count() == 1, "only the header's own"
        await log_in(two, district, district.station_user, OWN)


@pytest.mark.parametrize("username", ["engineer", pytest.param("auditor", marks=pytest.mark.deep)])
async def test_logins_of_engineers_and_auditors_lead_to_the_console(
    district: District, browser: Browser, username: str
) -> None:
    async with visitor(browser, phone=False) as page:
        await fill_login(page, district, username, district.stack.accounts[username])
        await page.wait_for_url("**/console")
