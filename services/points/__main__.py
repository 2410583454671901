"""Points' processes: ``python -m services.points api|worker|agents|integrity|relay|migrate``. The composition root.

``python -m services.points keys status|rewrap`` shows which evidence lies under which key, and moves it.

The worker starts one more for each rehearsal: ``python -m services.points rehearse <rehearsal_id>``.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from services.points.settings import PointsSettings
from shared import production
from shared.http.ops import serve_ops
from shared.http.process import run_role
from shared.http.server import serve
from shared.kafka.probe import broker_ready
from shared.outbox.relay import Relay
from shared.postgres import Database
from shared.postgres.migrations import migrate

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["MIGRATIONS", "api", "main", "rehearse", "relay"]

MIGRATIONS = Path(__file__).with_name("migrations")
ROLES = ("api", "worker", "agents", "integrity", "relay", "migrate")


def api(settings: PointsSettings) -> "FastAPI":
    """The HTTP application.

    Raises:
        PermanentError: there is no key for the evidence of adjustments.
    """
    # A relay should not hold what only an API serves: what a role alone needs is imported where the role begins.
    from services.points.adjustments import handlers as adjustments
    from services.points.policy import policy_of
    from services.points.routers import ROUTERS
    from services.points.teams import handlers as teams
    from shared.http.app import create_app, databases
    from shared.sealing import TextCipher

    cipher = TextCipher(settings.evidence_key.get_secret_value(), "WEIGUANG_EVIDENCE_KEY")

    @asynccontextmanager
    async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
        async with databases(app, settings, reports=True):
            await policy_of(app.state.database)
            await teams.install(app.state.database)
            await adjustments.seal_plain(app.state.database, cipher)
            yield

    async def database_ready() -> None:
        await app.state.database.ready()

    async def kafka_ready() -> None:
        await broker_ready(settings)

    app = create_app(
        settings,
        title="Weiguang points",
        routers=ROUTERS,
        lifespan=lifespan,
        readiness={"database": database_ready, "broker": kafka_ready},
    )
    app.state.evidence_cipher = cipher
    return app


async def relay(settings: PointsSettings, stop: asyncio.Event) -> None:
    """Send the outbox to the broker, until ``stop`` is set."""
    db = await Database.connect(settings)

    async def kafka_ready() -> None:
        await broker_ready(settings)

    readiness: dict[str, Callable[[], Awaitable[None]]] = {"database": db.ready, "broker": kafka_ready}
    try:
        async with serve_ops(settings, readiness):
            await Relay(db, settings, secure=True).run(stop)
    finally:
        await db.close()


async def rehearse(settings: PointsSettings, rehearsal_id: UUID, stop: asyncio.Event) -> None:
    """Replay one rehearsal, to its end or until ``stop`` is set."""
    from services.points.rehearsals.replay import ReplayOptions, replay

    small = settings.model_copy(update={"database_pool_size": 3})
    db = await Database.connect(small)
    try:
        options = ReplayOptions(
            partial(Database.connect, small), settings.rehearsal_processes, settings.rehearsal_portion
        )
        await replay(db, rehearsal_id, options, stop)
    finally:
        await db.close()


def _keys(what: str) -> NoReturn:
    """Show which evidence lies under which key, or move it to the current one; exits the process."""
    from services.points.adjustments import handlers as adjustments
    from shared.rewrapping import end_with_json, run_command
    from shared.sealing import TextCipher

    settings = PointsSettings()
    production.configure(settings)

    async def work() -> dict[str, Any]:
        cipher = TextCipher(settings.evidence_key.get_secret_value(), "WEIGUANG_EVIDENCE_KEY")
        db = await Database.connect(settings)
        try:
            return await run_command(what, db, adjustments.key_tables(cipher))
        finally:
            await db.close()

    end_with_json(work)


def main(arguments: Sequence[str]) -> None:
    """Run one role; all but ``migrate`` end by exiting the process."""
    role = arguments[0] if len(arguments) == 1 else ""
    if list(arguments[:1]) == ["rehearse"] and len(arguments) == 2:
        from services.points.rehearsals.replay import end_with_parent

        settings = PointsSettings()
        production.configure(settings)
        rehearsal_id = UUID(arguments[1])
        end_with_parent()
        run_role(lambda stop: rehearse(settings, rehearsal_id, stop))
    if len(arguments) == 2 and arguments[0] == "keys" and arguments[1] in ("status", "rewrap"):
        _keys(arguments[1])
    if role not in ROLES:
        raise SystemExit(f"usage: python -m services.points {'|'.join(ROLES)}, or keys status|rewrap")
    settings = PointsSettings()
    production.configure(settings)
    if role == "api":
        serve(lambda: api(settings), settings)
    elif role == "worker":
        from services.points import app

        app.main(settings)
    elif role == "agents":
        from services.points.pulse import app as pulse

        pulse.main(settings)
    elif role == "integrity":
        from services.points.integrity import app as integrity

        integrity.main(settings)
    elif role == "relay":
        run_role(lambda stop: relay(settings, stop))
    else:
        asyncio.run(migrate(settings.migration_database_url, "points", "points_app", MIGRATIONS))


if __name__ == "__main__":
    main(sys.argv[1:])
