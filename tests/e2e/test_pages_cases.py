"""The page of cases: what was found and where; a person clears one and confirms another, each with a reason."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from shared import outbox
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from tests.e2e.pages_district import District
from tests.e2e.pages_visitors import problem, staff_log_in, visitor
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.slow]
BEGIN = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


async def tell_of_two_at_two_sites(district: District) -> list[UUID]:
    """What recruitment would refuse, put into its outbox: two people at two sites at once. Returns the people."""
    database = await Database.open(district.stack.dsn("recruitment_app"), "recruitment", size=1)
    people = [new_id(), new_id()]
    try:
        async with database.transaction() as tx:
            sites = [
                row["site_id"] for row in await tx.fetch("select site_id from sites order by site_id desc limit 2")
            ]
            for person in people:
                for number, site in enumerate(sites):
                    begin = BEGIN + timedelta(minutes=40 * number)
                    data = served(person, site, begin)
                    await outbox.append(tx, outbox.event(data, source="test", aggregate_version=1, time=begin))
    finally:
        await database.close()
    return people


def served(person: UUID, site: UUID, begin: datetime) -> AttendanceRecorded:
    return AttendanceRecorded(
        record_id=new_id(),
        revision=1,
        volunteer_id=person,
        site_id=site,
        theme="晨光问候",
        kind="visit",
        provenance="scanned",
        closed_by="self",
        status="confirmed",
        started_at=begin,
        ended_at=begin + timedelta(hours=1),
        minutes=60,
        planned_minutes=60,
    )


async def balances(conn: Any, people: list[UUID]) -> list[tuple[int, int]]:
    """Points and standing flags of each."""
    rows = await conn.fetch(
        "select available, standing_flags from points.volunteers where volunteer_id = any($1) order by volunteer_id",
        people,
    )
    return sorted((row["available"], row["standing_flags"]) for row in rows)


async def test_cases_are_read_by_staff_and_settled_by_operators(
    district: District, browser: Browser, tmp_path: Path
) -> None:
    people = await tell_of_two_at_two_sites(district)
    conn: Any = await asyncpg.connect(district.stack.dsn("auditor"))

    async def held_back() -> bool:
        records = await conn.fetchval("select count(*) from points.records where volunteer_id = any($1)", people)
        return records == 4 and await balances(conn, people) == [(0, 2), (0, 2)]

    await eventually(held_back, within=60)
    async with visitor(browser, phone=False) as screen:
        await staff_log_in(screen, district)
        await screen.get_by_role("link", name="诚信核查").click()
        await expect(screen.locator("section.card")).to_have_count(2)
        await expect(screen.get_by_role("button", name="确认")).to_have_count(0)

    async with visitor(browser, phone=False) as screen:
        await screen.goto(f"{district.url}/staff/login")
        await screen.get_by_label("账号").fill("operator")
        await screen.get_by_label("密码").fill(district.stack.secrets.operator_password)
        await screen.get_by_role("button", name="登录").click()
        await screen.wait_for_url("**/staff")
        await screen.goto(f"{district.url}/staff/cases")
        card = screen.locator("section.card").first
        await expect(card.get_by_role("heading")).to_have_text("同时在两个站点")
        await expect(card).to_contain_text("20 分钟 重叠（满 1 分钟 即核查）")
        await expect(card).to_contain_text("惠民社区站")
        await expect(card.locator("details li")).to_have_count(2)
        shots = Path(os.environ.get("WEIGUANG_SHOTS") or tmp_path)
        await screen.screenshot(path=shots / "cases.png", full_page=True)

        await card.get_by_role("button", name="排除，恢复积分").click()
        await expect(problem(screen).first).to_have_text("请写明核实的依据。")
        await card.get_by_label("没有问题，因为").fill("两个站点同在一栋楼")
        await card.get_by_role("button", name="排除，恢复积分").click()
        await expect(screen.locator("section.card")).to_have_count(1)
        assert await balances(conn, people) == [(0, 2), (50, 0)]
        await screen.get_by_label("确有问题，因为").fill("本人承认代签")
        await screen.get_by_role("button", name="确认", exact=True).click()
        await expect(screen.locator("main")).to_contain_text("没有等待判断的异常")
        assert await balances(conn, people) == [(0, 2), (50, 0)]
        await screen.get_by_role("link", name="已确认").click()
        await expect(screen.locator("main")).to_contain_text("本人承认代签")
        await screen.screenshot(path=shots / "cases-confirmed.png", full_page=True)
    await conn.close()
