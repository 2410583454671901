"""One stack and one browser for all page tests, and a district for each of their modules."""

import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
from playwright.async_api import Browser, async_playwright, expect

from dev.stack.supervisor import Stack
from tests.e2e.pages_district import District, make_district
from tests.support.stacks import stack_directory, stack_options

expect.set_options(timeout=60_000)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        pytest.fail("The page tests need Chromium, and there is none on this machine: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        await browser.close()
