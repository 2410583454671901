"""Teams and projects on the pages in a real browser: a volunteer joins, staff decide, the operator edits."""

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.pages_district import District
from tests.e2e.pages_operators import log_in, shot
from tests.e2e.pages_visitors import fill_in, register, staff_log_in, visitor

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]


async def test_a_volunteer_finds_a_team_and_is_approved(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as screen:
        await register(phone, district, "何春梅")
        await phone.goto(f"{district.url}/teams/find?site={district.site_ids[district.names.station]}")
        await phone.locator("main li a").first.click()
        await phone.get_by_role("button", name="申请加入").click()
        await expect(phone.locator("main")).to_contain_text("您已申请加入")
        await staff_log_in(screen, district)
        await screen.goto(phone.url)
        waiting = screen.locator("section", has=screen.get_by_role("heading", name="等候审批的申请"))
        await expect(waiting).to_contain_text("何**")
        await waiting.get_by_role("button", name="同意", exact=True).click()
        await expect(screen.locator("section", has=screen.get_by_role("heading", name="队员"))).to_contain_text("何**")
        await phone.goto(f"{district.url}/me/teams")
        await expect(phone.locator("main")).to_contain_text("已加入")


async def test_the_operator_makes_edits_and_closes_a_project_and_sees_its_history(
    district: District, browser: Browser
) -> None:
    name = f"安康桑榆{district.number}"
    async with visitor(browser, phone=False) as screen, visitor(browser) as stranger:
        await log_in(screen, district, "operator", district.stack.secrets.operator_password)
        await screen.goto(f"{district.url}/staff/organisation?tab=projects")
        form = screen.locator("section", has=screen.get_by_role("heading", name="新建"))
        await form.get_by_label("名称").fill(name)
        await form.get_by_role("button", name="建立").click()
        line = screen.locator("main li", has_text=name)
        await expect(line).to_be_visible()
        await stranger.goto(f"{district.url}/projects")
        await stranger.get_by_role("link", name=name).click()
        await expect(stranger.get_by_role("heading", name=name)).to_be_visible()

        await line.get_by_text("修改或关闭").click()
        await line.get_by_label("名称", exact=True).fill(f"{name}改")
        await line.get_by_role("button", name="保存").click()
        await expect(line).to_contain_text(f"{name}改")
        await line.get_by_role("link", name="变更记录").click()
        await expect(screen.locator("main")).to_contain_text(f"{name}改")


async def test_the_centre_publishes_an_appeal_and_its_readers_register_by_it(
    district: District, browser: Browser
) -> None:
    title = f"雷锋来过咱岭东{district.number}"
    async with visitor(browser, phone=False) as screen, visitor(browser) as phone:
        await log_in(screen, district, "operator", district.stack.secrets.operator_password)
        await screen.goto(f"{district.url}/staff/drives/appeals")
        form = screen.locator("section", has=screen.get_by_role("heading", name="发布倡议书"))
        await form.get_by_label("标题").fill(title)
        await form.get_by_label("发在哪里").fill("微视岭东")
        await form.get_by_label("正文").fill("志愿服务在心中。\n欢迎您来。")
        await form.get_by_role("button", name="发布").click()
        line = screen.locator("main li", has_text=title)
        await expect(line).to_contain_text("0 人由此登记")

        await phone.goto(district.url + str(await line.get_by_role("link", name=title).get_attribute("href")))
        await expect(phone.locator("main")).to_contain_text("志愿服务在心中。")
        await fill_in(phone, district, "江晓云")
        await phone.wait_for_url("**/me?welcome=1")
        await screen.reload()
        await expect(line).to_contain_text("1 人由此登记")

        await line.get_by_text("修改或停用").click()
        await line.get_by_role("button", name="停用倡议书", exact=True).click()
        await screen.get_by_role("dialog").get_by_role("button", name="确定停用").click()
        await expect(line).to_contain_text("已停用")
        await phone.goto(district.url + str(await line.get_by_role("link", name=title).get_attribute("href")))
        await expect(phone.get_by_role("link", name="看可报名的班次")).to_be_visible()


@pytest.mark.deep
async def test_a_station_announces_a_drive_edits_it_and_ends_it_early(district: District, browser: Browser) -> None:
    name = f"志愿红进小区{district.number}"
    async with visitor(browser, phone=False) as screen:
        await staff_log_in(screen, district)
        await screen.goto(f"{district.url}/staff/drives")
        form = screen.locator("section", has=screen.get_by_role("heading", name="办一场招募"))
        await form.get_by_label("名称").fill(name)
        await form.get_by_label("地点").fill("东湖小区南门")
        await form.get_by_role("button", name="建立").click()
        line = screen.locator("main li", has_text=name)
        await expect(line).to_contain_text("还没开始")
        await line.get_by_text("修改或提前结束").click()
        await line.get_by_label("地点").fill("东湖小区北门")
        await line.get_by_role("button", name="保存").click()
        await expect(line).to_contain_text("东湖小区北门")
        await line.get_by_text("修改或提前结束").click()
        await line.get_by_role("button", name="提前结束").click()
        await screen.get_by_role("dialog").get_by_role("button", name="确定结束").click()
        await expect(line).to_contain_text("已结束")
        await shot(screen, "drives")
