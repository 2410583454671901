"""One intent is one Idempotency-Key, whatever happens to the page between two taps. The script alone, in a browser."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.pages_visitors import visitor

pytestmark = [pytest.mark.browser]

SCRIPT = (Path(__file__).resolve().parents[2] / "services/web/pages/static/app.js").read_text("utf-8")
URL = "http://weiguang.example/me"
FORM = (
    '<form data-api="POST /api/points/v1/redemptions" data-then="watch:rewards" data-done="兑换成功">'
    '<input type="hidden" name="reward_id" value="{reward}"><button>兑换 {reward}</button></form>'
)


class Shelf:
    """The page with two rewards, a service that keeps what it is asked, and ways to lose its answers."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.bodies: list[Any] = []
        self.answers: list[Callable[[Route], Any]] = []
        self.parts = 0

    async def open(self, page: Page) -> None:
        await page.route("**/*", self._serve)
        await page.goto(URL)

    def reply(self, *answers: Callable[[Route], Any]) -> None:
        self.answers += answers

    async def _serve(self, route: Route) -> None:
        request = route.request
        if request.method == "POST":
            self.keys.append(request.headers["idempotency-key"])
            self.bodies.append(json.loads(request.post_data or ""))
            answer = self.answers.pop(0) if self.answers else done
            await answer(route)
        elif "/parts/" in request.url:
            self.parts += 1
            await route.fulfill(body=f"<p>待领取 {len(self.keys)} 件</p>{self._forms()}", content_type="text/html")
        elif request.url.endswith("app.js"):
            await route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            part = f'<div id="rewards" data-part="/me/parts/rewards">{self._forms()}</div>'
            head = '<!doctype html><meta charset="utf-8"><script src="/app.js" defer></script>'
            await route.fulfill(body=head + part, content_type="text/html; charset=utf-8")

    def _forms(self) -> str:
        return FORM.format(reward="帽子") + FORM.format(reward="雨伞")


async def done(route: Route) -> None:
    await route.fulfill(status=201, json={"redemption_id": "1"})


async def lost(route: Route) -> None:
    await route.abort("connectionreset")


async def unavailable(route: Route) -> None:
    await route.fulfill(status=503, json={"type": "temporarily-unavailable", "detail": "稍后再试"})


async def refused(route: Route) -> None:
    await route.fulfill(status=422, json={"type": "invalid-input", "detail": "不对"})


async def at_work(route: Route) -> None:
    await route.fulfill(status=409, json={"type": "request-in-progress", "detail": "正在办理"})


async def never(route: Route) -> None:
    """The page is reloaded before an answer comes."""


async def tap(page: Page, reward: str) -> None:
    await page.get_by_role("button", name=f"兑换 {reward}").click()


@pytest.mark.parametrize("fate", [lost, *(pytest.param(fate, marks=pytest.mark.deep) for fate in (unavailable, never))])
async def test_a_reload_and_a_second_tap_are_the_same_intent(browser: Browser, fate: Callable[[Route], Any]) -> None:
    shelf = Shelf()
    async with visitor(browser) as page:
        await shelf.open(page)
        shelf.reply(fate)
        async with page.expect_request("**/redemptions"):
            await tap(page, "帽子")
        await page.goto(URL)
        async with page.expect_response("**/redemptions"):
            await tap(page, "帽子")
        await expect(page.locator("#rewards")).to_contain_text("待领取 2 件")
        assert len(shelf.keys) == 2
        assert shelf.keys[0] == shelf.keys[1], "the service recognises it and acts once"
        async with page.expect_response("**/redemptions"):
            await tap(page, "帽子")
        assert shelf.keys[2] != shelf.keys[1], "after an answer, another tap is another redemption"


async def test_after_the_reload_the_page_asks_for_what_is_held(browser: Browser) -> None:
    shelf = Shelf()
    async with visitor(browser) as page:
        await shelf.open(page)
        shelf.reply(never)
        async with page.expect_request("**/redemptions"):
            await tap(page, "雨伞")
        assert shelf.parts == 0
        await page.goto(URL)
        await expect(page.locator("#rewards")).to_contain_text("待领取 1 件")


async def test_another_intent_has_another_key_and_so_has_one_after_a_refusal(browser: Browser) -> None:
    shelf = Shelf()
    async with visitor(browser) as page:
        await shelf.open(page)
        shelf.reply(lost, lost, refused)
        for reward in ("帽子", "雨伞", "雨伞", "雨伞"):
            async with page.expect_event("requestfinished" if len(shelf.keys) > 1 else "requestfailed"):
                await tap(page, reward)
            await expect(page.get_by_role("button", name=f"兑换 {reward}")).to_be_enabled()
        hat, *umbrellas = shelf.keys
        assert hat not in umbrellas
        assert umbrellas[0] == umbrellas[1]
        assert umbrellas[1] != umbrellas[2]


async def test_an_earlier_press_that_is_still_at_work_is_waited_for(browser: Browser) -> None:
    shelf = Shelf()
    async with visitor(browser) as page:
        await shelf.open(page)
        shelf.reply(lost, at_work)
        await tap(page, "帽子")
        await expect(page.get_by_role("button", name="兑换 帽子")).to_be_enabled()
        await tap(page, "帽子")
        await expect(page.locator("#rewards")).to_contain_text("待领取 3 件")
        assert len(set(shelf.keys)) == 1


async def test_what_is_kept_in_the_browser_holds_nothing_that_was_typed(browser: Browser) -> None:
    shelf = Shelf()
    async with visitor(browser) as page:
        await shelf.open(page)
        shelf.reply(lost)
        await tap(page, "帽子")
        await expect(page.get_by_role("button", name="兑换 帽子")).to_be_enabled()
        kept = json.loads(await page.evaluate("localStorage.getItem('wg_intents')"))
        assert [sorted(intent) for intent in kept.values()] == [["at", "key", "path", "then"]]
        assert "帽子" not in json.dumps(kept, ensure_ascii=False)
