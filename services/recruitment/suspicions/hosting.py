"""The consumer of confirmed cases, for the process that hosts it; it waits for a broker that is away."""

import asyncio

import structlog

from services.recruitment.settings import RecruitmentSettings
from services.recruitment.suspicions.stream import GROUP, TOPICS, SuspicionStream
from shared.errors import TransientError
from shared.kafka.consumer import BatchConsumer
from shared.operators.control import DatabaseControl
from shared.postgres import Database
from shared.waiting import wait_for_event

__all__ = ["consume_cases"]

BATCH, FETCH_BYTES = 50, 65_536
FETCH_WAIT_MS, GATHER_MS = 500, 1000
AWAY_SECONDS = 5.0
_log = structlog.get_logger(__name__)


async def consume_cases(settings: RecruitmentSettings, db: Database, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; timers beside it do not end with a broker that is away."""
    stream = SuspicionStream(db)
    while not stop.is_set():
        consumer = BatchConsumer(
            settings,
            topics=TOPICS,
            group=GROUP,
            handle=stream.handle,
            dead_letter=stream.dead_letter,
            max_records=BATCH,
            fetch_wait_ms=FETCH_WAIT_MS,
            fetch_bytes=FETCH_BYTES,
            gather_ms=GATHER_MS,
            control=DatabaseControl(db, GROUP),
        )
        try:
            await consumer.run(stop)
        except TransientError as error:
            _log.warning("cases.waiting", reason=str(error))
            await wait_for_event(stop, AWAY_SECONDS)
