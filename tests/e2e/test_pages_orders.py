"""Orders in a real browser: from the menu to the rating, one taken by phone, one dispatched, one without a team."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.pages_district import District
from tests.e2e.pages_operators import log_in, reloaded, shot
from tests.e2e.pages_orders import OrderParties, enter, parties_of
from tests.e2e.pages_visitors import staff_log_in, visitor

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

ADDRESS = "和平小区 3 号楼 2 单元 402"


@pytest.fixture(scope="module")
async def parties(district: District) -> OrderParties:
    """The district's need with its teams, leaders and member."""
    return await parties_of(district)


async def press(page: Page | Locator, name: str) -> None:
    """Press a button and let what it sent be answered: the page that follows says what came of it."""
    await page.get_by_role("button", name=name, exact=True).first.click()


async def state(page: Page, said: str) -> None:
    """The order's state as the page's first line says it."""
    await expect(page.locator("main .tag").first).to_have_text(said)


async def order_from_the_menu(phone: Page, district: District, need: str) -> str:
    """Read the code of a site, choose, prove the phone, and order for a father; the order's id."""
    site_id = district.site_ids[district.names.station]
    await phone.goto(f"{district.url}/menu?site={site_id}")
    await shot(phone, "menu")
    await phone.get_by_role("link", name=f"点单：{need}").click()
    number = district.new_phone()
    await phone.get_by_label("您的姓名").fill("李秀英")
    await phone.get_by_label("手机号", exact=True).fill(number)
    await phone.get_by_role("button", name="获取验证码").click()
    await expect(phone.get_by_text("验证码已发往")).to_be_visible()
    await phone.get_by_label("短信验证码").fill(district.one_time_code(number))
    await phone.get_by_label("我同意为安排服务").check()
    await press(phone, "下一步")
    await expect(phone.get_by_label("需要什么").locator("option:checked")).to_have_text(need)
    await expect(phone.locator("main")).to_contain_text(f"由{district.names.station}安排")
    await phone.get_by_label("地址", exact=True).fill(ADDRESS)
    await phone.get_by_label("上门前打哪个电话").fill(number)
    await phone.get_by_label("老人独居").check()
    await phone.get_by_label("我替别人点").check()
    await phone.get_by_label("被服务的人叫什么").fill("李大爷")
    await shot(phone, "order-form")
    await press(phone, "提交点单")
    await phone.wait_for_url("**/orders/*")
    await state(phone, "等审核")
    return phone.url.rpartition("/")[2]


async def review(desk: Page, district: District, order: str) -> None:
    """Staff take the order up from the board, read the address and offer it to the teams."""
    await staff_log_in(desk, district)
    await desk.goto(f"{district.url}/staff/orders")
    await shot(desk, "staff-orders")
    await desk.locator(f"a[href='/staff/orders/{order}']").click()
    await press(desk, "开始审核")
    await state(desk, "审核中")
    await desk.get_by_role("link", name="看地址和电话").click()
    await expect(desk.locator("main")).to_contain_text(ADDRESS)
    await shot(desk, "staff-order-review")
    await press(desk, "属实，让队伍接单")
    await state(desk, "等队伍接单")


