"""Anybody may read what service is worth and what earns a badge."""

import httpx
import pytest

from services.points import __main__ as points
from services.points.policy import policy_of, stored_policy
from services.points.rules import handlers
from shared.errors import PermanentError
from shared.postgres import Database
from tests.support.settings import SettingsFor


async def test_rules_and_criteria_can_be_read_by_anybody(points_db: Database, settings_for: SettingsFor) -> None:
    await policy_of(points_db)
    app = points.api(settings_for("points"))
    app.state.database = points_db
    app.state.policy = stored_policy()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://points/api/points/v1") as client:
        rules = (await client.get("/rules")).json()["items"]
        assert [(rule["version"], rule["status"]) for rule in rules] == [(1, "active")]
        one = (await client.get("/rules/1")).json()
        assert one == rules[0]
        assert one["document"]["earning"]["points_per_hour"] == 10
        assert one["reasons"]["short"]
        missing = await client.get("/rules/7")
        assert (missing.status_code, missing.json()["type"].rsplit("/", 1)[-1]) == (404, "rule-unknown")
        assert (await client.get("/rules/0")).status_code == 422
        criteria = (await client.get("/criteria")).json()["items"][-1]
        assert [item["badge"] for item in criteria["items"] if item["star"]] == [f"star-{n}" for n in range(1, 6)]


async def test_a_version_in_force_is_never_edited(points_db: Database) -> None:
    await policy_of(points_db)
    await policy_of(points_db)
    async with points_db.transaction() as tx:
        await tx.execute("update rule_versions set content_hash = '\\x00'")
    with pytest.raises(PermanentError, match="write a new version instead"):
        await handlers.install(points_db)
