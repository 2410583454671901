"""A district with something on every page: a case, a draft with its rehearsal, an adjustment, a redemption."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import yaml
from playwright.async_api import Browser, BrowserContext, Page

from services.points.integrity import handlers
from services.points.integrity.domain import Flag
from services.points.policy import stored_policy
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from tests.e2e.pages_district import Api, District
from tests.e2e.pages_operators import log_in
from tests.e2e.pages_visitors import register, staff_log_in
from tests.integration.points.serving import Ledger, record
from tests.support.waiting import WAIT_LIMIT, eventually

__all__ = ["at_two_sites", "furnish", "visiting"]

MORNING = datetime.fromisoformat("2026-02-10T09:00:00+08:00")


async def at_two_sites(district: District) -> tuple[UUID, UUID]:
    """A person who was at two sites for an hour, past the topic; returns who, and the case about it."""
    sites, names, volunteer_id = district.site_ids, district.names, new_id()
    two = [
        record(volunteer_id, 120, started_at=MORNING, site_id=sites[names.station]),
        record(volunteer_id, 120, started_at=MORNING + timedelta(hours=1), site_id=sites[names.institute]),
    ]
    database = await Database.open(district.stack.dsn("points_app"), "points", size=1)
    try:
        await (await Ledger.open(database)).feed(*two)
        async with database.transaction() as tx:  # the stack's own follower may have opened the same case by now
            await handlers.report(tx, [flag := _flag(volunteer_id, two)], stored_policy())
    finally:
        await database.close()
    return volunteer_id, handlers.case_id_of(flag)


def _flag(volunteer_id: UUID, two: Sequence[AttendanceRecorded]) -> Flag:
    begin, end = two[1].started_at, two[0].ended_at
    assert end is not None
    evidence: dict[str, object] = {"day": "2026-02-10", "from": begin.isoformat(), "to": end.isoformat()}
    evidence |= {"measured": 60, "limit": 1, "unit": "minutes"}
    return Flag(
        "two-sites",
        "volunteer",
        str(volunteer_id),
        "|".join(sorted(str(one.record_id) for one in two)),
        tuple(sorted((one.record_id, volunteer_id) for one in two)),
        tuple(sorted(one.site_id for one in two if one.site_id is not None)),
        evidence,
        1,
    )


async def visiting(browser: Browser, *names: str) -> dict[str, BrowserContext]:
    """A context of each name's own, in which nothing moves; without names, the visitor's."""
    return {
        name: await browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", reduced_motion="reduce")
        for name in names or ("visitor",)
    }


async def furnish(district: District, browser: Browser) -> dict[str, BrowserContext]:
    """Make something for every page; returns the contexts of a visitor, a volunteer and three members of staff."""
    people = await visiting(browser, "visitor", "volunteer", "station", "operator", "engineer")
    await at_two_sites(district)
    volunteer = await people["volunteer"].new_page()
    await register(volunteer, district, "张晓梅")
    await _serve(district, UUID(await _own_id(volunteer)))
    await _redeem(volunteer, district)
    await staff_log_in(await people["station"].new_page(), district)
    secrets = district.stack.secrets
    await log_in(await people["operator"].new_page(), district, "operator", secrets.operator_password)
    engineer = await people["engineer"].new_page()
    await log_in(engineer, district, "engineer", secrets.engineer_password, "/console")
    async with httpx.AsyncClient(base_url=district.url, timeout=WAIT_LIMIT) as client:
        operator = Api(client)
        await operator.log_in("operator", secrets.operator_password)
        await _propose(operator, client, await _own_id(volunteer), district)
    return people


async def _own_id(page: Page) -> str:
    return str(
        await page.evaluate("fetch('/api/recruitment/v1/volunteers/me').then(a => a.json()).then(a => a.volunteer_id)")
    )


async def _serve(district: District, volunteer_id: UUID) -> None:
    """Four hours of service, past the topic: 40 points and 20 for the first."""
    site_id = district.site_ids[district.names.station]
    database = await Database.open(district.stack.dsn("points_app"), "points", size=1)
    try:
        served = record(volunteer_id, 240, started_at=MORNING, site_id=site_id)
        await (await Ledger.open(database)).feed(served)
    finally:
        await database.close()


async def _redeem(page: Page, district: District) -> None:
    """Redeem the district's reward; it waits for pickup."""
    await page.goto(page.url.split("/me")[0] + "/me/points")
    await page.locator("#rewards li", has_text=district.reward).get_by_role("button", name="兑换").click()
    await page.get_by_role("dialog").get_by_role("button", name="确定兑换").click()
    await page.locator("[data-pickup]").wait_for()


async def _propose(operator: Api, client: httpx.AsyncClient, volunteer_id: str, district: District) -> None:
    """A draft, its rehearsal, an adjustment and an invitation, each waiting for another operator."""
    said = {"volunteer_id": volunteer_id, "points": 12, "reason": "现场停电，没有签到", "evidence": "签字单第 3 页"}
    await operator.post("/points/v1/adjustments", said)
    rules = (await client.get("/api/points/v1/rules")).json()["items"]
    document: dict[str, Any] = {name: value for name, value in rules[0]["document"].items() if name != "version"}
    draft = await operator.post("/points/v1/rules", {"document": _text({**document, "effective_from": "2026-02-01"})})
    rehearsal = await operator.post(f"/points/v1/rules/{draft['version']}/rehearsals", {})

    async def done() -> bool:
        found = await client.get(f"/api/points/v1/rehearsals/{rehearsal['rehearsal_id']}")
        return bool(found.json()["status"] == "done")

    await eventually(done)
    await operator.post(
        "/recruitment/v1/staff/invitations",
        {"username": "huimin-2", "name": "李芳", "phone": "13912388888", "role": "station",
         "site_id": str(district.site_ids[district.names.station])},
    )  # fmt: skip


def _text(document: dict[str, Any]) -> str:
    return str(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
