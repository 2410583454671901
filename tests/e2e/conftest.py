"""One stack and one browser for all page tests, and a district for each of their modules."""

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from playwright.async_api import Browser, async_playwright, expect

from dev.browser import ARGUMENTS, HINT, find_browser
from dev.stack.supervisor import Stack
from tests.e2e.pages_district import District, make_district
from tests.support.stacks import stack_directory, stack_options
from tests.support.waiting import WAIT_LIMIT

expect.set_options(timeout=WAIT_LIMIT * 1000)


@pytest.fixture(scope="package")
async def pages_stack() -> AsyncIterator[Stack]:
    """The real stack, on which sites of a district just made are known at once; its files are gone afterwards."""
    with stack_directory("pages") as var:
        async with Stack(stack_options(var, extra_environment={"WEIGUANG_NAMES_AGE_SECONDS": "0"})) as stack:
            yield stack


@pytest.fixture(scope="package")
def district_numbers() -> Iterator[int]:
    """Numbers of the districts on the session's stack."""
    return count(1)


@pytest.fixture(scope="module")
async def district(pages_stack: Stack, district_numbers: Iterator[int]) -> District:
    """A small district of the module's own, on a day of its own; the stack is everybody's."""
    return await make_district(pages_stack, next(district_numbers))


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    found = find_browser()
    if found is None:
        pytest.fail(f"The page tests need Chromium, and {HINT}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        await browser.close()
