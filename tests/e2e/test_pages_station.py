"""A station's day and a leader's evening on the staff's pages, in a real browser."""

from datetime import timedelta

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.pages_district import Api, District
from tests.e2e.pages_operators import shot
from tests.e2e.pages_visitors import number_of, register, sideways, staff_log_in, visitor
from tests.support.waiting import WAIT_LIMIT

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]


async def log_in_again(phone: Page, district: District, number: str) -> None:
    """A fresh session by the code to a phone, with the roles of now."""
    await phone.context.clear_cookies()
    await phone.goto(f"{district.url}/login")
    await phone.get_by_label("手机号", exact=True).fill(number)
    await phone.get_by_role("button", name="获取验证码").click()
    await expect(phone.get_by_text("验证码已发往")).to_be_visible()
    await phone.get_by_label("短信验证码").fill(district.one_time_code(number))
    await phone.locator("form[data-api='POST /session'] button:not([data-send-code])").click()
    await phone.wait_for_url("**/me*")


async def make_leader(district: District, phone: str) -> str:
    """The centre makes the volunteer of a phone the leader of the team; returns a shift of another day."""
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        api = Api(client)
        await api.log_in("operator", district.stack.secrets.operator_password)
        found = await api.post("/recruitment/v1/volunteers/search", {"phone": phone, "purpose": "任命队长"})
        activity = (await client.get(f"/api/recruitment/v1/shifts/{district.shift_id}")).json()
        leader = {"volunteer_id": found["items"][0]["volunteer_id"]}
        await api.post(f"/recruitment/v1/teams/{activity['team_id']}/leader", leader)
        begin = district.start + timedelta(days=5)
        shift = {"starts_at": begin.isoformat(), "ends_at": (begin + timedelta(hours=2)).isoformat(), "capacity": 5}
        planned = await api.post(f"/recruitment/v1/activities/{activity['activity_id']}/shifts", {"shifts": [shift]})
        return str(planned["shifts"][-1]["shift_id"])


async def enter_afterwards(desk: Page, district: District, number: str) -> None:
    """Half an hour that nothing recorded is entered on evidence, on the shift's page, for those of two who exist."""
    await district.pass_time(30)
    entry = desk.locator("section", has=desk.get_by_role("heading", name="来了却没有记录"))
    await entry.get_by_text("凭据补录志愿者的时间").click()
    await entry.get_by_label("志愿者编号").fill(f"{number}\nLD-2026-999999-9")
    for label, minutes in (("开始", 45), ("结束", 75)):
        await entry.get_by_label(label).fill(f"{district.start + timedelta(minutes=minutes):%Y-%m-%dT%H:%M}")
    await entry.get_by_label("为什么没有记录").fill("手机没电")
    await entry.get_by_label("凭据", exact=True).fill("签到表第 2 页")
    await entry.get_by_label("有一位不行就都不记").check()
    await entry.get_by_role("button", name="补录").click()
    await expect(entry).to_contain_text("一位也没有补录。")
    await expect(entry.get_by_label("志愿者编号")).to_have_value(f"{number}\nLD20269999999")
    await entry.get_by_label("有一位不行就都不记").uncheck()
    await entry.get_by_role("button", name="补录").click()
    await expect(entry).to_contain_text("补录了 1 位，等别的站点核对。")
    await expect(entry.locator("li", has_text="LD20269999999")).to_contain_text("没有这位志愿者")
    await shot(desk, "entries")
    await entry.get_by_role("link", name=number).click()
    await desk.wait_for_url("**/staff/records/*")
    await expect(desk.locator("main")).to_contain_text("事后补录")


