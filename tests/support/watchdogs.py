"""Watchdogs that suspect soon and give up late: a busy machine is no reason to end a consumer."""

from shared.kafka.consumer import BatchConsumer
from shared.kafka.watchdog import Watchdog
from tests.support.waiting import WAIT_LIMIT

__all__ = ["suspect_soon"]

_SUSPECTED_AFTER = 3.0
"""Seconds without progress, which records that the client cannot read are met with; in production 15."""


class _Patient(Watchdog):
    """Worries soon, and waits as long as a test does before it ends anything."""

    def worries(self, lag: int) -> bool:
        return lag > 0 and self._clock() - self._since > _SUSPECTED_AFTER


def suspect_soon(consumer: BatchConsumer) -> None:
    """Have a consumer read by hand after seconds what it makes no progress with, and never end for want of progress."""
    consumer._watchdogs = [_Patient(WAIT_LIMIT) for _ in consumer._watchdogs]
