"""Topics over HTTP: what they are for, who writes and reads them, how much there is and how fast it comes."""

from datetime import datetime

from fastapi import APIRouter

from services.operations.events.api import Watcher
from services.operations.topics import store
from services.operations.topics.domain import minutes_until, series
from services.operations.topics.store import MinuteCount, Position
from shared.clock import real_now
from shared.http.app import Db, Output
from shared.kafka.topics import INDEXED, READERS, TOPICS

__all__ = ["router"]

router = APIRouter(prefix="/api/operations/v1", tags=["topics"])


class PartitionOut(Output):
    """A partition as far as it is indexed: its end, and the events and bytes that the index has seen on it."""

    partition: int
    end_offset: int
    incarnation: str
    events: int
    bytes: int
    moved_at: datetime


class TopicReaderOut(Output):
    """A reader of a topic; ``group`` is null for a tail without a consumer group."""

    service: str
    group: str | None


class TopicOut(Output):
    """A topic; ``per_minute`` and ``bytes_per_minute`` are of new events in the minutes of the listing."""

    topic: str
    about: str
    owner: str
    key: str
    readers: list[TopicReaderOut]
    events: int
    bytes: int
    per_minute: list[int]
    bytes_per_minute: list[int]
    partitions: list[PartitionOut]


class TopicsOut(Output):
    """All topics; ``minutes`` are the beginnings of the last hour's, the present one last."""

    minutes: list[datetime]
    items: list[TopicOut]


@router.get("/topics")
async def list_topics(db: Db, _: Watcher) -> TopicsOut:
    """All topics of the registry, in its order; figures are of the whole district and hold no event."""
    minutes = minutes_until(real_now())
    async with db.snapshot() as tx:
        ends = await store.ends(tx)
        rates = await store.rates(tx, minutes[0])
    return TopicsOut(
        minutes=minutes,
        items=[
            _topic(
                entity,
                [one for one in ends if one.topic == entity],
                [one for one in rates if one.topic == entity],
                minutes,
            )
            for entity in INDEXED
        ],
    )


def _topic(entity: str, ends: list[Position], rates: list[MinuteCount], minutes: list[datetime]) -> TopicOut:
    topic = TOPICS[entity]
    return TopicOut(
        topic=entity,
        about=topic.about,
        owner=topic.owner,
        key=topic.key,
        readers=[
            TopicReaderOut(service=reader.service, group=reader.group) for reader in READERS if entity in reader.topics
        ],
        events=sum(end.records for end in ends),
        bytes=sum(end.size for end in ends),
        per_minute=series(minutes, {rate.minute: rate.records for rate in rates}),
        bytes_per_minute=series(minutes, {rate.minute: rate.size for rate in rates}),
        partitions=[
            PartitionOut(
                partition=end.partition,
                end_offset=end.next_offset,
                incarnation=end.incarnation,
                events=end.records,
                bytes=end.size,
                moved_at=end.moved_at,
            )
            for end in ends
        ],
    )
