"""Integrity as it runs: agents on a real broker open cases, hold points back, and find the same after anything."""

import json
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from services.points.integrity import handlers
from services.points.integrity.domain import CaseStatus
from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from tests.integration.integrity.running import (
    EXPECTED,
    MORNING,
    NOW,
    OPERATOR,
    START,
    Cases,
    Integrity,
    entered,
    everything,
    integrity,
    two_sites,
)
from tests.integration.points.serving import SITE, Ledger, record
from tests.support.waiting import eventually

__all__ = ["integrity"]

pytestmark = pytest.mark.broker


async def test_each_kind_opens_a_case_and_an_upload_of_200_opens_none(integrity: Integrity) -> None:
    await integrity.start()
    upload = entered(new_id(), 200, "kiosk", device_ref="kiosk-1", site_id=SITE)
    await integrity.send(*upload, emitted_at=NOW)
    await integrity.send(*everything(), emitted_at=NOW)
    cases = await integrity.found(44, **EXPECTED)
    assert sorted(len(records) for _, records in cases.values()) == [1, 2, 3, 5, 33]
    uploaded = {str(found.record_id) for found in upload}
    assert not any(records & uploaded for _, records in cases.values())
    outgoing = await integrity.database.pool.fetch("select key, value from outbox where topic = 'integrity'")
    assert {row["key"] for row in outgoing} == {json.loads(row["value"])["subject"] for row in outgoing}
    assert len(outgoing) == 5
    await integrity.send(entered(new_id(), 1)[0].model_copy(update={"kind": "x" * 101}))  # the contract forbids it

    async def put_aside() -> bool:
        query = "select consumer_group from dead_letters"
        return [row["consumer_group"] for row in await integrity.database.pool.fetch(query)] == ["points-integrity"]

    await eventually(put_aside, within=START)
    assert integrity.process is not None
    await integrity.end()
    assert integrity.process.returncode == 0


async def test_two_sites_hold_points_back_and_clearing_gives_them_back(integrity: Integrity) -> None:
    ledger = await Ledger.open(integrity.database)
    person = new_id()
    served = two_sites(person)
    await ledger.feed(*served)

    async def available() -> int:
        return int(
            await integrity.database.pool.fetchval("select available from volunteers where volunteer_id = $1", person)
        )

    assert await available() == 80
    await integrity.start()
    await integrity.send(*served)
    (case_id,) = await integrity.found(2, two_sites=1)
    assert await available() == 0
    async with integrity.database.transaction() as tx:
        await handlers.settle(tx, OPERATOR, UUID(case_id), CaseStatus.CLEARED, "both rooms are next to each other")
    assert await available() == 80


async def test_what_a_recorder_enters_after_a_settlement_is_a_further_case_and_a_replay_is_none(
    integrity: Integrity,
) -> None:
    recorder = new_id()
    morning, afternoon = entered(recorder, 33, device_ref=None), entered(recorder, 60, device_ref=None)
    await integrity.start()
    await integrity.send(*morning, emitted_at=NOW)
    (first,) = await integrity.found(33, burst=1)
    async with integrity.database.transaction() as tx:
        await handlers.settle(tx, OPERATOR, UUID(first), CaseStatus.CLEARED, "a list on paper, seen")
    await integrity.send(*morning, emitted_at=NOW)
    await integrity.send(*afternoon, emitted_at=NOW + timedelta(hours=6))
    both = await integrity.found(93, burst=2)
    assert both.pop(first)[1] == {str(one.record_id) for one in morning}
    ((further, (_, records)),) = both.items()
    assert records == {str(one.record_id) for one in afternoon}
    status = await integrity.database.pool.fetch("select case_id, status from cases")
    assert {(str(row["case_id"]), row["status"]) for row in status} == {(first, "cleared"), (further, "open")}
    before = await integrity.cases()
    await integrity.end()
    integrity.forget_tables()
    await integrity.start()
    await integrity.caught_up(1)
    after = await integrity.cases()
    assert {key: found for key, found in after.items() if found[0] == "burst"} == before
    outgoing = await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'")
    assert outgoing == len(after) + 1, "each case once, and one settlement"


