"""Districts side by side on the session's servers, each with a database and topics of its own: drills that mostly wait
(a dead member keeps its partitions until its session is over) wait at the same time.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer

from dev.stack.broker import Broker
from services.points.ingest.stream import GROUP
from shared.deadletters import fingerprint
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.kafka.topics import ensure_topics, topic_name
from shared.settings import Settings
from tests.drill.stage import Stage, setting
from tests.drill.twins import BEGIN, Served, attendance_of
from tests.integration.points.histories import message
from tests.reference.district import District
from tests.reference.rules import SHIPPED, ZONE, Record
from tests.support.brokers import TestBroker
from tests.support.databases import PostgresServer
from tests.support.settings import SettingsFactory
from tests.support.waiting import eventually

__all__ = ["Flow", "Lane", "lane"]

NOW = BEGIN + timedelta(days=300)


@dataclass
class Flow:
    """What flows through the topic: messages, and the district that they should lead to."""

    messages: list[Message] = field(default_factory=list)
    model: District = field(default_factory=lambda: District([SHIPPED]))
    letters: Counter[str] = field(default_factory=Counter)
    revisions: dict[tuple[str, int], Record] = field(default_factory=dict)

    @classmethod
    def drawn(cls, rng: Random, number: int, volunteers: int = 40) -> "Flow":
        """So many messages: services, corrections late and twice, contradictions, and unreadable bytes."""
        flow, records = cls(), [(str(_id(rng)), str(_id(rng))) for _ in range(number // 3 + 1)]
        people = [str(_id(rng)) for _ in range(volunteers)]
        owners = {record: people[int(volunteers * rng.random() ** 2)] for record, _ in records}
        while len(flow.messages) < number:
            kind = rng.random()
            if kind < 0.06 and flow.messages:
                flow.messages.append(rng.choice(flow.messages))
                continue
            record, activity = rng.choice(records)
            if kind < 0.08:
                owners[record] = rng.choice(people)
            one = flow._served(rng, record, activity, owners[record])
            known = flow.revisions.get((record, one.revision))
            if known is not None and known.volunteer != one.volunteer:
                continue  # a contradiction that may overtake what it contradicts has no certain outcome
            sent = message(attendance_of(one))
            if known is None:
                flow.revisions[record, one.revision] = one
            elif known != one:
                flow._put_aside("conflict", sent)
            flow.messages.append(sent)
            if kind > 0.98:
                broken = sent._replace(value=(sent.value or b"")[: rng.randint(1, 90)])
                flow._put_aside("permanent", broken)
                flow.messages.append(broken)
        flow.model.ingest(list(flow.revisions.values()), NOW.astimezone(ZONE).date())
        return flow

    def revisions_of(self, number: int) -> list[Record]:
        """Which revisions the first so many messages bring."""
        values = {attendance_of(one).model_dump_json().encode(): one for one in self.revisions.values()}
        return [values[sent.value] for sent in self.messages[:number] if sent.value in values]

    def _put_aside(self, kind: str, one: Message) -> None:
        """One dead letter, however often it comes."""
        self.letters[kind] += all(fingerprint(one) != fingerprint(seen) for seen in self.messages)

    @staticmethod
    def _served(rng: Random, record: str, activity: str, owner: str) -> Record:
        drawn = Served(0, rng.choice([1, 1, 2, 2, 3, 4]), 0, rng.randint(0, 200), rng.choice([0, 540, 1439]), 0)
        return Record(
            record,
            drawn.revision,
            owner,
            rng.choices(["confirmed", "provisional", "void"], [85, 5, 10])[0],
            rng.choice(["scanned", "scanned", "kiosk", "leader", "backfilled"]),
            BEGIN + timedelta(days=drawn.day, minutes=drawn.minute),
            rng.choice([10, 15, 60, 90, 180, 500]),
            activity,
        )

    @property
    def volunteers(self) -> list[str]:
        return sorted({one.volunteer for one in self.revisions.values()})


def _id(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


@dataclass
class Lane:
    """One district, its topic, and how far its flow has come."""

    stage: Stage
    settings_for: SettingsFactory
    flow: Flow
    sent: int = 0

    @property
    def settings(self) -> Any:
        return self.settings_for("points")

    async def send(self, number: int) -> int:
        """Publish and produce the next messages; returns how many there were."""
        part = self.flow.messages[self.sent : self.sent + number]
        self.sent += len(part)
        await self._publish(part)
        await produce(self.settings, part)
        return len(part)

    async def _publish(self, part: Sequence[Message]) -> None:
        """What of it recruitment would know, for A3; the first content of each revision."""
        for one in part:
            try:
                said = orjson.loads(one.value or b"")
            except orjson.JSONDecodeError:
                continue
            first = self.flow.revisions[said["record_id"], said["revision"]]
            if attendance_of(first).model_dump_json().encode() == one.value and await self.stage.unpublished(
                UUID(first.record_id), first.revision
            ):
                await self.stage.publish([attendance_of(first)])

    async def settled(self) -> None:
        """Wait until everything that was sent is applied, superseded or put aside."""

        async def done() -> bool:
            async with self.stage.database.snapshot() as tx:
                letters = Counter(
                    {
                        row[0]: row[1]
                        for row in await tx.fetch(
                            "select kind, count(*) from dead_letters where consumer_group = $1 group by kind", GROUP
                        )
                    }
                )
                revisions = await tx.fetchval(
                    "select (select count(*) from records) + (select count(*) from superseded_revisions)"
                )
            due = (len(self.flow.revisions), self.flow.letters)
            assert (revisions, letters) == due, f"{revisions} revisions and {letters} are there, due are {due}"
            return True

        assert self.sent == len(self.flow.messages), "the flow was sent to its end"
        await eventually(done, every=0.1, what="everything to be settled")

    async def stands(self) -> None:
        """The audit is clean, and everybody stands where the reference says: nothing lost, nothing twice."""
        await self.stage.audit()
        await self.stage.compare(self.flow.model, self.flow.volunteers)

    async def ending(self) -> list[tuple[Any, ...]]:
        """What of every volunteer must not depend on what happened on the way."""
        async with self.stage.database.snapshot() as tx:
            rows = await tx.fetch(
                "select volunteer_id, available, held, debt, earned, spent, expired, donated, credit_minutes, "
                "honour_minutes, badges from volunteers order by volunteer_id"
            )
        return [tuple(row) for row in rows]


async def produce(settings: Settings, messages: Sequence[Message]) -> None:
    """Send records to the attendance topic, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, enable_idempotence=False, linger_ms=5)
    await producer.start()
    try:
        for one in messages:
            await producer.send(topic_name(settings, "attendance"), one.value, key=one.key, headers=list(one.headers))
        await producer.flush()
    finally:
        await producer.stop()


@asynccontextmanager
async def lane(
    postgres: PostgresServer, broker: Broker, directory: Path, flow: Flow, partitions: int = 4
) -> AsyncIterator[Lane]:
    """A district of its own; it is ten months after its first day."""
    directory.mkdir(exist_ok=True)
    async with postgres.copy() as copied, copied.connect("points") as database, setting(copied, database) as stage:
        prefix = f"t{new_id().hex}."
        running = TestBroker(broker.name, broker.bootstrap, broker.incarnation, prefix)
        settings_for = SettingsFactory(directory, copied, running, topic_partitions=partitions)
        await ensure_topics(settings_for("notify"))
        await stage.clock.set(NOW)
        await stage.begin([SHIPPED])
        yield Lane(stage, settings_for, flow)
