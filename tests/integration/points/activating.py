"""Drafts on their way into force, in tests: rehearsed by the plain reference, approved, and moved by hand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import yaml

from ops.audit.main import audit
from services.points.activations import handlers, mover
from services.points.activations.domain import Activation, ActivationAct, ActivationStatus
from services.points.ingest.handlers import Policy
from services.points.rules.handlers import draft
from shared.auth.tokens import Caller, Role
from shared.clock import district_day
from shared.ids import derived_id, new_id
from shared.postgres import Database
from tests.integration.points.histories import World, attendance, message, read
from tests.reference.points import Reference
from tests.reference.rules import Record, awards
from tests.support.audits import by_code
from tests.support.documents import RULE_EXAMPLES

__all__ = [
    "BETTER_PAID",
    "BY_THE_MONTH",
    "FROM_THE_MIDDLE",
    "NOW",
    "PROPOSER",
    "SECOND",
    "SHIPPED",
    "TODAY",
    "District",
    "Stage",
    "changed",
    "insert_rehearsal",
    "operator",
]

SHIPPED: dict[str, Any] = yaml.safe_load((RULE_EXAMPLES.parent / "versions" / "0001.yaml").read_text("utf-8"))
"""The demo's rule as plain data, as the reference reads rules."""

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)
TODAY = district_day(NOW)
CHECKS = ("A1", "A2", "A4", "A5", "A6")


def changed(effective_from: date, **sections: Any) -> dict[str, Any]:
    """The demo's rule from another day on, with other sections."""
    return {**SHIPPED, "version": 2, "name": "新规则", "effective_from": effective_from, **sections}


BETTER_PAID = changed(date(2001, 1, 1), earning={"provenances": ["scanned", "leader"], "points_per_hour": 20})
BY_THE_MONTH = changed(date(2026, 3, 1), caps={"day_minutes": 240, "month_minutes": 80})
FROM_THE_MIDDLE = changed(
    date(2026, 3, 10), earning={"provenances": ["scanned"], "points_per_hour": 7}, first_service={"points": 50}
)


def operator(number: int) -> Caller:
    """One of the centre's."""
    return Caller(subject=UUID(int=0xF000 + number), roles=frozenset({Role.OPERATOR}), site_ids=None)


PROPOSER, SECOND = operator(1), operator(2)


async def insert_rehearsal(database: Database, version: int, results: dict[UUID, tuple[int, int]]) -> UUID:
    """A finished rehearsal of a draft, at this moment's snapshot: points before and after by volunteer."""
    rehearsal_id = new_id()
    async with database.transaction() as tx:
        await tx.execute(
            "insert into rehearsals (rehearsal_id, version, status, requested_by, requested_at, watermark, result) "
            "values ($1, $2, 'done', $3, business.now(), pg_current_snapshot(), '{}')",
            rehearsal_id,
            version,
            PROPOSER.subject,
        )
        await tx.conn.executemany(
            "insert into rehearsal_results (rehearsal_id, volunteer_id, records, before, after) "
            "values ($1, $2, 1, $3, $4)",
            [(rehearsal_id, volunteer_id, *points) for volunteer_id, points in results.items()],
        )
    return rehearsal_id


