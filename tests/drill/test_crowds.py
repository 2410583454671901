"""Crowds: many hands on one hold, all traffic on one volunteer, and two hundred people who want ten items."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

import orjson
import psutil

from dev.stack.processes import free_port
from services.points.ingest.handlers import Policy
from services.points.ingest.stream import IngestStream
from services.points.ledger import handlers as ledger
from services.points.policy import policy_of
from shared.auth.tokens import Caller, Role, mint
from shared.errors import Conflict
from shared.ids import new_id
from shared.kafka.consumer import Message
from shared.postgres import Database
from tests.drill.conftest import Drill
from tests.drill.lanes import NOW
from tests.drill.stage import Stage
from tests.drill.twins import BEGIN
from tests.integration.points.histories import attendance, message
from tests.reference.rules import SHIPPED, Record
from tests.support.rewards_places import REWARD, SITE, STAFF
from tests.support.roles import ready, role
from tests.support.settings import SettingsFactory

WANT, ITEMS, WITHIN = 200, 10, 1.0


@dataclass(frozen=True)
class Place:
    """The API's process, and tokens for who calls it."""

    url: str
    settings_for: SettingsFactory
    pid: int

    @property
    def cpu(self) -> float:
        """Seconds that the process has computed."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def headers(self, caller: Caller) -> dict[str, str]:
        token = mint(self.settings_for("recruitment"), caller)
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}


def volunteer(person: UUID) -> Caller:
    return Caller(subject=person, roles=frozenset({Role.VOLUNTEER}), volunteer_id=person, name="LD00000001")


CENTRE = Caller(subject=STAFF, roles=frozenset({Role.OPERATOR}), site_ids=None, name="staff")


@asynccontextmanager
async def open_place(settings_for: SettingsFactory) -> AsyncIterator[Place]:
    """`python -m services.points api`, as it runs everywhere."""
    port = free_port()
    async with role(settings_for("points", http_port=port), "api") as process:
        await ready(process, f"http://127.0.0.1:{port}")
        yield Place(f"http://127.0.0.1:{port}", settings_for, process.pid)


async def rich(stage: Stage, number: int) -> list[UUID]:
    """So many people with 100 points each."""
    await stage.clock.set(NOW)
    await stage.begin([SHIPPED])
    people = [new_id() for _ in range(number)]
    await stage.handle([served(person, 0, 480) for person in people])
    return people


def served(person: UUID, day: int, minutes: int) -> Message:
    started_at = BEGIN + timedelta(days=40 + day)
    one = Record(str(new_id()), 1, str(person), "confirmed", "scanned", started_at, minutes)
    return message(attendance(one))


def want(items: UUID) -> dict[str, str]:
    return {"reward_id": str(items), "site_id": str(SITE)}


async def shelve(stage: Stage, reward: UUID, price: int, items: int) -> None:
    """A reward of this price, and so many of it."""
    async with stage.database.transaction() as tx:
        await tx.execute(
            "insert into reward (reward_id, name, description, price, hold_days, created_at, created_by) "
            "values ($1, '毛巾', '', $2, 30, now(), $3)",
            reward,
            price,
            STAFF,
        )
        await tx.execute(
            "insert into reward_stock (reward_id, site_id, received, free) values ($1, $2, $3, $3)", reward, SITE, items
        )
        await tx.execute(
            "insert into reward_receipt (receipt_id, reward_id, site_id, quantity, received_at, received_by) "
            "values ($1, $1, $2, $3, now(), $4)",
            reward,
            SITE,
            items,
            STAFF,
        )


async def ask(
    place: Place, path: str, body: Any, caller: Caller, all_connected: asyncio.Barrier
) -> tuple[int, dict[str, Any], float]:
    """Connect, wait for the others, ask; the seconds are from the asking over the accepted connection to the answer."""
    host, port = place.url.removeprefix("http://").split(":")
    content = orjson.dumps(body)
    lines = [f"POST /api/points/v1{path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in place.headers(caller).items()]
    asking = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
    reader, writer = await asyncio.open_connection(host, int(port))
    await all_connected.wait()
    began = time.perf_counter()
    writer.write(asking)
    answer = await reader.read()
    seconds = time.perf_counter() - began
    writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), orjson.loads(rest), seconds


async def test_a_crowd_wants_ten_and_all_are_answered_in_one_way(
    stage: Stage, settings_for: SettingsFactory, drill: Drill
) -> None:
    rounds, crowd = drill.size(full=5, part=1), drill.size(full=WANT, part=WANT // 4)
    people = await rich(stage, crowd)
    slowest, halves, computed = [], [], []
    async with open_place(settings_for) as place:
        for _ in range(rounds):
            reward = new_id()
            await shelve(stage, reward, 1, ITEMS)
            barrier, cpu = asyncio.Barrier(crowd), place.cpu
            answers = await asyncio.gather(
                *(ask(place, "/redemptions", want(reward), volunteer(person), barrier) for person in people)
            )
            assert Counter(status for status, _, _ in answers) == {201: ITEMS, 409: crowd - ITEMS}
            refused = {
                (told["type"].rpartition("/")[2], told["detail"]) for status, told, _ in answers if status == 409
            }
            assert refused == {("reward-sold-out", "This reward is sold out at this site.")}
            seconds = sorted(took for _, _, took in answers)
            slowest.append(seconds[-1])
            computed.append(place.cpu - cpu)
            halves.append(median(seconds))
            await stage.audit()
    drill.done(
        f"{crowd} want {ITEMS} items at once, {len(slowest)} rounds",
        slowest_ms=[round(took * 1000) for took in slowest],
        median_ms=[round(took * 1000) for took in halves],
        cpu_ms=[round(took * 1000) for took in computed],
    )

    if drill.timed:
        assert median(slowest) <= WITHIN, f"slowest answers {slowest} s, load {os.getloadavg()}"


async def test_of_many_captures_and_releases_of_one_hold_one_wins(
    stage: Stage, settings_for: SettingsFactory, drill: Drill
) -> None:
    rounds, rng = drill.size(full=6, part=2), drill.random("hold")
    crowd = drill.size(full=100, part=50)
    [person] = await rich(stage, 1)
    await shelve(stage, REWARD, 1, 100)
    won: Counter[str] = Counter()
    async with open_place(settings_for) as place:
        for number in range(rounds):
            # a capture reads the code first, so that among as many releases it is late
            captures = crowd * (50, 95)[number % 2] // 100
            status, held, _ = await ask(place, "/redemptions", want(REWARD), volunteer(person), asyncio.Barrier(1))
            assert status == 201, held
            path = f"/redemptions/{held['redemption_id']}"
            asked: list[tuple[str, Any, Caller]] = [
                ("capture", {"pickup_code": held["pickup_code"]}, CENTRE)
            ] * captures
            asked += [("release", {"reason": "no longer wanted"}, volunteer(person))] * (crowd - captures)
            rng.shuffle(asked)
            barrier = asyncio.Barrier(len(asked))
            answers = await asyncio.gather(
                *(ask(place, f"{path}/{what}", body, caller, barrier) for what, body, caller in asked)
            )
            winners = [what for (what, _, _), (status, _, _) in zip(asked, answers, strict=True) if status == 200]
            assert len(winners) == 1, f"{len(winners)} of {len(asked)} won"
            won[winners[0]] += 1
            end = {"capture": "captured", "release": "released"}[winners[0]]
            for status, told, _ in answers:
                if status != 200:
                    assert status == 409, told
                    assert told["type"].endswith("redemption-not-open"), told
                    assert (told["redemption_status"], len(told["detail"]) > 20) == (end, True)
            await stage.audit()
    drill.done(f"{crowd} captures and releases of one hold, {rounds} rounds", **won)


@dataclass
class Traffic:
    """Attendance in batches from two workers, holds that are captured or given back, and timers, all at once."""

    stage: Stage
    policy: Policy
    databases: Sequence[Database]
    batches: int
    size: int

    async def rate(self, people: Sequence[UUID], rng: Random) -> float:
        """Records and acts per second when they are about these people."""
        streams = [IngestStream(database, self.policy) for database in self.databases]
        queue = [
            [served(rng.choice(people), rng.randrange(250), rng.choice([15, 60, 120])) for _ in range(self.size)]
            for _ in range(self.batches)
        ]
        number = sum(map(len, queue))
        ended, acts = asyncio.Event(), 0

        async def consume(stream: IngestStream) -> None:
            while queue:
                await stream.handle(queue.pop())

        async def spend(database: Database) -> int:
            done = 0
            while not ended.is_set():
                person, hold_id = rng.choice(people), new_id()
                try:
                    async with database.transaction() as tx:
                        ends = NOW + timedelta(days=1)
                        await ledger.hold(tx, person, 1, hold_id, hold_id=hold_id, expires_at=ends)
                    async with database.transaction() as tx:
                        await (ledger.capture if rng.random() < 0.5 else ledger.void)(tx, hold_id, new_id())
                    done += 2
                except Conflict:
                    done += 1
                await ledger.expire_points(database)
            return done

        began = time.perf_counter()
        spending = [asyncio.create_task(spend(database)) for database in self.databases]
        try:
            await asyncio.gather(*(consume(stream) for stream in streams))
        finally:
            ended.set()
            acts = sum(await asyncio.gather(*spending))
        return (number + acts) / (time.perf_counter() - began)


async def test_all_traffic_on_one_volunteer_makes_no_deadlock(
    stage: Stage, database_factory: Any, drill: Drill
) -> None:
    rounds, rng = drill.size(full=5, part=1), drill.random("one")
    people = await rich(stage, drill.size(full=400, part=2))
    databases = [await database_factory("points") for _ in range(2)]
    policy = await policy_of(stage.database)
    traffic = Traffic(
        stage, policy, databases, batches=drill.size(full=12, part=4), size=drill.size(full=500, part=250)
    )
    before = await deadlocks(stage)
    ratios, one, many = [], [], []
    for number in range(rounds):
        many.append(await traffic.rate(people[1:], rng) if drill.full else 1.0)  # to compare with, judged in full
        one.append(await traffic.rate([people[0]] if number == 0 else [new_person(people, number)], rng))
        ratios.append(one[-1] / many[-1])
    assert await deadlocks(stage) == before
    await stage.audit(settled=False)
    drill.done(
        f"all traffic on one volunteer, {rounds} rounds",
        deadlocks=0,
        one_per_s=[round(rate) for rate in one],
        many_per_s=[round(rate) for rate in many],
        ratio=f"{median(ratios):.2f}",
    )
    if drill.timed:
        assert median(ratios) >= 0.5, f"ratios {ratios}"


def new_person(people: Sequence[UUID], number: int) -> UUID:
    """Another one in each round, so that rounds are alike."""
    return people[number]


async def deadlocks(stage: Stage) -> int:
    """How many PostgreSQL has broken in this database."""
    await stage.superuser.execute("select pg_stat_force_next_flush()")
    return int(
        await stage.superuser.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    )
