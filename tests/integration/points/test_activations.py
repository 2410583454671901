"""Rehearsed drafts into force and out again: two operators, equal to the prediction, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from ops.audit.main import audit
from services.points import __main__ as points
from services.points.activations import mover, store
from services.points.activations.domain import Act, Status
from services.points.ledger import handlers as ledger
from services.points.ledger.ingest import Policy, ingest
from services.points.ledger.decoding import decode
from services.points.policy import policy_of
from services.points.rules import documents
from services.points.rules import handlers as rules
from shared.auth.tokens import Caller, Role, mint
from shared.clock import district_day
from shared.errors import Conflict, TransientError
from shared.ids import derived_id, new_id
from shared.postgres import Database
from tests.integration.points.activating import PROPOSER, SECOND, SHIPPED, Stage, insert_rehearsal
from tests.integration.points.histories import World, attendance, message, read
from tests.integration.points.test_points_worker import running
from tests.reference.points import Reference
from tests.reference.rules import Record
from tests.support.brokers import TestBroker
from tests.support.databases import Clock
from tests.support.settings import SettingsFor
from tests.support.waiting import eventually

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)
TODAY = district_day(NOW)
CHECKS = ("A1", "A2", "A4", "A5", "A6")
Dsn = Callable[[str], str]


def changed(effective_from: date, **sections: Any) -> dict[str, Any]:
    """The demo's rule from another day on, with other sections."""
    return {**SHIPPED, "version": 2, "name": "新规则", "effective_from": effective_from, **sections}


BETTER_PAID = changed(date(2001, 1, 1), earning={**SHIPPED["earning"], "points_per_hour": 12})
BY_THE_MONTH = changed(date(2026, 3, 1), caps={"day_minutes": 240, "month_minutes": 360})
FROM_THE_MIDDLE = changed(
    date(2026, 3, 10), earning={"provenances": ["scanned"], "points_per_hour": 7}, first_service={"points": 50}
)
DRAFTS = {"better paid": BETTER_PAID, "by the month": BY_THE_MONTH, "from the middle": FROM_THE_MIDDLE}


class District:
    """Some volunteers, in the service and in the reference."""

    def __init__(self, database: Database, policy: Policy, world: World, dsn_for: Dsn) -> None:
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

    async def finish(self) -> Status:
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
        checks = (await audit(self.dsn_for("auditor"))).by_code()
        assert not [offender for code in CHECKS for offender in checks[code].as_json()["offenders"]]


@pytest.fixture
async def district(points_db: Database, clock: Clock, dsn_for: Dsn) -> District:
    await clock.set(NOW)
    world = await World.open(points_db)
    return District(points_db, world.stream.policy, world, dsn_for)


async def waiting_for_a_lock(database: Database) -> bool:
    """Does some session wait for another?"""
    async with database.snapshot() as tx:
        return bool(await tx.fetchval("select exists (select from pg_locks where not granted)"))


@pytest.mark.parametrize("name", DRAFTS)
async def test_everybody_gains_what_was_predicted_while_service_streams_in_on_both_sides(
    district: District, name: str
) -> None:
    await district.populate()
    rule = await district.stage.draft(DRAFTS[name])
    rehearsal_id = await district.stage.rehearse(rule, district.volunteers)
    early = district.record(5000, 2, 12)
    await district.feed(early)
    await district.stage.propose(rule, rehearsal_id)
    await district.stage.approve(rule)
    assert await district.stage.move(TODAY, 5) == 5
    await district.agrees()
    generations = await district.stage.generations()
    assert set(generations.values()) == {1, 2}, "half-way"
    # Now everybody serves again, is corrected, or comes anew; each under their own rules.
    again = [district.record(6000 + number, number, 14, 75) for number in range(14)]
    await district.feed(*again)
    corrected = [replace(record, revision=2, minutes=30) for record in list(district.records.values())[::5]]
    await district.feed(*corrected)
    await district.agrees()
    assert {(await district.stage.generations())[district.world.volunteer(number)] for number in (12, 13)} == {2}
    assert await district.finish() is Status.APPLIED
    await district.agrees()
    assert set((await district.stage.generations()).values()) == {2}

    moves = await district.stage.moves()
    unmoved = {key for key, generation in generations.items() if generation == 1}
    late = {key: move for key, move in moves.items() if move.late_records}
    # Whoever had been moved before is as predicted, but for the one record that came between rehearsal and proposal.
    assert late.keys() == unmoved | {district.world.volunteer(2)}
    came = {record.record_id for record in (early, *again, *corrected)}
    for volunteer_id, move in moves.items():
        assert move.actual == move.predicted or volunteer_id in late
        assert {str(record_id) for record_id in move.late_records} <= came
        assert not move.late_complaints and not move.other
    assert sum(move.actual != 0 for move in moves.values()) >= 4
    assert await district.stage.moves(late_only=True) == late
    found = await district.stage.activation()
    totals = [sum(getattr(move, what) for move in moves.values()) for what in ("predicted", "actual")]
    assert [found.predicted_total, found.actual_total, found.late] == [*totals, len(late)]
    assert (found.volunteers_moved, found.volunteers_total) == (12, 12)


