"""What tests of the operators' pages share: two operators, their log-in, pictures, and what a call is refused with."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from playwright.async_api import Locator, Page

from tests.e2e.pages_district import PASSWORD, District, staff_account
from tests.e2e.pages_visitors import DESK, PHONE, sideways
from tests.support.depth import part_of
from tests.support.waiting import eventually

__all__ = ["log_in", "operator_of", "refusal", "reloaded", "second_operator", "shot"]

SHOTS = os.environ.get("WEIGUANG_SHOTS")
"""A directory for pictures of the pages, for whoever wants to look at them."""
WIDTHS = ((DESK, "1280"), (PHONE, "390"))


async def shot(page: Page, name: str) -> None:
    """See that the page is not too wide for a phone, in depth for a desk too; take its picture if somebody wants it."""
    for size, width in WIDTHS if SHOTS else part_of(WIDTHS, turn=1, of=2):
        await page.set_viewport_size(size)
        overflow = await sideways(page)
        assert overflow <= 0, f"{name} at {width} px is {overflow} px too wide"
        if SHOTS:
            await page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}.png"), full_page=True)
    await page.set_viewport_size(DESK)


async def log_in(page: Page, district: District, username: str, password: str, lands: str = "/staff") -> None:
    """Log a member of staff in, who then stands on the page that they land on."""
    await page.goto(f"{district.url}/staff/login")
    await page.get_by_label("账号").fill(username)
    await page.get_by_label("密码").fill(password)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_url(f"**{lands}")


async def reloaded(page: Page, place: Locator) -> None:
    """Reload the page until it has the place."""

    async def found() -> bool:
        if await place.count():
            return True
        await page.reload()
        return False

    await eventually(found, every=0.3)


async def second_operator(district: District) -> str:
    """The username of the centre's operator besides the first, with an account of long standing."""
    if not district.second:
        district.second = f"operator-two-{district.number}"
        await operator_of(district, district.second, None)
    return district.second


async def operator_of(district: District, username: str, site_id: UUID | None) -> None:
    """Add an operator who is responsible for a site and what is under it; without one, for all."""
    await staff_account(district.stack, username, PASSWORD, "operator", site_id)


async def refusal(page: Page, address: str, body: Mapping[str, object]) -> str:
    """What the page's own call is refused with; empty if it is not."""
    said = await page.evaluate(
        """async ([address, body, key]) => {
            const answer = await fetch("/api/points/v1/" + address, {method: "POST", body: JSON.stringify(body),
                headers: {"X-Weiguang-Page": "1", "Content-Type": "application/json", "Idempotency-Key": key}});
            return answer.ok ? "" : (await answer.json()).detail;
        }""",
        [address, body, uuid.uuid4().hex],
    )
    return str(said)
