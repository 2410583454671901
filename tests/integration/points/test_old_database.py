"""A database of an earlier version starts on this one: with its balances, badges and audit, and goes on.

`old_database.txt` holds the rows of one with awards, a correction, a void, a hold and teams' services.
"""

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ops import database as ops_database
from ops.audit.main import audit
from ops.database import SERVICES
from shared.ids import new_id
from shared.postgres import migrations
from shared.postgres.migrations import migrate
from tests.integration.points.serving import NOW, Ledger, record
from tests.support.databases import ROOT, PostgresServer, TestDatabase

OLD = Path(__file__).with_name("old_database.txt")
_TABLE = re.compile(r"copy (\w+)\.(\w+) \(([^)]*)\) from stdin;\n(.*?)\\\.\n", re.DOTALL)
STANDING = """
    select volunteer_id, version, available, held, debt, earned, spent, expired, donated, badges, badge_figures,
           (select count(*) from points.transfers t where t.volunteer_id = v.volunteer_id) as transfers
    from points.volunteers v order by volunteer_id
"""


def old_tables() -> Iterator[tuple[str, str, list[str], str]]:
    """Schema, table, columns and rows, as COPY writes them."""
    for found in _TABLE.finditer(OLD.read_text("utf-8")):
        yield found[1], found[2], found[3].split(", "), found[4]


def old_migrations(directory: Path) -> dict[str, Path]:
    """Service (and `shared`) → a folder of the migrations that the old database had."""
    folders = {"shared": ROOT / "shared" / "migrations"}
    folders |= {service: ROOT / "services" / service / "migrations" for service in SERVICES}
    made: dict[str, Path] = {}
    for schema, table, columns, rows in old_tables():
        if table != "schema_migrations":
            continue
        for line in rows.splitlines():
            row = dict(zip(columns, line.split("\t"), strict=True))
            target = made.setdefault(row["namespace"], directory / row["namespace"])
            target.mkdir(exist_ok=True)
            name = f"{int(row['version']):04}_{row['name']}.sql"
            shutil.copy(folders[row["namespace"]] / name, target)
        assert schema in made
    return made


async def load(conn: Any) -> None:
    """Fill the tables; what migrations had put there is in the rows as well."""
    async with conn.transaction():
        await conn.execute("set local session_replication_role = replica")
        found = [one for one in old_tables() if one[1] != "schema_migrations"]
        await conn.execute("truncate " + ", ".join(f"{schema}.{table}" for schema, table, *_ in found) + " cascade")
        for schema, table, columns, rows in found:
            source = io.BytesIO(rows.encode())
            await conn.copy_to_table(table, schema_name=schema, columns=columns, source=source)
        for schema, table, column in await conn.fetch(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where is_identity = 'YES' and table_schema = any($1)",
            list(SERVICES),
        ):
            await conn.execute(
                f"select setval(pg_get_serial_sequence('{schema}.{table}', '{column}'), "
                f"(select coalesce(max({column}), 0) + 1 from {schema}.{table}))"
            )


async def upgraded(made: TestDatabase) -> list[str]:
    """Apply what is new; returns the names."""
    applied: list[str] = []
    for service in SERVICES:
        directory = ROOT / "services" / service / "migrations"
        applied += await migrate(made.dsn_for(f"{service}_owner"), service, f"{service}_app", directory)
    return applied


async def test_an_old_database_keeps_its_balances_and_its_audit_and_goes_on(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with postgres_server.empty() as made:
        server = postgres_server.server
        await ops_database.bootstrap(
            postgres_server.superuser_dsn, made.name, driven_time=True, passwords=server.passwords
        )
        await ops_database.set_now(made.dsn_for("clock_driver"), NOW)
        folders = old_migrations(tmp_path)
        with monkeypatch.context() as older:
            older.setattr(migrations, "SHARED_MIGRATIONS", folders["shared"])
            for service in SERVICES:
                await migrate(made.dsn_for(f"{service}_owner"), service, f"{service}_app", folders[service])
        conn: Any = await asyncpg.connect(made.dsn_for("postgres"))
        try:
            await load(conn)
            before = await conn.fetch(STANDING)
            assert len(before) == 25
            await upgraded(made)
            assert await conn.fetch(STANDING) == before
            report = await audit(made.dsn_for("auditor"), settled=True, teams_too=True)
            assert report.ok, report.as_json()
            async with made.connect("points") as database:
                ledger = await Ledger.open(database)
                busiest = max(before, key=lambda row: int(row["transfers"]))["volunteer_id"]
                await ledger.feed(record(busiest, 90, started_at=NOW), record(new_id(), 60))
            after = {row["volunteer_id"]: row for row in await conn.fetch(STANDING)}
            changed = [row["volunteer_id"] for row in before if after[row["volunteer_id"]] != row]
            assert changed == [busiest]
            assert len(after) == 26
            report = await audit(made.dsn_for("auditor"), settled=True, direct_feed=True)
            assert report.ok, report.as_json()
        finally:
            await conn.close()
