"""`make screens`: takes the pictures of docs/screens from a small district that starts in a temporary folder and ends.

The people of the pictures play the five minutes of the README first, so that the pages show what it says.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from dev.browser import ARGUMENTS, HINT, find_browser
from dev.demo.client import OneTimeCodes
from dev.demo.main import seed_small
from dev.stack.layout import ROOT, Options
from dev.stack.supervisor import Stack

__all__ = ["FOLDER", "MOST_BYTES", "SCREENS", "Screen", "main"]

FOLDER = ROOT / "docs" / "screens"
MOST_BYTES = 150_000
"""Of one picture: they lie in the repository and are loaded with the README."""
_SIZES: Mapping[str, ViewportSize] = {"phone": {"width": 390, "height": 844}, "wide": {"width": 1280, "height": 800}}
_PATIENCE = 120_000
"""Milliseconds for each step on a page: the stack runs beside the browser, perhaps on one core."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A page as one person sees it; `name` is that of its files. ``{shift}`` stands for the shift that is served."""

    name: str
    person: str
    path: str
    sizes: tuple[str, ...]
    """`phone`, `wide` or both."""

    def file(self, size: str) -> Path:
        """Where the picture of that size lies."""
        return FOLDER / f"{self.name}-{size}.png"


SCREENS = (
    Screen("home", "visitor", "/", ("phone",)),
    Screen("volunteer", "volunteer", "/me", ("phone", "wide")),
    Screen("why", "volunteer", "/me/why", ("phone", "wide")),
    Screen("staff", "operator", "/staff", ("phone", "wide")),
    Screen("code", "operator", "/staff/shifts/{shift}/qr", ("wide",)),
    Screen("rewards", "operator", "/staff/rewards", ("wide",)),
    Screen("system", "engineer", "/staff/system", ("wide",)),
)


class ScreenError(Exception):
    """A picture cannot be taken or is too large, with what to do."""


@asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    found = find_browser()
    if found is None:
        raise ScreenError(f"The pictures need Chromium, and {HINT}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=[*ARGUMENTS, "--hide-scrollbars"])
        yield browser
        await browser.close()


async def _page(browser: Browser) -> Page:
    context = await browser.new_context(
        viewport=_SIZES["wide"],
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        color_scheme="light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE)
    return await context.new_page()


async def _volunteer_in(page: Page, stack: Stack, phone: str) -> None:
    await page.goto(f"{stack.urls['gateway']}/login")
    await page.locator("#phone").fill(phone)
    await page.locator("[data-send-code]").click()
    await page.get_by_text("验证码已发往").wait_for()  # so that the newest code in the file is this one
    await page.locator("#code").fill(await OneTimeCodes(stack.var / "messages.jsonl").for_phone(phone))
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.wait_for_url("**/me")


async def _staff_in(page: Page, stack: Stack, username: str, lands: str) -> None:
    await page.goto(f"{stack.urls['gateway']}/staff/login")
    await page.locator("#username").fill(username)
    await page.locator("#password").fill(stack.accounts[username])
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.wait_for_url(f"**{lands}")


async def _check_out(volunteer: Page, operator: Page, stack: Stack, shift: str) -> None:
    """The volunteer types the code that the operator's page shows, leaves early, and gets points and a badge."""
    base = stack.urls["gateway"]
    await operator.goto(f"{base}/staff/shifts/{shift}/qr")
    code = "".join((await operator.locator("#code").inner_text()).split())
    await volunteer.goto(f"{base}/s/{shift}?c={code}")
    await volunteer.get_by_role("button", name="签退", exact=True).click()
    await volunteer.get_by_role("dialog").get_by_role("button", name="现在签退").click()
    await volunteer.get_by_role("link", name="看这次服务的记录").wait_for()


async def _take(screen: Screen, page: Page, address: str) -> list[str]:
    """Take the picture in its sizes; returns those that are too large."""
    large = []
    for size in screen.sizes:
        await page.set_viewport_size(_SIZES[size])
        await page.goto(address, wait_until="load")
        await page.evaluate("document.fonts.ready")
        path = screen.file(size)
        await page.screenshot(path=path, animations="disabled", caret="hide")
        if (bytes_taken := path.stat().st_size) > MOST_BYTES:
            large.append(f"{path.name} has {bytes_taken:,} bytes, more than {MOST_BYTES:,}")
    return large


async def take(var: Path) -> None:
    """Start the district in ``var`` and write every picture.

    Raises:
        ScreenError: there is no Chromium, or a picture is too large.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = Options(var=var, port=0, temporary=True)
    async with _chromium() as browser, Stack(options, progress=_say) as stack:
        _say("loading a small district")
        notes: dict[str, Any] = await seed_small(stack)
        people = {name: await _page(browser) for name in ("visitor", "volunteer", "operator", "engineer")}
        await _volunteer_in(people["volunteer"], stack, notes["phone"])
        await _staff_in(people["operator"], stack, "operator", "/staff")
        await _staff_in(people["engineer"], stack, "engineer", "/console")
        await _check_out(people["volunteer"], people["operator"], stack, notes["shift_id"])
        large: list[str] = []
        for screen in SCREENS:
            _say(f"docs/screens/{screen.name}")
            address = stack.urls["gateway"] + screen.path.replace("{shift}", notes["shift_id"])
            large += await _take(screen, people[screen.person], address)
    if large:
        raise ScreenError("; ".join(large))


def _say(text: str) -> None:
    print(f"· {text}", file=sys.stderr)


def main() -> None:
    """Take the pictures; exits with a sentence where that is not possible."""
    with tempfile.TemporaryDirectory(prefix="weiguang-screens-") as folder:
        try:
            asyncio.run(take(Path(folder)))
        except ScreenError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
