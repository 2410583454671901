"""The security log: append only, read by the centre, kept for its time."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.recruitment.__main__ import purge_once
from services.recruitment.security import handlers as security
from services.recruitment.security.handlers import Kind, SecurityEvent, SecurityResult
from shared.clock import real_now
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.recruitment.people import NOW, District, district_of
from tests.support.databases import Clock, TestDatabase
from tests.support.settings import SettingsFactory


@pytest.fixture
async def district(settings_for: SettingsFactory, clock: Clock) -> AsyncIterator[District]:
    await clock.set(NOW)
    async with district_of(settings_for) as district:
        yield district


async def listed(district: District, **query: str) -> list[dict[str, object]]:
    answer = await district.get("/security/events", district.operator, **query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_events_are_filtered_and_paged_newest_first(district: District, recruitment_db: Database) -> None:
    one, two = new_id(), new_id()
    for number in range(3):
        event = SecurityEvent(Kind.UNMASKED, subject=one, actor=two, address="192.0.2.1", detail={"fields": number})
        await security.record_apart(recruitment_db, event)
    await security.record_apart(recruitment_db, SecurityEvent(Kind.ALERT, SecurityResult.REFUSED, address="192.0.2.2"))

    assert [item["detail"] for item in await listed(district, kind="unmasked")] == [{"fields": n} for n in (2, 1, 0)]
    assert len(await listed(district, subject=str(two))) == 3, "the actor is found as well"
    assert [item["kind"] for item in await listed(district, address="192.0.2.2")] == ["alert"]
    assert [item["kind"] for item in await listed(district, result="refused", address="192.0.2.2")] == ["alert"]
    assert await listed(district, to=(real_now() - timedelta(hours=1)).isoformat()) == []
    query = {"kind": "unmasked", "limit": "2"}
    first = (await district.get("/security/events", district.operator, **query)).json()
    second = (await district.get("/security/events", district.operator, **query, cursor=first["next_cursor"])).json()
    assert [len(first["items"]), len(second["items"]), second["next_cursor"]] == [2, 1, None]


async def test_only_the_centre_reads_it(district: District) -> None:
    sites = await district.sites()
    for token in (
        await district.staff("north-office", "operator", sites["north"]),
        await district.staff("station-1", "station", sites["惠民社区"]),
        (await district.register())["session"]["access_token"],
    ):
        assert (await district.get("/security/events", token)).status_code == 403


async def test_it_is_append_only_and_young_events_outlive_every_purge(
    district: District, recruitment_db: Database, test_database: TestDatabase
) -> None:
    await security.record_apart(recruitment_db, SecurityEvent(Kind.ALERT, detail={"code": "sms-budget"}))
    for statement in ("delete from security_events", "update security_events set kind = 'nothing'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await recruitment_db.pool.execute(statement)
    assert await recruitment_db.pool.fetchval("select purge_security_events('infinity')") == 0

    owner = await asyncpg.connect(test_database.dsn_for("recruitment_owner"))
    try:
        await owner.execute("update recruitment.security_events set at = at - interval '181 days' where kind = 'alert'")
    finally:
        await owner.close()
    await purge_once(district.settings, recruitment_db)
    assert await listed(district, kind="alert") == []


def test_texts_that_people_typed_are_refused() -> None:
    for words in ("张三", "x" * 81):
        with pytest.raises(ValueError, match="codes and numbers"):
            SecurityEvent(Kind.ALERT, detail={"reason": words})