@pytest.mark.deep
async def test_dropped_tables_and_a_replay_give_the_same_cases_once_each(integrity: Integrity) -> None:
    await integrity.start()
    await integrity.send(*everything(), emitted_at=NOW)
    await integrity.found(44, **EXPECTED)
    await integrity.caught_up(1)
    before = await integrity.cases()
    await integrity.end()
    integrity.forget_tables()
    events = await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'")
    # As if nothing had ever been found: the replay alone brings every case back.
    await _forget_cases(integrity)
    await integrity.start()
    await eventually(lambda: _same(integrity, before), within=START, what="the same cases")
    await integrity.caught_up(2)
    again = {key: found for key, found in (await integrity.cases()).items() if key in before}
    assert again == before
    assert len(await integrity.cases()) == len(before) + integrity.settings.topic_partitions
    assert events == len(before)


async def test_a_replay_over_the_cases_that_are_there_opens_none(integrity: Integrity) -> None:
    sent = everything()
    await integrity.start()
    await integrity.send(*sent, emitted_at=NOW)
    before = await integrity.found(44, **EXPECTED)
    await integrity.end()
    integrity.forget_tables()
    await integrity.start()
    await integrity.send(*reversed(sent), emitted_at=NOW)  # a relay may also send everything again, in whatever order
    await integrity.caught_up(1)
    after = await integrity.cases()
    assert {key: found for key, found in after.items() if key in before} == before
    assert len(after) == len(before) + integrity.settings.topic_partitions
    outgoing = await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'")
    assert outgoing == len(after)


async def test_killed_in_the_middle_its_tables_find_what_they_would_have_found(integrity: Integrity) -> None:
    burst = entered(new_id(), 60, device_ref=None)
    people = [new_id() for _ in range(12)]
    others: Sequence[AttendanceRecorded] = [found for person in people for found in two_sites(person)]
    tireless = new_id()
    days = [
        record(tireless, 350, started_at=MORNING + timedelta(days=day, hours=6 * n - 9), device_ref=None)
        for n in range(3)
        for day in range(0, 9, 3)
    ]
    mixed = [
        found for triple in zip(burst, [*others, *burst[:36]], [*days, *burst[:51]], strict=False) for found in triple
    ]
    await integrity.start()
    # Half of a pair and a third of each long day. What is acknowledged never comes again: the tables alone know of it.
    await integrity.send(*mixed[:15], emitted_at=NOW)
    first = await integrity.acknowledged(more_than=0)
    await integrity.end(hard=True)
    await integrity.start()
    await integrity.send(*mixed[15:33], emitted_at=NOW)
    await integrity.acknowledged(more_than=first)
    before = len(await integrity.cases())
    await integrity.send(*mixed[33:63], emitted_at=NOW)
    await eventually(lambda: _more(integrity, before + 1), within=START, every=0.005)
    await integrity.end(hard=True)
    await integrity.start()
    await integrity.send(*mixed[63:], emitted_at=NOW)
    cases = await integrity.found(24 + 60 + 9, two_sites=12, burst=1, long_day=3)

    wanted = {frozenset(str(found.record_id) for found in others[n : n + 2]) for n in range(0, 24, 2)}
    assert {records for kind, records in cases.values() if kind == "two-sites"} == wanted


async def test_a_second_process_stands_by_and_takes_over_when_the_first_is_killed(integrity: Integrity) -> None:
    (first, second) = new_id(), new_id()
    await integrity.start()
    await integrity.send(two_sites(first)[0], emitted_at=NOW)
    await integrity.acknowledged(more_than=0)
    running = integrity.process
    await integrity.start()
    standing_by = integrity.process
    assert running is not None
    assert standing_by is not None
    await eventually(lambda: _sessions(integrity, 2), within=START, what="two that want the lock")
    await integrity.send(*two_sites(second), emitted_at=NOW)
    await integrity.found(2, two_sites=1)
    assert running.returncode is standing_by.returncode is None
    running.kill()
    await running.wait()
    await integrity.send(two_sites(first)[1], emitted_at=NOW)
    await integrity.found(4, two_sites=2)
    assert standing_by.returncode is None


async def _sessions(integrity: Integrity, number: int) -> bool:
    query = "select count(*) from pg_stat_activity where application_name = 'weiguang-points-integrity-lock'"
    return bool(await integrity.database.pool.fetchval(query) == number)


async def _same(integrity: Integrity, before: Cases) -> bool:
    return await integrity.cases() == before


async def _more(integrity: Integrity, number: int) -> bool:
    return len(await integrity.cases()) >= number


async def _forget_cases(integrity: Integrity) -> None:
    superuser = await asyncpg.connect(integrity.superuser)
    await superuser.execute("set session_replication_role = replica")
    await superuser.execute("truncate points.cases, points.record_flags")
    await superuser.execute("update points.volunteers set standing_flags = 0")
    await superuser.close()
