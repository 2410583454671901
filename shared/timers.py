"""Timers: work that a process does again and again beside its consumers."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.errors import TransientError
from shared.waiting import wait_for_event

__all__ = ["run_timer"]

_log = structlog.get_logger(__name__)


async def run_timer(
    name: str, work: Callable[[], Awaitable[int]], seconds: float, stop: asyncio.Event, *, after: float = 0.0
) -> None:
    """Do ``work`` until it finds nothing to do, then again after a while, until ``stop`` is set.

    ``work`` returns how much it did. It begins ``after`` so many seconds. Trouble with the database is waited out.
    """
    await wait_for_event(stop, after)
    while not stop.is_set():
        done = 0
        try:
            while not stop.is_set() and (found := await work()):
                done += found
        except TransientError as error:
            _log.warning("timer.waits", timer=name, reason=str(error))
        if done:
            _log.info("timer.worked", timer=name, rows=done)
        await wait_for_event(stop, seconds)
