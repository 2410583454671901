"""A volunteer's week: find a shift, wait for a place, get it offered, keep a calendar."""

import asyncio
import json

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.pages_district import PASSWORD, Api, District
from tests.e2e.pages_operators import shot
from tests.e2e.pages_visitors import register, visitor
from tests.support.waiting import WAIT_LIMIT

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]


async def one_place(district: District) -> str:
    """The district's later shift, which has one place from now on; its id."""
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        await Api(client).log_in(district.station_user, PASSWORD)
        site_id = str(district.site_ids[district.names.station])
        found = (await client.get("/api/recruitment/v1/shifts", params={"site_id": site_id})).json()["items"]
        later = max(found, key=lambda shift: shift["starts_at"])
        activity = (await client.get(f"/api/recruitment/v1/activities/{later['activity_id']}")).json()
        body = {"version": activity["version"], "capacity": 1}
        path = f"/api/recruitment/v1/shifts/{later['shift_id']}"
        assert (await client.patch(path, json=body)).status_code == 200
        return str(later["shift_id"])


async def press(page: Page, name: str) -> None:
    await page.locator("#shift").get_by_role("button", name=name).click()


async def test_a_place_is_found_waited_for_and_offered(district: District, browser: Browser) -> None:
    shift_id = await one_place(district)
    async with visitor(browser) as first, visitor(browser) as second:
        await register(first, district, "王强")
        await first.goto(f"{district.url}/me/shifts?teams=own")
        await expect(first.locator("main")).to_contain_text("没有合适的班次")
        await first.get_by_label("只看我的队伍的班次").uncheck()
        await first.get_by_label("哪里").select_option(label=district.names.station)
        await first.get_by_role("button", name="查找").click()
        await expect(first.get_by_role("link", name=district.title).first).to_be_visible()
        await first.locator(f'a[href="/me/shifts/{shift_id}"]').first.click()
        await press(first, "报名")
        await expect(first.locator("#shift")).to_contain_text("已报名")
        await register(second, district, "李梅")
        await second.goto(f"{district.url}/me/shifts/{shift_id}")
        await press(second, "加入候补")
        await expect(second.locator("#shift")).to_contain_text("候补第 1 位")
        await first.goto(f"{district.url}/me/calendar")
        await expect(first.locator("main")).to_contain_text(district.title)
        await first.goto(f"{district.url}/me/profile")
        await shot(first, "profile")
        async with first.expect_download() as download:
            await first.get_by_role("link", name="下载我的资料").click()
        held = json.loads(await asyncio.to_thread((await (await download.value).path()).read_text, "utf-8"))
        assert (held["recruitment"]["person"]["name"], held["missing"]) == ("王强", [])
        assert [one["activity"] for one in held["recruitment"]["signups"]] == [district.title]
        await first.goto(f"{district.url}/me/shifts/{shift_id}")
        await press(first, "取消报名")
        await first.get_by_role("dialog").get_by_role("button", name="确定").click()
        await expect(first.locator("#shift")).to_contain_text("名额已满")
        await second.reload()
        await expect(second.locator("#shift")).to_contain_text("有名额留给您")
        await press(second, "接受名额")
        await expect(second.locator("#shift")).to_contain_text("已报名")