async def accept_and_plan(evening: Page, district: District, parties: OrderParties, order: str) -> str:
    """The leader accepts an offer and sets the time for tomorrow; the shift's id."""
    await enter(evening.context, district, parties.leaders[district.names.team])
    await evening.goto(f"{district.url}/staff/offers")
    await expect(evening.locator("main")).to_contain_text("就在本站点")
    await shot(evening, "leader-offers")
    await press(evening, f"{district.names.team} 接单")
    await expect(evening.locator("section[aria-labelledby=own]")).to_contain_text(parties.need)
    await evening.goto(f"{district.url}/staff/orders/{order}")
    await state(evening, "已接单")
    begin = district.now + timedelta(days=1)
    await evening.get_by_label("开始").fill(f"{begin:%Y-%m-%dT%H:%M}")
    await evening.get_by_label("结束").fill(f"{begin + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    await shot(evening, "leader-plan")
    await press(evening, "定下时间")
    await state(evening, "已定时间")
    return str(await evening.get_by_role("link", name="看报名和签到").get_attribute("href")).rpartition("/")[2]


async def serve(phone: Page, member: Page, district: District, order: str, shift_id: str) -> None:
    """Check in and out an hour apart, each time by the code that the resident's page shows at that moment."""
    for said, after, minutes in (("签到", "已签到", 60), ("签退", "已签退", 0)):
        await phone.goto(f"{district.url}/orders/{order}")
        code = await phone.locator("#door-code").inner_text()
        await member.goto(f"{district.url}/s/{shift_id}")
        await member.get_by_role("link", name="看地址，到门口签到").click()
        await member.get_by_label("开门码").fill(code)
        await shot(member, f"member-{minutes}")
        await press(member, said)
        await expect(member.locator("main")).to_contain_text(after)
        await district.pass_time(minutes)
    await shot(phone, "order-door")


async def decide_complaint(browser: Browser, district: District, order: dict[str, Any]) -> None:
    """The operator finds the complaint on the first page, reads it, dismisses it, and sees what came of it."""
    async with visitor(browser, phone=False) as centre:
        await log_in(centre, district, "operator", district.stack.secrets.operator_password)
        complaint = centre.locator("section.card", has_text=order["number"])
        await centre.goto(f"{district.url}/staff/complaints")
        await reloaded(centre, complaint)
        await centre.goto(f"{district.url}/staff")
        await centre.locator("a.waits[href='/staff/complaints']").click()
        await complaint.get_by_role("link", name="看居民怎么说").click()
        await expect(complaint).to_contain_text("来晚了")
        await shot(centre, "complaints")
        await complaint.get_by_text("投诉不成立").click()
        await complaint.get_by_label("为什么不成立").fill("和居民通过电话")
        await press(complaint, "不成立")
        await expect(centre.locator("section.card", has_text=order["number"])).to_have_count(0)
        await centre.get_by_role("link", name="处理过的").click()
        await expect(complaint).to_contain_text("和居民通过电话")
        await expect(complaint.locator(".tag")).to_have_text("投诉不成立")
        await shot(centre, "complaints-decided")


async def test_an_order_goes_from_the_menu_to_its_rating(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser, phone=False) as desk,
        visitor(browser, phone=False) as evening,
        visitor(browser) as member,
    ):
        order = await order_from_the_menu(phone, district, parties.need)
        await shot(phone, "order-placed")
        await phone.goto(f"{district.url}/me")
        await expect(phone).to_have_url(f"{district.url}/orders")  # a resident has no page of a volunteer
        await shot(phone, "orders-mine")
        await review(desk, district, order)
        shift_id = await accept_and_plan(evening, district, parties, order)
        await parties.call(parties.member, f"/shifts/{shift_id}/signups", {})
        await enter(member.context, district, parties.member)
        await district.pass_time(24 * 60)
        await serve(phone, member, district, order, shift_id)
        await evening.reload()
        await shot(evening, "leader-close")
        await press(evening, "服务完成")
        await state(evening, "等评价")
        await phone.goto(f"{district.url}/orders/{order}")
        await shot(phone, "order-rate")
        await phone.get_by_label("很满意").check()
        await phone.get_by_label("想说的话").fill("小王很细心")
        await press(phone, "提交评价")
        await state(phone, "已评价")
        await expect(phone.locator("section[aria-labelledby=looks] li")).to_have_count(1)
        await desk.reload()
        await state(desk, "已评价")
        await shot(desk, "staff-order-rated")
        await phone.goto(f"{district.url}/me/inbox")
        for title in ("已收到点单", "时间已定"):
            await reloaded(phone, phone.locator("main", has_text=f"{title}：{parties.need}"))
        await shot(phone, "resident-inbox")


