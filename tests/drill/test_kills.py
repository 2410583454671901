"""`kill -9` at each named point, at a passing that chance chooses: the audit is clean after each, and in the end all
have what they have in a run without kills.
"""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import aiohttp

from dev.stack.broker import Broker
from dev.stack.processes import ChildProcess, free_port
from services.points.activations.domain import ActivationStatus
from shared.auth.tokens import Caller, Role, mint
from shared.ids import new_id
from tests.drill.conftest import Drill
from tests.drill.lanes import NOW, Flow, Lane, lane
from tests.integration.points.activating import Stage as Coming
from tests.reference.rules import SHIPPED, ZONE
from tests.support import doomed
from tests.support.databases import ROOT, PostgresServer
from tests.support.rewards_places import REWARD, SITE, STAFF
from tests.support.roles import ready, role
from tests.support.waiting import WAIT_LIMIT, eventually

POINTS = (doomed.BEFORE_INSERT, doomed.AFTER_COMMIT, doomed.BEFORE_OFFSETS)
CHUNK = 240
BATCHES = (20, 80, 400)
"""At most so many records in a batch; from 200 on a batch goes in two transactions side by side."""


async def killed(process: ChildProcess, what: str) -> None:
    """It met its fate.

    Raises:
        AssertionError: it lives on, or ended in another way.
    """
    code = await asyncio.wait_for(process.wait(), WAIT_LIMIT)
    assert code == -signal.SIGKILL, f"{what}: ended with {code}"


async def kill_workers(found: Lane, point: str, kills: int, rng: Random) -> None:
    """Feed the flow to worker after worker, each of which is killed at the point; the last one ends it."""
    for number in range(kills):
        batch = rng.choice(BATCHES)
        # Offsets follow at intervals, so that a chunk may be done at the first time.
        at = 1 if point == doomed.BEFORE_OFFSETS else rng.randint(1, max(1, CHUNK // batch))
        assert await found.send(CHUNK) > 0
        async with role(found.settings_for("points", ingest_batch=batch), "worker", point=point, at=at) as process:
            await killed(process, f"{point}, kill {number + 1}, passing {at} in batches of {batch}")
        await found.stage.audit_under_way()
    await found.send(len(found.flow.messages))
    async with role(found.settings, "worker") as process:
        await found.settled()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), WAIT_LIMIT) == 0
    await found.stands()


async def test_killed_workers_lose_nothing_and_count_nothing_twice(
    postgres_server: PostgresServer, broker_server: Broker, tmp_path: Path, drill: Drill
) -> None:
    per_point = drill.size(full=10, part=1)
    flow = Flow.drawn(drill.random("kills"), CHUNK * (per_point + 1))

    async def endings(point: str | None) -> Any:
        async with lane(postgres_server, broker_server, tmp_path / str(point), flow) as found:
            await kill_workers(found, point or "", per_point if point else 0, drill.random(f"kills {point}"))
            return await found.ending()

    undisturbed, *disturbed = await asyncio.gather(endings(None), *(endings(point) for point in POINTS))
    assert all(ending == undisturbed for ending in disturbed)
    drill.done(
        "workers killed " + ", ".join(POINTS),
        per_point * len(POINTS),
        messages=len(flow.messages),
        dead_letters=sum(flow.letters.values()),
        volunteers=len(flow.volunteers),
    )


@dataclass
class Shop:
    """One API process after the other, and customers who ask again when the line goes dead."""

    found: Lane
    people: Sequence[UUID]
    port: int = field(default_factory=free_port)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    replayed: int = 0
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Any:
        return self.found.settings_for("points", http_port=self.port)

    def token(self, person: UUID) -> str:
        caller = Caller(subject=person, roles=frozenset({Role.VOLUNTEER}), volunteer_id=person, name="LD00000001")
        return mint(self.found.settings_for("recruitment"), caller)

    async def redeem(self, client: aiohttp.ClientSession, person: UUID, key: str) -> bool:
        """Whether there was an answer."""
        headers = {"Authorization": f"Bearer {self.token(person)}", "Idempotency-Key": key}
        body = {"reward_id": str(REWARD), "site_id": str(SITE)}
        try:
            async with client.post(f"{self.url}/api/points/v1/redemptions", json=body, headers=headers) as answer:
                told = await answer.json()
                assert answer.status == 201, told
                assert key not in self.answers
                self.answers[key] = told
                self.replayed += "Idempotency-Replayed" in answer.headers
                return True
        except (aiohttp.ClientError, ConnectionError):
            return False

    async def burst(self, client: aiohttp.ClientSession, asked: Sequence[tuple[UUID, str]]) -> list[tuple[UUID, str]]:
        """Ask for all at once; returns those that got no answer."""
        got = await asyncio.gather(*(self.redeem(client, person, key) for person, key in asked))
        return [one for one, answered in zip(asked, got, strict=True) if not answered]

    async def until_killed(self, at: int, lost: list[tuple[UUID, str]], rng: Random) -> list[tuple[UUID, str]]:
        """A process that dies when it is to give its n-th answer to a hold; returns who waits for an answer."""
        async with role(self.settings, "api", point=doomed.AFTER_HOLD, at=at) as process:
            await ready(process, self.url)
            async with aiohttp.ClientSession() as client:
                lost = await self.burst(client, lost)
                while not lost:
                    people = rng.sample(self.people, rng.randint(1, 4))
                    self.asked += len(people)
                    lost = await self.burst(client, [(person, str(new_id())) for person in people])
            await killed(process, f"the API at its {at}th hold")
        return lost


