"""Composition root of points: ``python -m services.points api|worker|teams|relay|migrate|keys``.

The worker starts one more for each rehearsal: ``python -m services.points rehearse <rehearsal_id>``.
"""

import argparse
import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.points.settings import PointsSettings
from shared.heap import collect_rarely
from shared.http.process import run_role
from shared.postgres import Database
from shared.service import (
    ServiceCommand,
    ServiceRunner,
    connected,
    create_api,
    keys_command,
    relay,
    serving,
    until_stopped,
)

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["MIGRATIONS", "ROLES", "api", "main", "rehearse"]

MIGRATIONS = Path(__file__).with_name("migrations")


def api(settings: PointsSettings) -> "FastAPI":
    """The HTTP application.

    Raises:
        PermanentError: there is no key for the evidence of adjustments.
    """
    # A relay should not hold what only an API serves: what a role alone needs is imported where the role begins.
    from services.points.adjustments import handlers as adjustments
    from services.points.policy import policy_of
    from services.points.routers import ROUTERS
    from services.points.teams import handlers as team_badges
    from shared.sealing import TextCipher

    cipher = TextCipher(settings.evidence_key.get_secret_value(), "WEIGUANG_EVIDENCE_KEY")

    async def start(app: "FastAPI") -> None:
        app.state.policy = await policy_of(app.state.database)
        await team_badges.install(app.state.database)
        await adjustments.seal_plain(app.state.database, cipher)

    app = create_api(settings, title="Weiguang points", routers=ROUTERS, reports=True, start=start)
    app.state.evidence_cipher = cipher
    return app


def _worker(settings: PointsSettings) -> None:
    from services.points import app

    app.main(settings)


async def teams(settings: PointsSettings, stop: asyncio.Event) -> None:
    """Count the teams' services, judge their badges, open cases and keep residents' complaints, until ``stop`` is set.

    Raises:
        WatchdogExpired: records wait and none can be counted.
        TransientError: database or broker are away at the start.
    """
    from services.points.complaints.proposals.hosting import keeping_complaints
    from services.points.integrity.hosting import following_records
    from services.points.policy import policy_of
    from services.points.teams.hosting import counting_teams

    collect_rarely(100_000)  # its batches are small
    async with connected(settings) as db:
        policy = await policy_of(db)  # a case is judged under rules that may not be in the table yet
        count, follow = await counting_teams(settings, db), await following_records(settings, db, policy)
        async with asyncio.TaskGroup() as group:
            for work in (count, follow, keeping_complaints(settings, db)):
                group.create_task(work(stop))


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


def _rehearse(settings: PointsSettings, chosen: argparse.Namespace) -> None:
    from services.points.rehearsals.replay import end_with_parent

    rehearsal_id: UUID = chosen.rehearsal_id
    end_with_parent()
    run_role(lambda stop: rehearse(settings, rehearsal_id, stop))


def _keys(settings: PointsSettings, chosen: argparse.Namespace) -> None:
    """Show which evidence lies under which key, or move it to the current one; exits the process."""
    from services.points.adjustments import handlers as adjustments
    from shared.rewrapping import end_with_json, run_command
    from shared.sealing import TextCipher

    async def work() -> dict[str, Any]:
        cipher = TextCipher(settings.evidence_key.get_secret_value(), "WEIGUANG_EVIDENCE_KEY")
        db = await Database.connect(settings)
        try:
            return await run_command(chosen.what, db, adjustments.key_tables(cipher))
        finally:
            await db.close()

    end_with_json(work)


SERVICE = ServiceRunner(
    "points",
    PointsSettings,
    roles={
        "api": serving(api),
        "worker": _worker,
        "teams": until_stopped(teams),
        "relay": until_stopped(partial(relay, secure=True)),
    },
    migrations=MIGRATIONS,
    commands={
        "keys": keys_command(_keys),
        "rehearse": ServiceCommand(
            _rehearse, lambda parser: parser.add_argument("rehearsal_id", type=UUID), "replay one rehearsal"
        ),
    },
)
ROLES = tuple(SERVICE.roles)
main = SERVICE.main


if __name__ == "__main__":
    main(sys.argv[1:])
