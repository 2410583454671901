"""The pages in a real browser on the real stack: what a volunteer and the staff do, and what they read."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import check_out, problem, redeem, register, scan, sideways, staff_log_in, visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

FIRST_LOAD_BYTES = 60 * 1000
"""The most that a volunteer's page may weigh over the wire when nothing is cached."""
FIRST_LOADS = (
    "/",
    "/drives",
    "/d/{code}",
    "/login",
    "/rules",
    "/me",
    "/me/service",
    "/me/points",
    "/me/inbox",
    "/me/profile",
)


@pytest.mark.kafka
async def test_the_whole_path_from_the_drive_to_the_reward(district: District, browser: Browser) -> None:
    async with (
        visitor(browser) as phone,
        visitor(browser, phone=False) as screen,
        visitor(browser, phone=False) as wall,
    ):
        await wall.goto(district.url)
        await expect(wall.locator(".pulse[data-live=on]")).to_be_visible()
        participants = wall.locator(".figure", has_text="参加过服务").locator(".number")
        before = int(re.sub(r"\D", "", await participants.inner_text()))

        await register(phone, district, "张晓梅")
        await expect(phone.get_by_text("登记成功")).to_be_visible()
        await expect(phone.locator("#available")).to_have_text("0")
        await (
            phone.locator("#shifts li", has_text=district.title)
            .filter(has_text="09:00—11:00")
            .get_by_role("button", name="报名")
            .click()
        )
        await expect(phone.locator("#duties")).to_contain_text(district.title)
        await expect(phone.locator("#shifts")).not_to_contain_text("09:00—11:00")

        await staff_log_in(screen, district)
        await screen.get_by_role("link", name="签到二维码").first.click()
        await expect(screen.locator("#qr svg[role=img]")).to_be_visible()

        # three taps: scan, press, done
        await scan(phone, screen, district)
        await phone.get_by_role("button", name="签到", exact=True).click()
        await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
        assert "c=" not in phone.url

        await district.pass_time(65)
        await scan(phone, screen, district)
        await check_out(phone)
        # 65 minutes in March: 16 points, and 20 for the first service ever; without reloading the page
        await expect(phone.locator("#available")).to_have_text("36")
        await expect(phone.locator("#summary .badge")).to_contain_text("微光初亮")
        await expect(phone.locator("#inbox")).to_contain_text("获得 16 分")
        await expect(phone.locator("#inbox")).to_contain_text("点亮徽章")
        await expect(participants).to_contain_text(f"{before + 1}")

        await phone.goto(f"{district.url}/me/why")
        await expect(phone.locator(".amount").first).to_be_visible()
        await expect(phone.locator("main")).to_contain_text(
            "1 小时 5 分钟 × 15 积分/小时 = 16.25，舍去小数，得 16 积分"
        )
        await redeem_and_pick_up(phone, screen, district)


async def redeem_and_pick_up(phone: Page, screen: Page, district: District) -> None:
    await phone.goto(f"{district.url}/me/points")
    await redeem(phone.locator("#rewards li", has_text=district.reward))
    pickup = phone.locator("[data-pickup]")
    await expect(pickup).to_be_visible()
    await expect(phone.locator("#available")).to_have_text("6")
    code = await pickup.get_attribute("data-pickup")
    assert code is not None
    assert len(code) == 8
    await screen.goto(f"{district.url}/staff")
    await expect(screen.locator("#held")).to_contain_text("待领取 1 笔")
    await screen.get_by_label("领取码").fill("22222222" if code != "22222222" else "33333333")
    await screen.get_by_role("button", name="交付奖品").click()
    await expect(problem(screen)).to_have_text("领取码不对，请和志愿者核对。")
    await screen.get_by_label("领取码").fill(f"{code[:4].lower()} {code[4:]}")
    await screen.get_by_role("button", name="交付奖品").click()
    await expect(problem(screen)).to_have_text(f"已领取：请把“{district.reward}”交给志愿者。")
    await expect(screen.locator("#held")).to_contain_text("没有待领取")
    await expect(screen.get_by_label("领取码")).to_have_value("")
    await screen.get_by_label("领取码").fill(code)
    await screen.get_by_role("button", name="交付奖品").click()
    await expect(problem(screen)).to_contain_text("已经办完")
    await phone.reload()
    await expect(phone.locator("[data-pickup]")).to_have_count(0)
    await expect(phone.locator("#summary")).to_contain_text("已兑换")


