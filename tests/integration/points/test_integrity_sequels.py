"""What goes beyond a settled case opens a further one, about that alone; what was settled stays so."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from services.points.ingest.handlers import Policy
from services.points.integrity import handlers, store
from services.points.integrity.domain import CaseStatus, Flag
from services.points.policy import stored_policy
from services.points.rules import documents
from services.points.rules import store as rule_store
from services.points.rules.handlers import Rulebooks
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.serving import Api, Ledger, record
from tests.support.databases import TestDatabase
from tests.support.documents import rule_from
from tests.support.integrity_cases import (
    MORNING,
    OPERATOR,
    api,
    available,
    flag,
    ledger,
    opened,
    pair,
    proven,
    settled,
)
from tests.support.waiting import eventually

__all__ = ["api", "ledger"]


def burst(*found: AttendanceRecorded) -> Flag:
    """One recorder's day."""
    made = flag(*found, kind="burst", about="2026-01-10|others")
    return Flag(made.kind, "recorder", "r", made.about, made.records, made.site_ids, made.evidence, 1)


async def chain(database: Database, found: Flag) -> list[UUID]:
    """The case and its sequels."""
    async with database.transaction() as tx:
        first = handlers.case_id_of(found)
        return [case_id for case_id, _ in (await store.chains(tx, [first]))[first].cases]


async def test_an_open_case_takes_in_more_and_a_settled_one_does_not(ledger: Ledger, points_db: Database) -> None:
    people, sites = [new_id() for _ in range(5)], [new_id() for _ in range(5)]
    served = [
        record(person, 60, provenance="backfilled", site_id=site) for person, site in zip(people, sites, strict=True)
    ]
    await ledger.feed(*served)

    async def touched(number: int = 0) -> tuple[list[UUID], set[UUID]]:
        """Whose records the case, or a sequel, is about, and where they lie."""
        case_id = (await chain(points_db, burst(*served)))[number]
        async with points_db.transaction() as tx:
            found = await store.find(tx, case_id)
            assert found is not None
            return await store.volunteers_of_case(tx, case_id), set(found.site_ids)

    assert await opened(points_db, burst(served[0]), burst(served[1])) == 1
    assert await touched() == (sorted(people[:2]), set(sites[:2]))
    assert await opened(points_db, burst(served[2])) == 0
    assert await touched() == (sorted(people[:3]), set(sites[:3]))
    await settled(points_db, burst(*served), CaseStatus.CLEARED)
    assert await opened(points_db, burst(*served[:3]), burst(served[1])) == 0, "what was decided upon is known"
    assert await opened(points_db, burst(served[3]), burst(*served[:4]), flag(*pair(people[0]))) == 2
    assert await touched() == (sorted(people[:3]), set(sites[:3]))
    assert (await touched(1))[0] == [people[3]]
    assert await opened(points_db, burst(served[4])) == 0
    assert await touched(1) == (sorted(people[3:]), set(sites))


