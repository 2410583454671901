"""Looks at personal data: a quota with an alert, and who looked at whom."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import structlog

from shared.clock import real_now
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, Answer, District, district_of, service_token
from tests.support.databases import Clock
from tests.support.settings import SettingsFactory

PURPOSE = {"purpose": "保险投保核对"}


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)

    def few(service: str, **changes: Any) -> Any:
        return settings_for(service, looks_per_hour=3, looks_per_day=5, **changes)

    async with district_of(few) as district:  # type: ignore[arg-type]
        yield district


async def look(district: District, volunteer: Answer, token: str | None = None) -> Any:
    return await district.post(f"/volunteers/{volunteer['volunteer_id']}/unmask", PURPOSE, token or district.operator)


async def test_more_looks_than_the_quota_are_refused_until_the_time_that_is_said(district: District) -> None:
    volunteer = await district.register()
    assert [(await look(district, volunteer)).status_code for _ in range(3)] == [200] * 3
    refused = await look(district, volunteer)
    assert (refused.status_code, refused.json()["type"]) == (429, "looks-limited")
    possible = datetime.fromisoformat(refused.json()["possible_at"])
    assert timedelta(minutes=58) < possible - real_now() <= timedelta(hours=1)
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert "phone" not in refused.json()
    await as_owner(district, "update vault_reads set read_at = read_at - interval '61 minutes'")
    assert [(await look(district, volunteer)).status_code for _ in range(3)] == [200, 200, 429]


async def as_owner(district: District, sql: str) -> None:
    connection = await asyncpg.connect(district.settings.migration_database_url)
    try:
        await connection.execute("set search_path = recruitment")
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_looks_at_once_do_not_pass_the_quota_together(district: District, recruitment_db: Database) -> None:
    volunteer = await district.register()
    answers = await asyncio.gather(*(look(district, volunteer) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
    assert await recruitment_db.pool.fetchval("select count(*) from vault_reads") == 3


async def test_a_quota_is_one_persons_and_a_service_has_none(district: District) -> None:
    sites = await district.sites()
    volunteer = await district.register(site_id=sites["惠民社区"])
    station = await district.staff("huimin", "station", sites["惠民社区"])
    for _ in range(3):
        assert (await look(district, volunteer)).status_code == 200
    assert (await look(district, volunteer)).status_code == 429
    assert (await look(district, volunteer, station)).status_code == 200
    for _ in range(7):
        address = f"/internal/volunteers/{volunteer['volunteer_id']}/address"
        assert (await district.get(address, service_token())).status_code == 200


async def test_looks_and_refusals_are_in_the_security_log_and_a_refusal_alerts(
    district: District, recruitment_db: Database
) -> None:
    volunteer = await district.register()
    with structlog.testing.capture_logs() as lines:
        for _ in range(4):
            await look(district, volunteer)
    rows = await recruitment_db.pool.fetch(
        "select kind, result, count(*) from security_events where kind in ('unmasked', 'quota-reached') group by 1, 2"
    )
    assert {tuple(row) for row in rows} == {("unmasked", "ok", 3), ("quota-reached", "refused", 1)}
    assert [line["log_level"] for line in lines if line["event"] == "vault.quota_reached"] == ["warning"]


async def test_a_refused_look_leaves_no_read(district: District, recruitment_db: Database) -> None:
    volunteer = await district.register()
    for _ in range(6):
        await look(district, volunteer)
    assert await recruitment_db.pool.fetchval("select count(*) from vault_reads") == 3


async def test_volunteers_see_who_looked_at_them(district: District) -> None:
    sites = await district.sites()
    volunteer = await district.register(site_id=sites["惠民社区"])
    other = await district.register("李四", site_id=sites["惠民社区"])
    station = await district.staff("huimin", "station", sites["惠民社区"])
    await look(district, volunteer, station)
    await look(district, volunteer)
    await look(district, other)
    await district.get(f"/internal/volunteers/{volunteer['volunteer_id']}/address", service_token())
    token = volunteer["session"]["access_token"]
    seen = (await district.get("/volunteers/me/looks", token)).json()["items"]
    assert [(each["reader_role"], each["site"], each["purpose"]) for each in seen] == [
        ("operator", None, PURPOSE["purpose"]),
        ("station", "惠民社区", PURPOSE["purpose"]),
    ]
    assert seen[0]["fields"] == ["name", "phone", "email", "birth_date"]
    assert not seen[0].keys() & {"reader", "username"}
    page = (await district.get("/volunteers/me/looks", token, limit=1)).json()
    rest = (await district.get("/volunteers/me/looks", token, limit=1, cursor=page["next_cursor"])).json()
    assert [*page["items"], *rest["items"]] == seen


async def test_the_centre_sees_all_looks_and_nobody_else_does(district: District) -> None:
    sites = await district.sites()
    volunteer = await district.register(site_id=sites["惠民社区"])
    station = await district.staff("huimin", "station", sites["惠民社区"])
    north = await district.staff("north", "operator", sites["north"])
    await look(district, volunteer, station)
    await look(district, volunteer)
    found = (await district.get("/looks", district.operator, volunteer_id=volunteer["volunteer_id"])).json()["items"]
    assert [(each["username"], each["volunteer_number"]) for each in found] == [
        ("centre", volunteer["volunteer_number"]),
        ("huimin", volunteer["volunteer_number"]),
    ]
    by_one = (await district.get("/looks", district.operator, reader=found[1]["reader"])).json()["items"]
    assert by_one == found[1:]
    later = {"from": (real_now() + timedelta(hours=1)).isoformat()}
    assert (await district.get("/looks", district.operator, **later)).json()["items"] == []
    for token in (station, north, volunteer["session"]["access_token"]):
        assert (await district.get("/looks", token)).status_code == 403
