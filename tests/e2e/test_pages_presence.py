"""Presence as phones see it: a card before a camera, a distance to the site, and the sheet of cards."""

import shutil
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import segno
from playwright.async_api import Browser, async_playwright, expect

from dev.browser import ARGUMENTS, find_browser
from tests.e2e.pages_district import Api, District
from tests.e2e.pages_operators import shot
from tests.e2e.pages_visitors import fill_in, number_of, problem, scan, staff_log_in, visitor
from tests.support import pdf
from tests.support.waiting import WAIT_LIMIT

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow, pytest.mark.deep]

WIDTH, HEIGHT, FRAMES = 640, 480, 10
SITE = {"latitude": 46.5986, "longitude": 131.1591}
FAR = {"latitude": 46.6986, "longitude": 131.1591}
"""Eleven kilometres north of the site."""


def film(code: str, path: Path) -> None:
    """Write a video in which a QR code is held before the camera."""
    rows = [list(row) for row in segno.make(code, error="m", micro=False).matrix]
    scale = 300 // len(rows)
    left, top = (WIDTH - scale * len(rows)) // 2, (HEIGHT - scale * len(rows)) // 2
    picture = bytearray(b"\xeb" * (WIDTH * HEIGHT))
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                for line in range(top + y * scale, top + (y + 1) * scale):
                    begin = line * WIDTH + left + x * scale
                    picture[begin : begin + scale] = b"\x10" * scale
    colours = b"\x80" * (WIDTH * HEIGHT // 2)
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + (b"FRAME\n" + bytes(picture) + colours) * FRAMES)


async def test_a_card_is_printed_and_read_by_the_camera(district: District, browser: Browser, tmp_path: Path) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as desk:
        await phone.goto(f"{district.url}/d/{district.drive_code}")
        await fill_in(phone, district, "郑玉兰")
        await phone.wait_for_url("**/me?welcome=1")
        number = await number_of(phone, district)
        await staff_log_in(desk, district)
        await desk.goto(f"{district.url}/staff/devices")
        await expect(desk.get_by_role("heading", level=1)).to_be_visible()
        await shot(desk, "devices")
        await desk.goto(f"{district.url}/staff/cards")
        await desk.get_by_label("志愿者编号").fill(number)
        await desk.get_by_role("button", name="排版").click()
        await expect(desk.locator("#sheet")).to_contain_text(number)
        await shot(desk, "card-sheet")
        async with desk.expect_download() as download:
            await desk.get_by_role("link", name="下载 PDF").click()
        sheet = Path(await (await download.value).path()).read_bytes()
        assert (pdf.page_count(sheet), len(pdf.codes(sheet))) == (1, 1)
        found = await desk.request.get(f"{district.url}/api/recruitment/v1/cards?volunteer_numbers={number}")
        film((await found.json())["items"][0]["code"], tmp_path / "card.y4m")

    with_camera = shutil.which("chromium") or find_browser()  # the headless shell has no cameras
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={tmp_path / 'card.y4m'}",
    ]
    async with async_playwright() as playwright:
        own = await playwright.chromium.launch(executable_path=with_camera, args=[*ARGUMENTS, *camera])
        page = await (await own.new_context(locale="zh-CN")).new_page()
        await staff_log_in(page, district)
        await page.goto(f"{district.url}/staff/shifts/{district.shift_id}/scan")
        await page.get_by_role("button", name="用摄像头扫").click()
        await expect(page.locator("#scan-result")).to_contain_text(number)
        await page.goto(f"{district.url}/staff/shifts/{district.shift_id}")
        await expect(page.locator("#roster")).to_contain_text("在场 1")
        await own.close()


async def test_a_check_in_far_from_the_site_is_flagged_and_never_refused(district: District, browser: Browser) -> None:
    site_id = district.site_ids[district.names.station]
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        api = Api(client)
        await api.log_in("operator", district.stack.secrets.operator_password)
        sites = (await client.get("/api/recruitment/v1/sites")).json()["items"]
        version = next(site["version"] for site in sites if site["site_id"] == str(site_id))
        path = f"/api/recruitment/v1/sites/{site_id}/position"
        assert (await client.put(path, json={**SITE, "version": version})).status_code == 200
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        await phone.context.grant_permissions(["geolocation"])
        await phone.context.set_geolocation(FAR)  # type: ignore[arg-type]
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        await phone.goto(f"{district.url}/d/{district.drive_code}")
        await fill_in(phone, district, "冯秀云")
        await phone.wait_for_url("**/me?welcome=1")
        number = await number_of(phone, district)
        await scan(phone, screen, district)
        await phone.get_by_label("一并记下离站点多少米").check()
        await expect(phone.locator("input[name=distance_m]")).to_have_value("11119")
        await phone.get_by_role("button", name="报名签到").click()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
        await phone.context.clear_permissions()
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}")
        row = screen.locator("section[aria-labelledby=people] li", has_text=number)
        await row.locator("a[href^='/staff/records/']").click()
        await expect(screen.locator("main")).to_contain_text("签到时离站点 11.1 km")


async def test_who_agreed_to_older_terms_reads_the_new_ones_on_the_way_to_the_check_in(
    district: District, browser: Browser
) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
        await phone.goto(f"{district.url}/d/{district.drive_code}")
        await fill_in(phone, district, "魏春梅")
        await phone.wait_for_url("**/me?welcome=1")
        number = await number_of(phone, district)
        conn: Any = await asyncpg.connect(district.stack.dsn("postgres"))
        try:
            await conn.execute(
                "update recruitment.consents set version = 1 where volunteer_id ="
                " (select volunteer_id from recruitment.volunteers where volunteer_number = $1)",
                number,
            )
        finally:
            await conn.close()
        await scan(phone, screen, district)
        await phone.get_by_role("button", name="报名签到").click()
        await phone.wait_for_url("**/me/consent?next=*")
        await phone.get_by_role("button", name="同意，继续").click()
        await phone.wait_for_url(f"**/s/{district.shift_id}*")
        await phone.get_by_role("button", name="报名签到").click()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()


async def test_a_volunteer_says_how_messages_arrive(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone:
        await phone.goto(f"{district.url}/d/{district.drive_code}")
        await fill_in(phone, district, "于海燕")
        await phone.wait_for_url("**/me?welcome=1")
        await phone.goto(f"{district.url}/me/contact")
        ways = phone.locator("form[data-api$='/preferences']")
        await expect(ways.get_by_label("也发到我的邮箱")).not_to_be_checked()
        await expect(ways.get_by_label("免打扰从")).to_have_value("22:00")
        await ways.get_by_label("免打扰到").fill("")
        await ways.get_by_role("button", name="保存").click()
        await expect(problem(phone)).to_have_text("免打扰要填开始和结束两个时间。")
        await ways.get_by_label("免打扰到").fill("06:30")
        await ways.get_by_label("也发到我的邮箱").check()
        await ways.get_by_role("button", name="保存").click()
        await expect(phone.get_by_text("已保存。")).to_be_visible()
        await phone.goto(f"{district.url}/me/contact")
        await expect(ways.get_by_label("也发到我的邮箱")).to_be_checked()
        await expect(ways.get_by_label("免打扰到")).to_have_value("06:30")
