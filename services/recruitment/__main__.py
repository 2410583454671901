"""Recruitment's processes: ``python -m services.recruitment api|worker|relay|migrate|create-operator|keys``.

The composition root: the only place that opens pools and builds apps.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from services.recruitment.access import channels
from services.recruitment.access import handlers as access
from services.recruitment.access.domain import StaffRole
from services.recruitment.access.passwords import Passwords
from services.recruitment.approvals import timers as approvals_timers
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import timers as attendance_timers
from services.recruitment.factors import handlers as factors
from services.recruitment.keys.store import tables as key_tables
from services.recruitment.security import handlers as security
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.staff import handlers as staff
from services.recruitment.staff import passwords
from services.recruitment.staff.common import common_passwords
from services.recruitment.staff.domain import check_password
from services.recruitment.vault.cipher import Cipher
from shared import production
from shared.clock import real_now
from shared.errors import PermanentError, Refusal, TransientError, WeiguangError
from shared.http.idempotency import purge_idempotency
from shared.http.ops import serve_ops
from shared.http.process import run_role
from shared.http.server import serve
from shared.kafka.probe import broker_ready
from shared.outbox.relay import Relay
from shared.postgres import Database
from shared.postgres.migrations import migrate
from shared.rewrapping import end_with_json, run_command
from shared.waiting import wait_for_event

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["MIGRATIONS", "build_app", "create_operator", "keys", "main", "purge_once", "relay", "worker"]

MIGRATIONS = Path(__file__).with_name("migrations")
PURGE_SECONDS = 300.0
MESSAGE_LOG_KEPT = timedelta(hours=24)
_PASSWORDS = ("WEIGUANG_OPERATOR_PASSWORD", "WEIGUANG_SECOND_OPERATOR_PASSWORD")
_log = structlog.get_logger(__name__)


def build_app(settings: RecruitmentSettings) -> "FastAPI":
    """The API with all capabilities.

    Raises:
        PermanentError: a key or the code channel is not configured, or would be unsafe in production.
    """
    # A relay should not hold what only an API serves.
    from services.recruitment.devices import handlers as devices
    from services.recruitment.routers import ROUTERS
    from shared.http.app import create_app, databases

    cipher = _cipher(settings)
    channel = channels.channel_for(settings)

    @asynccontextmanager
    async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
        try:
            async with databases(app, settings, reports=True):
                await devices.seal_plain(app.state.database, cipher)
                yield
        finally:
            await channel.close()

    async def database_ready() -> None:
        await app.state.database.ready()

    async def kafka_ready() -> None:
        await broker_ready(settings)

    app = create_app(
        settings,
        title="Weiguang recruitment",
        routers=ROUTERS,
        lifespan=lifespan,
        readiness={"database": database_ready, "broker": kafka_ready},
    )
    app.state.cipher = cipher
    app.state.channel = channel
    app.state.passwords = Passwords()
    return app


async def worker(settings: RecruitmentSettings, stop: asyncio.Event) -> None:
    """Timers: close overdue attendance, lapse approvals, and forget what must not be kept; until ``stop`` is set."""
    db = await Database.connect(settings)
    try:
        async with serve_ops(settings, _readiness(settings, db)), asyncio.TaskGroup() as group:
            group.create_task(attendance_timers.run(db, stop), name="attendance")
            group.create_task(approvals_timers.run(db, stop), name="approvals")
            group.create_task(_purge(settings, db, stop), name="purge")
    finally:
        await db.close()


async def relay(settings: RecruitmentSettings, stop: asyncio.Event) -> None:
    """Send the outbox to the broker, until ``stop`` is set."""
    db = await Database.connect(settings)
    try:
        async with serve_ops(settings, _readiness(settings, db)):
            await Relay(db, settings).run(stop)
    finally:
        await db.close()


async def purge_once(settings: RecruitmentSettings, db: Database) -> None:
    """Forget by-products that hold or point to people: codes, sessions, tickets, answers, the message log."""
    async with db.transaction() as tx:
        await access.purge(tx)
        await factors.purge(tx)
        await attendance.purge(tx)
        await purge_idempotency(tx)
        await security.purge(tx, timedelta(days=settings.security_log_days))
    if settings.message_log is not None:
        before = real_now() - MESSAGE_LOG_KEPT
        await asyncio.to_thread(channels.prune_log, settings.message_log, before)


async def _purge(settings: RecruitmentSettings, db: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await purge_once(settings, db)
        except TransientError as error:
            _log.warning("purge.waits", reason=str(error))
        await wait_for_event(stop, PURGE_SECONDS)


async def create_operator(
    settings: RecruitmentSettings,
    username: str,
    name: str,
    role: str,
    password: str,
    *,
    phone: str | None = None,
    reset: bool = False,
) -> str:
    """Add one of the first members of the centre's staff: ``created``, or ``exists`` when the username is taken.

    An existing account is left as it is, unless ``reset`` asks for the new password (``reset``). The rest of the staff
    is invited; more than one operator can be made here, since the first activations need two.

    Raises:
        Refusal: the username, name or phone is malformed.
        PermanentError: the password is too weak.
    """
    try:
        check_password(password, [username], common_passwords())
    except ValueError as error:
        raise PermanentError(
            f"{error} (it is read from WEIGUANG_OPERATOR_PASSWORD or WEIGUANG_SECOND_OPERATOR_PASSWORD)"
        ) from None
    cipher, password_hash = _cipher(settings), await Passwords().hash(password)
    own_phone = access.phone_of(phone) if phone else None
    db = await Database.connect(settings)
    try:
        if reset:
            async with db.transaction() as tx:
                if await passwords.set_on_the_machine(tx, username, password_hash):
                    return "reset"
        async with db.transaction() as tx:
            new = staff.NewStaff(username, password_hash, name, StaffRole(role), phone=own_phone)
            await staff.add_account(tx, cipher, new)
    except Refusal as refusal:
        if refusal.type != "username-taken":
            raise
        return "exists"
    finally:
        await db.close()
    return "created"


async def keys(settings: RecruitmentSettings, what: str) -> dict[str, Any]:
    """Show which rows lie under which key, or move them to the current ones, which the security log records.

    Raises:
        PermanentError: a key is missing or malformed.
        TransientError: the database is away.
    """
    tables = key_tables(_cipher(settings))
    db = await Database.connect(settings)
    try:
        result = await run_command(what, db, tables)
        if what == "rewrap":
            outcome = security.SecurityResult.REFUSED if result["failed"] else security.SecurityResult.OK
            moved = security.SecurityEvent(security.Kind.KEYS_ROTATED, outcome, detail={"failed": result["failed"]})
            await security.record_apart(db, moved)
        return result
    finally:
        await db.close()


def _cipher(settings: RecruitmentSettings) -> Cipher:
    return Cipher(settings.vault_key.get_secret_value(), settings.lookup_key.get_secret_value())


def _readiness(settings: RecruitmentSettings, db: Database) -> dict[str, Callable[[], Awaitable[None]]]:
    async def kafka_ready() -> None:
        await broker_ready(settings)

    return {"database": db.ready, "broker": kafka_ready}


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.recruitment")
    roles = parser.add_subparsers(dest="role", required=True)
    for role in ("api", "worker", "relay", "migrate"):
        roles.add_parser(role)
    operator = roles.add_parser(
        "create-operator",
        help="passwords are read from WEIGUANG_OPERATOR_PASSWORD and, for a second --username, "
        "WEIGUANG_SECOND_OPERATOR_PASSWORD",
    )
    operator.add_argument("--username", required=True, action="append", help="given twice: two operators")
    operator.add_argument("--name", required=True)
    operator.add_argument("--role", choices=[StaffRole.OPERATOR, StaffRole.ENGINEER], default=StaffRole.OPERATOR)
    operator.add_argument("--phone", help="where a code for a new password is sent")
    operator.add_argument("--reset", action="store_true", help="set the password of an existing account")
    held = roles.add_parser("keys", help="which rows lie under which key, and moving them to the current ones")
    held.add_argument("what", choices=["status", "rewrap"])
    return parser.parse_args(arguments)


def _create_operators(settings: RecruitmentSettings, chosen: argparse.Namespace) -> None:
    """Make the accounts named, and log of each whether it was created, existed or was reset.

    Raises:
        SystemExit: there are more names than passwords, or one is weak or malformed.
    """
    if len(chosen.username) > len(_PASSWORDS):
        raise SystemExit("create-operator: at most two usernames; the rest of the staff is invited on the pages")
    for username, variable in zip(chosen.username, _PASSWORDS, strict=False):
        password = os.environ.get(variable, "")
        try:
            done = asyncio.run(
                create_operator(
                    settings, username, chosen.name, chosen.role, password, phone=chosen.phone, reset=chosen.reset
                )
            )
        except WeiguangError as error:
            raise SystemExit(f"create-operator: {username}: {error}") from None
        _log.info("operator.stored", outcome=done, account=username, role=str(chosen.role))


def main(arguments: Sequence[str]) -> None:
    """Run one role; ``api``, ``worker`` and ``relay`` end by exiting the process."""
    chosen = _arguments(arguments)
    settings = RecruitmentSettings()
    production.configure(settings)
    if chosen.role == "api":
        serve(lambda: build_app(settings), settings)
    elif chosen.role == "worker":
        run_role(lambda stop: worker(settings, stop))
    elif chosen.role == "relay":
        run_role(lambda stop: relay(settings, stop))
    elif chosen.role == "migrate":
        asyncio.run(migrate(settings.migration_database_url, "recruitment", "recruitment_app", MIGRATIONS))
    elif chosen.role == "keys":
        end_with_json(lambda: keys(settings, chosen.what))
    else:
        _create_operators(settings, chosen)


if __name__ == "__main__":
    main(sys.argv[1:])
