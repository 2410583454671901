"""Rewards, reasons and the board in a real browser: what lies on the shelf, is taken, and is asked about."""

import csv
import io
import re
import struct
import zlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, expect

from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import check_out, problem, redeem, register, scan, sideways, staff_log_in, visitor

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]


async def centre_log_in(page: Page, district: District) -> None:
    await page.goto(f"{district.url}/staff/login")
    await page.get_by_label("账号").fill("operator")
    await page.get_by_label("密码").fill(district.stack.secrets.operator_password)
    await page.get_by_role("button", name="登录").click()
    await page.wait_for_url("**/staff")


def photo(side: int = 700) -> FilePayload:
    """A photo as a phone takes it: far too large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x * y * 7 + x * 31) % 251 for x in range(3 * side)) for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    content = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    )
    assert len(content) > 1024 * 1024
    return {"name": "photo.png", "mimeType": "image/png", "buffer": content}


def card(page: Page, title: str) -> Locator:
    """The card under this heading."""
    return page.locator("section.card", has=page.get_by_role("heading", name=title, exact=True))


async def serve(phone: Page, screen: Page, district: District) -> None:
    """Two hours of service, from the sign-up to the check-out."""
    await phone.goto(f"{district.url}/me")
    await phone.locator("#shifts li", has_text=district.title).first.get_by_role("button", name="报名").click()
    await expect(phone.locator("#duties")).to_contain_text(district.title)
    await screen.goto(f"{district.url}/staff/shifts/{district.shift_id}/qr")
    await scan(phone, screen, district)
    await phone.get_by_role("button", name="签到", exact=True).click()
    await expect(phone.get_by_role("heading", name="已签到")).to_be_visible()
    await district.pass_time(110)
    await scan(phone, screen, district)
    await check_out(phone)


async def put_on_the_shelf(desk: Page, district: District, name: str) -> None:
    await desk.goto(f"{district.url}/staff/rewards")
    await desk.get_by_role("button", name="添加").click()
    await expect(problem(desk).filter(has_text="请填写名称")).to_be_visible()
    await desk.get_by_label("名称").fill(name)
    await desk.get_by_label("要多少积分").fill("5")
    await desk.get_by_label("每人每季度最多几次").fill("1")
    await desk.get_by_label("到哪天为止").fill("2026-03-31")
    await desk.get_by_role("button", name="添加").click()
    await desk.wait_for_url(re.compile(r"/staff/rewards/[0-9a-f-]{36}"))
    await desk.get_by_label("选一张照片").set_input_files(photo())
    await desk.get_by_role("button", name="换上这张").click()
    await expect(desk.locator("img.photo.large")).to_be_visible()
    weight = await desk.evaluate(
        "fetch(document.querySelector('img.photo.large').src).then(r => r.blob()).then(b => b.size)"
    )
    assert weight <= 16 * 1024
    receive, count = card(desk, "入库"), card(desk, "盘点")
    await receive.get_by_label("站点").select_option(label=district.names.station)
    await receive.get_by_label("件数").fill("4")
    await receive.get_by_role("button").click()
    await expect(receive.locator(".message:visible")).to_have_text("已入库，现在可兑 4 件。")
    await count.get_by_label("站点").select_option(label=district.names.station)
    await count.get_by_label("架上一共几件").fill("3")
    await count.get_by_label("原因").fill("一件破损")
    await count.get_by_role("button").click()
    await expect(count.locator(".message:visible")).to_have_text("已盘点，差额 -1 件，现在可兑 3 件。")
    await desk.locator("#stock").get_by_text("入库和盘点记录").click()
    await expect(desk.locator("#stock")).to_contain_text("数得 3 件，应有 4 件，差额 −1 · 一件破损")
    days = card(desk, "保留几天等人来领")
    await days.get_by_label("站点").select_option(label=district.names.station)
    await days.get_by_label("天数").fill("7")
    await days.get_by_role("button").click()
    await expect(desk.locator("#stock")).to_contain_text("保留 7 天")


async def test_from_the_shelf_to_the_refund_and_every_why(district: District, browser: Browser) -> None:
    name = "志愿红帽子"
    async with visitor(browser) as phone, visitor(browser, phone=False) as desk, visitor(browser) as station:
        await register(phone, district, "赵桂兰")
        # 学雷锋月: two hours, 30 points; said before anybody signs up
        await expect(phone.locator("#shifts li").first).to_contain_text("全程 2 小时得 30 积分，满 15 分钟开始得分")
        await centre_log_in(desk, district)
        await put_on_the_shelf(desk, district, name)
        await staff_log_in(station, district)
        await serve(phone, station, district)
        # and after: what this service came to
        await expect(phone.locator("#scan")).to_contain_text("这次服务 1 小时 50 分钟，得 27 积分")
        await expect(phone.locator("#scan")).to_contain_text(
            "1 小时 50 分钟 × 15 积分/小时 = 27.5，舍去小数，得 27 积分"
        )

        await phone.goto(f"{district.url}/me/points")
        line = phone.locator("#rewards li", has_text=name)
        await expect(line.get_by_role("img")).to_be_visible()
        await expect(line).to_contain_text("每季度限 1 次")
        await expect(line).to_contain_text("3月31日（周二）前（含当天）可兑换")
        await redeem(line)
        pickup = phone.locator("[data-pickup]")
        await expect(phone.locator(".pickup svg[role=img]")).to_be_visible()
        await expect(phone.locator(".pickup")).to_contain_text(f"3月{district.start.day + 7}日")
        await expect(line).to_contain_text("您已兑换 1 次")
        await expect(line).to_contain_text("您能兑换的次数已经用完了")
        await expect(line.get_by_role("button")).to_have_count(0)

        # the scanner at the counter types what the QR code holds
        code = await pickup.get_attribute("data-pickup")
        await station.goto(f"{district.url}/staff")
        await station.get_by_label("领取码").fill(f"{district.url}/staff/pickup/0192?c={code}")
        await station.get_by_role("button", name="交付奖品").click()
        await expect(problem(station)).to_have_text(f"已领取：请把“{name}”交给志愿者。")
        await station.goto(f"{district.url}/staff/redemptions?status=captured")
        await expect(station.locator("main")).to_contain_text("退款由中心办理")

        await desk.goto(f"{district.url}/staff/redemptions?status=captured")
        entry = desk.locator("li", has_text=name)
        await entry.get_by_text("退款", exact=True).click()
        await entry.get_by_role("button", name="退还积分").click()
        await expect(problem(desk)).to_contain_text("请填写原因")
        await entry.get_by_label("原因").fill("质量问题")
        await entry.get_by_role("button", name="退还积分").click()
        await expect(entry).to_have_count(0)
        await asks_why(phone, district)
        await asks_at_the_counter(phone, desk, district)


async def asks_why(phone: Page, district: District) -> None:
    await phone.goto(f"{district.url}/me/why")
    await expect(phone.locator("main")).to_contain_text("退款，积分退还")
    award = phone.locator("li", has_text="+27").first
    await award.get_by_text("为什么").click()
    await expect(award).to_contain_text("1 小时 50 分钟 × 15 积分/小时 = 27.5，舍去小数，得 27 积分")
    await award.get_by_text("这条记录是谁、怎么记的").click()
    for said in (
        "扫码签到；本人签退",
        "计划时长2 小时",
        "记录人志愿者本人",
        f"服务的站点{district.names.station}",
        "第 2 次记录",
        "事件编号",
        "查询编号",
    ):
        await expect(award.locator(".trail").first).to_contain_text(said)
    await award.get_by_role("link", name="积分规则第 1 版").click()
    await expect(phone.locator("main")).to_contain_text("一天最多计 8 小时")
    await phone.goto(f"{district.url}/me/balance?on={district.start - timedelta(days=1):%Y-%m-%d}")
    await expect(card(phone, "合计")).to_contain_text("47 积分")
    await expect(card(phone, "以前的余额")).to_contain_text(re.compile(r"可用积分\s*0 积分"))
    await phone.get_by_label("到哪一天结束时").fill(f"{district.start:%Y-%m-%d}")
    await phone.get_by_role("button", name="查").click()
    await expect(card(phone, "以前的余额")).to_contain_text(re.compile(r"可用积分\s*47 积分"))
    await expect(card(phone, "以前的余额")).to_contain_text("这一天还没有结束")
    await expect(card(phone, "一份一份的分")).to_contain_text(f"有效期到 2028年3月{district.start.day}日")
    await phone.goto(f"{district.url}/me/why")
    async with phone.expect_download() as begun:
        await phone.get_by_role("link", name="下载明细表格").click()
    text = (await (await begun.value).path()).read_text(encoding="utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0][:3] == ["时间", "事由", "关于"]
    assert [line[1] for line in lines[1:4]] == ["退款，积分退还", "领取奖品，积分已用", "兑换，先冻结积分"]
    assert any("1 小时 50 分钟 × 15 积分/小时 = 27.5，舍去小数，得 27 积分" in line[5] for line in lines)
    assert sum(int(line[3]) for line in lines[1:]) == 47


async def asks_at_the_counter(phone: Page, desk: Page, district: District) -> None:
    """The staff see what the volunteer sees, and who the volunteer is only masked."""
    await phone.goto(f"{district.url}/me")
    number = await phone.locator("main .number").first.inner_text()
    await desk.goto(f"{district.url}/staff/volunteers?number=LD-0000")
    await expect(problem(desk)).to_contain_text("没有这个编号的志愿者")
    await desk.get_by_label("志愿者编号").fill(f" {district.names.registry_number} ")
    await desk.get_by_role("button", name="查").click()
    await expect(desk.locator("#found")).to_contain_text("李**")
    await desk.goto(f"{district.url}/staff/volunteers")
    await desk.get_by_label("志愿者编号").fill(f" {number.lower()} ")
    await desk.get_by_role("button", name="查").click()
    await desk.locator("#found").get_by_role("link", name=number).click()
    await expect(desk.get_by_role("heading", name=number)).to_be_visible()
    await desk.get_by_role("link", name="积分怎么来的").click()
    await expect(desk.locator(".news")).to_contain_text(number)
    await expect(desk.locator(".news")).not_to_contain_text("赵桂兰")
    await expect(desk.locator("main")).to_contain_text("退款，积分退还")
    await desk.get_by_role("link", name="每次服务的时长").click()
    await expect(desk.locator("main")).to_contain_text("1 小时 50 分钟 × 15 积分/小时 = 27.5，舍去小数，得 27 积分")
    await desk.go_back()
    await desk.get_by_role("link", name="哪些分、什么时候到期").click()
    await expect(card(desk, "合计")).to_contain_text("47 积分")
    answer = await phone.goto(desk.url)
    assert answer is not None
    assert answer.status == 403


@pytest.mark.deep
async def test_an_edit_changes_what_was_edited_and_nothing_that_was_not_seen(
    district: District, browser: Browser
) -> None:
    times = {"available_from": "2026-03-01T08:00:00.5+08:00", "available_until": "2026-03-30T12:00:00+08:00"}
    async with visitor(browser, phone=False) as desk:
        await centre_log_in(desk, district)
        made = await asked(desk, "POST", "/rewards", {"name": "保温壶", "price": 5, **times})
        address, path = f"{district.url}/staff/rewards/{made['reward_id']}", f"/catalogue/{made['reward_id']}"
        reward = await asked(desk, "GET", path)
        await desk.goto(address)
        await expect(desk.get_by_label("到哪天为止")).to_have_value("2026-03-30")
        await save(desk, "说明", "两升")
        await expect(card(desk, "改过什么").locator("li")).to_have_count(1)
        edited = await asked(desk, "GET", path)
        assert list(edited["changes"][0]["after"]) == ["description"]
        assert [edited[name] for name in times] == [reward[name] for name in times]
        # a day that is changed begins and ends at midnight, the other keeps its time
        await save(desk, "到哪天为止", "2026-03-31")
        edited = await asked(desk, "GET", path)
        assert edited["available_from"] == reward["available_from"]
        assert edited["available_until"] == "2026-03-31T16:00:00Z"

        late = await desk.context.new_page()
        await late.goto(address)
        async with desk.expect_event("load"):
            await desk.get_by_role("button", name="下架：").click()
            await desk.get_by_role("button", name="确定下架").click()
        await late.get_by_label("名称").fill("保温瓶")
        await late.get_by_role("button", name="保存修改").click()
        await expect(problem(late).filter(has_text="请刷新页面")).to_be_visible()
        withdrawn = await asked(desk, "GET", path)
        assert (withdrawn["name"], withdrawn["window"]) == ("保温壶", "over")
        await late.reload()
        await save(late, "名称", "保温瓶")
        edited = await asked(desk, "GET", path)
        assert (edited["name"], edited["window"]) == ("保温瓶", "over")
        assert edited["available_until"] == withdrawn["available_until"]


async def save(page: Page, label: str, value: str) -> None:
    await page.get_by_label(label).fill(value)
    async with page.expect_event("load"):
        await page.get_by_role("button", name="保存修改").click()


async def asked(page: Page, method: str, path: str, body: Any = None) -> Any:
    """The answer of points to the person of this page."""
    headers = {"x-weiguang-page": "1", "idempotency-key": uuid4().hex}
    at = page.url.partition("/staff")[0]
    answer = await page.request.fetch(f"{at}/api/points/v1{path}", method=method, headers=headers, data=body)
    assert answer.ok, await answer.text()
    return await answer.json()


async def test_only_who_agrees_stands_on_the_board(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser, phone=False) as desk:
        await phone.goto(f"{district.url}/leaders")
        await expect(phone).to_have_url(f"{district.url}/login?next=%2Fleaders")
        await register(phone, district, "钱多多")
        await phone.get_by_role("link", name="我的", exact=True).click()
        await phone.get_by_role("link", name="光荣榜").click()
        await phone.get_by_label("站点").select_option(label=district.names.station)
        await phone.get_by_role("button", name="看榜").click()
        await expect(phone.get_by_label("站点")).to_have_value(re.compile(r"[0-9a-f-]{36}"))
        await expect(phone.locator("main")).to_contain_text("还没有人上榜")
        agreed = phone.get_by_label("同意用我的志愿者编号上榜")
        await expect(agreed).not_to_be_checked()
        await agreed.check()
        async with phone.expect_event("load"):  # the page comes again, with the board as it now is
            await phone.get_by_role("button", name="保存").click()
        await expect(phone.get_by_label("同意用我的志愿者编号上榜")).to_be_checked()
        await expect(phone.get_by_label("站点")).to_have_value(re.compile(r"[0-9a-f-]{36}"))
        await phone.get_by_role("link", name="今年").click()
        await expect(phone.locator(".jump [aria-current]")).to_have_text("今年")
        await centre_log_in(desk, district)
        await desk.goto(f"{district.url}/leaders?site=nonsense")
        await expect(desk.locator("h1")).to_have_text("光荣榜")
        await expect(desk.get_by_label("同意")).to_have_count(0)


@pytest.mark.deep
async def test_the_pages_fit_a_phone_and_keep_leaders_out_of_the_stock(district: District, browser: Browser) -> None:
    async with visitor(browser) as phone, visitor(browser) as station:
        await register(phone, district, "孙小二")
        await staff_log_in(station, district)
        await station.goto(f"{district.url}/staff/rewards")
        await expect(station.get_by_role("button", name="添加")).to_have_count(0)
        address = await station.locator("main li a").first.get_attribute("href")
        answer = await phone.goto(f"{district.url}{address}")
        assert answer is not None
        assert answer.status == 403
        pages = [(phone, path) for path in ("/me", "/me/why", "/me/balance", "/me/hours", "/leaders", "/rules")]
        pages += [(station, path) for path in ("/staff/rewards", str(address), "/staff/redemptions")]
        for page, path in pages:
            answer = await page.goto(f"{district.url}{path}")
            assert answer is not None
            assert answer.status == 200, path
            assert await page.locator("h1").count() == 1, path
            assert await sideways(page) <= 0, f"{path} has to be scrolled sideways on a phone"
            nameless = await page.evaluate(
                "[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
                ".filter(one => !one.labels.length && !one.ariaLabel).length"
            )
            assert nameless == 0, path
        answer = await phone.goto(f"{district.url}/me/balance?on=31-31-31")
        assert answer is not None
        assert answer.status == 200
        await expect(problem(phone)).to_have_text("日期不对，请重新选择。")
