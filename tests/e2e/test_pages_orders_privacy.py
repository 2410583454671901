"""Texts of residents stand nowhere in the clear: no table, topic, log, title or address of a page holds them."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from playwright.async_api import Browser, Page

from tests.e2e.pages_district import District
from tests.e2e.pages_operators import log_in
from tests.e2e.pages_orders import OrderParties, enter, parties_of
from tests.e2e.pages_visitors import staff_log_in, visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]

SAID: Mapping[str, str] = {
    "name": "欧阳邈翯",
    "own phone": "15900006153",
    "address": "紫薇苑九十七号楼五单元",
    "door phone": "15900007391",
    "know": "家里有两只灰鹦鹉",
    "beneficiary": "上官翀翯",
    "beneficiary phone": "15900008462",
    "question": "请问门禁是哪个字母",
    "answer": "门禁是字母庚",
    "completion": "修好了铜门环",
    "rating": "灰鹦鹉也喜欢他们",
    "cancellation": "改请表姐来缝被子",
}
"""Texts that no other test uses."""
SCHEMAS = ("recruitment", "points", "notify", "operations")


def forms_of(texts: Iterable[str]) -> list[str]:
    """Each text as it may stand somewhere: itself, as JSON or an address escapes it, and as bytes that tables show."""
    plain = [form for text in texts for form in {text, json.dumps(text)[1:-1], quote(text)}]
    return plain + [form.encode().hex() for form in plain]


async def play(parties: OrderParties) -> tuple[str, str, str]:
    """Type every text about orders: one for another up to its bad rating, one cancelled; (token, order, other)."""
    district, said = parties.district, SAID
    token, name = await parties.resident(said["name"], said["own phone"]), district.names.team
    start = district.now + timedelta(hours=1)
    body = {
        "need_tag": parties.tag_id,
        "site_id": str(district.site_ids[district.names.station]),
        "wished_from": start.isoformat(),
        "wished_to": (start + timedelta(hours=3)).isoformat(),
        "details": {"address": said["address"], "phone": said["door phone"], "know": said["know"]},
        "beneficiary": {"name": said["beneficiary"], "phone": said["beneficiary phone"]},
    }
    order, other = [str((await parties.call(token, "/orders", body))["order_id"]) for _ in range(2)]
    plan = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat(), "places": 1}
    ask = {"decision": "ask", "reason_code": "address", "words": said["question"]}
    steps: list[tuple[str, str, dict[str, Any]]] = [
        (parties.station, "review", {"decision": "take"}),
        (parties.station, "review", ask),
        (token, "answer", {"words": said["answer"]}),
        (parties.station, "review", {"decision": "offer"}),
        (parties.leaders[name], "accept", {"team_id": parties.teams[name]}),
        (parties.leaders[name], "schedule", plan),
    ]
    for who, what, values in steps:
        await parties.call(who, f"/orders/{order}/{what}", values)
    await district.pass_time(120)
    done = {"outcome": "served", "residents_served": 1, "words": said["completion"]}
    await parties.call(parties.leaders[name], f"/orders/{order}/complete", done)
    await parties.call(token, f"/orders/{order}/rating", {"stars": 1, "words": said["rating"], "complaint": True})
    helped = {"reason_code": "helped-otherwise", "words": said["cancellation"]}
    await parties.call(token, f"/orders/{other}/cancel", helped)
    return token, order, other


async def pages_about(parties: OrderParties, browser: Browser, token: str, order: str) -> list[str]:
    """Titles and addresses of the pages on which the order is read, and of all that they ask for."""
    district, seen = parties.district, list[str]()

    async def walk(page: Page, *paths: str) -> None:
        page.on("request", lambda request: seen.append(request.url))
        for path in paths:
            await page.goto(f"{district.url}{path}")
            seen.extend((await page.title(), page.url))

    async with (
        visitor(browser) as phone,
        visitor(browser) as evening,
        visitor(browser, phone=False) as desk,
        visitor(browser, phone=False) as centre,
    ):
        await enter(phone.context, district, token)
        await walk(phone, "/orders", f"/orders/{order}", "/me/inbox")
        await enter(evening.context, district, parties.leaders[district.names.team])
        await walk(evening, "/staff/offers", f"/staff/orders/{order}?details=1")
        await staff_log_in(desk, district)
        await walk(desk, "/staff/orders", f"/staff/orders/{order}?details=1", "/staff/desk")
        await log_in(centre, district, "operator", district.stack.secrets.operator_password)
        await walk(centre, "/console/search", "/staff/complaints")
        await centre.get_by_role("link", name="看居民怎么说").first.click()
    return seen


async def tables_with(conn: Any, forms: list[str]) -> set[str]:
    """Tables of the services of which a row holds one of the forms."""
    tables = await conn.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = any($1::text[])",
        list(SCHEMAS),
    )
    like, found = [f"%{form}%" for form in forms], set[str]()
    for table in tables:
        sql = f"select exists (select from {table['name']} as t where t::text like any($1::text[]))"
        if await conn.fetchval(sql, like):
            found.add(table["name"])
    return found


async def records_of(bootstrap: str) -> AsyncIterator[bytes]:
    """Key, value and headers of everything that lies on the broker."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topics = sorted(name for name in await consumer.topics() if not name.startswith("__"))
        consumer.subscribe(topics)
        ends = await _ends(consumer)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    yield b"\n".join(
                        [record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)]
                    )
    finally:
        await consumer.stop()


async def _ends(consumer: Any) -> Any:
    await consumer.getmany(timeout_ms=1)
    await eventually(lambda: bool(consumer.assignment()), what="the partitions")
    await consumer.seek_to_beginning()
    return await consumer.end_offsets(consumer.assignment())


async def test_what_residents_say_stands_nowhere_in_the_clear(district: District, browser: Browser) -> None:
    parties, stack = await parties_of(district), district.stack
    token, order, _other = await play(parties)
    conn: Any = await asyncpg.connect(stack.dsn("postgres"))
    try:

        async def arrived() -> bool:
            unsent = [
                await conn.fetchval(f"select count(*) from {schema}.outbox where sent_at is null") for schema in SCHEMAS
            ]
            proposed = "select count(*) from points.proposed_complaints where order_id = $1::uuid"
            messages = "select count(*) from notify.messages where template = 'order_resident' and title like $1"
            sent = await conn.fetchval(messages, f"%{parties.need}%")
            return not any(unsent) and await conn.fetchval(proposed, order) == 1 and sent >= 2

        await eventually(arrived, what="the events to arrive")
        addresses = "\n".join(await pages_about(parties, browser, token, order))
        forms = forms_of(SAID.values())
        assert await tables_with(conn, forms) == set()
        # the same search finds what is public, so that it would have found the rest
        assert await tables_with(conn, forms_of([parties.need])) >= {"recruitment.need_tags", "notify.messages"}
    finally:
        await conn.close()
    published = [record async for record in records_of(stack.broker.bootstrap)]
    assert [text for text in SAID.values() if any(text.encode() in record for record in published)] == []
    assert any(parties.need.encode() in record for record in published)
    logs = {path.name: path.read_text("utf-8", errors="replace") for path in sorted(_logs(stack.log_directory))}
    assert [(name, form) for name, log in logs.items() for form in forms if form in log] == []
    assert any("/orders/{order_id}/rating" in log for log in logs.values())
    assert [form for form in forms if form in addresses] == []
    assert order in addresses


def _logs(directory: Path) -> Iterable[Path]:
    return (path for path in directory.rglob("*") if path.is_file())
