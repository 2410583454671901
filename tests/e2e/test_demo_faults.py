"""Every process is killed in the middle of the demo: it is started again, and everybody ends with the same points.

Two runs of the same plan on stacks of their own: one undisturbed, one in which each process in turn is killed with
SIGKILL while work is under way.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from dev.demo.main import Played, play
from dev.demo.plan import Activity, Plan, Scale, make_plan
from dev.demo.settled import Settling
from dev.stack.layout import PROCESSES
from dev.stack.supervisor import Stack
from ops.audit.main import audit
from ops.audit.model import Report
from tests.support.stacks import stack_options

pytestmark = [pytest.mark.broker, pytest.mark.slow]

TINY = Scale(
    first=date(2026, 1, 3),
    last=date(2026, 1, 21),
    activities=90,
    imported=60,
    registered=30,
    scanned=45,
    uploaded=110,
    participants=60,
    prologue=16,
    finale=6,
    redemption_every=5,
)
SMALLEST = replace(
    TINY,
    last=date(2026, 1, 7),
    activities=32,
    registered=16,
    scanned=20,
    uploaded=40,
    participants=40,
    finale=4,
    redemption_every=3,
)
SEED = 7
RECRUITED, POSTED, TOLD = "recruitment.outbox", "points.outbox", "notify.messages"


@dataclass(frozen=True, slots=True)
class Kill:
    """On a day of the plan, as soon as ``table`` has ``grown`` by so many rows since the day began."""

    process: str
    day: int
    table: str
    grown: int


def tiny_plan() -> Plan:
    """The seed's plan, in which on top of all else some forget to check out and some uploads come days late."""
    plan = make_plan(SEED, TINY)
    return replace(plan, activities=tuple(_spoilt(activity) for activity in plan.activities))


def _spoilt(activity: Activity) -> Activity:
    if activity.starts_at.day > 13 or activity.index % 4 != 3:
        return activity
    first = activity.visits[:1]
    first = tuple(
        replace(visit, forgets=True) if activity.way == "scanned" else replace(visit, late_days=2) for visit in first
    )
    return replace(activity, visits=first + activity.visits[1:])


def kills_of(plan: Plan) -> list[Kill]:
    """A day for each process, and for some of them the day on which there is most to do for them."""
    mail = next(person.day for person in plan.people if person.email)
    assert mail is not None
    rewards = TINY.redemption_every - 1
    kills = [
        Kill("points-api", rewards, "points.redemption", 1),
        Kill("points-worker", 2 * TINY.redemption_every - 1, "points.redemption", 1),
        Kill("notify-api", (mail - TINY.first).days, RECRUITED, 0),
    ]
    days = sorted({*range(1, len(plan.days))} - {kill.day for kill in kills})
    others = [
        ("recruitment-api", RECRUITED, 3),
        ("recruitment-worker", RECRUITED, 2),
        ("recruitment-relay", RECRUITED, 3),
        ("points-teams", RECRUITED, 2),
        ("operations-api", RECRUITED, 3),
        ("operations-worker", RECRUITED, 2),
        ("operations-relay", RECRUITED, 2),
        ("operations-agents", RECRUITED, 2),
        ("points-relay", POSTED, 1),
        ("notify-worker", TOLD, 1),
        ("notify-relay", TOLD, 1),
        ("web-api", RECRUITED, 3),
        ("broker", RECRUITED, 3),
        ("postgres", RECRUITED, 3),
    ]
    return kills + [Kill(name, day, table, grown) for (name, table, grown), day in zip(others, days, strict=False)]