async def point_out(phone: Page, desk: Page, district: District) -> None:
    """The volunteer points out what is missing, the site answers, and the volunteer reads it."""
    await phone.goto(f"{district.url}/me/shifts/{district.shift_id}")
    await phone.get_by_text("请站点核对").click()
    await phone.get_by_label("哪里不对").fill("九点前就到了")
    await phone.get_by_role("button", name="告诉站点").click()
    await expect(phone.locator("main")).to_contain_text("等站点答复")
    await shot(phone, "rectification")
    await desk.goto(f"{district.url}/staff/rectifications")
    await expect(desk.locator("main")).to_contain_text("九点前就到了")
    await desk.get_by_text("答复", exact=True).first.click()
    await desk.get_by_label("告诉本人").fill("签到表上有，已补录")
    await shot(desk, "rectifications")
    await desk.get_by_role("button", name="答复").click()
    await expect(desk.locator("main")).to_contain_text("没有等您答复的申请")
    await phone.reload()
    await expect(phone.locator("main")).to_contain_text("签到表上有，已补录")


async def call_off(page: Page) -> None:
    """Call off one shift of the shown activity as it was previewed, then all that is left."""
    await page.get_by_role("link", name="名单").first.click()
    await expect(page.locator("section:has(#call-off)")).to_contain_text("报名和候补的人会收到通知")
    await shot(page, "shift")
    await page.get_by_role("link", name="取消这个班次").click()
    await expect(page.locator("main")).to_contain_text("报了名还没来的")
    await shot(page, "calling-off")
    await page.get_by_role("button", name="照上面的取消").click()
    await page.get_by_role("dialog").get_by_role("button", name="确定取消").click()
    await page.wait_for_url("**/staff/shifts/0*")
    await expect(page.locator("#call-off")).to_have_count(0)
    await page.get_by_role("link", name="看整个活动").click()
    await page.get_by_role("link", name="取消整个活动").click()
    await expect(page.locator("main")).to_contain_text("1 个班次")
    await page.get_by_role("button", name="照上面的取消").click()
    await page.get_by_role("dialog").get_by_role("button", name="确定取消").click()
    await expect(page.get_by_role("link", name="办完了")).to_be_visible()


