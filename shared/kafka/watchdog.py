"""A watchdog, not hope: a consumer that has work and makes no progress ends its process, and is started again.

aiokafka consumers were seen stuck for good after a rejoin (aiokafka #1154, #847).
"""

import time
from collections.abc import Callable

from shared.errors import WeiguangError

__all__ = ["EXIT_CODE", "Watchdog", "WatchdogExpired"]

EXIT_CODE = 70


class WatchdogExpired(WeiguangError):
    """There was lag and no progress for too long; the process must end with ``EXIT_CODE``."""

    exit_code = EXIT_CODE


class Watchdog:
    """Remembers the last sign of progress.

    Args:
        patience: seconds of lag without progress that are too many.
        clock: monotonic seconds.
    """

    def __init__(self, patience: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.patience = patience
        self._clock = clock
        self._since = clock()

    def progress(self) -> None:
        """Something was applied, or there is nothing to apply."""
        self._since = self._clock()

    def worries(self, lag: int) -> bool:
        """Whether something has waited for longer than half of the patience lasts."""
        return lag > 0 and self._clock() - self._since > self.patience / 2

    def check(self, lag: int) -> None:
        """Measure how much waits.

        Raises:
            WatchdogExpired: something has waited for longer than the patience lasts.
        """
        if lag <= 0:
            self.progress()
            return
        stuck = self._clock() - self._since
        if stuck > self.patience:
            raise WatchdogExpired(f"{lag} records wait and none was applied for {stuck:.0f} s")
