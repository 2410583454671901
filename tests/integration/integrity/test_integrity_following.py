"""Integrity follows the ingest's records: cases open, hold points back, and are the same whatever comes again."""

import asyncio
import json
import random
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.points.integrity import handlers, store
from services.points.integrity.domain import CaseStatus
from services.points.integrity.following import IntegrityFollower
from services.points.policy import stored_policy
from shared.contracts import AttendanceRecorded
from shared.errors import TransientError
from shared.ids import new_id
from tests.integration.integrity.running import (
    EXPECTED,
    MORNING,
    NOW,
    OPERATOR,
    Integrity,
    entered,
    everything,
    integrity,
    two_sites,
)
from tests.integration.points.serving import SITE, record
from tests.support.waiting import eventually

__all__ = ["integrity"]


async def test_each_kind_opens_a_case_and_an_upload_of_200_opens_none(integrity: Integrity) -> None:
    upload = entered(new_id(), 200, "kiosk", device_ref="kiosk-1", site_id=SITE)
    await integrity.send(*upload)
    await integrity.send(*everything())
    cases = await integrity.found(44, **EXPECTED)
    assert sorted(len(records) for _, records in cases.values()) == [1, 2, 3, 5, 33]
    uploaded = {str(found.record_id) for found in upload}
    assert not any(records & uploaded for _, records in cases.values())
    outgoing = await integrity.database.pool.fetch("select key, value from outbox where topic = 'integrity'")
    assert {row["key"] for row in outgoing} == {json.loads(row["value"])["subject"] for row in outgoing}
    assert len(outgoing) == 5
    assert await integrity.marks() == 0


async def test_a_case_carries_the_correlation_of_its_last_record(integrity: Integrity) -> None:
    await integrity.send(*two_sites(new_id()))
    rows = await integrity.database.pool.fetch("select correlation_id from records")
    (case,) = await integrity.database.pool.fetch("select correlation_id from cases")
    headers = await integrity.database.pool.fetchval("select headers from outbox where topic = 'integrity'")
    assert case["correlation_id"] in {row["correlation_id"] for row in rows}
    assert json.loads(headers)["ce_correlationid"] == case["correlation_id"]


async def test_two_sites_hold_points_back_and_clearing_gives_them_back(integrity: Integrity) -> None:
    person = new_id()
    await integrity.feed(*two_sites(person))

    async def available() -> int:
        return int(
            await integrity.database.pool.fetchval("select available from volunteers where volunteer_id = $1", person)
        )

    assert await available() == 80
    await integrity.follow()
    (case_id,) = await integrity.found(2, two_sites=1)
    assert await available() == 0
    async with integrity.database.transaction() as tx:
        await handlers.settle(
            tx, OPERATOR, UUID(case_id), CaseStatus.CLEARED, "both rooms are next to each other", stored_policy()
        )
    assert await available() == 80


async def test_what_a_recorder_enters_after_a_settlement_is_a_further_case_and_a_replay_is_none(
    integrity: Integrity,
) -> None:
    recorder = new_id()
    morning, afternoon = entered(recorder, 33, device_ref=None), entered(recorder, 60, device_ref=None)
    await integrity.send(*morning)
    (first,) = await integrity.found(33, burst=1)
    async with integrity.database.transaction() as tx:
        await handlers.settle(tx, OPERATOR, UUID(first), CaseStatus.CLEARED, "a list on paper, seen", stored_policy())
    await integrity.send(*morning)
    await integrity.send(*afternoon, emitted_at=NOW + timedelta(hours=6))
    both = await integrity.found(93, burst=2)
    assert both.pop(first)[1] == {str(one.record_id) for one in morning}
    ((further, (_, records)),) = both.items()
    assert records == {str(one.record_id) for one in afternoon}
    status = await integrity.database.pool.fetch("select case_id, status from cases")
    assert {(str(row["case_id"]), row["status"]) for row in status} == {(first, "cleared"), (further, "open")}
    before = await integrity.cases()
    await integrity.again()
    await integrity.follow()
    assert await integrity.cases() == before
    outgoing = await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'")
    assert outgoing == len(before) + 1, "each case once, and one settlement"


