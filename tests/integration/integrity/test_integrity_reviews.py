"""Findings across many records: recorders above their peers, denials, referrals that serve once."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.points.integrity.reviewing import review
from services.points.integrity.stream import DenialStream
from services.points.referrals import handlers as referring
from shared import outbox
from shared.cloudevents import encode
from shared.contracts import AssertionNoted
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.integration.integrity.running import NOW, OPERATOR, Integrity, integrity
from tests.integration.points.serving import SITE, record
from tests.support.databases import Clock

__all__ = ["integrity"]

FEBRUARY = datetime(2026, 2, 3, 1, tzinfo=UTC)


async def reviewed(integrity: Integrity) -> None:
    await review(integrity.database, integrity.follower.thresholds, integrity.follower.policy)


def roll_calls(recorder: UUID, days: int, minutes: int = 480) -> list[Any]:
    """One person a day, each another."""
    return [
        record(new_id(), minutes, started_at=FEBRUARY + timedelta(days=day % 20, hours=day // 20), provenance="leader",
               recorded_by=recorder, device_ref=None)
        for day in range(days)
    ]  # fmt: skip


async def test_a_recorder_far_above_peers_is_a_case_once_the_month_is_over(integrity: Integrity, clock: Clock) -> None:
    busy, recorders = new_id(), [new_id() for _ in range(5)]
    await integrity.send(*(one for recorder in recorders for one in roll_calls(recorder, 2)))
    await integrity.send(*roll_calls(busy, 30))
    await clock.set(FEBRUARY + timedelta(days=10))
    await reviewed(integrity)
    assert await integrity.cases() == {}, "the month is not over"
    await clock.set(NOW)
    await reviewed(integrity)
    await reviewed(integrity)
    await integrity.found(30, recorder_hours=1)
    (case,) = await integrity.database.pool.fetch("select subject, subject_kind, evidence from cases")
    evidence = orjson.loads(case["evidence"])
    assert (case["subject"], case["subject_kind"]) == (str(busy), "recorder")
    assert (evidence["measured"], evidence["limit"], evidence["day"]) == (14_400, 12_000, "2026-02-01")


async def test_a_recorder_without_peers_is_no_case(integrity: Integrity) -> None:
    await integrity.send(*roll_calls(new_id(), 30), *roll_calls(new_id(), 2))
    await reviewed(integrity)
    assert await integrity.cases() == {}


async def test_people_who_were_brought_in_and_served_once_are_a_case(integrity: Integrity, points_db: Database) -> None:
    referrer, people = new_id(), [new_id() for _ in range(5)]
    long_ago = NOW - timedelta(days=70)
    await integrity.send(*(record(person, 60, started_at=long_ago, device_ref=None) for person in (referrer, *people)))
    async with points_db.transaction() as tx:
        for person in people[:3]:
            await referring.refer(tx, OPERATOR, referrer, person)
    await reviewed(integrity)
    assert await integrity.cases() == {}
    async with points_db.transaction() as tx:
        for person in people[3:]:
            await referring.refer(tx, OPERATOR, referrer, person)
    await integrity.send(record(people[4], 60, started_at=NOW - timedelta(days=2), device_ref=None))
    await reviewed(integrity)
    await integrity.found(4, one_time_referrals=1)


def denied(recorder: UUID, at: datetime, record_id: UUID | None = None) -> Message:
    data = AssertionNoted(
        record_id=record_id or new_id(),
        revision=2,
        volunteer_id=new_id(),
        act="denied",
        site_id=SITE,
        provenance="leader",
        status="provisional",
        minutes=60,
        recorded_by=recorder,
        started_at=at,
    )
    headers, value = encode(outbox.event(data, source="weiguang/recruitment", aggregate_version=2, time=at))
    return Message("volunteering.assertions.v1", "assertions", 0, 0, b"k", value, headers, 0)


async def test_denials_of_one_recorder_in_a_month_are_a_case(integrity: Integrity) -> None:
    stream = DenialStream(integrity.database, integrity.follower.thresholds, integrity.follower.policy)
    recorder, other, again = new_id(), new_id(), new_id()
    march = datetime(2026, 3, 2, tzinfo=UTC)
    await stream.handle([denied(recorder, march), denied(other, march), denied(recorder, FEBRUARY)])
    await stream.handle([denied(recorder, march, again), denied(recorder, march, again)])
    assert await integrity.cases() == {}
    broken = denied(recorder, march)._replace(value=b"{")
    await stream.handle([denied(recorder, march + timedelta(days=9)), broken])
    await integrity.found(3, denials=1)
    (case,) = await integrity.database.pool.fetch("select subject from cases")
    assert case["subject"] == str(recorder)
    letters = await integrity.database.pool.fetchval(
        "select count(*) from dead_letters where consumer_group = 'points-denials'"
    )
    assert letters == 1
