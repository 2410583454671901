"""Sites and activities are published with each version, drafts are not, and rows from before are published once."""

from typing import Any

import asyncpg
import orjson
import pytest

from shared.cloudevents import decode
from shared.contracts import ActivityChanged, SiteChanged
from shared.postgres import Database
from tests.integration.recruitment.work import HOUR, Work
from tests.support.databases import ROOT, TestDatabase

API = "/api/recruitment/v1"
MIGRATIONS = ROOT / "services/recruitment/migrations"


async def published(db: Database, topic: str) -> list[Any]:
    rows = await db.pool.fetch("select headers, value from outbox where topic = $1 order by id", topic)
    return [
        decode([(name, text.encode()) for name, text in orjson.loads(row["headers"]).items()], row["value"])
        for row in rows
    ]


async def patch(work: Work, path: str, body: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {work.operator}"}
    answer = await work.district.http.patch(API + path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_a_site_is_published_when_it_is_founded_renamed_and_closed(work: Work) -> None:
    centre = work.sites["north"]
    body = {"kind": "station", "name": "新站", "parent_id": centre}
    site = (await work.district.made("/sites", body))["site_id"]
    await patch(work, f"/sites/{site}", {"version": 1, "name": "更新的站"})
    assert (await work.post(f"/sites/{site}/close", {"version": 2})).status_code == 200
    found = [event for event in await published(work.database, "sites") if str(event.data.site_id) == site]
    assert [(event.aggregate_version, event.data.name, event.data.closed) for event in found] == [
        (1, "新站", False),
        (2, "更新的站", False),
        (3, "更新的站", True),
    ]
    assert all(isinstance(event.data, SiteChanged) and str(event.data.parent_id) == centre for event in found)


async def test_an_activity_is_published_with_each_version_and_a_draft_is_not(work: Work) -> None:
    draft = await work.activity((HOUR, 3 * HOUR), draft=True)
    assert await published(work.database, "activities") == []
    activity = draft["activity_id"]
    assert (await work.post(f"/activities/{activity}/open", {})).status_code == 200
    [opened] = await published(work.database, "activities")
    assert isinstance(opened.data, ActivityChanged)
    assert (str(opened.data.activity_id), opened.data.title, opened.data.state) == (activity, draft["title"], "open")
    await patch(work, f"/activities/{activity}", {"version": opened.aggregate_version, "title": "晨光问候"})
    [_, renamed] = await published(work.database, "activities")
    assert (renamed.data.title, renamed.aggregate_version) == ("晨光问候", opened.aggregate_version + 1)


@pytest.mark.parametrize("topic", ["sites", "activities"])
async def test_rows_from_before_are_published_once(work: Work, test_database: TestDatabase, topic: str) -> None:
    await work.activity((HOUR, 3 * HOUR))
    await work.activity((HOUR, 3 * HOUR), draft=True)
    emitted = await published(work.database, topic)
    await work.database.pool.execute("delete from outbox")
    await _migrate(test_database, "0066_sites_and_activities_published.sql")
    backfilled = await published(work.database, topic)
    assert backfilled

    def facts(events: list[Any]) -> dict[str, Any]:
        return {
            event.aggregate_id: (event.aggregate_version, event.data.model_dump(exclude={"changed_at"}))
            for event in events
        }

    assert facts(backfilled) == facts(emitted)


async def test_numbers_leave_events_from_before(work: Work, test_database: TestDatabase) -> None:
    await work.volunteer()
    pool = work.database.pool
    await pool.execute(
        "update outbox set value = convert_to((convert_from(value, 'UTF8')::jsonb || "
        "'{\"volunteer_number\": \"LD-2026-000001-1\"}')::text, 'UTF8') where topic = 'volunteers'"
    )
    await _migrate(test_database, "0067_events_without_numbers.sql")
    values = [orjson.loads(row["value"]) for row in await pool.fetch("select value from outbox")]
    assert values
    assert all("volunteer_number" not in value for value in values)
    registered = (await published(work.database, "volunteers"))[-1]
    assert registered.data.source == "walk_in"


async def _migrate(test_database: TestDatabase, name: str) -> None:
    """Run a file again, on rows as they were before it."""
    conn = await asyncpg.connect(test_database.dsn_for("recruitment_owner"))
    try:
        await conn.execute((MIGRATIONS / name).read_text("utf-8"))
    finally:
        await conn.close()
