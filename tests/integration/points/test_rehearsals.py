"""A draft replayed over all history: the figures, the process, and that nothing else is touched."""

import asyncio
import random
import re
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psutil
import pytest

from dev.stack.processes import alive
from services.points.complaints import handlers as complaints
from services.points.policy import stored_policy
from services.points.referrals import handlers as referring
from services.points.rehearsals import handlers, store
from services.points.rules import handlers as rules
from services.points.rules.domain import Facts
from shared.contracts import AttendanceRecorded
from shared.errors import TransientError
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.rehearsing import (
    OPERATOR,
    ask,
    budget,
    draft,
    draft_text,
    fingerprint,
    look,
    rehearse,
    rehearsing,
    results,
)
from tests.integration.points.serving import SITE, Ledger, record
from tests.support.databases import Clock, PostgresServer, TestDatabase
from tests.support.documents import RULE_EXAMPLES
from tests.support.settings import SettingsFor
from tests.support.waiting import WAIT_LIMIT, eventually

NOW = datetime(2026, 3, 20, 4, tzinfo=UTC)


async def test_who_loses_the_session_while_replaying_says_why_and_another_may_replay(points_db: Database) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"

    async def lose() -> None:
        async with store.alone(points_db) as mine:
            assert mine
            await points_db.pool.execute(ended)
            raise TransientError("the database is away")

    with pytest.raises(TransientError, match="away"):
        await lose()
    async with store.alone(points_db) as mine:
        assert mine


