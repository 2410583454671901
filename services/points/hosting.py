"""The shared host of faust's processes: a worker whose stop has a time limit, and timers."""

import asyncio
from collections.abc import Awaitable, Callable

import faust
import structlog

from shared.errors import TransientError
from shared.http.process import force_exit_after, freeze_startup_objects
from shared.waiting import wait_for_event

__all__ = ["STOP_SECONDS", "Worker", "run_timer"]

_log = structlog.get_logger(__name__)

STOP_SECONDS = 3.0
"""How long a stop may take, whatever faust or the broker still waits for (a group being joined). Nothing is lost
there: what counts is in a transaction, the rest is rebuilt."""


async def run_timer(
    name: str, work: Callable[[], Awaitable[int]], seconds: float, stop: asyncio.Event, *, after: float = 0.0
) -> None:
    """Do ``work`` until it finds nothing to do, then again after a while, until ``stop`` is set.

    It begins ``after`` so many seconds. Trouble with the database is waited out.
    """
    await wait_for_event(stop, after)
    while not stop.is_set():
        try:
            while await work() and not stop.is_set():
                pass
        except TransientError as error:
            _log.warning("timer.waits", timer=name, reason=str(error))
        await wait_for_event(stop, seconds)


class Worker(faust.Worker):
    """Its stop has a time limit, which faust's own has not: it ends within `STOP_SECONDS` of what ends it."""

    async def on_first_start(self) -> None:
        freeze_startup_objects(asyncio.get_running_loop())
        await super().on_first_start()

    async def stop(self) -> None:
        """Stop in order, and in time."""
        force_exit_after(STOP_SECONDS)
        await super().stop()