@dataclass
class Killer:
    """Kills as planned, each after the one before was made good."""

    stack: Stack
    kills: Sequence[Kill]
    done: list[Kill] = field(default_factory=list)
    _under_way: list[asyncio.Task[None]] = field(default_factory=list)

    async def at_day(self, number: int) -> None:
        """Called before each day: wait for what was killed on an earlier one, then lie in wait for the next."""
        await self.end()
        for kill in self.kills:
            if kill.day == number:
                conn: Any = await asyncpg.connect(self.stack.dsn("auditor"))
                enough = await self._rows(conn, kill) + kill.grown
                self._under_way.append(asyncio.create_task(self._carry_out(kill, conn, enough)))

    async def end(self) -> None:
        """Wait until everything runs again.

        Raises:
            StackError: it does not.
            TimeoutError: a day did not bring what was waited for.
        """
        for task in self._under_way:
            await asyncio.wait_for(task, 300)
        self._under_way.clear()

    async def give_up(self) -> None:
        """Leave off, whatever is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _carry_out(self, kill: Kill, conn: Any, enough: int) -> None:
        while await self._rows(conn, kill) < enough:
            await asyncio.sleep(0.002)
        pid = self.stack.kill(kill.process)
        conn.terminate()
        await self.stack.wait_restarted(kill.process, pid)
        assert self.stack.restarts(kill.process) >= 1
        self.done.append(kill)

    async def _rows(self, conn: Any, kill: Kill) -> int:
        return int(await conn.fetchval(f"select count(*) from {kill.table}"))


@dataclass(frozen=True)
class Ending:
    """What is left when the district's days are over, by the plan's own numbers of people."""

    people: dict[int, dict[str, Any]]
    redeemed: dict[str, int]
    told: tuple[int, int, int, int]
    proof: Report
    answers: Counter[int]


async def run(var: Path, plan: Plan, kills: Sequence[Kill] = ()) -> Ending:
    """Play the plan on a stack of its own, and kill."""
    async with Stack(stack_options(var)) as stack:
        killer = Killer(stack, kills)
        try:
            played = await play(stack, plan, at_day=killer.at_day)
            await killer.end()
        finally:
            await killer.give_up()
        assert killer.done == sorted(kills, key=lambda kill: kill.day)
        return await _ending(stack, played)


async def _ending(stack: Stack, played: Played) -> Ending:
    assert played.minted.refuted, played.minted.as_json()
    settling = Settling(stack.dsn("auditor"))
    found = {str(person.pop("volunteer_id")): person for person in await settling.people()}
    await settling.close()
    chronicle, volunteers = played.chronicle, played.district.volunteers
    return Ending(
        {index: found[volunteer] for index, volunteer in sorted(volunteers.items()) if volunteer in found},
        dict(chronicle.redeemed),
        (chronicle.check_outs, chronicle.duplicates, chronicle.corrected, chronicle.voided),
        await audit(stack.dsn("auditor"), settled=True),
        played.district.client.answers,
    )


@pytest.mark.kafka
async def test_a_small_district_loses_nothing_to_kills(tmp_path: Path) -> None:
    plan = make_plan(SEED, SMALLEST)
    kills = [Kill(name, day, RECRUITED, 2) for day, name in enumerate(("postgres", "broker"), start=1)]
    ending = await run(tmp_path / "small", plan, kills)
    assert ending.proof.ok, ending.proof.as_json()
    assert len(ending.people) > 20
    assert ending.redeemed["captured"] > 0
    assert 500 not in ending.answers, "what is away is said to be away, not broken"


def test_the_plan_has_everything_in_it_and_kills_everything() -> None:
    plan = tiny_plan()
    visits = [visit for activity in plan.activities for visit in activity.visits]
    assert sum(visit.forgets for visit in visits) >= 3
    assert sum(visit.late_days > 0 for visit in visits) >= 3
    kills = kills_of(plan)
    assert {kill.process for kill in kills} == {spec.name for spec in PROCESSES} | {"broker", "postgres"}
    assert len({kill.day for kill in kills}) == len(kills)


@pytest.mark.deep
async def test_whatever_is_killed_everybody_ends_with_the_same_points(tmp_path: Path) -> None:
    plan = tiny_plan()
    undisturbed = await run(tmp_path / "undisturbed", plan)
    assert undisturbed.proof.ok, undisturbed.proof.as_json()
    assert sum(person["expired"] for person in undisturbed.people.values()) > 0
    assert sum(person["spent"] for person in undisturbed.people.values()) > 0
    assert all(undisturbed.told)
    refused = {status: times for status, times in undisturbed.answers.items() if not 200 <= status < 300}
    assert refused == {409: 1}, "who lacks the training that an activity asks for"

    disturbed = await run(tmp_path / "disturbed", plan, kills_of(plan))
    assert disturbed.proof.ok, disturbed.proof.as_json()
    assert disturbed.people == undisturbed.people
    assert (disturbed.redeemed, disturbed.told) == (undisturbed.redeemed, undisturbed.told)
    assert 500 not in disturbed.answers, "what is away is said to be away, not broken"