async def test_staff_take_an_order_by_phone_on_one_form(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    async with visitor(browser, phone=False) as desk:
        await staff_log_in(desk, district)
        await desk.goto(f"{district.url}/staff/orders/new")
        await desk.get_by_label("电话", exact=True).check()
        await desk.get_by_label("居民姓名").fill("周奶奶")
        await desk.get_by_label("需要什么").select_option(label=parties.need)
        await desk.get_by_label("地址", exact=True).fill(ADDRESS)
        await desk.get_by_label("上门前打哪个电话").fill(district.new_phone())
        await shot(desk, "staff-order-new")
        await press(desk, "点单")
        await desk.wait_for_url("**/staff/orders/*")
        await state(desk, "审核中")
        await expect(desk.locator("section[aria-labelledby=facts]")).to_contain_text("电话")


async def test_a_declined_order_is_dispatched_to_the_team_that_the_desk_suggests(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    order = await parties.offered(await parties.resident("孙大爷"))
    first, second = district.names.team, next(name for name in parties.teams if name != district.names.team)
    async with visitor(browser) as evening, visitor(browser, phone=False) as desk:
        await enter(evening.context, district, parties.leaders[first])
        await evening.goto(f"{district.url}/staff/orders/{order['order_id']}")
        await evening.get_by_text("接不了").first.click()
        await evening.get_by_label("原因").select_option(label="人手不够")
        await press(evening, "接不了")
        await expect(evening.locator("main")).to_contain_text("没有找到")
        secrets = district.stack.secrets
        await log_in(desk, district, "operator", secrets.operator_password)
        await desk.goto(f"{district.url}/staff/desk")
        card = desk.locator("section.card", has_text=order["number"])
        await expect(card).to_contain_text("1 支队伍没有接")
        await expect(card).not_to_contain_text(f"派给 {first}")
        await shot(desk, "desk")
        await press(card, f"派给 {second}")
        await expect(desk.locator("section.card", has_text=order["number"])).to_have_count(0)
        await evening.context.clear_cookies()
        await enter(evening.context, district, parties.leaders[second])
        await evening.goto(f"{district.url}/staff/offers")
        await press(evening, f"{second} 接单")
        await expect(evening.locator("section[aria-labelledby=own]")).to_contain_text(parties.need)
        await shot(evening, "leader-own")


async def test_an_order_without_a_team_says_so_and_becomes_a_lead_for_recruitment(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    resident = await parties.resident("吴阿姨")
    order = await parties.offered(resident)
    async with visitor(browser) as phone, visitor(browser, phone=False) as desk:
        await staff_log_in(desk, district)
        await desk.goto(f"{district.url}/staff/orders/{order['order_id']}")
        await desk.get_by_text("撤单，或没有队伍能接").click()
        await desk.get_by_label("原因").last.select_option(label="没有合适的队伍")
        await press(desk, "撤单")
        await press(desk.get_by_role("dialog"), "撤单")
        await state(desk, "没有队伍能接")
        await enter(phone.context, district, resident)
        await phone.goto(f"{district.url}/orders/{order['order_id']}")
        await expect(phone.locator("main")).to_contain_text("没有合适的队伍")
        await shot(phone, "order-unfulfilled")
        await desk.goto(f"{district.url}/staff/desk")
        leads = desk.locator("section[aria-labelledby=leads]")
        await expect(leads).to_contain_text(parties.need)
        await expect(leads).to_contain_text("1 单")


async def test_a_resident_answers_cancels_and_after_a_bad_rating_by_phone_has_it_arranged_again(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    resident = await parties.resident("郑大爷")
    asked, dropped = await parties.placed(resident), await parties.placed(resident)
    for decision in ({"decision": "take"}, {"decision": "ask", "reason_code": "address", "words": "请问是几单元？"}):
        await parties.call(parties.station, f"/orders/{asked['order_id']}/review", decision)
    served = await parties.served(resident)
    async with visitor(browser) as phone, visitor(browser, phone=False) as desk:
        await enter(phone.context, district, resident)
        await phone.goto(f"{district.url}/orders/{asked['order_id']}")
        await expect(phone.locator("section[aria-labelledby=answer]")).to_contain_text("请问是几单元？")
        await phone.get_by_label("您要补充的").fill("二单元")
        await press(phone, "提交补充")
        await state(phone, "审核中")

        await phone.goto(f"{district.url}/orders/{dropped['order_id']}")
        await phone.get_by_text("不需要了，要撤单").click()
        await phone.get_by_label("为什么").select_option(label="已经有人帮忙")
        await press(phone, "撤单")
        await press(phone.get_by_role("dialog"), "撤单")
        await state(phone, "已撤单")

        await staff_log_in(desk, district)
        await desk.goto(f"{district.url}/staff/orders/{served['order_id']}")
        await desk.get_by_label("很不满意").check()
        await desk.get_by_label("居民要投诉").check()
        await desk.get_by_label("居民说的话").fill("来晚了")
        await press(desk, "记下评价")
        await state(desk, "已评价")
        await decide_complaint(browser, district, served)
        await phone.goto(f"{district.url}/orders/{served['order_id']}")
        await shot(phone, "order-reopen")
        await press(phone, "换一支队伍")
        await state(phone, "等队伍接单")
        await expect(phone.locator("section[aria-labelledby=reopen]")).to_have_count(0)


async def place_a_series(phone: Page, district: District, parties: OrderParties) -> str:
    """Order three services, week by week; the order's id."""
    site_id = district.site_ids[district.names.station]
    await phone.goto(f"{district.url}/order?need={parties.tag_id}&site={site_id}")
    await phone.get_by_text("要来好几次？").click()
    await phone.get_by_label("多久一次").select_option(label="每周一次")
    await phone.get_by_label("一共几次").fill("3")
    await phone.get_by_label("地址", exact=True).fill(ADDRESS)
    await phone.get_by_label("上门前打哪个电话").fill(district.new_phone())
    await press(phone, "提交点单")
    await phone.wait_for_url("**/orders/*")
    await expect(phone.locator("main")).to_contain_text("每周一次 · 3 次")
    return phone.url.rpartition("/")[2]


@pytest.mark.deep
async def test_a_series_is_accepted_once_and_each_date_goes_its_own_way(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    async with visitor(browser) as phone, visitor(browser) as evening:
        await enter(phone.context, district, await parties.resident("何奶奶"))
        order = await place_a_series(phone, district, parties)
        for decision in ("take", "offer"):
            await parties.call(parties.station, f"/orders/{order}/review", {"decision": decision})
        await enter(evening.context, district, parties.leaders[district.names.team])
        await evening.goto(f"{district.url}/staff/orders/{order}")
        await press(evening, f"{district.names.team} 接单")
        await state(evening, "已接单")
        await press(evening, "定下时间")
        await state(evening, "已定时间")
        await phone.goto(f"{district.url}/orders")
        planned = phone.locator("article", has_text="已定时间")
        await expect(planned).to_have_count(3)
        await shot(phone, "orders-series")
        last = await phone.locator("article a.more").first.get_attribute("href")
        assert last is not None
        assert not last.endswith(order)
        await phone.goto(f"{district.url}{last}")
        await phone.get_by_text("不需要了，要撤单").click()
        await phone.get_by_label("为什么").select_option(label="不需要了")
        await press(phone, "撤单")
        await press(phone.get_by_role("dialog"), "撤单")
        await state(phone, "已撤单")
        await district.pass_time(2 * 24 * 60)
        await evening.reload()
        await press(evening, "服务完成")
        await state(evening, "等评价")
        await phone.goto(f"{district.url}/orders")
        await expect(planned).to_have_count(1)
        await phone.goto(f"{district.url}/orders/{order}")
        await phone.get_by_label("很不满意").check()
        await press(phone, "提交评价")
        await state(phone, "已评价")
        await press(phone, "还是原来的队伍")
        await state(phone, "等队伍接单")


async def test_the_centre_takes_a_need_off_the_menu_and_names_a_day_off(
    district: District, browser: Browser, parties: OrderParties
) -> None:
    async with visitor(browser, phone=False) as desk:
        await log_in(desk, district, "operator", district.stack.secrets.operator_password)
        await desk.goto(f"{district.url}/staff/menu")
        line = desk.locator("section[aria-labelledby=needs] li", has_text=parties.need)
        await line.locator("summary").click()
        await line.get_by_label("居民能点").uncheck()
        await press(line, "保存")
        await expect(line).to_contain_text("不能点")
        await desk.get_by_label("日期").fill(f"{district.now:%Y}-12-31")
        await press(desk.locator("section[aria-labelledby=days]"), "保存")
        await expect(desk.locator("section[aria-labelledby=days]")).to_contain_text(f"{district.now:%Y}年12月31日")
        await shot(desk, "menu-admin")
        await desk.goto(f"{district.url}/menu")
        await expect(desk.locator("main")).not_to_contain_text(parties.need)
