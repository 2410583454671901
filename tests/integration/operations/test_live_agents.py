"""The agents as they run: the last minute each second, the hour in rows, whatever lies on the topics."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.operations.live import store
from services.operations.live.domain import DEAD_LETTER, UNREADABLE, Counts, LiveMinute, LivePlace
from services.operations.live.handlers import SETTLED, begin_life, store_minutes
from services.operations.live.stream import GROUP, TOPICS
from shared.contracts import PointsPosted
from shared.ids import new_id
from shared.kafka.messages import Message
from shared.operators import consumers
from shared.postgres import Database
from tests.integration.operations.indexing import Indexed, message_of
from tests.support.brokers import TestBroker
from tests.support.live_agents import NOW, Agents, agents_on, service
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually


def posted(site: UUID, amount: int, reason: str = "award") -> PointsPosted:
    return PointsPosted(
        posting_id=new_id(),
        volunteer_id=new_id(),
        reason=reason,
        amount=amount,
        available=0,
        held=0,
        debt=0,
        site_id=site,
        posted_at=NOW,
    )


@pytest.fixture
async def agents(broker: TestBroker, operations_db: Database, settings_for: SettingsFactory) -> AsyncIterator[Agents]:
    async with agents_on(settings_for("operations")) as running:
        yield running


async def stored(db: Database, type_: str) -> Counts:
    """What the last hour holds of a type."""
    async with db.snapshot() as tx:
        found = await store.minutes_since(tx, datetime.now(UTC) - timedelta(hours=1), None)
    total = Counts()
    for one in found:
        total = total.plus(one.counts) if one.place.type == type_ else total
    return total


@pytest.mark.broker
async def test_the_pulse_of_a_minute(agents: Agents, operations_db: Database) -> None:
    station, drive = new_id(), new_id()
    await agents.start()
    await agents.send(service(station, drive))
    await agents.send(service(station, provenance="imported"))
    await agents.send(service(station, status="provisional", ended_at=None, closed_by=None, minutes=0))
    await agents.send(service(station), age=300)  # a relay sends an old event again
    await agents.send(posted(station, 13))
    await agents.send(posted(station, -5, "reversal"))
    await agents.send(posted(station, -40, "hold"))
    tick = await agents.minute(1, 8)
    assert [(p.site_id, p.records, p.points) for p in tick.by_site] == [(station, 1, 8)]
    assert [(p.drive_id, p.records, p.points) for p in tick.by_drive] == [(drive, 1, 0)]
    assert tick.window_seconds == 60

    await agents.send(service(station), value=b"{broken")
    await agents.send(posted(new_id(), 1), value=b"[]")
    await agents.send(service(station), topic="attendance.points-ingest.dlq")
    await agents.send(service(station))
    await agents.minute(2, 8)

    async def counted() -> bool:
        return (await stored(operations_db, UNREADABLE)).events == 2

    await eventually(counted)
    seen = await stored(operations_db, "volunteering.attendance.recorded.v1")
    assert (seen.events, seen.records) == (4, 2), "not the one published long after it happened"

    async def reported() -> bool:
        async with operations_db.snapshot() as tx:
            state = (await consumers.states(tx)).get(GROUP)
        by_topic: Counter[str] = Counter()
        for one in state.partitions if state is not None else ():
            assert one.end >= one.position
            by_topic[one.topic] += one.position
        return (by_topic["attendance"], by_topic["points"], set(by_topic)) == (6, 4, set(TOPICS))

    await eventually(reported)
    assert (await stored(operations_db, DEAD_LETTER)).events == 1
    assert await agents.stop() == 0


@pytest.mark.broker
async def test_a_killed_process_is_followed_by_one_that_counts_on_and_notes_the_gap(
    agents: Agents, operations_db: Database
) -> None:
    station = new_id()
    await agents.start()
    await agents.send(service(station))
    await agents.minute(1, 0)
    await agents.kill()
    await agents.send(service(station))
    while await agents.tick():
        pass
    await agents.start()
    await agents.send(posted(station, 7))

    async def counted() -> bool:
        tick = await agents.tick()
        return tick is not None and tick.points_per_minute == 7

    await eventually(counted)
    async with operations_db.snapshot() as tx:
        assert len(await store.gaps(tx)) == 2
    await agents.stop()


async def test_a_gap_is_counted_from_the_index_once_it_is_settled(index: Indexed) -> None:
    station, drive = new_id(), new_id()
    now = datetime.now(UTC).replace(second=30, microsecond=0)
    minute = (now - timedelta(minutes=10)).replace(second=0)
    messages: list[Message] = [
        message_of(service(station, drive), 1, sent_at=minute),
        message_of(service(station, provenance="imported"), 2, sent_at=minute),
        message_of(service(station, closed_by="correction"), 3, sent_at=minute),
        message_of(posted(station, 13), 4, sent_at=minute),
        message_of(posted(station, -40, "hold"), 5, sent_at=minute),
    ]
    await index.stream.handle(messages)
    await index.stream.handle(messages)  # the broker's log began anew: nothing counts twice
    place = LivePlace("volunteering.attendance.recorded.v1", station)
    async with index.db.transaction() as tx:
        await store.put_minutes(tx, [LiveMinute(minute - timedelta(minutes=1), place, Counts(7, 7, 0, 0, 0))])
    began = now - timedelta(minutes=5)
    await begin_life(index.db, began)
    assert not await store_minutes(index.db, [], began + SETTLED), "the agents may still write its minutes"
    shown = (await index.get("/live")).json()
    assert shown["approximate_since"] is not None

    assert await store_minutes(index.db, [], began + SETTLED + timedelta(minutes=3))
    shown = (await index.get("/live")).json()
    assert shown["approximate_since"] is None
    assert (sum(shown["records"]), sum(shown["points"])) == (1, 13), "and what was counted there before is gone"
    assert [(one["drive_id"], sum(one["records"])) for one in shown["by_drive"]] == [(str(drive), 1)]
    assert {one["type"]: sum(one["events"]) for one in shown["by_type"]} == {
        "volunteering.attendance.recorded.v1": 3,
        "volunteering.points.posted.v1": 2,
    }


async def test_a_caller_of_one_site_sees_its_figures_alone(index: Indexed) -> None:
    here, there = new_id(), new_id()
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    type_ = "volunteering.attendance.recorded.v1"
    rows = [(LivePlace(type_, here), 2), (LivePlace(type_, there), 5), (LivePlace(UNREADABLE), 9)]
    async with index.db.transaction() as tx:
        await store.put_minutes(tx, [LiveMinute(minute, place, Counts(n, n, 0, 0, 0)) for place, n in rows])
    shown = (await index.get("/live", index.token(sites=[here]))).json()
    assert sum(shown["records"]) == 2
    assert [one["site_id"] for one in shown["by_site"]] == [str(here)]
    assert sum((await index.get("/live")).json()["records"]) == 16
