"""People with browsers of their own, and what they do on more than one page."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Error, Locator, Page, Request, ViewportSize, expect

from tests.e2e.pages_district import PASSWORD, District, code_in
from tests.support.waiting import WAIT_LIMIT

__all__ = [
    "check_out",
    "fill_in",
    "measured",
    "number_of",
    "problem",
    "redeem",
    "register",
    "scan",
    "sent_by",
    "sideways",
    "staff_log_in",
    "visitor",
]

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}


@dataclass(frozen=True, slots=True)
class _Phone:
    """A browser context without cookies or stored data, and a tab that keeps the process of the site's pages alive."""

    context: BrowserContext
    parked: Page

    async def forget(self) -> None:
        """Close its tabs and clear whatever its user left behind."""
        for tab in self.context.pages:
            if tab is not self.parked:
                await tab.close()
        await self.context.clear_cookies()
        await self.parked.evaluate("localStorage.clear()")
        session = await self.context.new_cdp_session(self.parked)
        await session.send("Network.clearBrowserCache")
        await session.detach()


_FREE: dict[tuple[Browser, bool, str], list[_Phone]] = {}
"""Contexts that no test uses. The first page of a new context costs a second of processor time: a process of its own
compiles the browser's and the tests' scripts anew, while one that is kept has them."""


async def sideways(page: Page) -> int:
    """How many pixels of the page lie beside its window; a page that is just coming is waited for."""
    return int(await measured(page, "document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def measured(page: Page, script: str) -> Any:
    """Evaluate a script on the page that is there; on the next one, if that takes its place meanwhile."""
    while True:
        await page.wait_for_load_state()
        try:
            return await page.evaluate(script)
        except Error as error:
            if "context was destroyed" not in str(error):
                raise


@asynccontextmanager
async def visitor(browser: Browser, *, phone: bool = True, locale: str = "zh-CN") -> AsyncIterator[Page]:
    """Somebody with a browser of their own; an error in a script fails the test."""
    free = _FREE.setdefault((browser, phone, locale), [])
    kept = free.pop() if free else None
    context = kept.context if kept else await _context(browser, phone, locale)
    page = await context.new_page()
    page.set_default_timeout(WAIT_LIMIT * 1000)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    try:
        yield page
        kept = kept or await _parked(context, page.url)
    except BaseException:
        await context.close()
        raise
    if kept is None:
        await context.close()
    else:
        await kept.forget()
        free.append(kept)
    assert broken == []


async def _context(browser: Browser, phone: bool, locale: str) -> BrowserContext:
    size = PHONE if phone else DESK
    return await browser.new_context(viewport=size, is_mobile=phone, locale=locale, timezone_id="Asia/Shanghai")


async def _parked(context: BrowserContext, address: str) -> _Phone | None:
    """The context with a tab on a picture of the stack's site; None if the test was never there."""
    site = urlsplit(address)
    if site.hostname != "127.0.0.1":
        return None
    parked = await context.new_page()
    await parked.goto(f"{site.scheme}://{site.netloc}/static/icon.svg")
    return _Phone(context, parked)


async def register(page: Page, district: District, name: str) -> str:
    """From the drive's QR code to being logged in; returns the phone."""
    await page.goto(f"{district.url}/d/{district.drive_code}")
    phone = await fill_in(page, district, name)
    await page.wait_for_url("**/me?welcome=1")
    return phone


async def fill_in(page: Page, district: District, name: str) -> str:
    """The drive's form, up to its button; returns the phone."""
    phone = district.new_phone()
    await page.get_by_label("姓名", exact=True).fill(name)
    await page.get_by_label("手机号", exact=True).fill(phone)
    await page.get_by_role("button", name="获取验证码").click()
    await expect(page.get_by_text("验证码已发往")).to_be_visible()
    await page.get_by_label("短信验证码").fill(district.one_time_code(phone))
    await page.get_by_label("我自愿参加").check()
    await page.get_by_role("button", name="登记", exact=True).click()
    return phone


async def number_of(phone: Page, district: District) -> str:
    """The number that volunteers read on their own page."""
    await phone.goto(f"{district.url}/me/profile")
    return await phone.locator("main .number").first.inner_text()


async def staff_log_in(page: Page, district: District) -> None:
    await page.goto(f"{district.url}/staff/login")
    await page.get_by_label("账号").fill(district.station_user)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_url("**/staff")


async def scan(phone: Page, screen: Page, district: District) -> None:
    """Point the phone at the screen: the address in the QR code, with the code that is shown now."""
    code = code_in(await screen.locator("#code").inner_text())
    await phone.goto(f"{district.url}/s/{district.shift_id}?c={code}")


async def check_out(phone: Page) -> None:
    """Check out before the shift ends: press, and agree to what the page says it costs."""
    await phone.get_by_role("button", name="签退", exact=True).click()
    await expect(phone.get_by_role("dialog")).to_contain_text("才结束")
    await phone.get_by_role("dialog").get_by_role("button", name="现在签退").click()


async def redeem(line: Locator) -> None:
    """Redeem a reward and confirm it."""
    await line.get_by_role("button", name="兑换").click()
    await line.page.get_by_role("dialog").get_by_role("button", name="确定兑换").click()


def sent_by(page: Page) -> list[tuple[str, dict[str, Any]]]:
    """What the page sends from now on: (address, JSON body)."""
    sent: list[tuple[str, dict[str, Any]]] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append((urlsplit(request.url).path, json.loads(request.post_data or "{}")))

    page.on("request", note)
    return sent


def problem(page: Page | Locator) -> Locator:
    """The sentence beside a form."""
    return page.locator(".message:visible")
