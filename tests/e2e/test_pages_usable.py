"""Every page fits its screen and passes axe-core, light and dark: one walk of each person over their pages."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from tests.e2e.pages_district import District
from tests.e2e.pages_furnished import furnish, visiting
from tests.e2e.pages_visitors import sideways
from tests.support.depth import DEEP, part_of
from tests.support.waiting import WAIT_LIMIT

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

WIDTHS = (320, 360, 768, 1024, 1280, 1920) if DEEP else (320, 1280)
"""Screens on which no page may have to be scrolled sideways."""
WALKS: dict[str, str] = {
    "visitor": "/; /menu; /order; /drives; /d/{drive}; /login; /welcome; /rules; /leaders; /teams;"
    " /staff/login; /staff/login/reset; /no/such/page; /design; /s/{shift}",
    "volunteer": "/me; /me/service; /me/points; /me/inbox; /me/profile; /me/why; /me/hours; /me/balance; /account;"
    " /me/contact; /consent; /me/shifts; /me/shifts/{shift}; /me/card;"
    " /orders; /order",
    "station": "/staff; /staff/orders; /staff/orders/new; /staff/desk;"
    " /staff/messages; /staff/drives; /staff/drives/appeals; /staff/drives > a[href$='/poster'];"
    " /staff/shifts/{shift}/qr;"
    " /staff/rectifications;"
    " /staff/approvals; /staff/approvals?view=recorded; /staff/cases; /staff/cases > a[href^='/staff/cases/'];"
    " /staff/activities; /staff/activities > a[href^='/staff/shifts/']; /staff/records; /staff/devices; /staff/cards;"
    " /staff/volunteers; /staff/rewards; /staff/rewards > a[href^='/staff/rewards/']; /account;"
    " /staff/redemptions?status=held",
    "operator": "/staff; /staff/complaints;"
    " /staff/cases > a[href^='/staff/cases/']; /staff/rewards; /staff/colleagues; /staff/security;"
    " /staff/rewards > a[href^='/staff/rewards/']; /staff/adjustments; /staff/adjustments > a[href*='/adjustments/'];"
    " /staff/adjustments > a[href*='/adjustments/'] > a[href$='/why']; /staff/rules;"
    " /staff/imports?state=all; /staff/imports?state=all > a[href^='/staff/imports/'];"
    " /staff/rules > a[href^='/staff/rules/']; /staff/rules > a[href^='/staff/rehearsals/']"
    + ("; /staff/api" if DEEP else ""),
    "engineer": "/console; /staff/system",
}
"""Person → pages: an address, and links that are followed from there by their selector."""

PEOPLE = ("visitor",)
"""Half of their pages is checked in breadth too; others look alike on the gallery of components, one of that half."""


@pytest.fixture(scope="module")
async def people(district: District, browser: Browser) -> AsyncIterator[dict[str, BrowserContext]]:
    """Everyone, logged in, in a district where each page has something to show; in breadth, a visitor."""
    contexts = await (furnish(district, browser) if DEEP else visiting(browser))
    yield contexts
    for context in contexts.values():
        await context.close()


@pytest.mark.grows
@pytest.mark.parametrize(
    "person",
    [person if person in PEOPLE else pytest.param(person, marks=pytest.mark.deep) for person in WALKS],
)
async def test_pages_fit_their_screen_and_pass_axe(
    person: str, district: District, people: dict[str, BrowserContext]
) -> None:
    page = await people[person].new_page()
    page.set_default_timeout(WAIT_LIMIT * 1000)
    faults: list[str] = []
    for way in part_of(WALKS[person].split("; "), turn=1, of=2):
        address, *links = way.format(drive=district.drive_code, shift=district.shift_id).split(" > ")
        await page.goto(district.url + address)
        for link in links:
            await page.goto(district.url + str(await page.locator(f"main {link}").first.get_attribute("href")))
        faults += [f"{way}: {fault}" for fault in await _faults(page)]
    assert faults == []


async def _faults(page: Page) -> list[str]:
    """What does not fit, and what axe-core finds; in the dark on the gallery of components, in depth on each page."""
    found: list[str] = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        over = await sideways(page)
        if over > 0:
            found.append(f"{over} px too wide at {width}: {await page.evaluate(_CULPRITS)}")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark") if DEEP or "/design" in page.url else ("light",)
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme)
        answer = await Axe().run(page)
        for one in answer.response["violations"]:
            places = "; ".join(f"{node['target']} {node['html'][:160]}" for node in one["nodes"][:3])
            found.append(f"{one['id']} ({scheme}): {places}")
    await page.emulate_media(color_scheme="light")
    return found


_CULPRITS = """[...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 3).map(one => one.outerHTML.slice(0, 120)).join(' | ')"""