async def test_the_result_is_each_volunteers_difference_totals_and_budget(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    winner, loser = new_id(), new_id()
    # 8 hours in January: 80 + 20 before, 96 + 5 after; 15 minutes: 2 + 20 before, 3 + 5 after.
    await ledger.feed(record(winner, 480), record(loser, 15, site_id=None))
    version = await draft(points_db, draft_text())
    before = await fingerprint(points_db)
    found = await rehearse(points_db, settings_for("points"), version)
    assert found.status == "done", found
    assert await results(points_db, found.rehearsal_id) == {winner: (1, 100, 101), loser: (1, 22, 8)}
    month = datetime(2026, 1, 1, tzinfo=UTC).date()
    assert await budget(points_db, found.rehearsal_id) == [(SITE, month, 100, 101), (None, month, 22, 8)]
    totals = found.summary
    assert totals is not None
    assert (totals.volunteers, totals.records, totals.before, totals.after, totals.difference) == (2, 2, 122, 109, -13)
    assert (totals.winners, totals.losers, totals.unchanged, totals.gained, totals.lost) == (1, 1, 0, 1, -14)
    assert (totals.largest_gain_of, totals.largest_loss_of) == (winner, loser)
    assert (found.volunteers_total, found.volunteers_done, found.records_done, found.attempts) == (2, 2, 2, 1)
    assert await fingerprint(points_db) == before


def _history(chance: random.Random, volunteers: list[UUID], records: int) -> list[AttendanceRecorded]:
    """Service of the first eleven weeks of the year, of all kinds: what rules look at differs from record to record."""
    begin = datetime(2025, 12, 31, 16, tzinfo=UTC)
    made = []
    for _ in range(records):
        minutes = chance.choice((5, 20, 45, 60, 90, 300, 600))
        made.append(
            record(
                chance.choice(volunteers),
                minutes,
                record_id=UUID(int=chance.getrandbits(128)),
                started_at=begin + timedelta(days=chance.randrange(78), minutes=chance.randrange(1440)),
                planned_minutes=chance.choice((60, 120)),
                provenance=chance.choice(("scanned", "scanned", "kiosk", "leader", "backfilled")),
                status=chance.choice(("confirmed", "confirmed", "confirmed", "provisional", "void")),
                activity_id=chance.choice((UUID(int=0xAC), UUID(int=0xAD), None)),
                site_id=chance.choice((SITE, UUID(int=0x5180), None)),
            )
        )
    return made


async def _feed(database: Database, made: list[AttendanceRecorded], referrals: list[tuple[UUID, UUID]]) -> Ledger:
    ledger = await Ledger.open(database)
    for start in range(0, len(made), 40):
        await ledger.feed(*made[start : start + 40])
    for referrer_id, referred_id in referrals:
        async with database.transaction() as tx:
            await referring.refer(tx, OPERATOR, referrer_id, referred_id)
    async with database.transaction() as tx:
        await complaints.complain(
            tx, OPERATOR, stored_policy(), activity_id=UUID(int=0xAD), record_id=None, reason="nobody came"
        )
    return ledger


async def _earned(database: Database) -> dict[UUID, int]:
    async with database.snapshot() as tx:
        rows = await tx.fetch("select volunteer_id, earned from volunteers")
    return {row["volunteer_id"]: row["earned"] for row in rows}


DRAFTS = {name: (RULE_EXAMPLES / f"{name}.yaml").read_text("utf-8") for name in ("hailin", "shancheng", "izhiyuan")}
DRAFTS["wider"] = draft_text(
    caps="caps: {day_minutes: 240, month_points: 40, activity_minutes: 600}",
    first_service="first_service: {points: 5}\nreferral: {points: 7}",
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ("hailin", "wider") else pytest.mark.deep) for name in DRAFTS]
)
async def test_it_predicts_what_a_database_would_hold_that_had_the_draft_from_the_beginning(
    name: str, points_db: Database, postgres_server: PostgresServer, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    chance = random.Random(name)
    volunteers = [UUID(int=chance.getrandbits(128)) for _ in range(12)]
    made = _history(chance, volunteers, 240)
    served = sorted({one.volunteer_id for one in made})
    referrals = [(served[0], served[1]), (served[3], served[0]), (served[0], served[2])]
    effective = re.sub(r"effective_from: \S+", "effective_from: 2026-02-10", DRAFTS[name])
    await _feed(points_db, made, referrals)
    version = await draft(points_db, effective)
    before = await fingerprint(points_db)
    found = await rehearse(points_db, settings_for("points"), version)
    assert found.status == "done", found
    told = await results(points_db, found.rehearsal_id)
    assert {key: one[1] for key, one in told.items()} == await _earned(points_db)
    assert await fingerprint(points_db) == before

    async with postgres_server.copy() as other, other.connect("points") as database:
        async with other.clock() as other_clock:
            await other_clock.set(NOW)
        await rules.install(database)
        assert await draft(database, effective) == version
        async with database.transaction() as tx:
            await tx.execute("update rule_versions set status = 'active' where version = $1", version)
            await tx.execute("update rule_generations set versions = versions || $1::int", version)
        await _feed(database, made, referrals)
        assert {key: one[2] for key, one in told.items()} == await _earned(database)
    lines = await budget(points_db, found.rehearsal_id)
    assert found.summary is not None
    assert sum(line[2] for line in lines) == found.summary.before == sum(one[1] for one in told.values())
    assert sum(line[3] for line in lines) == found.summary.after == sum(one[2] for one in told.values())
    assert found.summary.difference != 0, "a draft that changes nothing shows nothing here"


async def test_what_streams_in_meanwhile_is_told_apart_and_changes_nothing(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    seen = await ledger.volunteers(30, 120)
    version = await draft(points_db, draft_text())
    stop, chance = asyncio.Event(), random.Random(5)
    late: list[UUID] = []

    async def stream() -> None:
        while not stop.is_set():
            late.append(await ledger.volunteer(60))
            await ledger.feed(record(chosen := chance.choice(seen), 60))
            late.append(chosen)

    rehearsal_id = await ask(points_db, version)
    streaming = asyncio.create_task(stream())
    async with rehearsing(settings_for("points"), rehearsal_id) as process:
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    stop.set()
    await streaming
    found = await look(points_db, rehearsal_id)
    assert found.status == "done", found
    told = await results(points_db, rehearsal_id)
    async with points_db.snapshot() as tx:
        rows = await tx.fetch(
            "select volunteer_id, pg_visible_in_snapshot(recorded_in, $1::text::pg_snapshot) as seen from records",
            found.watermark,
        )
    unseen = [row["volunteer_id"] for row in rows if not row["seen"]]
    assert unseen, "nothing came after the watermark"
    counted: dict[UUID, int] = {}
    for row in rows:
        if row["seen"]:
            counted[row["volunteer_id"]] = counted.get(row["volunteer_id"], 0) + 1
    assert {key: one[0] for key, one in told.items()} == counted
    assert set(unseen) <= set(late)


async def test_a_killed_replay_is_begun_again_and_comes_to_the_same(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    volunteers = sorted(await ledger.volunteers(200, 120))
    version = await draft(points_db, draft_text())
    expected = await rehearse(points_db, settings_for("points"), version)
    rehearsal_id = await ask(points_db, version)
    portions = settings_for("points", rehearsal_portion=40)
    async with (
        _results_wait(points_db, rehearsal_id, volunteers[150]),
        rehearsing(portions, rehearsal_id) as process,
    ):
        await eventually(lambda: _waiting(points_db))
        await eventually(lambda: results(points_db, rehearsal_id), what="some results are written")
        assert len(await results(points_db, rehearsal_id)) < 200
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await eventually(lambda: not any(alive(child.pid) for child in children))
    assert (await look(points_db, rehearsal_id)).status == "running"
    assert await results(points_db, rehearsal_id)
    async with rehearsing(portions, rehearsal_id) as process:
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    found = await look(points_db, rehearsal_id)
    assert (found.status, found.attempts, found.summary) == ("done", 2, expected.summary)
    assert await results(points_db, rehearsal_id) == await results(points_db, expected.rehearsal_id)
    assert await budget(points_db, rehearsal_id) == await budget(points_db, expected.rehearsal_id)


@asynccontextmanager
async def _results_wait(database: Database, rehearsal_id: UUID, volunteer_id: UUID) -> AsyncIterator[None]:
    """Whoever writes the volunteer's result waits while this lasts: it might be there already."""
    async with database.pool.acquire() as conn:
        transaction = conn.transaction()
        await transaction.start()
        try:
            row = (rehearsal_id, volunteer_id)
            await conn.execute("insert into rehearsal_results values ($1, $2, 0, 0, 0)", *row)
            yield
        finally:
            await transaction.rollback()


async def _waiting(database: Database) -> int:
    """How many wait for the end of another's transaction."""
    async with database.snapshot() as tx:
        found = await tx.fetchval("select count(*) from pg_locks where locktype = 'transactionid' and not granted")
    return int(found)


async def test_it_is_tried_three_times_and_then_says_why_not(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    await Ledger.open(points_db)
    rehearsal_id = await ask(points_db, await draft(points_db, draft_text()))
    async with points_db.transaction() as tx:
        await tx.execute("update rehearsals set status = 'running', attempts = 3, trouble = 'MemoryError: no more'")
    async with rehearsing(settings_for("points"), rehearsal_id) as process:
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    found = await look(points_db, rehearsal_id)
    assert (found.status, found.attempts) == ("failed", 3)
    assert found.problem == "It was begun 3 times and never came to an end; the last said: MemoryError: no more."


async def test_a_replay_that_is_cancelled_ends_and_leaves_nothing(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    volunteers = sorted(await ledger.volunteers(20, 120))
    rehearsal_id = await ask(points_db, await draft(points_db, draft_text()))
    async with rehearsing(settings_for("points", rehearsal_portion=8), rehearsal_id) as process:
        async with _results_wait(points_db, rehearsal_id, volunteers[17]):
            await eventually(lambda: _waiting(points_db))
            await eventually(lambda: results(points_db, rehearsal_id), what="some results are written")
            cancelling = asyncio.create_task(_cancel(points_db, rehearsal_id))
            # The portion under way holds the rehearsal's row, so that the cancellation waits for it and deletes it.
            await eventually(lambda: _is(_waiting(points_db), 2))
        await cancelling
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    assert (await look(points_db, rehearsal_id)).status == "cancelled"
    assert await results(points_db, rehearsal_id) == {}
    assert await budget(points_db, rehearsal_id) == []


async def _is(found: Awaitable[int], wanted: int) -> bool:
    return await found == wanted


async def _cancel(database: Database, rehearsal_id: UUID) -> None:
    async with database.transaction() as tx:
        await handlers.cancel(tx, rehearsal_id)


async def test_a_replay_that_is_asked_to_end_gives_its_attempt_back(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    volunteers = await ledger.volunteers(5, 120)
    rehearsal_id = await ask(points_db, await draft(points_db, draft_text()))
    async with rehearsing(settings_for("points"), rehearsal_id) as process:
        async with _results_wait(points_db, rehearsal_id, volunteers[2]):
            await eventually(lambda: _waiting(points_db))
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    found = await look(points_db, rehearsal_id)
    assert (found.status, found.attempts) in (("queued", 0), ("done", 1)), found


async def test_a_ledger_that_is_not_what_its_rules_say_is_not_rehearsed_on(
    points_db: Database, settings_for: SettingsFor, test_database: TestDatabase, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    honest, forged = await ledger.volunteers(2, 120)
    version = await draft(points_db, draft_text())
    async with test_database.connect("points") as database, database.transaction() as tx:
        await tx.execute("update records set minutes = 600 where volunteer_id = $1", forged)
    found = await rehearse(points_db, settings_for("points"), version)
    assert found.status == "failed"
    assert found.problem is not None
    assert str(forged) in found.problem
    assert "posted 40 points and the rules say 100" in found.problem
    assert str(honest) not in found.problem
    assert await results(points_db, found.rehearsal_id) == {}


async def test_buckets_that_stand_under_an_older_version_are_told_from_there(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    volunteer_id = await ledger.volunteer(120)
    newer = await draft(points_db, draft_text("2026-01-05"))
    async with points_db.transaction() as tx:
        await tx.execute("update rule_versions set status = 'active' where version = $1", newer)
    version = await draft(points_db, draft_text("2026-02-01"))
    found = await rehearse(points_db, settings_for("points"), version)
    assert found.status == "done", found
    # Neither the version that came into force meanwhile nor the draft, which is for later days, has moved the bucket.
    assert await results(points_db, found.rehearsal_id) == {volunteer_id: (1, 40, 40)}


async def test_a_draft_that_came_into_force_meanwhile_is_not_rehearsed(
    points_db: Database, settings_for: SettingsFor, clock: Clock
) -> None:
    await clock.set(NOW)
    await Ledger.open(points_db)
    version = await draft(points_db, draft_text())
    rehearsal_id = await ask(points_db, version)
    async with points_db.transaction() as tx:
        await tx.execute("update rule_versions set status = 'active' where version = $1", version)
    async with rehearsing(settings_for("points"), rehearsal_id) as process:
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    found = await look(points_db, rehearsal_id)
    assert (found.status, found.problem) == ("failed", f"Rule version {version} is active by now, no draft.")


async def test_facts_come_in_the_order_of_the_rules(points_db: Database, clock: Clock) -> None:
    await clock.set(NOW)
    ledger = await Ledger.open(points_db)
    await ledger.volunteer(120)
    async with points_db.snapshot() as tx:
        async for rows in store.facts(tx, UUID(int=0), store.LAST_ID, complaints=True):
            for row in rows:
                assert tuple(row.keys())[:2] == ("volunteer_id", "site_id")
                assert (*tuple(row.keys())[2:], "flags") == Facts._fields