async def test_a_replay_brings_lost_cases_back_and_doubles_none(integrity: Integrity) -> None:
    sent = everything()
    await integrity.send(*sent)
    before = await integrity.found(44, **EXPECTED)
    await integrity.send(*reversed(sent))
    await integrity.again()
    await integrity.follow()
    assert await integrity.cases() == before
    assert await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'") == 5
    await integrity.forget_cases()
    await integrity.again()
    await integrity.follow()
    assert await integrity.cases() == before


def mixed() -> tuple[list[AttendanceRecorded], set[frozenset[str]]]:
    """Pairs, a burst and long days, one after the other; and the pairs."""
    burst = entered(new_id(), 60, device_ref=None)
    others = [found for person in [new_id() for _ in range(12)] for found in two_sites(person)]
    tireless = new_id()
    days = [
        record(tireless, 350, started_at=MORNING + timedelta(days=day, hours=6 * n - 9), device_ref=None)
        for n in range(3)
        for day in range(0, 9, 3)
    ]
    found = [*burst, *others, *days]
    random.Random(1).shuffle(found)
    return found, {frozenset(str(one.record_id) for one in others[n : n + 2]) for n in range(0, 24, 2)}


async def test_several_followers_beside_the_ingest_find_each_case_once(integrity: Integrity) -> None:
    """One of them loses its session again and again: what it claimed is claimed by the others."""
    records, wanted = mixed()
    ended = asyncio.Event()
    followers = [
        IntegrityFollower(integrity.database, integrity.follower.thresholds, stored_policy()) for _ in range(3)
    ]

    async def follow(follower: IntegrityFollower) -> None:
        while not ended.is_set() or await integrity.marks():
            try:
                await follower.turn()
            except Exception:  # noqa: BLE001 - its session was ended
                await asyncio.sleep(0.01)

    async def disturb() -> None:
        query = (
            "select pg_terminate_backend(pid) from pg_locks join pg_class on pg_class.oid = relation"
            " where relname = 'record_marks' and mode = 'RowShareLock' and pid <> pg_backend_pid() limit 1"
        )
        while not ended.is_set():
            await asyncio.sleep(0.05)
            await integrity.database.pool.fetch(query)

    async def feed(*some: AttendanceRecorded) -> bool:
        try:
            await integrity.feed(*some)
        except TransientError:  # a session that a follower just gave back was ended under it: a batch comes again
            return False
        return True

    async def feed_all() -> None:
        for start in range(0, len(records), 7):
            await eventually(partial(feed, *records[start : start + 7]))
        ended.set()

    await asyncio.gather(feed_all(), disturb(), *map(follow, followers))
    await integrity.follow()
    cases = await integrity.found(24 + 60 + 9, two_sites=12, burst=1, long_day=3)
    assert {found for kind, found in cases.values() if kind == "two-sites"} == wanted
    assert await integrity.database.pool.fetchval("select count(*) from outbox where topic = 'integrity'") == len(cases)


async def test_a_mark_that_always_fails_holds_up_no_other(
    integrity: Integrity, monkeypatch: pytest.MonkeyPatch
) -> None:
    (poison, *_), fine = two_sites(new_id()), two_sites(new_id())
    await integrity.feed(poison)
    await integrity.feed(*fine)
    revisions = store.revisions

    async def fails(tx: Any, record_ids: Any) -> Any:
        if poison.record_id in record_ids:
            raise RuntimeError("a defect")
        return await revisions(tx, record_ids)

    monkeypatch.setattr(store, "revisions", fails)
    await integrity.follow()
    await integrity.found(2, two_sites=1)
    rows = await integrity.database.pool.fetch("select record_ids, attempts, due_at > now() as waits from record_marks")
    assert [tuple(row) for row in rows] == [([poison.record_id], 1, True)]
    monkeypatch.undo()
    await integrity.database.pool.execute("update record_marks set due_at = now()")
    await integrity.follow()
    assert await integrity.marks() == 0


async def test_acts_of_days_long_over_are_forgotten_and_others_kept(integrity: Integrity) -> None:
    long_ago = NOW - timedelta(days=401)
    await integrity.send(record(new_id(), 30, started_at=long_ago), record(new_id(), 30, started_at=MORNING))
    await integrity.follower.forget()
    rows = await integrity.database.pool.fetch("select at from integrity_acts")
    assert [row["at"] for row in rows] == [MORNING]
