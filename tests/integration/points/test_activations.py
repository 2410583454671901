"""Rehearsed drafts into force and out again: two operators, equal to the prediction, whatever happens in between."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from ops.audit.main import audit
from services.points.activations import mover, store
from services.points.activations.domain import ActivationAct, ActivationStatus
from services.points.complaints.handlers import complain
from services.points.ingest.handlers import ingest
from services.points.ledger import handlers as ledger
from services.points.policy import policy_of, stored_policy
from services.points.records.decoding import decode
from services.points.rules import documents
from services.points.rules import handlers as rules
from shared.errors import Conflict, TransientError
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.activating import (
    BETTER_PAID,
    BY_THE_MONTH,
    FROM_THE_MIDDLE,
    NOW,
    PROPOSER,
    SHIPPED,
    TODAY,
    District,
    changed,
)
from tests.integration.points.histories import World, attendance, message, read
from tests.support.audits import by_code
from tests.support.databases import Clock
from tests.support.documents import rule_from
from tests.support.waiting import eventually

Dsn = Callable[[str], str]
DRAFTS = {"better paid": BETTER_PAID, "by the month": BY_THE_MONTH, "from the middle": FROM_THE_MIDDLE}


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
    assert await district.finish() is ActivationStatus.APPLIED
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
    assert await district.finish() is ActivationStatus.APPLIED
    after = {key: await read(district.database, key) for key in district.volunteers}
    assert sum(before[key].balances != after[key].balances for key in before) >= 4  # type: ignore[union-attr]
    await district.stage.reverse()
    assert await district.stage.move(TODAY, 7) == 7
    await district.agrees()
    assert await district.finish() is ActivationStatus.REVERSED
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
        about = UUID(district.record(2, 1, 6).record_id)
        made = await complain(tx, PROPOSER, stored_policy(), activity_id=None, record_id=about, reason="nobody came")
    district.model.complain(district.record(2, 1, 6).record_id, True, TODAY)
    assert await district.finish() is ActivationStatus.APPLIED
    await district.agrees()
    move = (await district.stage.moves())[district.world.volunteer(1)]
    assert (move.late_records, move.late_complaints) == ([], [made.complaint_id])
    assert move.actual < move.predicted
    hold_id, points = new_id(), district.model.account(str(volunteer_id)).available
    async with district.database.transaction() as tx:
        await ledger.hold(tx, volunteer_id, points, hold_id, hold_id=hold_id, expires_at=NOW + timedelta(days=9))
        await ledger.capture(tx, hold_id, hold_id)
    assert district.model.hold(str(hold_id), str(volunteer_id), points, TODAY)
    assert district.model.capture(str(hold_id))
    await district.stage.reverse()
    assert await district.finish() is ActivationStatus.REVERSED
    await district.agrees()
    assert district.model.account(str(volunteer_id)).debt > 0


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
    assert await district.finish() is ActivationStatus.APPLIED
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
    assert found.status is ActivationStatus.APPLYING
    assert found.problem is not None
    assert str(wrong) in found.problem
    assert found.volunteers_moved == 6, "of the batch with the wrong one nobody was moved"
    assert await district.stage.move(TODAY, 3) == 0
    await district.agrees()
    await district.stage.draft(BY_THE_MONTH)
    with pytest.raises(Conflict, match="coming into force"):
        await district.begin(BY_THE_MONTH)


async def test_a_stopped_move_goes_on_once_it_is_put_right_or_is_reversed(district: District) -> None:
    await district.populate()
    rule = await district.stage.draft(BETTER_PAID)
    rehearsal_id = await district.stage.rehearse(rule, district.volunteers)
    wrong = "update rehearsal_results set after = after + $1 where volunteer_id = $2"
    for number in (4, 9):
        async with district.database.transaction() as tx:
            await tx.execute(wrong, 1, district.volunteers[number])
    await district.stage.propose(rule, rehearsal_id)
    await district.stage.approve(rule)
    while await district.stage.move(TODAY, 2):
        pass
    assert str(district.volunteers[4]) in str((await district.stage.activation()).problem)
    async with district.database.transaction() as tx:
        await tx.execute(wrong, -1, district.volunteers[4])
    await district.stage.act(ActivationAct.RESUME)
    while await district.stage.move(TODAY, 2):
        pass
    assert str(district.volunteers[9]) in str((await district.stage.activation()).problem)
    await district.stage.reverse()
    assert await district.finish() is ActivationStatus.REVERSED
    await district.agrees()


async def test_making_a_generation_waits_for_whoever_decides_by_the_older_one(district: District) -> None:
    await district.populate(4)
    rule = await district.stage.draft(BETTER_PAID)
    rehearsal_id = await district.stage.rehearse(rule, district.volunteers)
    await district.stage.propose(rule, rehearsal_id)
    newcomer = district.record(1, 77, 3)
    async with district.database.transaction() as tx:
        await ingest(tx, [decode(message(attendance(newcomer)))], district.stage.policy)
        approval = asyncio.create_task(district.stage.approve(rule))
        await eventually(lambda: waiting_for_a_lock(district.database), what="the approval waits")
        assert not approval.done()
    district.model.ingest([newcomer], TODAY)
    await approval
    assert await district.finish() is ActivationStatus.APPLIED
    assert set((await district.stage.generations()).values()) == {2}
    await district.agrees()


async def test_the_mover_waits_for_whoever_writes_the_volunteers_state(district: District) -> None:
    await district.populate(1)
    await district.begin(BY_THE_MONTH)
    another = district.record(50, 0, 9, 300)
    async with district.database.transaction() as tx:
        await ingest(tx, [decode(message(attendance(another)))], district.stage.policy)
        moving = asyncio.create_task(mover.move(district.database, district.stage.policy, 10))
        await eventually(lambda: waiting_for_a_lock(district.database), what="the mover waits")
        assert not moving.done()
    district.model.ingest([another], TODAY)
    assert await moving == 1
    district.model.move(another.volunteer, TODAY)
    await district.agrees()
    assert (await district.stage.moves())[UUID(another.volunteer)].late_records == [UUID(another.record_id)]


async def test_service_that_streams_in_while_everybody_moves_is_neither_lost_nor_judged_twice(
    district: District,
) -> None:
    await district.populate()
    await district.begin(FROM_THE_MIDDLE)
    records = [district.record(7000 + number, number % 16, 1 + number % 20, 45) for number in range(120)]

    async def stream() -> None:
        for at in range(0, len(records), 6):
            await district.world.stream.handle([message(attendance(one)) for one in records[at : at + 6]])

    async def moving() -> None:
        while await mover.move(district.database, district.stage.policy, 1):
            pass

    await asyncio.gather(stream(), moving())
    await moving()
    assert (await district.stage.activation()).status is ActivationStatus.APPLIED
    for volunteer_id in district.volunteers:
        district.model.move(str(volunteer_id), TODAY)
    district.model.ingest(records, TODAY)
    await district.agrees()


async def test_a_version_that_a_release_ships_reaches_everybody_too(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    await district.populate()
    newer = rule_from(orjson.dumps(FROM_THE_MIDDLE).decode())
    shipped = [*documents.shipped(), newer]
    monkeypatch.setattr(documents, "shipped", lambda: shipped)
    policy = await policy_of(district.database)
    district.model.rules = [SHIPPED, FROM_THE_MIDDLE]
    await district.feed(district.record(8000, 70, 12))
    await district.agrees()
    while await district.stage.move(TODAY, 5):
        await district.agrees()
    district.stage.policy = policy
    assert set((await district.stage.generations()).values()) == {2}
    await policy_of(district.database)
    assert set((await district.stage.generations()).values()) == {2}


async def test_a_bucket_under_another_version_than_its_generation_selects_is_named(
    district: District, dsn_for: Dsn
) -> None:
    await district.populate(4)
    rule = await district.begin(changed(date(2026, 2, 20)))
    assert await district.finish() is ActivationStatus.APPLIED
    owner = await asyncpg.connect(dsn_for("points_owner"))
    planted = await owner.fetchrow(
        "update points.buckets set rule_version = 1 where (volunteer_id, bucket) in (select volunteer_id, bucket "
        "from points.buckets where rule_version = $1 and bucket like 'day/%' limit 1) returning volunteer_id, bucket",
        rule["version"],
    )
    await owner.close()
    assert planted is not None
    found = by_code(await audit(dsn_for("auditor")))["A4"].offenders
    subject = f"bucket {planted['bucket']} of volunteer {planted['volunteer_id']}"
    assert any(one.subject == subject and f"should be {rule['version']}" in one.detail for one in found)
