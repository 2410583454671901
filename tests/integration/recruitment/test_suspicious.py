"""The report of doubtful records finds what the doors let through before, and nothing among honest records."""

import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from rich.console import Console

from ops.suspicious.main import find_doubts, run_report
from tests.integration.recruitment.work import HOUR, NOW, Work
from tests.support.databases import TestDatabase
from tests.support.hour_doors import a_row, upload

REVISE = (
    "insert into recruitment.attendance_revisions select (jsonb_populate_record(v, jsonb_build_object("
    "'revision', 2, 'change', $2::text, 'minutes', 900, 'provenance', $3::text, 'made_by', v.made_by))).*"
    " from recruitment.attendance_revisions v where v.record_id = $1::text::uuid and v.revision = 1"
)


@asynccontextmanager
async def superuser(dsn: str) -> AsyncIterator[Any]:
    """A connection that passes every trigger and foreign key."""
    conn: Any = await asyncpg.connect(dsn)
    try:
        await conn.execute("set session_replication_role = replica")
        yield conn
    finally:
        await conn.close()


async def plant(dsn: str, records: Sequence[str]) -> None:
    """What old code let through: a stretched record, an approval inside one site, a long day, a late registration."""
    stretched, approved, long_day, late = records
    async with superuser(dsn) as conn:
        await conn.execute(REVISE, stretched, "correct", "kiosk")
        await conn.execute(REVISE, approved, "confirm", "backfilled")
        change = "update recruitment.attendance_records set {} where record_id = $1::text::uuid"
        await conn.execute(change.format("provenance = 'backfilled'"), approved)
        await conn.execute(change.format("minutes = 481"), long_day)
        await conn.execute(
            "update recruitment.volunteers set registered_at = $2 where volunteer_id ="
            " (select volunteer_id from recruitment.attendance_records where record_id = $1::text::uuid)",
            late,
            NOW + 2 * HOUR,
        )


async def test_doubtful_records_are_listed_by_kind_and_honest_ones_are_not(
    work: Work, test_database: TestDatabase
) -> None:
    shift_id, device = await work.shift(capacity=20), await work.device()
    people = await work.people(4)
    await work.clock.set(NOW + 5 * HOUR)
    rows = [a_row(n, person, shift_id) for n, person in enumerate(people)]
    made = [each["record_id"] for each in (await upload(work, work.batch(device, *rows)))["records"]]
    auditor = test_database.dsn_for("auditor")
    assert await find_doubts(auditor) == []

    owner = test_database.dsn_for("postgres")
    await plant(owner, made)
    found = {(each.kind, str(each.record_id or each.volunteer_id)) for each in await find_doubts(auditor)}
    assert found == {
        ("stretched", made[0]),
        ("same_site", made[1]),
        ("long_day", people[2].volunteer_id),
        ("late_volunteer", made[3]),
    }
    said = io.StringIO()
    assert await run_report(auditor, as_json=True, console=Console(file=said)) == 0
    assert {each["kind"] for each in json.loads(said.getvalue())} == {kind for kind, _ in found}
    table = io.StringIO()
    assert await run_report(auditor, console=Console(file=table, width=250)) == 0
    assert made[0] in table.getvalue()
    assert "4 doubtful" in table.getvalue()


async def test_new_devices_and_late_shifts_are_listed_until_another_site_approved(
    work: Work, test_database: TestDatabase
) -> None:
    shift_id, device, (person,) = await work.shift(late=True), await work.device(late=True), await work.people(1)
    await work.clock.set(NOW + 5 * HOUR)
    (made,) = (await upload(work, work.batch(device, a_row(1, person, shift_id))))["records"]
    record_id = made["record_id"]
    auditor = test_database.dsn_for("auditor")
    assert await find_doubts(auditor) == [], "it waits, so it does not count"
    assert (await work.decide([record_id], work.other_station)).status_code == 201
    assert await find_doubts(auditor) == [], "another site approved it"
    async with superuser(test_database.dsn_for("postgres")) as conn:
        await conn.execute("delete from recruitment.attendance_approvals")
        await conn.execute("update recruitment.shifts set published_at = ends_at")
    assert {each.kind for each in await find_doubts(auditor)} == {"new_device", "late_shift"}