async def test_a_station_plans_calls_the_roll_and_finds_a_volunteer(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as desk, visitor(browser, phone=False) as other:
        await register(phone, district, "欧阳晓光")
        number = await number_of(phone, district)
        await staff_log_in(desk, district)
        await staff_log_in(other, district)
        await shot(desk, "station-today")

        # a weekly activity is planned in one go
        await desk.goto(f"{district.url}/staff/activities/new")
        await desk.get_by_label("名称").fill("社区理发")
        await desk.get_by_label("地点").fill("活动室一楼")
        begin = district.start + timedelta(days=3)
        await desk.get_by_label("开始").fill(f"{begin:%Y-%m-%dT%H:%M}")
        await desk.get_by_label("结束").fill(f"{begin + timedelta(hours=2):%Y-%m-%dT%H:%M}")
        await desk.get_by_label("每周重复").fill("2")
        await desk.get_by_role("button", name="建立活动").click()
        await desk.wait_for_url("**/staff/activities/0*")
        await expect(desk.get_by_role("link", name="名单")).to_have_count(2)

        # the second of two editors is shown what the first one changed
        await other.goto(desk.url)
        for page, place in ((desk, "活动室二楼"), (other, "居委会门口")):
            await page.get_by_label("地点").fill(place)
            async with page.expect_response(lambda answer: answer.request.method != "GET"):
                await page.get_by_role("button", name="保存修改").click()
        await expect(other.locator("#changed")).to_contain_text("活动室一楼 → 活动室二楼")
        await other.get_by_role("button", name="载入现在的内容").click()
        await expect(other.get_by_label("地点")).to_have_value("活动室二楼")
        await shot(other, "activity")

        await call_off(other)

        # a volunteer without a sign-up is recorded, and leaves
        await desk.goto(f"{district.url}/staff/shifts/{district.shift_id}")
        await desk.get_by_label("没报名、现场来的").fill(number)
        await desk.get_by_role("button", name="记他们到了").click()
        await expect(desk.locator("#roster")).to_contain_text("记下了 1 位")
        await district.pass_time(45)
        await desk.locator("#roster form").filter(has_text="记他们走了").get_by_role("checkbox").check()
        await desk.get_by_role("button", name="记他们走了").click()
        await desk.get_by_role("dialog").get_by_role("button", name="记签退").click()
        await expect(desk.locator("#roster")).to_contain_text("要由别的站点核对")
        await shot(desk, "roster")
        await enter_afterwards(desk, district, number)
        await desk.goto(f"{district.url}/staff/approvals?view=recorded")
        await desk.get_by_role("link", name="只看这个活动").first.click()
        await expect(desk.locator("main")).to_contain_text(f"只看活动“{district.title}”的时长。")
        await expect(desk.locator("main li", has_text=number)).to_have_count(2)
        await shot(desk, "approvals-of-an-activity")
        await point_out(phone, desk, district)

        # found by name, and read in the clear against a reason that the volunteer can read
        await desk.goto(f"{district.url}/staff/volunteers")
        await desk.get_by_label("姓名、手机号或志愿者编号").fill("欧阳晓光")
        await desk.get_by_label("为什么要查").fill("核对当天名单")
        await desk.get_by_role("button", name="查").click()
        await desk.locator("#found").get_by_role("link", name=number).click()
        await desk.get_by_label("为什么要看完整的").fill("通知集合地点")
        await desk.get_by_role("button", name="看完整的联系方式").click()
        await expect(desk.locator("#clear")).to_contain_text("欧阳晓光")
        await shot(desk, "volunteer")


async def test_a_leader_calls_the_roll_on_a_phone(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser) as other:
        number = await register(phone, district, "周启明")
        await register(other, district, "赵桂兰")
        later = await make_leader(district, number)
        await log_in_again(phone, district, number)
        own, walk_in = await number_of(phone, district), await number_of(other, district)
        await phone.goto(f"{district.url}/staff/shifts/{district.shift_id}")
        for said, expected in ((own, "不能给自己点名"), (walk_in, "记下了 1 位")):
            await phone.get_by_label("没报名、现场来的").fill(said)
            await phone.get_by_role("button", name="记他们到了").click()
            await expect(phone.locator("#roster")).to_contain_text(expected)
        await expect(phone.get_by_label("替志愿者报名")).to_have_count(0)
        # the leader signs the team up for a later shift, and withdraws one of it again
        await phone.goto(f"{district.url}/staff/shifts/{later}")
        team = phone.locator("#team-signups")
        await team.get_by_role("checkbox").first.check()
        await team.get_by_role("button", name="给勾选的队员报名").click()
        await expect(team).to_contain_text("报上了 1 位")
        await expect(team).to_contain_text("已在名单里")
        await phone.reload()
        await phone.locator("#roster").get_by_role("button", name="取消报名").click()
        await phone.get_by_role("dialog").get_by_role("button", name="确定取消报名").click()
        await expect(phone.locator("#roster")).to_contain_text("还没有人报名")
        assert await sideways(phone) <= 0


async def test_an_activity_asks_for_skills_by_name(district: District, browser: Browser) -> None:
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        api = Api(client)
        await api.log_in("operator", district.stack.secrets.operator_password)
        await api.post("/recruitment/v1/tags", {"tag": "sign-language", "zh": "手语", "en": "Sign language"})
    async with visitor(browser, phone=False) as desk:
        await staff_log_in(desk, district)
        await desk.goto(f"{district.url}/staff/shifts/{district.shift_id}")
        await desk.get_by_role("link", name="看整个活动").click()
        box = desk.get_by_role("group", name="要有的技能").get_by_label("手语")
        await box.check()
        await desk.get_by_role("button", name="保存须知和条件").click()
        await expect(desk.get_by_text("已保存。")).to_be_visible()
        await expect(box).to_be_checked()
        await shot(desk, "requirements")
        await desk.context.add_cookies([{"name": "wg_language", "value": "en", "url": district.url}])
        await desk.reload()
        await expect(desk.get_by_role("group", name="Skills required").get_by_label("Sign language")).to_be_checked()
        await shot(desk, "requirements-en")
