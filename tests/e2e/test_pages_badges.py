"""Badges on the pages in a real browser: a volunteer takes a credential along, a stranger sees whether it stands."""

from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from services.points.teams import handlers as teams
from services.points.teams.stream import TeamStream
from shared.ids import new_id
from shared.postgres import Database
from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import check_out, register, scan, sideways, staff_log_in, visitor
from tests.integration.points.serving import message, record
from tests.support import openbadges
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]


async def first_service(phone: Page, screen: Page, district: District) -> None:
    """From the sign-up to the badge for the first service."""
    await phone.locator("#shifts li", has_text="09:00—11:00").get_by_role("button", name="报名").click()
    await expect(phone.locator("#duties")).to_contain_text(district.title)
    await staff_log_in(screen, district)
    await screen.get_by_role("link", name="签到二维码").first.click()
    await expect(screen.locator("#qr svg[role=img]")).to_be_visible()
    await scan(phone, screen, district)
    await phone.get_by_role("button", name="签到", exact=True).click()
    await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
    await district.pass_time(65)
    await scan(phone, screen, district)
    await check_out(phone)
    await expect(phone.locator("#summary .badge")).to_contain_text("微光初亮")


async def test_a_volunteer_takes_a_credential_along_and_a_stranger_checks_it(
    district: District, browser: Browser
) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser, phone=False) as screen,
        visitor(browser) as stranger,
        httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client,
    ):
        await register(phone, district, "郑小兰")
        await first_service(phone, screen, district)
        await phone.goto(f"{district.url}/me/profile")
        badges = phone.locator("#badges")
        await expect(badges).to_contain_text("微光初亮")
        await expect(badges).to_contain_text("离下一枚还差多少")
        async with phone.expect_download() as waiting:
            await badges.get_by_role("link", name="下载凭证").first.click()
        file = await waiting.value
        assert file.suggested_filename.endswith(".jwt")
        token = (await file.path()).read_text("utf-8")

        async def fetch(address: str) -> Any:
            return (await client.get(address)).raise_for_status().json()

        document = await openbadges.checked(token, f"{district.url}/api/points/v1/issuer", fetch)
        assert document["name"] == "微光初亮"
        answer = await stranger.goto(document["evidence"][0]["id"])
        assert answer is not None
        assert answer.status == 200
        main = stranger.locator("main")
        await expect(stranger.locator(".verdict")).to_contain_text("有效")
        await expect(main).to_contain_text(f"2026年3月{district.start.day}日")
        await expect(main).not_to_contain_text("郑小兰")
        assert await stranger.locator("h1").count() == 1
        for name in ("颁发单位的公钥", "撤销名单"):
            link = await stranger.get_by_role("link", name=name).get_attribute("href")
            assert link is not None
            assert (await client.get(link)).status_code == 200
        await expect_narrow(stranger)
        await expect_narrow(phone)
        # the file is the volunteer's alone
        target = await badges.get_by_role("link", name="下载凭证").first.get_attribute("href")
        assert (await client.get(f"{district.url}{target}", headers={"accept": "text/html"})).status_code == 303
        for path in (f"/credentials/{new_id()}", "/credentials/nonsense"):
            answer = await stranger.goto(district.url + path)
            assert answer is not None
            assert answer.status == 404
            await expect(main).to_contain_text("没有这张凭证")


async def test_a_team_shows_its_badges_and_a_revoked_one_says_so(district: District, browser: Browser) -> None:
    async with visitor(browser) as page, httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        names = (await client.get("/api/recruitment/v1/teams/names")).raise_for_status().json()["items"]
        team = next(one for one in names if one["name"] == district.names.team)
        assert "leader_volunteer_id" not in team
        records = [record(new_id(), team_id=team["team_id"], started_at=district.start) for _ in range(50)]
        database = await Database.open(district.stack.dsn("points_app"), "points")
        try:
            stream = TeamStream(database, await teams.install(database))
            await stream.handle([message(one) for one in records])
            await page.goto(f"{district.url}/")
            await expect(page.locator("main")).to_contain_text("五十次服务团队")
            await page.get_by_role("link", name="看全部团队").click()
            await page.get_by_role("link", name=district.names.team).click()
            await expect(page.get_by_role("heading", name=district.names.team)).to_be_visible()
            await expect(page.locator("main")).to_contain_text("2026年度爱心志愿服务团队")
            await expect_narrow(page)
            await page.locator("li", has_text="五十次服务团队").get_by_role("link", name="公开核验页").click()
            await expect(page.locator(".verdict")).to_contain_text("有效")
            await expect(page.locator("main")).to_contain_text(district.names.team)
            await stream.handle([message(one.model_copy(update={"revision": 2, "status": "void"})) for one in records])
        finally:
            await database.close()

        async def revoked() -> bool:
            await page.reload()
            return "已撤销" in await page.locator(".verdict").inner_text()

        await eventually(revoked, every=0.3, what="the page says that the badge was revoked")
        answer = await page.goto(f"{district.url}/teams/{new_id()}")
        assert answer is not None
        assert answer.status == 404


async def expect_narrow(page: Page) -> None:
    assert await sideways(page) <= 0, f"{page.url} has to be scrolled sideways on a phone"
