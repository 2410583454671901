"""Start-up parts that every service shares: readiness, HTTP application, relay, roles on the command line."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from shared import production
from shared.beats.service import ServiceBeats
from shared.heartbeats.process import ROLE, heartbeat
from shared.http.health import Readiness
from shared.http.ops import serve_ops
from shared.http.process import run_role
from shared.http.server import serve
from shared.kafka.probe import broker_ready
from shared.outbox.relay import Relay
from shared.postgres import Database
from shared.postgres.migrations import migrate
from shared.settings import Settings

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

__all__ = [
    "Role",
    "ServiceCommand",
    "ServiceRunner",
    "connected",
    "create_api",
    "keys_command",
    "readiness",
    "relay",
    "serving",
    "until_stopped",
]

S = TypeVar("S", bound=Settings)

Role = Callable[[S], None]
"""Runs a role with the settings; most end by exiting the process."""


def readiness(settings: Settings, db: Callable[[], Database]) -> Readiness:
    """The checks of a process that uses the database and the broker."""

    async def database_ready() -> None:
        await db().ready()

    async def kafka_ready() -> None:
        await broker_ready(settings)

    return {"database": database_ready, "broker": kafka_ready}


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    """Open the pool, and serve health and metrics while the block runs.

    Raises:
        TransientError: the database is away.
        OSError: the port is taken.
    """
    db = await Database.connect(settings)
    try:
        async with serve_ops(settings, readiness(settings, lambda: db)), heartbeat(db):
            yield db
    finally:
        await db.close()


def create_api(
    settings: Settings,
    *,
    title: str,
    routers: "Sequence[APIRouter]",
    reports: bool = False,
    start: "Callable[[FastAPI], Awaitable[None]] | None" = None,
    close: Callable[[], Awaitable[None]] | None = None,
) -> "FastAPI":
    """The HTTP application of a service with a database.

    Args:
        reports: whether reports have a pool of their own.
        start: runs when the pools are open, before the first request.
        close: runs when the pools are closed, also after a failed start.
    """
    from shared.http.app import create_app, databases  # a relay should not hold what only an API serves

    @asynccontextmanager
    async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
        try:
            async with databases(app, settings, reports=reports):
                if start is not None:
                    await start(app)
                async with heartbeat(app.state.database):
                    yield
        finally:
            if close is not None:
                await close()

    checks = readiness(settings, lambda: app.state.database)
    app: FastAPI = create_app(settings, title=title, routers=routers, lifespan=lifespan, readiness=checks)
    return app


async def relay(settings: Settings, stop: asyncio.Event, *, secure: bool = False) -> None:
    """Publish the outbox to the broker, until ``stop`` is set.

    Args:
        secure: whether rows wait until the server has flushed them, for writers that commit without waiting.
    """
    async with connected(settings) as db:
        await Relay(db, settings, secure=secure, beat=ServiceBeats(db, settings).publish).run(stop)


def serving(build: "Callable[[S], FastAPI]") -> Role[S]:
    """The role that serves an application."""
    return lambda settings: serve(lambda: build(settings), settings)


def until_stopped(work: Callable[[S, asyncio.Event], Awaitable[None]]) -> Role[S]:
    """The role that does the work until a signal sets the event."""
    return lambda settings: run_role(lambda stop: work(settings, stop))


@dataclass(frozen=True, slots=True)
class ServiceCommand(Generic[S]):
    """A job beside the roles, such as making an account."""

    run: Callable[[S, argparse.Namespace], None]
    arguments: Callable[[argparse.ArgumentParser], object]
    help: str


def keys_command(run: Callable[[S, argparse.Namespace], None]) -> ServiceCommand[S]:
    """The command ``keys status|rewrap`` of a service whose rows lie under keys."""

    def arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("what", choices=["status", "rewrap"])

    return ServiceCommand(run, arguments, "count the rows under each key, or move them to the current ones")


@dataclass(frozen=True, slots=True)
class ServiceRunner(Generic[S]):
    """A service's processes: ``python -m services.<name> <role>``, or a command in place of the role.

    Args:
        migrations: the folder that the role ``migrate`` applies; None for a service without a database.
    """

    name: str
    settings: Callable[[], S]
    roles: Mapping[str, Role[S]]
    migrations: Path | None = None
    commands: Mapping[str, ServiceCommand[S]] = field(default_factory=dict)

    def main(self, arguments: Sequence[str]) -> None:
        """Run what the command line names.

        Raises:
            SystemExit: at the end of most roles; or the arguments are wrong, or production refuses the settings.
        """
        chosen = self._parser().parse_args(arguments)
        settings = self.settings()
        production.configure(settings)
        if chosen.role in self.commands:
            self.commands[chosen.role].run(settings, chosen)
        elif chosen.role in self.roles:
            ROLE.name = chosen.role
            self.roles[chosen.role](settings)
        elif self.migrations is not None:
            owner = settings.migration_database_url
            asyncio.run(migrate(owner, self.name, f"{self.name}_app", self.migrations))

    def _parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(prog=f"python -m services.{self.name}")
        roles = parser.add_subparsers(dest="role", required=True)
        for role in (*self.roles, *(("migrate",) if self.migrations is not None else ())):
            roles.add_parser(role)
        for name, command in self.commands.items():
            command.arguments(roles.add_parser(name, help=command.help))
        return parser
