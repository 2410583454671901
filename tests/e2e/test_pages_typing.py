"""What people type into the pages' fields, however their phones write it. The script and real fields, in a browser."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from services.web.gateway.sessions import Session
from services.web.pages.render import fragment
from tests.e2e.pages_visitors import visitor

pytestmark = [pytest.mark.browser]

PAGES = Path(__file__).resolve().parents[2] / "services/web/pages"
SCRIPT = (PAGES / "static/app.js").read_text("utf-8")
URL = "http://weiguang.example/"


class Pages:
    """A page with one form, and the bodies that it sent."""

    def __init__(self, form: str) -> None:
        self.sent: list[dict[str, Any]] = []
        self._form = form

    async def open(self, page: Page) -> None:
        await page.unroute_all()
        await page.route("**/*", self._serve)
        await page.goto(URL)

    async def _serve(self, route: Route) -> None:
        if route.request.method == "POST":
            self.sent.append(json.loads(route.request.post_data or ""))
            await route.fulfill(json={"reward_name": "帽子"})
        elif route.request.url.endswith("app.js"):
            await route.fulfill(body=SCRIPT, content_type="text/javascript")
        else:
            head = '<!doctype html><meta charset="utf-8"><script src="/app.js" defer></script>'
            await route.fulfill(body=head + self._form, content_type="text/html; charset=utf-8")


def cut(text: str, begins: str, ends: str) -> str:
    """The piece of a template or page from one text to another."""
    begin = text.index(begins)
    return text[begin : text.index(ends, begin)] + ends


def template(name: str) -> str:
    return (PAGES / "templates" / name).read_text("utf-8")


@pytest.fixture(scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """One phone for all tests: each opens a page of its own on it."""
    async with visitor(browser) as page:
        yield page


@pytest.mark.parametrize(
    "typed",
    [
        "+86 138-4567-8901",
        "１３８４５６７８９０１",
        "\u202d138 4567 8901\u202c",
        "138–4567\u200b8901",
        "(0086)13845678901",
    ],
)
async def test_a_phone_and_a_code_are_understood_as_they_are_typed(page: Page, typed: str) -> None:
    login = fragment("public/login.html", Session(), next="/me", scanned=False, scanning=False, path="/login")
    field = cut(login, '<div class="field"><label for="phone">', "</button></div></div>")
    pages = Pages(f'<form data-api="POST /session" novalidate>{field}<button>登录</button></form>')
    await pages.open(page)
    await page.get_by_label("手机号").fill(typed)
    await page.get_by_label("短信验证码").fill("８６６ 110\u200b")
    async with page.expect_response("**/session"):
        await page.get_by_role("button", name="登录").click()
    (body,) = pages.sent
    assert body["code"] == "866110"
    assert body["phone"].removeprefix("+86").removeprefix("0086") == "13845678901"


@pytest.mark.parametrize(
    "typed",
    ["7kqm-2xwb", "７ＫＱＭ２ＸＷＢ", "7KQM 2XWB\u200b", "https://weiguang.example/staff/pickup/0192-77?c=7KQM2XWB"],
)
async def test_a_pickup_code_is_understood_as_it_is_typed_or_scanned(page: Page, typed: str) -> None:
    field = cut(template("staff/home.html"), '<div class="field"><label for="pickup_code">', "</div></div>")
    pages = Pages(f'<form data-api="POST /captures" novalidate>{field}</form>')
    await pages.open(page)
    await page.get_by_label("领取码").fill(typed)
    async with page.expect_response("**/captures"):
        await page.get_by_role("button", name="交付奖品").click()
    assert pages.sent == [{"pickup_code": "7KQM2XWB"}]


@pytest.mark.parametrize("name", ["丽", "王\U00031350", "张\ue863", "阿卜杜拉·买买提"])
async def test_a_name_arrives_as_it_was_typed(page: Page, name: str) -> None:
    now = "2026-03-05T01:00:00Z"
    drive = {"name": "进广场", "code": "SQ1", "drive_id": "1", "place": "广场", "place_kind": "square", "open": True}
    drive |= {"starts_at": now, "ends_at": now}
    context = {"drive": drive, "funnel": [], "scanned": False, "today": "2026-03-05", "path": "/d/SQ1"}
    shown = fragment("public/drive.html", Session(), **context)
    field = cut(shown, '<div class="field"><label for="name">', "</div>")
    pages = Pages(f'<form data-api="POST /session/registration" novalidate>{field}<button>登记</button></form>')
    await pages.open(page)
    await page.get_by_label("姓名").fill("张3")
    await page.get_by_role("button", name="登记").click()
    await expect(page.locator(".message")).to_contain_text("不含数字")
    await page.get_by_label("姓名").fill(name)
    async with page.expect_response("**/registration"):
        await page.get_by_role("button", name="登记").click()
    assert pages.sent == [{"name": name}]
