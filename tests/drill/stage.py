"""A database on which one history after the other is played: what is published, applied, compared and audited there."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from ops.audit.main import audit
from services.points.activations.mover import move
from services.points.badges.handlers import install as install_criteria
from services.points.ingest.handlers import Policy
from services.points.ingest.stream import IngestStream
from services.points.rules import store
from services.points.rules.handlers import Rulebooks
from shared.contracts import AttendanceRecorded
from shared.ids import derived_id
from shared.kafka.consumer import Message, apply_halving
from shared.postgres import Database
from tests.reference import points as reference
from tests.reference.district import District
from tests.reference.rules import Rule
from tests.support.databases import Clock, TestDatabase
from tests.support.documents import rule_from

__all__ = ["Stage", "publish", "setting"]

KEPT = ("account_kinds", "rule_generations", "criteria_versions", "team_criteria_versions", "schema_migrations")
FIGURES = ("available", "held", "debt", "earned", "spent", "expired", "donated")


@dataclass(slots=True)
class Stage:
    """The superuser publishes for recruitment, whose tables points may not see, and clears between two histories."""

    database: Database
    clock: Clock
    superuser: Any
    superuser_dsn: str
    auditor: str
    stream: IngestStream

    async def begin(self, rules: Sequence[Rule]) -> None:
        """Nothing is left of the history before; these rules are in force."""
        async with self.superuser.transaction():
            await self.superuser.execute("set local session_replication_role = replica")
            tables = await self.superuser.fetch(
                "select format('%I.%I', schemaname, tablename) as name from pg_tables "
                "where schemaname in ('points', 'recruitment') and tablename <> all($1::text[])",
                list(KEPT),
            )
            await self.superuser.execute(";".join(f"delete from {row['name']}" for row in tables))
            await self.superuser.execute("delete from points.rule_generations where generation > 1")
            await self.superuser.execute("update points.rule_generations set versions = '{}'")
        criteria = await install_criteria(self.database)
        async with self.database.transaction() as tx:
            for rule in rules:
                await store.install(tx, rule_from(orjson.dumps(rule).decode()))
            await store.fill_generation(tx, 1, [rule["version"] for rule in rules])
        self.stream = IngestStream(self.database, Policy(Rulebooks(), criteria))

    async def reconnect(self) -> None:
        """The server has crashed and is back."""
        self.superuser = await asyncpg.connect(self.superuser_dsn)

    async def bring_into_force(self, rule: Rule) -> None:
        """A new generation with the rule among the others: new accounts stand under it, the rest are to be moved."""
        async with self.database.transaction() as tx:
            await store.change_rules(tx)
            newest = await store.newest_generation(tx)
            await store.install(tx, rule_from(orjson.dumps(rule).decode()))
            await store.insert_generation(tx, [*newest.versions, rule["version"]], await tx.now())

    async def move(self, at_once: int) -> set[str]:
        """One batch of the mover; returns whom it brought to the newest generation."""
        before = await self._generations()
        moved = await move(self.database, self.stream.policy, at_once)
        found = {name for name, generation in (await self._generations()).items() if before[name] != generation}
        assert len(found) == moved
        return found

    async def _generations(self) -> dict[str, int]:
        async with self.database.snapshot() as tx:
            return {str(row[0]): row[1] for row in await tx.fetch("select volunteer_id, generation from volunteers")}

    async def publish(self, revisions: Sequence[AttendanceRecorded]) -> None:
        """Recruitment publishes them, which A3 looks at."""
        await publish(self.superuser, revisions)

    async def unpublished(self, record_id: UUID, revision: int) -> bool:
        """Whether recruitment has said nothing of it yet."""
        known = await self.superuser.fetchval(
            "select exists (select from recruitment.attendance_revisions where record_id = $1 and revision = $2)",
            record_id,
            revision,
        )
        return not known

    async def handle(self, messages: Sequence[Message]) -> None:
        """Apply a batch as the consumer does, halving on poison."""
        await apply_halving(messages, self.stream.handle, self.stream.dead_letter)

    async def audit_under_way(self) -> None:
        """The same while something may still be on its way."""
        await self.audit(settled=False)

    async def audit(self, *, settled: bool = True) -> None:
        """A1 to A8 hold, and nothing that was published is missing.

        Raises:
            AssertionError: one doesn't.
        """
        report = await audit(self.auditor, settled=settled, direct_feed=True)
        assert report.ok, [offender for check in report.as_json()["checks"] for offender in check["offenders"]]

    async def compare(self, model: reference.Reference, volunteers: Collection[str]) -> None:
        """Balances, lots and badges of these volunteers.

        Raises:
            AssertionError: a volunteer's state differs from the reference.
        """
        ids = [UUID(volunteer) for volunteer in volunteers]
        async with self.database.snapshot() as tx:
            rows = await tx.fetch("select * from volunteers where volunteer_id = any($1)", ids)
            lots = await tx.fetch("select * from lots where volunteer_id = any($1)", ids)
            badges = await tx.fetch(
                "select volunteer_id, badge from badge_awards where revoked_at is null and volunteer_id = any($1)", ids
            )
        found: dict[str, Any] = {str(row["volunteer_id"]): ({}, set()) for row in rows}
        for lot in lots:
            figures = (lot["awarded"], lot["available"], lot["expired"])
            if any(figures):
                found[str(lot["volunteer_id"])][0][lot["bucket"], lot["expires_on"]] = figures
        for badge in badges:
            found[str(badge["volunteer_id"])][1].add(badge["badge"])
        standing = {str(row["volunteer_id"]): row for row in rows}
        for volunteer in volunteers:
            if volunteer not in standing:
                assert not model.of(volunteer), f"volunteer {volunteer} has records and no account"
                continue
            account = model.account(volunteer)
            row = standing[volunteer]
            assert {name: row[name] for name in FIGURES} == account.balances(), f"balances of {volunteer}"
            due = {key: (lot.awarded, lot.available, lot.expired) for key, lot in account.lots.items()}
            assert found[volunteer][0] == {k: v for k, v in due.items() if any(v)}, f"lots of {volunteer}"
            earned = reference.badges(model.of(volunteer))
            assert found[volunteer][1] == set(row["badges"]) == earned, f"badges of {volunteer}"

    async def compare_goods(self, model: District) -> None:
        """Shelves, redemptions and holds.

        Raises:
            AssertionError: something lies or stands elsewhere than in the reference.
        """
        async with self.database.snapshot() as tx:
            stock = await tx.fetch("select * from reward_stock")
            redemptions = await tx.fetch("select * from redemption")
            holds = await tx.fetch("select * from holds")
        names = ("received", "free", "reserved", "handed_over")
        lying = {(str(row["reward_id"]), str(row["site_id"])): tuple(row[name] for name in names) for row in stock}
        assert lying == {k: tuple(getattr(shelf, n) for n in names) for k, shelf in model.shelves.items()}
        taken = {str(row["redemption_id"]): (row["status"], row["expires_at"]) for row in redemptions}
        assert taken == {key: (one.status, one.expires_at) for key, one in model.redemptions.items()}
        assert {str(row["hold_id"]): row["status"] for row in holds} == {k: h.status for k, h in model.holds.items()}

    async def compare_letters(self, conflicts: int) -> None:
        """Each contradiction is one dead letter, and nothing else is."""
        async with self.database.snapshot() as tx:
            found = await tx.fetch("select kind, reason from dead_letters")
        assert [row["kind"] for row in found] == ["conflict"] * conflicts, [row["reason"] for row in found]


async def publish(superuser: Any, revisions: Iterable[AttendanceRecorded]) -> None:
    """Write revisions to recruitment's tables as if it had published them, in this order."""
    rows = [data.model_dump() for data in revisions]
    if not rows:
        return
    columns = list(rows[0])
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    async with superuser.transaction():
        await superuser.execute("set local session_replication_role = replica")
        await superuser.executemany(
            f"insert into recruitment.attendance_revisions ({', '.join(columns)}, recorded_at, change) "
            f"values ({places}, now(), 'check_out')",
            [tuple(row.values()) for row in rows],
        )
        await superuser.executemany(
            "insert into recruitment.outbox (event_id, topic, key, headers, value, sent_at) "
            "values ($1, 'attendance', $2, '{}', $3, now())",
            [
                (
                    derived_id("attendance", row["record_id"], row["revision"]),
                    str(row["volunteer_id"]),
                    orjson.dumps({"record_id": str(row["record_id"]), "revision": row["revision"]}),
                )
                for row in rows
            ],
        )


@asynccontextmanager
async def setting(test_database: TestDatabase, database: Database) -> AsyncIterator[Stage]:
    """The stage of one test."""
    superuser_dsn = test_database.dsn_for("postgres")
    stream = IngestStream(database, Policy(None, None))  # type: ignore[arg-type]
    async with test_database.clock() as clock:
        stage = Stage(database, clock, None, superuser_dsn, test_database.dsn_for("auditor"), stream)
        await stage.reconnect()
        try:
            yield stage
        finally:
            await stage.superuser.close()