@dataclass
class Stage:
    """One draft's way into force and out again, beside the reference."""

    database: Database
    policy: Policy
    model: Reference
    activation_id: UUID | None = None
    version: int = 0
    without: list[dict[str, Any]] = field(default_factory=list)

    async def draft(self, rule: dict[str, Any]) -> dict[str, Any]:
        """Keep a rule as a draft; returns it with its number."""
        async with self.database.transaction() as tx:
            stored = await draft(tx, PROPOSER, orjson.dumps(rule).decode())
        self.version = stored.document.version
        return rule | {"version": self.version}

    async def rehearse(self, rule: dict[str, Any], volunteers: Iterable[UUID]) -> UUID:
        """What the draft would change, worked out by the reference."""
        results = {}
        for volunteer_id in volunteers:
            name = str(volunteer_id)
            if name in self.model.accounts:
                records, brought = self.model.of(name), self.model.referrals.get(name)
                now = self.model.rules or [SHIPPED]
                before = sum(awards(records, now, self.model.complained, brought).values())
                after = sum(awards(records, [*now, rule], self.model.complained, brought).values())
                results[volunteer_id] = (before, after)
        return await insert_rehearsal(self.database, rule["version"], results)

    async def propose(self, rule: dict[str, Any], rehearsal_id: UUID) -> None:
        """By the first operator."""
        async with self.database.transaction() as tx:
            made = await handlers.propose(tx, PROPOSER, rule["version"], rehearsal_id, "more for the night")
        self.activation_id = made.activation_id

    async def act(self, act: ActivationAct, by: Caller = SECOND) -> Activation:
        assert self.activation_id is not None
        async with self.database.transaction() as tx:
            return await handlers.act(tx, by, self.activation_id, act, "looked at it")

    async def approve(self, rule: dict[str, Any]) -> None:
        """By the second: from now on accounts are opened under the draft too."""
        await self.act(ActivationAct.APPROVE)
        self.without = self.model.rules or [SHIPPED]
        self.model.rules = [*self.without, rule]

    async def reverse(self) -> None:
        """Propose the reversal and approve it: from now on accounts are opened without the version."""
        await self.act(ActivationAct.PROPOSE_REVERSAL, PROPOSER)
        await self.act(ActivationAct.APPROVE_REVERSAL)
        self.model.rules = self.without

    async def move(self, today: Any, at_once: int = 1) -> int:
        """One batch of the mover, and the same volunteers of the reference."""
        before = await self.generations()
        moved = await mover.move(self.database, self.policy, at_once)
        after = await self.generations()
        for volunteer_id, generation in after.items():
            if before[volunteer_id] != generation:
                self.model.move(str(volunteer_id), today)
        assert moved == sum(before[key] != after[key] for key in after)
        return moved

    async def generations(self) -> dict[UUID, int]:
        async with self.database.snapshot() as tx:
            rows = await tx.fetch("select volunteer_id, generation from volunteers order by volunteer_id")
        return {row[0]: row[1] for row in rows}

    async def activation(self) -> Activation:
        assert self.activation_id is not None
        async with self.database.snapshot() as tx:
            return await handlers.find(tx, self.activation_id)

    async def moves(self, *, late_only: bool = False) -> dict[UUID, Any]:
        assert self.activation_id is not None
        async with self.database.snapshot() as tx:
            found = await handlers.moves(tx, self.activation_id, after=None, late_only=late_only, limit=10_000)
        return {move.volunteer_id: move for move in found}


class District:
    """Some volunteers, in the service and in the reference."""

    def __init__(self, database: Database, policy: Policy, world: World, dsn_for: Callable[[str], str]) -> None:
        self.database = database
        self.world = world
        self.dsn_for = dsn_for
        self.model = Reference([SHIPPED])
        self.stage = Stage(database, policy, self.model)
        self.records: dict[str, Record] = {}

    def record(self, number: int, volunteer: int, day: int, minutes: int = 120, **changes: Any) -> Record:
        """One served on a day of March (31 is the last; 0 is the last of February)."""
        started_at = datetime(2026, 3, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)
        record_id = str(derived_id("record", self.world.number, number))
        name = str(self.world.volunteer(volunteer))
        return Record(record_id, 1, name, "confirmed", "scanned", started_at, minutes, **changes)

    async def feed(self, *records: Record) -> None:
        await self.world.stream.handle([message(attendance(record)) for record in records])
        self.model.ingest(list(records), TODAY)
        self.records |= {record.record_id: record for record in records}

    async def populate(self, volunteers: int = 12) -> None:
        """Each has served on up to six days from February on; some were corrected, some void, some by a leader."""
        found = []
        for volunteer in range(volunteers):
            for one in range(1 + volunteer % 6):
                provenance = ["scanned", "leader", "backfilled"][(volunteer + one) % 3]
                minutes = [60, 90, 200, 500][(volunteer * one) % 4]
                record = self.record(100 * volunteer + one, volunteer, (volunteer * 5 + one * 9) % 50 - 20, minutes)
                found.append(replace(record, provenance=provenance))
        await self.feed(*found)

    async def begin(self, drafted: dict[str, Any]) -> dict[str, Any]:
        """Draft, rehearse, propose and approve."""
        rule = await self.stage.draft(drafted)
        rehearsal_id = await self.stage.rehearse(rule, self.volunteers)
        await self.stage.propose(rule, rehearsal_id)
        await self.stage.approve(rule)
        return rule

    @property
    def volunteers(self) -> list[UUID]:
        return sorted(UUID(name) for name in self.model.accounts)

    async def finish(self) -> ActivationStatus:
        while await self.stage.move(TODAY, 4):
            pass
        found = await self.stage.activation()
        assert found.problem is None
        return found.status

    async def agrees(self) -> None:
        """Service and reference say the same of everybody, and the audit finds nothing."""
        for name, account in self.model.accounts.items():
            stored = await read(self.database, UUID(name))
            assert stored is not None
            assert stored.balances == account.balances() == stored.balances_of_transfers, name
            lots = {key: (lot.awarded, lot.available, lot.expired) for key, lot in account.lots.items()}
            assert {k: v for k, v in stored.lots.items() if any(v)} == {k: v for k, v in lots.items() if any(v)}
        checks = by_code(await audit(self.dsn_for("auditor")))
        assert not [offender for code in CHECKS for offender in checks[code].as_json()["offenders"]]
