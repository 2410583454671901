"""The row of this process: since when it runs, and that it still does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from shared.errors import TransientError
from shared.ids import new_id
from shared.postgres import Database, load_queries

__all__ = ["HEARTBEAT_SECONDS", "ROLE", "ProcessRole", "heartbeat"]

_SQL = load_queries(__file__)
_log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10.0


@dataclass(slots=True)
class ProcessRole:
    """The role that the command line gave this process; empty in a process that is no service's."""

    name: str = ""


ROLE = ProcessRole()
"""Set once, before the role begins."""


@asynccontextmanager
async def heartbeat(
    db: Database, *, role: str | None = None, crashed: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """Keep the process's row while the block runs, and delete it at an orderly end.

    A block that raises leaves the row, and so does one after which ``crashed`` is true: the process counts as crashed.
    Trouble with the database is waited out.
    """
    name = ROLE.name if role is None else role
    if not name:
        yield
        return
    start_id = new_id()

    async def beat() -> None:
        async with db.transaction() as tx:
            await tx.execute(_SQL["beat"], start_id, name)

    async def run() -> None:
        while True:
            try:
                await beat()
            except TransientError as error:
                _log.warning("heartbeat.postponed", role=name, reason=str(error))
            await asyncio.sleep(HEARTBEAT_SECONDS)

    # The first one is awaited, so that a process that crashes at once has left its row.
    with suppress(TransientError):
        await beat()
        async with db.transaction() as tx:
            await tx.execute(_SQL["forget_lives"])
    task = asyncio.create_task(run(), name="heartbeat")
    try:
        yield
    except BaseException:
        await _end(task)
        raise
    await _end(task)
    if crashed():
        return
    with suppress(TransientError):
        async with db.transaction() as tx:
            await tx.execute(_SQL["end"], start_id)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