async def test_nonsense_in_the_drives_form_is_answered_beside_the_field(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await page.goto(f"{district.url}/d/{district.drive_code}")
        await page.get_by_role("button", name="获取验证码").click()
        await expect(problem(page)).to_have_text("请填写 11 位手机号，例如 13812345678。")
        await page.get_by_label("姓名", exact=True).fill("<1>")
        await page.get_by_label("手机号", exact=True).fill("电话")
        await page.get_by_label("短信验证码").fill("12")
        await page.get_by_role("button", name="登记", exact=True).click()
        for sentence in ("请填写真实姓名", "请填写 11 位手机号", "6 位数字验证码", "需要您同意"):
            await expect(problem(page).filter(has_text=sentence)).to_be_visible()
        # what the browser lets pass is answered by the service, in the same place and language
        await page.get_by_label("姓名", exact=True).fill("李\u200b雷")
        await page.get_by_label("手机号", exact=True).fill(" 139-1234-9999 ")
        await page.get_by_label("短信验证码").fill("000000")
        await page.get_by_label("我自愿参加").check()
        await page.get_by_role("button", name="登记", exact=True).click()
        await expect(problem(page)).to_have_count(1)
        await expect(page.get_by_role("button", name="登记", exact=True)).to_be_enabled()


async def test_a_childs_guardian_is_asked(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await page.goto(f"{district.url}/d/{district.drive_code}")
        consent = page.get_by_label("监护人已知情")
        await expect(consent).to_be_hidden()
        await page.get_by_label("出生日期").fill(
            f"{datetime.now(UTC).year - 10}-06-01"
        )  # the page asks the phone's clock
        await expect(consent).to_be_visible()
        await page.get_by_role("button", name="登记", exact=True).click()
        await expect(problem(page).filter(has_text="需要监护人同意")).to_be_visible()
        await page.get_by_label("出生日期").fill("1950-06-01")
        await expect(consent).to_be_hidden()


async def test_a_page_for_others_says_so_to_who_is_known(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await register(page, district, "吴芳")
        answer = await page.goto(f"{district.url}/staff")
        assert answer is not None
        assert answer.status == 403
        await expect(page.locator("main")).to_contain_text("您的账户不能做这件事")
        await page.get_by_role("button", name="退出").click()
        await expect(page.get_by_role("link", name="登录", exact=True)).to_be_visible()
        await page.goto(f"{district.url}/me")
        await expect(page).to_have_url(f"{district.url}/login?next=%2Fme")


async def test_a_wrong_code_and_a_stranger_get_a_clear_sentence(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await page.goto(f"{district.url}/login")
        phone = district.new_phone()
        await page.get_by_label("手机号", exact=True).fill(phone)
        await page.get_by_role("button", name="获取验证码").click()
        await expect(page.get_by_text("验证码已发往")).to_be_visible()
        right = district.one_time_code(phone)
        await page.get_by_label("短信验证码").fill("000000" if right != "000000" else "111111")
        await page.get_by_role("button", name="登录").click()
        await expect(page.locator("form > .message")).to_contain_text("验证码不对或已过期")
        await page.get_by_label("短信验证码").fill(right)
        await page.get_by_role("button", name="登录").click()
        await expect(page.locator("form > .message")).to_contain_text("还没有登记")


async def test_staff_with_a_wrong_password_stay_outside(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await page.goto(f"{district.url}/staff")
        await page.get_by_label("账号").fill("nobody-here")
        await page.get_by_label("密码").fill("wrong")
        await page.get_by_role("button", name="登录").click()
        await expect(problem(page)).to_have_text("账号或密码不对。")


async def test_a_stranger_finds_a_drive_by_list_or_code(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await page.goto(district.url)
        await page.get_by_role("link", name="我要当志愿者").click()
        await page.get_by_role("link", name=district.names.drive).click()
        await expect(page.get_by_role("heading", name="登记成为志愿者")).to_be_visible()
        await page.goto(f"{district.url}/drives")
        await page.get_by_label("招募码", exact=True).fill(f" {district.drive_code.lower()} ")
        await page.get_by_role("button", name="去登记").click()
        await expect(page).to_have_url(f"{district.url}/d/{district.drive_code}")
        poster = page.locator("img.poster")
        await poster.scroll_into_view_if_needed()
        await page.wait_for_function("document.querySelector('img.poster').naturalWidth > 0")


async def test_pages_that_lead_nowhere_say_so(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        for path, sentence in (("/d/NOPE22", "没有这个招募活动"), ("/no/such/page", "没有找到")):
            answer = await page.goto(district.url + path)
            assert answer is not None
            assert answer.status == 404
            await expect(page.locator("main")).to_contain_text(sentence)


async def test_pages_are_light_and_ask_nobody_else(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await register(page, district, "孙丽")
        host = urlsplit(district.url).netloc
        for path in FIRST_LOADS:
            hosts, weight = await first_load(page, district.url + path.format(code=district.drive_code))
            assert hosts == {host}
            print(f"{path} weighs {weight} bytes over the wire")
            assert 10_000 < weight < FIRST_LOAD_BYTES, f"{path} weighs {weight} bytes over the wire"


async def first_load(page: Page, address: str) -> tuple[set[str], int]:
    """The hosts that a page asks in a tab of its own without a cache, and the bytes that come over the wire."""
    tab = await page.context.new_page()
    asked: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session = await page.context.new_cdp_session(tab)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on(
        "Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: str(event["request"]["url"])})
    )
    session.on(
        "Network.loadingFinished", lambda event: sizes.update({event["requestId"]: int(event["encodedDataLength"])})
    )
    await tab.goto(address, wait_until="load")

    def complete() -> bool:
        plain = [one for one, url in asked.items() if url.startswith("http") and "/pulse" not in url]
        return len(plain) >= 3 and all(one in sizes for one in plain)

    await eventually(complete, what=f"the end of all that {address} asks for")
    await tab.close()
    return {urlsplit(url).netloc for url in asked.values() if url.startswith("http")}, sum(sizes.values())


async def test_every_field_has_a_name_and_every_page_a_heading(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        for path in ("/", "/drives", f"/d/{district.drive_code}", "/login", "/staff/login"):
            await page.goto(district.url + path)
            assert await page.locator("html").get_attribute("lang") == "zh-CN"
            assert await page.locator("h1").count() == 1, path
            nameless = await page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]), select')]"
                ".filter(one => !one.labels.length && !one.ariaLabel).length"
            )
            assert nameless == 0, path
            assert await sideways(page) <= 0, f"{path} has to be scrolled sideways on a phone"


async def test_the_pages_outlive_a_service_that_is_away(district: District, browser: Browser) -> None:
    async with visitor(browser) as page:
        await register(page, district, "周杰")
        pid = district.stack.kill("points-api")
        await page.goto(f"{district.url}/me")
        await expect(page.locator("h1")).to_have_text("周杰")
        await district.stack.wait_restarted("points-api", pid)
        await page.reload()
        await expect(page.locator("#available")).to_have_text("0")
