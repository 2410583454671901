"""An operator's day at the console, in a browser, on the real stack."""

import json
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from playwright.async_api import Browser, Page, expect

from services.web.pages.console.sentences import EventNames, text_of
from tests.e2e.pages_district import District
from tests.e2e.pages_operators import log_in, reloaded
from tests.e2e.pages_visitors import register, visitor

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

POISON = b'{"minutes": "<script>alert(1)</script>"}'
SAMPLES: list[dict[str, Any]] = [
    {"kind": "event", "topic": "attendance", "type": "volunteering.attendance.recorded.v1", "size": 9, "value": value}
    for value in (
        {"volunteer_id": "abcdef123456", "minutes": 65, "status": "confirmed", "ended_at": "2026-03-05T02:00:00Z"},
        {"volunteer_id": None, "minutes": "x", "status": "void"},
        {"minutes": 1200, "provenance": "imported", "volunteer_id": "0192f000"},
    )
] + [
    {
        "kind": "event", "topic": "points", "type": "volunteering.points.posted.v1", "size": 9,
        "value": {"reason": "reversal", "amount": -1200, "available": 34567, "volunteer_id": "0192f000"},
    },
    {
        "kind": "event", "topic": "audit", "type": "volunteering.audit.operator-acted.v1", "size": 9,
        "value": {"role": "engineer", "act": "replay", "dry_run": True, "service": "points", "records": 3},
    },
    {
        "kind": "event", "topic": "redemptions", "type": "volunteering.redemption.held.v1", "size": 9,
        "value": {"reward_name": "<b>理发券", "points": 30, "expires_at": "2026-03-05T02:00:00Z", "site_id": "s"},
    },
    {"kind": "dead-letter", "topic": "attendance.points.dlq", "type": None, "size": 9, "value": None},
    {"kind": "event", "topic": "points", "type": "x.y", "size": 900000, "value": None},
    {"kind": "event", "topic": "points", "type": "x.y", "size": 9, "value": {}},
]  # fmt: skip


TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""What came before a button was pressed is drawn."""


async def engineer(page: Page, district: District) -> None:
    await log_in(page, district, "engineer", district.stack.secrets.engineer_password, "/console")


async def poison(district: District, topic: str = "attendance", value: bytes = POISON) -> None:
    """A record that points cannot read, or of another topic; the same one again is no new row."""
    producer = AIOKafkaProducer(bootstrap_servers=district.stack.broker.bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(f"volunteering.{topic}.v1", value, b"poison")
    finally:
        await producer.stop()


async def places(page: Page) -> list[tuple[str, str]]:
    """Which events stand where, by their times; their sentences may still get the numbers and names they ask for."""
    rows = page.locator(".live-row:visible")
    indices = await rows.evaluate_all("rows => rows.map(row => row.getAttribute('aria-rowindex'))")
    return list(zip(indices, await rows.locator(".live-time").all_inner_texts(), strict=True))


async def test_events_come_live_as_sentences_and_pausing_moves_no_row(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page, visitor(browser) as phone:
        await engineer(page, district)
        await expect(page.locator("#live-said")).to_have_text("实时")
        rows = page.locator(".live-row:visible .live-said")
        await expect(page.locator(".live-row:visible", has_text="招募").first).to_be_visible()
        await register(phone, district, "王秀兰")
        await expect(rows.filter(has_text="志愿红进广场").first).to_be_visible()
        await page.get_by_role("button", name="暂停").click()
        await expect(page.locator("#live-state")).to_have_attribute("data-live", "paused")
        await page.evaluate(TWO_FRAMES)
        held = await places(page)
        await poison(district)
        await expect(page.locator("#live-said")).not_to_have_text("已暂停，有 0 条新事件")
        await page.evaluate(TWO_FRAMES)
        assert await places(page) == held
        await page.get_by_role("button", name="继续").click()
        await expect(page.locator("#live-said")).to_have_text("实时")
        await expect(page.locator(".live-row.odd:visible").first).to_be_visible()


async def test_a_live_page_says_that_it_is_cut_off_and_goes_on_without_a_gap(
    district: District, browser: Browser
) -> None:
    async with visitor(browser, phone=False) as page:
        await engineer(page, district)
        said, state = page.locator("#live-said"), page.locator("#live-state")
        await expect(said).to_have_text("实时")
        first = page.locator(".live-row:visible").first
        await expect(first).to_be_visible()
        await page.route("**/api/operations/v1/events*", lambda route: route.abort())
        await page.route("**/api/operations/v1/events/stream*", lambda route: route.abort())
        await page.locator("#live").evaluate("list => list.weiguang.interrupt()")
        await expect(said).to_have_text("断开，正在重连，断开期间的事件会补上")
        await expect(state).to_have_attribute("data-live", "lost")
        before = int(await page.locator("#live").get_attribute("aria-rowcount") or 0)
        await poison(district, "team-badges", b'{"while": "cut off"}')  # a topic that the index alone reads
        await page.unroute("**/api/operations/v1/events/stream*")
        await page.unroute("**/api/operations/v1/events*")
        await expect(said).to_have_text("已恢复，没有漏掉事件")
        await page.wait_for_function(
            "before => Number(document.getElementById('live').getAttribute('aria-rowcount')) > before", arg=before
        )
        await page.route("**/api/operations/v1/events*", lambda route: route.fulfill(status=401, json={}))
        await page.locator("#live").evaluate("list => list.weiguang.interrupt()")
        await expect(said).to_have_text("断开：登录已过期，登录后会接着显示")
        await expect(page.locator("#live-login")).to_be_visible()
        assert int(await page.locator("#live").get_attribute("aria-rowcount") or 0) > before


async def test_filters_stay_in_the_address_and_rows_open_by_keyboard(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await engineer(page, district)
        await page.get_by_label("主题").select_option("drives")
        await expect(page).to_have_url(f"{district.url}/console?topic=drives")
        await page.reload()
        await expect(page.get_by_label("主题")).to_have_value("drives")
        await expect(page.locator(".live-row:visible").first).to_be_visible()
        await page.locator("#live").focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        panel = page.locator("#live-event")
        await expect(panel).to_contain_text("drives /")
        await panel.get_by_role("link", name="打开这一事件").click()
        await expect(page.get_by_role("heading", name="各服务的处理")).to_be_visible()
        await page.get_by_role("link", name="追踪全程").click()
        await expect(page.locator(".trace li").first).to_be_visible()


async def test_the_script_says_what_python_says(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await engineer(page, district)
        say = "events => events.map(one => document.getElementById('live').weiguang.say(one))"
        assert await page.evaluate(say, json.loads(json.dumps(SAMPLES))) == [
            text_of(one, EventNames()) for one in SAMPLES
        ]


async def test_a_poisoned_record_is_read_tried_discarded_and_restored(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await engineer(page, district)
        await poison(district)
        group = page.locator("tr", has_text="points").first
        await page.goto(f"{district.url}/console/dead-letters")
        await reloaded(page, group)
        await group.get_by_role("link").click()
        await page.wait_for_url("**/groups/**")
        letters = page.url
        await page.locator("section", has=page.get_by_role("heading", name="记录")).locator("td a").first.click()
        await expect(page.locator("pre.raw")).to_contain_text("<script>alert(1)</script>")
        await page.goto(letters)
        trial = page.locator("form", has=page.get_by_role("button", name="试算重放"))
        await trial.get_by_label("理由").fill("看看会怎样")
        await trial.get_by_role("button").click()
        await expect(trial.locator(".message.done")).to_contain_text("会处理 0 条")
        drop = page.locator("form", has=page.get_by_role("button", name="搁置"))
        await drop.get_by_label("理由").fill("读不出")
        await drop.get_by_role("button").click()
        await page.wait_for_url("**/console/dead-letters?status=discarded")
        await page.locator("tr", has_text="points").first.get_by_role("link").click()
        back = page.locator("form", has=page.get_by_role("button", name="取回"))
        await back.get_by_label("理由").fill("再看看")
        await back.get_by_role("button").click()
        await page.wait_for_url("**/console/dead-letters")
        await page.goto(f"{district.url}/console/audit")
        await expect(page.locator("tbody")).to_contain_text("搁置死信")
        await expect(page.locator("tbody")).to_contain_text("试算")


async def test_a_consumer_is_paused_and_resumed(district: District, browser: Browser) -> None:
    async with visitor(browser, phone=False) as page:
        await engineer(page, district)
        await page.goto(f"{district.url}/console/streams")
        group = page.locator("details.group", has=page.locator("summary b", has_text="notify")).first
        await group.locator("summary").click()
        pause = group.locator("form", has=page.get_by_role("button", name="暂停 4 小时"))
        await pause.get_by_label("理由").fill("换证书")
        await pause.get_by_role("button").click()
        await expect(group.locator("summary")).to_contain_text("已暂停")
        resume = group.locator("form", has=page.get_by_role("button", name="恢复"))
        await resume.get_by_label("理由").fill("证书换好了")
        await resume.get_by_role("button").click()
        await expect(group.locator("summary")).not_to_contain_text("已暂停")
