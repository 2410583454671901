"""Looks at personal data: a quota with an alert, and who looked at whom."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import structlog

from services.recruitment.vault import handlers as vault
from shared.auth.tokens import Caller, Role, mint
from shared.clock import real_now
from shared.ids import new_id
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


async def find(district: District, token: str | None = None, **term: str) -> Any:
    return await district.post("/volunteers/search", {**PURPOSE, **term}, token or district.operator)


async def test_a_volunteer_is_found_by_whole_name_or_phone_and_each_hit_is_kept(district: District) -> None:
    phone = district.phone()
    made = await district.register("欧阳 晓光", phone=phone)
    assert (await find(district, name="欧阳晓")).json() == {"items": [], "more": False}, "names are found whole"
    for term in ({"name": "欧阳晓光"}, {"phone": f"+86 {phone}"}):
        answer = await find(district, **term)
        [found] = answer.json()["items"]
        assert (found["volunteer_id"], found["name"]) == (made["volunteer_id"], "欧**")
        assert phone not in answer.text
    seen = (await district.get("/volunteers/me/looks", made["session"]["access_token"])).json()["items"]
    assert [(one["fields"], one["purpose"]) for one in seen] == [
        (["phone"], PURPOSE["purpose"]),
        (["name"], PURPOSE["purpose"]),
    ]
    assert (await find(district, name="欧阳晓光", phone=phone)).status_code == 422
    assert (await find(district, name="欧阳晓光", purpose="看")).status_code == 422


async def test_a_search_finds_none_of_another_site_and_counts_towards_the_quota(district: District) -> None:
    sites = await district.sites()
    made = await district.register("赵建国", site_id=sites["惠民社区"])
    inside, outside = ([sites[name]] for name in ("惠民社区", "东湖社区"))
    for site_ids, hits in ((outside, 0), (inside, 1)):
        token = station_token(district, site_ids)
        assert len((await find(district, token, name="赵建国")).json()["items"]) == hits
    assert [(await find(district, name="赵建国")).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert made["volunteer_id"]


async def test_people_from_before_are_found_once_their_names_are_hashed(
    district: District, recruitment_db: Database
) -> None:
    await district.register("钱学礼")
    await as_owner(district, "update vault_people set name_lookup = null")
    assert (await find(district, name="钱学礼")).json()["items"] == []
    assert await vault.hash_names(recruitment_db, district.app.state.cipher) > 0
    assert await vault.hash_names(recruitment_db, district.app.state.cipher) == 0
    assert len((await find(district, name="钱学礼")).json()["items"]) == 1


def station_token(district: District, site_ids: list[str]) -> str:
    bounds = frozenset(UUID(site_id) for site_id in site_ids)
    return mint(district.settings, Caller(subject=new_id(), roles=frozenset({Role.STATION}), site_ids=bounds))
