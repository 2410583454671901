"""Drafts on their way into force, in tests: rehearsed by the plain reference, approved, and moved by hand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import yaml

from services.points.activations import handlers, mover
from services.points.activations.domain import Act, Activation
from services.points.ledger.ingest import Policy
from services.points.rules import documents
from services.points.rules.handlers import draft
from shared.auth.tokens import Caller, Role
from shared.ids import new_id
from shared.postgres import Database
from tests.reference.points import Reference
from tests.reference.rules import awards

__all__ = ["PROPOSER", "SECOND", "SHIPPED", "Stage", "insert_rehearsal", "operator"]

SHIPPED: dict[str, Any] = yaml.safe_load((documents.EXAMPLES.parent / "versions" / "0001.yaml").read_text("utf-8"))
"""The demo's rule as plain data, as the reference reads rules."""


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
        await tx.executemany(
            "insert into rehearsal_results (rehearsal_id, volunteer_id, records, before, after) values ($1, $2, 1, $3, $4)",
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
            records = self.model.of(str(volunteer_id))
            if records:
                now = self.model.rules or [SHIPPED]
                before = sum(awards(records, now, self.model.complained).values())
                after = sum(awards(records, [*now, rule], self.model.complained).values())
                results[volunteer_id] = (before, after)
        return await insert_rehearsal(self.database, rule["version"], results)

    async def propose(self, rule: dict[str, Any], rehearsal_id: UUID) -> None:
        """By the first operator."""
        async with self.database.transaction() as tx:
            made = await handlers.propose(tx, PROPOSER, rule["version"], rehearsal_id, "more for the night")
        self.activation_id = made.activation_id

    async def act(self, act: Act, by: Caller = SECOND) -> Activation:
        assert self.activation_id is not None
        async with self.database.transaction() as tx:
            return await handlers.act(tx, by, self.activation_id, act, "looked at it")

    async def approve(self, rule: dict[str, Any]) -> None:
        """By the second: from now on accounts are opened under the draft too."""
        await self.act(Act.APPROVE)
        self.without = self.model.rules or [SHIPPED]
        self.model.rules = [*self.without, rule]

    async def reverse(self) -> None:
        """Propose the reversal and approve it: from now on accounts are opened without the version."""
        await self.act(Act.PROPOSE_REVERSAL, PROPOSER)
        await self.act(Act.APPROVE_REVERSAL)
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
