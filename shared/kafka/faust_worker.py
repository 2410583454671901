"""The worker that runs faust's processes: its stop has a time limit."""

import asyncio

import faust

from shared.http.process import force_exit_after, freeze_startup_objects

__all__ = ["STOP_SECONDS", "Worker"]

STOP_SECONDS = 3.0
"""How long a stop may take, whatever faust or the broker still waits for (a group being joined). Nothing is lost
there: what counts is in a transaction, the rest is rebuilt."""


class Worker(faust.Worker):
    """Its stop has a time limit, which faust's own has not: it ends within `STOP_SECONDS` of what ends it."""

    async def on_first_start(self) -> None:
        freeze_startup_objects(asyncio.get_running_loop())
        await super().on_first_start()

    async def stop(self) -> None:
        """Stop in order, and in time."""
        force_exit_after(STOP_SECONDS)
        await super().stop()
