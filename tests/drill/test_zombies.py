"""Two workers on one partition: one is stopped with a batch in its hands, the group gives the partition to the other,
and then the first goes on as if nothing had happened.
"""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from dev.stack.broker import Broker
from dev.stack.processes import ChildProcess
from tests.drill.conftest import Drill
from tests.drill.lanes import Flow, Lane, lane
from tests.support import doomed
from tests.support.databases import PostgresServer
from tests.support.roles import role
from tests.support.waiting import WAIT_LIMIT, eventually

pytestmark = pytest.mark.broker
BATCH, PART = 40, 240


async def stopped(process: ChildProcess) -> None:
    """Wait until it stands still."""

    def state() -> bool:
        assert process.returncode is None, f"the worker ended with {process.returncode}"
        return bool(psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)

    await eventually(state, every=0.05, what="the worker to stop")


async def applied(found: Lane) -> int:
    async with found.stage.database.snapshot() as tx:
        return int(await tx.fetchval("select count(*) from records") or 0)


async def waits_for_the_zombie(found: Lane) -> bool:
    """Whether some other worker waits for a lock that the stopped one holds."""
    waiting = await found.stage.superuser.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    return bool(waiting)


async def play(found: Lane, point: str, at: int) -> None:
    """The zombie, its heir, and what is sent before, between and after."""
    settings = found.settings_for("points", ingest_batch=BATCH)
    async with role(settings, "worker", point=point, at=at) as zombie:
        await found.send(PART)
        await stopped(zombie)
        before = await applied(found)
        async with role(settings, "worker") as heir:
            await found.send(PART)
            if point == doomed.STOPS_INSIDE:
                # Its transaction is open and holds the locks: the heir has the partition and must wait.
                await eventually(lambda: waits_for_the_zombie(found), what="the heir to wait for the zombie")
            else:
                await eventually(lambda: _more(found, before), what="the heir to go on with the partition")
            assert psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED
            os.kill(zombie.pid, signal.SIGCONT)
            await found.send(len(found.flow.messages))
            await found.settled()
            for process in (zombie, heir):
                if process.returncode is None:
                    process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(asyncio.gather(zombie.wait(), heir.wait()), WAIT_LIMIT)
    await found.stands()


async def _more(found: Lane, before: int) -> bool:
    """Beyond what the zombie holds: the heir has come to what was sent after it stopped."""
    async with found.stage.database.snapshot() as tx:
        seen = await tx.fetchval("select (select count(*) from records) + (select count(*) from superseded_revisions)")
    sent = {(one.record_id, one.revision) for one in found.flow.revisions_of(found.sent)}
    return bool(seen == len(sent)) and before < len(sent)


async def test_a_zombie_overwrites_nothing_and_counts_nothing_twice(
    postgres_server: PostgresServer, broker_server: Broker, tmp_path: Path, drill: Drill
) -> None:
    rounds, rng = drill.size(full=3, part=1), drill.random("zombies")
    plays = [(point, rng.randint(1, 4)) for point in (doomed.STOPS_OUTSIDE, doomed.STOPS_INSIDE) for _ in range(rounds)]
    flow = Flow.drawn(rng, 3 * PART, volunteers=12)

    async def one(number: int, point: str, at: int) -> list[tuple[object, ...]]:
        async with lane(postgres_server, broker_server, tmp_path / str(number), flow, partitions=1) as found:
            await play(found, point, at)
            return await found.ending()

    endings = await asyncio.gather(*(one(number, *what) for number, what in enumerate(plays)))
    assert all(ending == endings[0] for ending in endings)
    drill.done("zombies resumed", zombies=len(plays), passings=[at for _, at in plays], messages=len(flow.messages))