async def stock(found: Lane, items: int) -> None:
    """A reward of one point, and so many of it."""
    sql = (
        "insert into reward (reward_id, name, description, price, hold_days, created_at, created_by) "
        "values ($1, '毛巾', '', 1, 30, now(), $2)",
        "insert into reward_stock (reward_id, site_id, received, free) values ($1, $2, $3, $3)",
        "insert into reward_receipt (receipt_id, reward_id, site_id, quantity, received_at, received_by) "
        "values ($1, $1, $2, $3, now(), $4)",
    )
    async with found.stage.database.transaction() as tx:
        await tx.execute(sql[0], REWARD, STAFF)
        await tx.execute(sql[1], REWARD, SITE, items)
        await tx.execute(sql[2], REWARD, SITE, items, STAFF)


def drawn_with_rich(rng: Random, least: int) -> tuple[Flow, list[str]]:
    """A flow of few volunteers, and six of them with so many points: one without any would be refused."""
    while True:
        flow = Flow.drawn(rng, 400, volunteers=12)
        rich = [one for one in flow.volunteers if flow.model.account(one).available >= least]
        if len(rich) >= 6:
            return flow, rich[:6]


async def test_an_api_killed_between_hold_and_answer_holds_once(
    postgres_server: PostgresServer, broker_server: Broker, tmp_path: Path, drill: Drill
) -> None:
    kills, rng = drill.size(full=10, part=1), drill.random("api")
    flow, rich = drawn_with_rich(rng, 6 * kills)
    items = 1000
    async with lane(postgres_server, broker_server, tmp_path, flow) as found:
        await found.stage.handle(flow.messages)
        await stock(found, items)
        points = {one: flow.model.account(one).available for one in flow.volunteers}
        shop = Shop(found, [UUID(one) for one in rich])
        lost: list[tuple[UUID, str]] = []
        for _ in range(kills):
            lost = await shop.until_killed(rng.randint(1, 5), lost, rng)
            await found.stage.audit_under_way()
        async with role(shop.settings, "api") as process, aiohttp.ClientSession() as client:
            await ready(process, shop.url)
            assert await shop.burst(client, lost) == []
        assert len(shop.answers) == shop.asked
        assert len({answer["redemption_id"] for answer in shop.answers.values()}) == shop.asked
        assert shop.replayed >= kills, "each kill came after a commit and before its answer"
        async with found.stage.database.snapshot() as tx:
            ids = {str(row[0]) for row in await tx.fetch("select redemption_id from redemption where status = 'held'")}
            held, available = await tx.fetchrow("select sum(held), sum(available) from volunteers")  # type: ignore[misc]
            free = await tx.fetchval("select free from reward_stock")
        assert ids == {answer["redemption_id"] for answer in shop.answers.values()}
        assert (held, available) == (shop.asked, sum(points.values()) - shop.asked)
        assert free == items - shop.asked
        await found.stage.audit_under_way()
    drill.done(f"API killed {doomed.AFTER_HOLD}", kills, holds=shop.asked, answers_given_again=shop.replayed)


async def test_an_activation_killed_half_way_is_applied_exactly(
    postgres_server: PostgresServer, broker_server: Broker, tmp_path: Path, drill: Drill
) -> None:
    kills, rng = drill.size(full=10, part=1), drill.random("activation")
    flow = Flow.drawn(rng, 400, volunteers=60)
    today = NOW.astimezone(ZONE).date()
    async with lane(postgres_server, broker_server, tmp_path, flow) as found:
        await found.stage.handle(flow.messages)
        coming = Coming(found.stage.database, found.stage.stream.policy, flow.model)
        better = SHIPPED["earning"] | {"points_per_hour": 17}
        rule = await coming.draft(SHIPPED | {"effective_from": date(2020, 1, 1), "earning": better})
        await coming.propose(rule, await coming.rehearse(rule, map(UUID, flow.volunteers)))
        await coming.approve(rule)
        settings = found.settings_for("points", activation_batch=2)
        moved: list[int] = []
        for number in range(kills):
            at = rng.randint(1, 2)
            async with role(settings, "worker", point=doomed.ACTIVATIONS, at=at) as process:
                await killed(process, f"{doomed.ACTIVATIONS}, kill {number + 1}, batch {at}")
            await found.stage.audit_under_way()
            moved.append((await coming.activation()).volunteers_moved)
        assert moved == sorted(moved)
        assert moved[-1] < len(flow.volunteers), "every kill came half-way"
        async with role(settings, "worker"):
            await eventually(lambda: applied(coming), what="the activation to be applied")
        for volunteer in flow.volunteers:
            flow.model.move(volunteer, today)
        await found.stage.compare(flow.model, flow.volunteers)
        await found.stage.audit_under_way()
        ended = await coming.activation()
    assert (ended.volunteers_moved, ended.late, ended.problem) == (len(flow.model.accounts), 0, None)
    assert ended.actual_total == ended.predicted_total > 0
    drill.done(
        f"workers killed {doomed.ACTIVATIONS}", kills, moved_at_each_kill=moved, points_posted=ended.actual_total
    )


async def applied(coming: Coming) -> bool:
    return (await coming.activation()).status is ActivationStatus.APPLIED


def test_every_point_is_passed_in_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    names = {value: name for name, value in vars(doomed).items() if name.isupper() and isinstance(value, str)}
    assert [point for point in doomed.POINTS if f"doomed.{names[point]}" not in tests] == []
