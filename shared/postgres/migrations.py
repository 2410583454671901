"""Forward-only migrations: numbered SQL files, checksummed, applied one transaction each under an advisory lock."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from shared.errors import PermanentError
from shared.postgres.queries import load_queries

__all__ = ["Migration", "discover", "migrate"]

SHARED_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_SQL = load_queries(__file__)
_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its place in the order, its text, and the checksum that must never change once applied."""

    namespace: str
    version: int
    name: str
    sql: str
    checksum: str


def discover(directory: Path, namespace: str) -> list[Migration]:
    """All migrations of a directory, in order.

    Raises:
        PermanentError: a file name is not ``0001_words.sql`` or a number is used twice.
    """
    found: dict[int, Migration] = {}
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.match(path.name)
        if match is None:
            raise PermanentError(f"{path.name} is not named like 0001_words.sql")
        version = int(match[1])
        if version in found:
            raise PermanentError(f"migration number {version:04} is used twice in {namespace}")
        sql = path.read_text("utf-8")
        found[version] = Migration(namespace, version, match[2], sql, hashlib.sha256(sql.encode()).hexdigest())
    return [found[version] for version in sorted(found)]


async def migrate(dsn: str, schema: str, app_role: str, directory: Path) -> list[str]:
    """Bring a schema up to date; returns the names of what was applied now.

    ``:app_role`` and ``:schema`` in a file stand for the runtime role and the schema.

    Raises:
        PermanentError: a file that was applied has changed since, or has vanished.
    """
    conn: Any = await asyncpg.connect(dsn, server_settings={"search_path": schema})
    try:
        await conn.execute(_SQL["create_migrations_table"])
        applied: list[str] = []
        for namespace, files in (
            ("shared", discover(SHARED_MIGRATIONS, "shared")),
            (schema, discover(directory, schema)),
        ):
            for migration in files:
                if await _apply(conn, schema, app_role, migration):
                    applied.append(f"{namespace}/{migration.version:04}_{migration.name}")
        return applied
    finally:
        await conn.close()


async def _apply(conn: Any, schema: str, app_role: str, migration: Migration) -> bool:
    async with conn.transaction():
        await conn.execute(_SQL["lock_migrations"].replace("$1", f"'{schema}'"))
        rows = await conn.fetch(_SQL["applied_migrations"], migration.namespace)
        known = {row["version"]: row for row in rows}
        if (row := known.get(migration.version)) is not None:
            if row["checksum"] != migration.checksum:
                raise PermanentError(
                    f"migration {migration.version:04}_{migration.name} of {schema} was changed after it was applied; "
                    "write a new one instead"
                )
            return False
        await conn.execute(migration.sql.replace(":app_role", app_role).replace(":schema", schema))
        await conn.execute(
            _SQL["record_migration"], migration.namespace, migration.version, migration.name, migration.checksum
        )
        return True
