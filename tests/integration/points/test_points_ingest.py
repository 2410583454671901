"""The ingest on a real database: poison, conflicts, moves between people, two at once, and books nobody can rewrite."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest

from services.points.ingest.stream import IngestStream
from services.points.ledger import handlers
from services.points.policy import policy_of
from shared.errors import Conflict, NotFound, TransientError
from shared.ids import new_id
from shared.kafka.consumer import Message, apply_halving
from shared.postgres import Database
from tests.integration.points.histories import message, read
from tests.support.databases import Clock
from tests.support.ingested import DAY, outbox_events, record


@pytest.fixture
async def stream(points_db: Database, clock: Clock) -> IngestStream:
    """The ingest, as the worker has it; it is 4 March 2026."""
    await clock.set(DAY + timedelta(hours=8))
    return IngestStream(points_db, await policy_of(points_db))


async def available(database: Database, volunteer_id: UUID) -> int:
    stored = await read(database, volunteer_id)
    return 0 if stored is None else stored.balances["available"]


async def letters(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as tx:
        return [(row["kind"], row["reason"]) for row in await tx.fetch("select * from dead_letters order by id")]


async def test_one_checkout_is_points_a_badge_and_their_events(stream: IngestStream) -> None:
    volunteer_id = new_id()
    served = record(volunteer_id, drive_id=UUID(int=9))
    await stream.handle([message(served)])
    stored = await read(stream.database, volunteer_id)
    assert stored is not None
    assert (stored.balances["available"], stored.badges) == (35, {"first-service"})
    points = await outbox_events(stream.database, "points")
    assert [(p["bucket"], p["reason"], p["amount"], p["available"]) for p in points] == [
        ("day/2026-03-04", "award", 15, 35),
        ("life/first-service", "award", 20, 35),
    ]
    assert {p["drive_id"] for p in points} == {str(UUID(int=9))}
    assert [b["badge"] for b in await outbox_events(stream.database, "badges")] == ["first-service"]
    async with stream.database.transaction() as tx:
        rows = await tx.fetch(
            "select headers ->> 'ce_correlationid' as c, headers ->> 'ce_aggregateversion' as v from outbox"
        )
    assert {row["c"] for row in rows} == {f"c-{served.record_id}"}
    assert [row["v"] for row in rows[:2]] == ["1", "2"]


async def test_doing_it_again_changes_nothing_at_all(stream: IngestStream) -> None:
    served = message(record(new_id()))
    await stream.handle([served])
    before = await _everything(stream.database)
    await stream.handle([served, served])
    fresh = IngestStream(stream.database, stream.policy)
    await fresh.handle([served])
    assert await _everything(stream.database) == before


async def _everything(database: Database) -> list[Any]:
    tables = [
        "volunteers",
        "records",
        "superseded_revisions",
        "buckets",
        "bucket_history",
        "lots",
        "transfers",
        "badge_awards",
        "outbox",
    ]
    async with database.transaction() as tx:
        return [await tx.fetch(f"select * from {table} order by 1, 2") for table in tables]


async def test_an_open_record_explains_itself_and_earns_when_it_is_confirmed(stream: IngestStream) -> None:
    volunteer_id, record_id = new_id(), new_id()
    await stream.handle([message(record(volunteer_id, 0, record_id=record_id, status="provisional", ended_at=None))])
    assert await _reasons(stream.database, volunteer_id) == [["provisional"]]
    assert await outbox_events(stream.database, "points") == []
    await stream.handle([message(record(volunteer_id, 65, record_id=record_id, revision=2))])
    assert await _reasons(stream.database, volunteer_id) == [["provisional"], ["counted"]]
    assert await available(stream.database, volunteer_id) == 36


async def _reasons(database: Database, volunteer_id: UUID) -> list[list[str]]:
    async with database.transaction() as tx:
        rows = await tx.fetch(
            "select explanation from bucket_versions where volunteer_id = $1 and bucket like 'day/%' order by version",
            volunteer_id,
        )
    return [[line[6] for line in orjson.loads(row["explanation"])["records"]] for row in rows]


async def test_poison_goes_to_the_dead_letters_and_the_rest_is_applied(stream: IngestStream) -> None:
    good, spoilt = new_id(), new_id()
    batch = [
        message(record(good)),
        message(record(good), value=b'{"broken'),
        message(record(good), value=orjson.dumps({"record_id": "x"})),
        message(record(spoilt, theme="nul \0 in a text")),
        message(record(good, started_at=DAY + timedelta(days=1))),
    ]
    await apply_halving(batch, stream.handle, stream.dead_letter)
    assert await available(stream.database, good) == 50
    assert await available(stream.database, spoilt) == 0
    found = await letters(stream.database)
    assert [kind for kind, _ in found] == ["permanent"] * 3
    assert any("the database does not take it: invalid byte sequence" in reason for _, reason in found)
    await apply_halving(batch, stream.handle, stream.dead_letter)
    assert len(await letters(stream.database)) == 3


async def test_what_the_database_refuses_is_named_by_it_and_costs_no_other_record_a_thing(stream: IngestStream) -> None:
    people = [new_id() for _ in range(30)]
    record_id = new_id()
    batch = [message(record(person)) for person in people]
    batch.insert(7, message(record(people[0], record_id=record_id, started_at=DAY + timedelta(days=1))))
    batch.insert(9, message(record(people[0], record_id=record_id, revision=2, theme="nul \0")))
    batch.insert(20, message(record(people[1], theme="nul \0")))
    # As a whole: nothing that is halved would come through `handle` alone.
    await stream.handle(batch)
    assert [await available(stream.database, person) for person in people] == [50, *[35] * 29]
    assert len(await letters(stream.database)) == 2


async def test_a_batch_of_nothing_but_refusals_is_halved_to_its_end(stream: IngestStream) -> None:
    batch = [message(record(new_id(), theme="nul \0")) for _ in range(30)]
    await apply_halving(batch, stream.handle, stream.dead_letter)
    assert len(await letters(stream.database)) == 30


async def test_what_was_committed_first_stands_and_the_other_content_is_a_conflict(stream: IngestStream) -> None:
    volunteer_id, record_id = new_id(), new_id()
    await stream.handle([message(record(volunteer_id, 60, record_id=record_id))])
    await stream.handle([message(record(volunteer_id, 90, record_id=record_id))])
    assert await available(stream.database, volunteer_id) == 35
    assert [kind for kind, _ in await letters(stream.database)] == ["conflict"]
    await stream.handle([message(record(volunteer_id, 120, record_id=record_id, revision=2))])
    await stream.handle([message(record(volunteer_id, 91, record_id=record_id))])
    await stream.handle([message(record(volunteer_id, 60, record_id=record_id))])
    assert [kind for kind, _ in await letters(stream.database)] == ["conflict"] * 2
    assert await available(stream.database, volunteer_id) == 50


async def test_the_same_content_in_other_bytes_is_no_conflict(stream: IngestStream) -> None:
    served = record(new_id())
    value = orjson.dumps(orjson.loads(served.model_dump_json()), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    await stream.handle([message(served), message(served, value=value)])
    await stream.handle([message(served, value=value)])
    assert await letters(stream.database) == []


async def test_a_record_that_changes_hands_moves_its_points_and_badges(stream: IngestStream) -> None:
    first, second, record_id = new_id(), new_id(), new_id()
    await stream.handle([message(record(first, 6000, record_id=record_id))])
    stored = await read(stream.database, first)
    assert stored is not None
    earned = {"first-service", "star-1", "annual-caring-2026", "annual-bronze-2026"}
    assert stored.badges == earned
    await IngestStream(stream.database, stream.policy).handle(
        [message(record(second, 6000, record_id=record_id, revision=2))]
    )
    stored, other = await read(stream.database, first), await read(stream.database, second)
    assert stored is not None
    assert other is not None
    assert (stored.balances["available"], stored.badges) == (0, set())
    assert (other.balances["available"], other.badges) == (140, earned)
    assert {b["badge"] for b in await outbox_events(stream.database, "badges") if "revoked_at" in b} == earned


async def test_two_at_once_lose_no_update(points_db: Database, stream: IngestStream) -> None:
    """Many transactions on the same few volunteers, in opposite orders: no deadlock, nothing lost."""
    people = [new_id() for _ in range(4)]
    streams = [IngestStream(points_db, stream.policy) for _ in range(4)]

    async def run(number: int) -> None:
        order = people if number % 2 else people[::-1]
        for day in range(6):
            served = [record(person, 60, started_at=DAY + timedelta(days=day, minutes=number)) for person in order]
            await streams[number].handle([message(one) for one in served])

    await asyncio.gather(*(run(number) for number in range(4)))
    for person in people:
        assert await available(points_db, person) == 6 * 4 * 15 + 20


async def test_the_ingest_and_a_hold_at_once_keep_the_books(points_db: Database, stream: IngestStream) -> None:
    volunteer_id = new_id()
    await stream.handle([message(record(volunteer_id, 480))])
    later = DAY + timedelta(days=400)

    async def spend() -> bool:
        hold_id = new_id()
        try:
            async with points_db.transaction() as tx:
                await handlers.hold(tx, volunteer_id, 30, hold_id, hold_id=hold_id, expires_at=later)
        except Conflict:
            return False
        return True

    async def earn(day: int) -> bool:
        await IngestStream(points_db, stream.policy).handle(
            [message(record(volunteer_id, 60, started_at=DAY + timedelta(days=day + 1)))]
        )
        return True

    done = await asyncio.gather(*(spend() if number % 2 else earn(number) for number in range(12)))
    held = sum(done[1::2]) * 30
    stored = await read(points_db, volunteer_id)
    assert stored is not None
    assert stored.balances == stored.balances_of_transfers
    assert (stored.balances["available"], stored.balances["held"]) == (140 + 6 * 15 - held, held)


async def test_of_many_captures_and_releases_of_one_hold_one_wins(points_db: Database, stream: IngestStream) -> None:
    volunteer_id, hold_id = new_id(), new_id()
    await stream.handle([message(record(volunteer_id, 480))])
    async with points_db.transaction() as tx:
        await handlers.hold(tx, volunteer_id, 30, hold_id, hold_id=hold_id, expires_at=DAY + timedelta(days=400))

    async def settle(number: int) -> bool:
        command = handlers.capture if number % 2 else handlers.void
        try:
            async with points_db.transaction() as tx:
                await command(tx, hold_id, new_id())
        except Conflict as error:
            return not error.extra["hold_status"]
        return True

    assert sum(await asyncio.gather(*(settle(number) for number in range(40)))) == 1
    with pytest.raises(NotFound):
        async with points_db.transaction() as tx:
            await handlers.capture(tx, new_id(), new_id())


async def test_points_run_out_once_and_late_awards_run_out_at_once(
    points_db: Database, stream: IngestStream, clock: Clock
) -> None:
    volunteer_id = new_id()
    await stream.handle([message(record(volunteer_id, 60, started_at=DAY - timedelta(days=800)))])
    stored = await read(points_db, volunteer_id)
    assert stored is not None
    assert (stored.balances["available"], stored.balances["expired"]) == (0, 30)
    await stream.handle([message(record(volunteer_id, 60))])
    assert await available(points_db, volunteer_id) == 15
    await clock.set(datetime(2028, 3, 4, 15, 59, tzinfo=UTC))
    assert await handlers.expire_points(points_db) == 0
    await clock.set(datetime(2028, 3, 4, 16, 0, tzinfo=UTC))
    assert await handlers.expire_points(points_db) == 1
    assert await handlers.expire_points(points_db) == 0
    assert await available(points_db, volunteer_id) == 0
    assert [p["reason"] for p in await outbox_events(points_db, "points")][-1] == "expiry"


@pytest.mark.parametrize("role", ["points_app", "points_owner"])
@pytest.mark.parametrize("sql", ["update transfers set amount = 1", "delete from transfers", "truncate transfers"])
async def test_nobody_rewrites_the_ledger(
    stream: IngestStream, dsn_for: Callable[[str], str], role: str, sql: str
) -> None:
    await stream.handle([message(record(new_id()))])
    conn: Any = await asyncpg.connect(dsn_for(role), server_settings={"search_path": "points"})
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(sql)
    finally:
        await conn.close()


@pytest.mark.parametrize(
    "sql",
    [
        "update volunteers set available = available + 1",
        "update volunteers set debt = 1, earned = earned - 1",
        "update volunteers set available = -1, earned = earned - 36",
    ],
)
async def test_the_database_itself_refuses_unbalanced_books(stream: IngestStream, sql: str) -> None:
    await stream.handle([message(record(new_id()))])
    with pytest.raises(asyncpg.CheckViolationError):
        async with stream.database.transaction() as tx:
            await tx.execute(sql)


async def test_messages_of_a_batch_are_applied_in_order(stream: IngestStream) -> None:
    volunteer_id, record_id = new_id(), new_id()
    revisions: list[Message] = [
        message(record(volunteer_id, minutes, record_id=record_id, revision=revision))
        for revision, minutes in ((2, 120), (1, 60), (3, 0), (2, 120))
    ]
    await stream.handle(revisions)
    assert await available(stream.database, volunteer_id) == 0
    async with stream.database.transaction() as tx:
        rows = await tx.fetch("select revision from superseded_revisions where record_id = $1 order by 1", record_id)
    assert [row["revision"] for row in rows] == [1, 2]


async def test_batches_in_two_lanes_at_once_end_where_one_after_the_other_do(
    points_db: Database, stream: IngestStream
) -> None:
    people = [new_id() for _ in range(40)]
    served = [
        message(record(person, 60, started_at=DAY + timedelta(days=day)), partition=number % 4)
        for day in range(6)
        for number, person in enumerate(people)
    ]
    moved = [message(record(people[0], 0, record_id=UUID(int=number + 1)), partition=0) for number in range(30)]
    moved += [message(record(people[1], 60, record_id=UUID(int=n + 1), revision=2), partition=1) for n in range(30)]
    batch = [*served, *moved, message(record(people[2]), value=b"{", partition=2)]
    lanes = [[one for one in batch if one.partition % 2 == lane] for lane in range(2)]
    for _ in range(3):
        await asyncio.gather(*(_until_applied(stream, lane) for lane in lanes))
    expected = 15 * 6 + 20
    found = [await available(points_db, person) for person in people]
    assert found == [expected, expected + 15 * 7, *[expected] * 38]
    assert len(await letters(points_db)) == 1


async def _until_applied(stream: IngestStream, batch: list[Message]) -> None:
    """As the consumer does it: the same batch again while somebody else is faster."""
    for _ in range(20):
        try:
            return await apply_halving(batch, stream.handle, stream.dead_letter)
        except TransientError:
            continue
    raise AssertionError("the batch never went through")
