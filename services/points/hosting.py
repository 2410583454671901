"""The faust worker of both processes that faust runs: its stop has a time limit, which faust's own has not."""

import faust

from shared.http.process import end_for_certain

__all__ = ["STOP_SECONDS", "Worker"]

STOP_SECONDS = 3.0
"""How long a stop may take, whatever faust or the broker still waits for (a group being joined). Nothing is lost
there: what counts is in a transaction, the rest is rebuilt."""


class Worker(faust.Worker):
    """Ends within `STOP_SECONDS` of the signal, or of the failure, that ends it."""

    async def stop(self) -> None:
        """Stop in order, and in time."""
        end_for_certain(STOP_SECONDS)
        await super().stop()