async def test_what_goes_beyond_settled_cases_opens_further_ones(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    served = [record(new_id(), 60, provenance="backfilled") for _ in range(8)]
    await ledger.feed(*served)

    async def settle_last(status: CaseStatus) -> None:
        async with points_db.transaction() as tx:
            case_id = (await chain(points_db, burst(*served)))[-1]
            await handlers.settle(tx, OPERATOR, case_id, status, "looked into", stored_policy())

    async def flagged() -> list[tuple[int, bool]]:
        """Of each case in turn how many records it has, and whether they stand."""
        query = (
            "select count(*) as records, bool_or(standing) as standing from record_flags f join cases c using (case_id)"
            " group by c.case_id, c.sequel order by c.sequel"
        )
        return [(row["records"], row["standing"]) for row in await points_db.pool.fetch(query)]

    assert await opened(points_db, burst(*served[:3])) == 1
    await settle_last(CaseStatus.CLEARED)
    assert await opened(points_db, burst(*served[:5])) == 1
    assert await flagged() == [(3, False), (2, True)], "what was cleared stays cleared"
    await settle_last(CaseStatus.CONFIRMED)
    assert await opened(points_db, burst(*served[:5])) == 0
    assert await opened(points_db, burst(*served)) == 1
    assert await flagged() == [(3, False), (2, True), (3, True)]
    first, second, third = await chain(points_db, burst(*served))
    rows = await points_db.pool.fetch("select case_id, evidence->>'after' as after, first_case_id from cases")
    assert {(row["case_id"], row["after"], row["first_case_id"]) for row in rows} == {
        (first, None, None),
        (second, str(first), first),
        (third, str(second), first),
    }
    told = [orjson.loads(row["value"]) for row in await points_db.pool.fetch("select value from outbox order by id")]
    about = [len(one["record_ids"]) for one in told if "record_ids" in one and "settled_by" not in one]
    assert about == [3, 2, 3]
    await settle_last(CaseStatus.CLEARED)
    replayed = [burst(one) for one in served] + [burst(*served)]
    assert await opened(points_db, *replayed) == 0
    assert await flagged() == [(3, False), (2, True), (3, False)]
    await proven(test_database)


async def test_what_a_person_cleared_keeps_its_points_when_more_is_found(
    ledger: Ledger, points_db: Database, test_database: TestDatabase
) -> None:
    text = documents.VERSIONS.joinpath("0001.yaml").read_text("utf-8")
    stricter = text.replace("version: 1", "version: 2").replace("2000-01-01", "2026-01-01")
    async with points_db.transaction() as tx:
        await rule_store.install(tx, rule_from(stricter + "integrity: {holds_back: [long-day]}\n"))
        await tx.execute("update rule_generations set versions = '{1,2}'")
        policy = Policy(Rulebooks(), ledger.policy.criteria)
    under_it, volunteer_id = Ledger(points_db, policy), new_id()
    one = record(volunteer_id, 120)
    later = record(volunteer_id, 60, started_at=MORNING + timedelta(hours=5))
    await under_it.feed(one, later)
    before = await available(points_db, volunteer_id)
    cleared = flag(one, kind="long-day", about="2026-01-10")
    await opened(points_db, cleared)
    await settled(points_db, cleared, CaseStatus.CLEARED)
    assert await available(points_db, volunteer_id) == before
    assert await opened(points_db, flag(one, later, kind="long-day", about="2026-01-10")) == 1
    held = await available(points_db, volunteer_id)
    assert held[1] == 1
    assert 0 < held[0] < before[0]
    await proven(test_database)


async def test_a_sequel_comes_to_what_all_records_do(ledger: Ledger, points_db: Database, api: Api) -> None:
    volunteer_id = new_id()
    one = record(volunteer_id, 960, started_at=datetime(2026, 1, 9, 16, tzinfo=UTC))
    other = record(volunteer_id, 1, started_at=datetime(2026, 1, 10, 9, tzinfo=UTC))
    third = record(volunteer_id, 60, started_at=datetime(2026, 1, 10, 10, tzinfo=UTC))
    await ledger.feed(one, other, third)

    def long_day(measured: int, *found: AttendanceRecorded) -> Flag:
        made = flag(*found, kind="long-day", about="2026-01-10")
        return replace(made, evidence={**made.evidence, "measured": measured, "limit": 960})

    await opened(points_db, long_day(961, one, other))
    await settled(points_db, long_day(961, one, other), CaseStatus.CLEARED)
    await opened(points_db, long_day(1021, one, other, third))
    _, sequel = await chain(points_db, long_day(961, one))
    listed = (await api.operator.get("/cases", status="open")).json()["items"]
    assert [(case["case_id"], case["records"]) for case in listed] == [(str(sequel), 1)]
    full = (await api.operator.get(f"/cases/{sequel}")).json()
    assert (full["measured"], full["still_so"], full["evidence"]["measured"]) == (1021, True, 1021)
    assert [row["record_id"] for row in full["seen_records"]] == [str(third.record_id)]
    await ledger.feed(third.model_copy(update={"revision": 2, "status": "void"}))
    full = (await api.operator.get(f"/cases/{sequel}")).json()
    assert (full["measured"], full["still_so"]) == (961, False), "what is left was settled"


async def test_nothing_joins_a_sequel_that_is_being_settled(ledger: Ledger, points_db: Database) -> None:
    served = [record(new_id(), 60, provenance="backfilled") for _ in range(3)]
    await ledger.feed(*served)
    await opened(points_db, burst(served[0]))
    await settled(points_db, burst(served[0]), CaseStatus.CLEARED)
    await opened(points_db, burst(served[1]))
    _, sequel = await chain(points_db, burst(*served))

    async def waits() -> bool:
        return bool(await points_db.pool.fetchval("select count(*) from pg_locks where not granted"))

    async with points_db.transaction() as tx:
        await handlers.settle(tx, OPERATOR, sequel, CaseStatus.CLEARED, "looked into", stored_policy())
        more = asyncio.create_task(opened(points_db, burst(*served)))
        await eventually(waits, what="the report to wait for the settlement")
    assert await more == 1
    assert len(await chain(points_db, burst(*served))) == 3