@pytest.mark.parametrize("name", DRAFTS)
async def test_a_reversal_leaves_everybody_as_if_the_draft_had_never_been(district: District, name: str) -> None:
    await district.populate()
    before = {key: await read(district.database, key) for key in district.volunteers}
    await district.begin(DRAFTS[name])
    assert await district.finish() is Status.APPLIED
    after = {key: await read(district.database, key) for key in district.volunteers}
    assert sum(before[key].balances != after[key].balances for key in before) >= 4  # type: ignore[union-attr]
    await district.stage.reverse()
    assert await district.stage.move(TODAY, 7) == 7
    await district.agrees()
    assert await district.finish() is Status.REVERSED
    await district.agrees()
    for key, stored in before.items():
        now = await read(district.database, key)
        assert stored is not None and now is not None
        assert now.balances == stored.balances
        assert {lot: v for lot, v in now.lots.items() if any(v)} == {lot: v for lot, v in stored.lots.items() if any(v)}
    found = await district.stage.activation()
    assert found.reversed_total == -found.actual_total != 0
    async with district.database.snapshot() as tx:
        assert (await rules.find(tx, found.version)).status == "reversed"


async def test_what_was_spent_in_between_is_debt_after_the_reversal_and_a_late_complaint_is_listed(
    district: District,
) -> None:
    await district.feed(district.record(1, 0, 5, 600), district.record(2, 1, 6))
    volunteer_id = district.world.volunteer(0)
    await district.begin({**BETTER_PAID, "complaint": {"worth_percent": 0}})
    async with district.database.transaction() as tx:
        made = await insert_complaint(tx, UUID(district.record(2, 1, 6).record_id))
    district.model.complain(district.record(2, 1, 6).record_id, True, TODAY)
    assert await district.finish() is Status.APPLIED
    await district.agrees()
    move = (await district.stage.moves())[district.world.volunteer(1)]
    assert (move.late_records, move.late_complaints) == ([], [made])
    assert move.actual < move.predicted
    hold_id, points = new_id(), district.model.account(str(volunteer_id)).available
    async with district.database.transaction() as tx:
        await ledger.hold(tx, volunteer_id, points, hold_id, hold_id=hold_id, expires_at=NOW + timedelta(days=9))
        await ledger.capture(tx, hold_id, hold_id)
    assert district.model.hold(str(hold_id), str(volunteer_id), points, TODAY)
    assert district.model.capture(str(hold_id))
    await district.stage.reverse()
    assert await district.finish() is Status.REVERSED
    await district.agrees()
    assert district.model.account(str(volunteer_id)).debt > 0


async def insert_complaint(tx: Any, record_id: UUID) -> UUID:
    """Recorded by the use case, which judges at once whoever it concerns."""
    from services.points.facts.handlers import complain

    return (await complain(tx, PROPOSER, activity_id=None, record_id=record_id, reason="nobody came")).complaint_id


async def test_a_crash_between_any_two_batches_or_in_one_changes_nothing(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    await district.populate()
    await district.begin(BY_THE_MONTH)
    original = store.set_generation
    for batch in range(6):
        calls = {"left": 1}

        async def broken(*arguments: Any, calls: dict[str, int] = calls) -> None:
            calls["left"] -= 1
            if calls["left"] >= 0:
                raise TransientError("the connection broke")
            await original(*arguments)

        before = {key: await read(district.database, key) for key in district.volunteers}
        monkeypatch.setattr(store, "set_generation", broken)
        with pytest.raises(TransientError):
            await district.stage.move(TODAY, 2)
        assert {key: await read(district.database, key) for key in district.volunteers} == before
        district.stage.policy = await policy_of(district.database)  # as a process that was started again
        assert await district.stage.move(TODAY, 2) == 2, batch
        await district.agrees()
    monkeypatch.undo()
    assert await district.finish() is Status.APPLIED
    await district.agrees()
    moves = await district.stage.moves()
    assert all(move.actual == move.predicted for move in moves.values())


async def test_a_move_that_would_not_be_as_predicted_stops_and_changes_nothing(district: District) -> None:
    await district.populate()
    rule = await district.stage.draft(BETTER_PAID)
    rehearsal_id = await district.stage.rehearse(rule, district.volunteers)
    wrong = district.volunteers[7]
    async with district.database.transaction() as tx:
        await tx.execute("update rehearsal_results set after = after + 1 where volunteer_id = $1", wrong)
    await district.stage.propose(rule, rehearsal_id)
    await district.stage.approve(rule)
    while await district.stage.move(TODAY, 3):
        pass
    found = await district.stage.activation()
    assert found.status is Status.APPLYING
    assert found.problem is not None
    assert str(wrong) in found.problem
    assert found.volunteers_moved == 6, "of the batch with the wrong one nobody was moved"
    assert await district.stage.move(TODAY, 3) == 0
    await district.agrees()
    with pytest.raises(Conflict, match="coming into force"):
        await district.stage.propose(await district.stage.draft(BY_THE_MONTH), new_rehearsal := rehearsal_id)
    assert new_rehearsal
