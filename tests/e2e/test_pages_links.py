"""No page leads its reader to a page that refuses them, or to none."""

import re
from collections import deque
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from tests.e2e.pages_district import Api, District
from tests.e2e.pages_furnished import at_two_sites
from tests.e2e.pages_orders import OrderParties, parties_of
from tests.support.depth import DEEP
from tests.support.waiting import WAIT_LIMIT

pytestmark = [pytest.mark.broker, pytest.mark.slow]

LINK = re.compile(r'<a\b[^>]*?\bhref="(/[^"#]*)')
ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}|/\d[\d-]*\b|(?<=/d/)\w+|(?<=/a/)\w+|(?<=/traces/)\w+")
FILE = re.compile(r"^/(static|api|openapi)|\.\w+$|/logout")
STARTS = {
    "volunteer": "/me",
    "resident": "/orders",
    "leader": "/staff",
    "station": "/staff",
    "operator": "/staff",
    "engineer": "/console",
}
AT_MOST = 200 if DEEP else 70
"""Pages of different kinds that one reader opens."""


@pytest.fixture(scope="module")
async def parties(district: District) -> AsyncIterator[OrderParties]:
    """An order that was offered, one that was served, and a case, which is cleared in the end: the centre sees all."""
    parties = await parties_of(district)
    resident = await parties.resident("周爱华")
    await parties.served(resident)
    await parties.offered(resident)
    _, case_id = await at_two_sites(district)
    yield parties
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        client.headers["authorization"] = f"Bearer {parties.operator}"
        await Api(client).post(f"/points/v1/cases/{case_id}/clear", {"reason": "两站相邻，上午是接力"})


@pytest.mark.parametrize("reader", STARTS)
async def test_every_link_leads_its_reader_somewhere(parties: OrderParties, reader: str) -> None:
    district = parties.district
    refused: list[str] = []
    async with httpx.AsyncClient(
        base_url=district.url,
        timeout=WAIT_LIMIT,
        headers={"accept": "text/html"},
        cookies={"wg_access": await _token(parties, reader)},
    ) as client:
        seen: set[str] = set()
        todo = deque([(STARTS[reader], "")])
        while todo and len(seen) < AT_MOST:
            path, found_at = todo.popleft()
            kind = ID.sub("/_", path.partition("?")[0])
            if kind in seen or FILE.search(path.partition("?")[0]):
                continue
            seen.add(kind)
            answer = await client.get(path)
            if answer.status_code >= 400:
                refused.append(f"{answer.status_code} {path} from {found_at}")
            elif answer.headers.get("content-type", "").startswith("text/html"):
                todo.extend((unescape(link), path) for link in LINK.findall(answer.text))
    assert not refused
    assert len(seen) > 10


async def _token(parties: OrderParties, reader: str) -> str:
    """The session of one of each kind of reader."""
    if reader == "engineer":
        async with httpx.AsyncClient(base_url=parties.district.url, timeout=WAIT_LIMIT) as client:
            account = {"username": "engineer", "password": parties.district.stack.secrets.engineer_password}
            answer = await client.post("/api/recruitment/v1/auth/sessions", json=account)
            return str(answer.json()["session"]["access_token"])
    if reader == "resident":
        token = await parties.resident("李桂芳")
        await parties.placed(token, days=3)
        return token
    return {
        "volunteer": parties.member,
        "leader": parties.leaders[parties.district.names.team],
        "station": parties.station,
        "operator": parties.operator,
    }[reader]
