"""What the bench measures is a ledger as the service would have made it, and the real replay."""

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
