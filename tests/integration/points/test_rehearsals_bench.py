"""The benches measure a ledger as the service would have made it, the real replay and the real preview."""

from dev.bench.endings import preview
from dev.bench.rehearsal import NOW, fill, run
from ops.audit.main import audit
from services.points.policy import policy_of
from shared.postgres import Database
from tests.support.audits import by_code
from tests.support.databases import Clock, TestDatabase


async def test_the_benchs_ledger_is_what_its_rules_say(
    points_db: Database, test_database: TestDatabase, clock: Clock
) -> None:
    await clock.set(NOW)
    await policy_of(points_db)
    await fill(test_database.dsn_for("points_owner"), 3000, 200, say=lambda _: None)
    checks = by_code(await audit(test_database.dsn_for("auditor")))
    for code in ("A1", "A2", "A4", "A6"):
        assert checks[code].ok, checks[code].offenders[:3]
    assert checks["A4"].examined == 3200
    found = await run(test_database.dsn_for("points_app"))
    assert (found.records, found.volunteers) == (3000, 200)
    assert found.rss_mb > 50
    assert found.result["after"] > found.result["before"] > 3000


async def test_the_preview_of_an_ending_is_measured_over_records_that_count_and_that_wait(
    points_db: Database, test_database: TestDatabase, clock: Clock
) -> None:
    await clock.set(NOW)
    await policy_of(points_db)
    await fill(test_database.dsn_for("points_owner"), 60, 60, say=lambda _: None)
    transfers = "select count(*), sum(amount) from transfers"
    before = await points_db.pool.fetchrow(transfers)
    found, _seconds, _processor = await preview(
        test_database.dsn_for("points_owner"), test_database.dsn_for("points_app")
    )
    assert (found.records, found.waiting) == (120, 60)
    assert found.points > 0
    assert found.expected > 0
    assert await points_db.pool.fetchrow(transfers) == before, "a preview posts nothing"
