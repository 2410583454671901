"""A database with one of everything, and ways to falsify it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.audit.main import audit
from ops.audit.model import Check, Report
from services.points.rewards import handlers as rewards
from services.points.rewards.domain import Reward
from services.points.teams import handlers as teams
from services.points.teams.stream import TeamStream
from shared.auth.tokens import Caller, Role
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from shared.postgres.queries import parse_queries
from tests.integration.points.serving import NOW, SITE, Ledger, message, record
from tests.support.audits import by_code

__all__ = ["PLANTS", "STAFF", "World", "hold", "named", "world"]

PLANTS = parse_queries(Path(__file__).with_name("audit_plants.sql").read_text("utf-8"))

STAFF = Caller(subject=new_id(), roles=frozenset({Role.OPERATOR}), site_ids=None)


@dataclass(slots=True)
class World:
    """One database with everything that the audit reads, and the superuser who breaks it."""

    ledger: Ledger
    superuser: Any
    auditor: str
    volunteer: UUID
    first: AttendanceRecorded
    redemption: UUID
    teams: TeamStream

    async def plant(self, sql: str, *args: object) -> None:
        """Change rows past every trigger and foreign key."""
        async with self.superuser.transaction():
            await self.superuser.execute("set local session_replication_role = replica")
            tag = await self.superuser.execute(sql, *args)
        assert not tag.endswith(" 0"), f"the breach was not planted: {tag}"

    async def drop_constraints(self, table: str) -> None:
        """Checks and keys of a table make some breaches impossible; the audit must not rely on them."""
        names = await self.superuser.fetch(
            "select conname, contype from pg_constraint where conrelid = $1::text::regclass "
            "order by contype = 'p', contype = 'u'",
            table,
        )
        for row in names:
            if row["contype"] in (b"c", b"p", b"u", "c", "p", "u"):
                await self.superuser.execute(f'alter table {table} drop constraint "{row["conname"]}" cascade')

    async def publish(self, data: AttendanceRecorded, *, sent: bool = True) -> None:
        """What recruitment has of a record: its revision and the event in the outbox."""
        names = list(AttendanceRecorded.model_fields)
        columns = ", ".join(names)
        places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        await self.plant(
            f"insert into recruitment.attendance_revisions ({columns}, recorded_at, change) "
            f"values ({places}, now(), 'check_out')",
            *(getattr(data, name) for name in names),
        )
        found = message(data)
        await self.plant(
            PLANTS["publish_event"],
            (dict(found.headers)["ce_id"] or b"").decode(),
            str(data.volunteer_id),
            found.value,
            sent,
        )

    async def serve(self, *records: AttendanceRecorded) -> None:
        """Records that went the whole way: published by recruitment, applied by points."""
        for data in records:
            await self.publish(data)
        await self.ledger.feed(*records)
        await self.teams.handle([message(data) for data in records])

    async def dead_letter(self, data: AttendanceRecorded, kind: str, status: str) -> None:
        """The ingest dead-lettered the record."""
        await self.plant(
            PLANTS["dead_letter"],
            message(data).value,
            kind,
            status,
        )

    async def deliver(self, event_id: UUID) -> None:
        """A message that was sent by e-mail, at the first attempt."""
        message_id = new_id()
        await self.plant(
            PLANTS["message"],
            message_id,
            event_id,
            self.volunteer,
        )
        await self.plant(
            PLANTS["delivery"],
            event_id,
            self.volunteer,
            message_id,
        )
        await self.plant(PLANTS["attempt"], event_id, self.volunteer, 1, "sent")

    async def audit(self, *, settled: bool = True) -> Report:
        """What the audit says now."""
        return await audit(self.auditor, settled=settled)

    async def breached(self, *codes: str, settled: bool = True) -> Check:
        """The first of the checks that are breached; these and no others are."""
        report = await self.audit(settled=settled)
        assert [check.code for check in report.checks if not check.ok] == sorted(codes), report.as_json()
        return by_code(report)[codes[0]]


def named(check: Check, subject: object) -> str:
    """What the audit says of the subject, which it must name."""
    details = [offender.detail for offender in check.offenders if str(subject) in offender.subject]
    assert details, check.as_json()
    return "; ".join(details)


@pytest.fixture
async def world(points_db: Database, dsn_for: Callable[[str], str]) -> AsyncIterator[World]:
    """Three volunteers, one with debt-free points, a reward held, and a message delivered; all of it clean."""
    ledger = await Ledger.open(points_db)
    superuser = await asyncpg.connect(dsn_for("postgres"))
    volunteer = new_id()
    first = record(volunteer, 480)
    stream = TeamStream(points_db, await teams.install(points_db))
    world = World(ledger, superuser, dsn_for("auditor"), volunteer, first, new_id(), stream)
    later = record(volunteer, 100 * 60, started_at=NOW - timedelta(days=3), provenance="backfilled")
    await world.serve(first, later, *(record(new_id(), minutes) for minutes in (10, 90)))
    world.redemption = await hold(points_db, volunteer)
    await world.deliver(new_id())
    yield world
    await superuser.close()


async def hold(database: Database, volunteer_id: UUID) -> UUID:
    """A reward of 60 points, of which two lie at the site, held by the volunteer."""
    reward = Reward(new_id(), "保温杯", "", 60, None, None, None, 30)
    async with database.transaction() as tx:
        await rewards.add_reward(tx, STAFF, reward)
        await rewards.receive_stock(tx, STAFF, reward.reward_id, SITE, 2, "delivery")
    async with database.transaction() as tx:
        redemption, _ = await rewards.hold(tx, volunteer_id, reward.reward_id, SITE)
    return redemption.redemption_id
