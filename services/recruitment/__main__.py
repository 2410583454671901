"""Recruitment's processes: ``python -m services.recruitment api|worker|relay|migrate|create-operator|keys``.

The composition root: the only place that opens pools and builds apps.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
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
from services.recruitment.imports import handlers as imports
from services.recruitment.keys.store import tables as key_tables
from services.recruitment.orders import timers as order_timers
from services.recruitment.orders.policy import policy_of
from services.recruitment.security import handlers as security
from services.recruitment.settings import RecruitmentSettings
from services.recruitment.signups.reminders import timers as reminder_timers
from services.recruitment.signups.waitlist import timers as waitlist_timers
from services.recruitment.staff import handlers as staff
from services.recruitment.staff import passwords
from services.recruitment.staff.common import common_passwords
from services.recruitment.staff.domain import check_password
from services.recruitment.vault.cipher import Cipher
from shared.clock import real_now
from shared.errors import PermanentError, Refusal, WeiguangError
from shared.http.idempotency import purge_idempotency
from shared.postgres import Database
from shared.rewrapping import end_with_json, run_command
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
from shared.timers import run_timer

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["MIGRATIONS", "build_app", "create_operator", "keys", "main", "purge_once", "worker"]

MIGRATIONS = Path(__file__).with_name("migrations")
PURGE_SECONDS = 300.0
MESSAGE_LOG_KEPT = timedelta(hours=24)
_FIRST_ROLES = (StaffRole.OPERATOR, StaffRole.ENGINEER, StaffRole.AUDITOR)
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
    from services.recruitment.vault import handlers as vault

    cipher = _cipher(settings)
    channel = channels.channel_for(settings)

    async def start(app: "FastAPI") -> None:
        await devices.seal_plain(app.state.database, cipher)
        await vault.hash_names(app.state.database, cipher)

    app = create_api(
        settings, title="Weiguang recruitment", routers=ROUTERS, reports=True, start=start, close=channel.close
    )
    app.state.cipher = cipher
    app.state.channel = channel
    app.state.passwords = Passwords()
    return app


async def worker(settings: RecruitmentSettings, stop: asyncio.Event) -> None:
    """Timers of attendance, approvals, waitlists, reminders and orders, the purge, and integrity's confirmed cases."""
    from services.recruitment.suspicions.hosting import consume_cases

    policy = policy_of(settings)
    async with connected(settings) as db, asyncio.TaskGroup() as group:
        timers: tuple[tuple[str, Callable[[], Awaitable[int]], float], ...] = (
            ("attendance", lambda: attendance_timers.close_overdue(db), attendance_timers.EVERY_SECONDS),
            ("approvals", lambda: approvals_timers.lapse_due(db), approvals_timers.EVERY_SECONDS),
            ("waitlist", lambda: waitlist_timers.run_due(db), waitlist_timers.EVERY_SECONDS),
            ("reminders", lambda: reminder_timers.remind_due(db), reminder_timers.EVERY_SECONDS),
            ("orders", lambda: order_timers.run_due(db, policy), order_timers.EVERY_SECONDS),
            ("orders-stranded", lambda: order_timers.run_stranded(db, policy), order_timers.STRANDED_SECONDS),
            ("purge", lambda: purge_once(settings, db), PURGE_SECONDS),
        )
        group.create_task(consume_cases(settings, db, stop), name="cases")
        for name, work, seconds in timers:
            group.create_task(run_timer(name, work, seconds, stop), name=name)


async def purge_once(settings: RecruitmentSettings, db: Database) -> int:
    """Delete by-products that hold or point to people: codes, sessions, tickets, answers, the message log.

    Proposals of imports that were not decided in time lapse here too. Returns 0: one turn deletes everything.
    """
    async with db.transaction() as tx:
        await imports.lapse(tx)
        await access.purge(tx)
        await factors.purge(tx)
        await attendance.purge(tx)
        await purge_idempotency(tx)
        await security.purge(tx, timedelta(days=settings.security_log_days))
    if settings.message_log is not None:
        before = real_now() - MESSAGE_LOG_KEPT
        await asyncio.to_thread(channels.prune_log, settings.message_log, before)
    return 0


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


def _operator_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", required=True, action="append", help="given twice: two operators")
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", dest="staff_role", choices=_FIRST_ROLES, default=StaffRole.OPERATOR)
    parser.add_argument("--phone", help="where a code for a new password is sent")
    parser.add_argument("--reset", action="store_true", help="set the password of an existing account")


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
                    settings, username, chosen.name, chosen.staff_role, password, phone=chosen.phone, reset=chosen.reset
                )
            )
        except WeiguangError as error:
            raise SystemExit(f"create-operator: {username}: {error}") from None
        _log.info("operator.stored", outcome=done, account=username, role=str(chosen.staff_role))


SERVICE = ServiceRunner(
    "recruitment",
    RecruitmentSettings,
    roles={"api": serving(build_app), "worker": until_stopped(worker), "relay": until_stopped(relay)},
    migrations=MIGRATIONS,
    commands={
        "create-operator": ServiceCommand(
            _create_operators,
            _operator_arguments,
            "passwords are read from WEIGUANG_OPERATOR_PASSWORD and, for a second --username, "
            "WEIGUANG_SECOND_OPERATOR_PASSWORD",
        ),
        "keys": keys_command(lambda settings, chosen: end_with_json(lambda: keys(settings, chosen.what))),
    },
)
main = SERVICE.main


if __name__ == "__main__":
    main(sys.argv[1:])
