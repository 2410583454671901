"""The consumers that share a process: small in memory and in no hurry."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from services.points.settings import PointsSettings
from shared.kafka.consumer import BatchConsumer
from shared.kafka.messages import Message
from shared.operators.control import DatabaseControl
from shared.postgres import Database

__all__ = ["HostedStream", "hosted_consumer"]


class HostedStream(Protocol):
    """Applies batches, and keeps what can never be applied."""

    def handle(self, messages: Sequence[Message]) -> Awaitable[None]: ...

    def dead_letter(self, message: Message, error: Exception) -> Awaitable[None]: ...


def hosted_consumer(
    settings: PointsSettings,
    db: Database,
    stream: HostedStream,
    *,
    topics: Sequence[str],
    group: str,
    batch: int,
    fetch_bytes: int,
    fetch_wait_ms: int,
    gather_ms: int,
) -> BatchConsumer:
    """A consumer under the watchdog of the settings, which operators pause and reset by rows."""
    return BatchConsumer(
        settings,
        topics=topics,
        group=group,
        handle=stream.handle,
        dead_letter=stream.dead_letter,
        max_records=batch,
        fetch_wait_ms=fetch_wait_ms,
        fetch_bytes=fetch_bytes,
        gather_ms=gather_ms,
        patience=settings.watchdog_seconds,
        control=DatabaseControl(db, group),
    )
