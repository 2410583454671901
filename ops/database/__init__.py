"""Roles, schemas and the business clock: what exists before any service migrates its schema. Run as superuser.

One database holds a schema per service. `<service>_owner` migrates it, `<service>_app` runs in it and cannot look into
another's, `auditor` reads all of them, `clock_driver` moves business time where that is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import asyncpg

from shared.errors import PermanentError
from shared.postgres.queries import load_queries

__all__ = [
    "SERVICES",
    "Server",
    "bootstrap",
    "copy_database",
    "create_database",
    "drive_now",
    "drop_database",
    "roles",
    "set_now",
]

SERVICES = ("recruitment", "points", "notify", "operations")
_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Server:
    """Where PostgreSQL listens, and each role's password."""

    host: str
    port: int
    passwords: Mapping[str, str]

    def dsn(self, role: str, database: str) -> str:
        """The address of a database for one role.

        Raises:
            KeyError: no password of that role is known.
        """
        return f"postgresql://{role}:{quote(self.passwords[role], safe='')}@{self.host}:{self.port}/{database}"


def roles(*, driven_time: bool) -> tuple[str, ...]:
    """Every role that `bootstrap` makes."""
    services = tuple(f"{service}_{kind}" for service in SERVICES for kind in ("owner", "app"))
    return (*services, "auditor", *(("clock_driver",) if driven_time else ()))


async def bootstrap(superuser_dsn: str, database: str, *, driven_time: bool, passwords: Mapping[str, str]) -> None:
    """Make the database, its roles, schemas and clock; harmless to repeat. Passwords are set to what is given.

    Raises:
        PermanentError: the database was made for the machine's clock and driven time is asked for.
        KeyError: a role's password is missing.
    """
    await create_database(superuser_dsn, database)
    conn: Any = await asyncpg.connect(superuser_dsn, database=database)
    try:
        async with conn.transaction():
            await conn.execute(_SQL["lock"])
            await conn.execute(_SQL["helpers"])
            for role in roles(driven_time=driven_time):
                await conn.execute(_SQL["ensure_role"], role, passwords[role])
            for service in SERVICES:
                await conn.execute(_SQL["ensure_service"], service)
            await conn.execute(_SQL["auditor_reads_only"])
            await conn.execute(_SQL["business_clock"])
            await conn.execute(_SQL["allow_driving"], driven_time)
            if driven_time:
                if not await conn.fetchval(_SQL["drivable"]):
                    raise PermanentError("this database was made for production: its business time cannot be driven")
                await conn.execute(_SQL["grant_driving"])
    finally:
        await conn.close()


async def create_database(superuser_dsn: str, database: str) -> None:
    """Make an empty database unless it is there."""
    conn: Any = await asyncpg.connect(superuser_dsn)
    try:
        if not await conn.fetchval(_SQL["database_exists"], database):
            await conn.execute(await conn.fetchval(_SQL["statement_create_database"], database))
    finally:
        await conn.close()


async def copy_database(superuser: Any, template: str, database: str) -> None:
    """Make a database as a copy of another that has no connections, by a superuser's connection."""
    await superuser.execute(await superuser.fetchval(_SQL["statement_copy_database"], database, template))


async def drop_database(superuser: Any, database: str) -> None:
    """Drop a database by a superuser's connection to another, closing all its connections."""
    await superuser.execute(await superuser.fetchval(_SQL["statement_drop_database"], database))


async def set_now(clock_driver_dsn: str, at: datetime | None) -> None:
    """Drive business time to `at` (with a zone), or give it back to the machine's clock.

    Raises:
        asyncpg.InsufficientPrivilegeError: this database's time cannot be driven.
    """
    conn: Any = await asyncpg.connect(clock_driver_dsn)
    try:
        await drive_now(conn, at)
    finally:
        await conn.close()


async def drive_now(clock_driver: Any, at: datetime | None) -> None:
    """Drive business time as `set_now` does, by a connection of `clock_driver`."""
    await clock_driver.execute(_SQL["set_now"], at)
