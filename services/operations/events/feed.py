"""The events as they arrive, for streams: one LISTEN per process, recent rows in memory, the rest from the index.

A stream stands at a row number. Rows commit in the order of their numbers, so what follows a number is complete. A
stream that is too far behind is sent a mark of the gap, with the numbers between which it lies, and goes on behind it.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from services.operations.events import store
from services.operations.events.domain import EventFilter, IndexRow
from shared.errors import TransientError
from shared.postgres import TRANSIENT, Database
from shared.postgres.listening import listening
from shared.waiting import wait_for_event

__all__ = ["CATCH_UP", "EventFeed", "Gap"]

CHANNEL = "operations_events"
KEPT, KEPT_BYTES = 2_000, 8_388_608
PAGE = 500
CATCH_UP = 10_000
"""Rows that a stream catches up with by itself; of more it gets the newest, behind a mark of the gap."""
HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 5.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows that a stream does not send: behind ``after``, before ``before``."""

    after: int
    before: int


class EventFeed:
    """Follows the index while a stream is open.

    Args:
        limit: streams at once.
        seconds: a stream ends after so long; its reader resumes it behind the last row.
    """

    def __init__(self, db: Database, limit: int, seconds: float) -> None:
        self._db = db
        self._limit = limit
        self._seconds = seconds
        self._recent: deque[IndexRow] = deque()
        self._recent_bytes = 0
        self._covered_from = 0
        self._last: int | None = None
        self._streams: set[asyncio.Event] = set()
        self._woken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether as many streams are open as are allowed."""
        return len(self._streams) >= self._limit

    async def stream(
        self, wanted: EventFilter, after: int | None
    ) -> AsyncGenerator[tuple[int, list[IndexRow | Gap]], None]:
        """Yield the rows behind a number, or behind the newest if None: the number reached, and the rows selected.

        An empty list is a heartbeat.
        """
        deadline = time.monotonic() + self._seconds
        with self._watch() as changed:
            async with self._db.snapshot() as tx:
                newest = await store.newest_number(tx)
            if after is not None and after > newest:  # a number of another index
                yield newest, [Gap(0, newest + 1)]
                after = newest
            after = newest if after is None else after
            yield after, []
            while (left := deadline - time.monotonic()) > 0:
                changed.clear()
                found = await self._after(after)
                if not found:
                    if not await wait_for_event(changed, min(HEARTBEAT_SECONDS, left)):
                        yield after, []
                    continue
                after = found[-1].before - 1 if isinstance(found[-1], Gap) else found[-1].number
                if chosen := [one for one in found if isinstance(one, Gap) or wanted.matches(one)]:
                    yield after, chosen

    async def _after(self, number: int) -> list[IndexRow | Gap]:
        """The next rows behind a number, from memory where it holds all of them."""
        if self._last is not None and self._covered_from <= number:
            return [one for one in self._recent if one.number > number]
        async with self._db.snapshot() as tx:
            rows, first = await store.waiting(tx, number, CATCH_UP + 1)
            if rows > CATCH_UP and first is not None:
                return [Gap(number, first + 1)]
            oldest = await store.oldest_number(tx) if number else 0
            found: list[IndexRow | Gap] = list(await store.following(tx, number, PAGE))
        return [Gap(number, oldest), *found] if 0 < number < oldest - 1 and found else found

    @contextmanager
    def _watch(self) -> Iterator[asyncio.Event]:
        changed = asyncio.Event()
        self._streams.add(changed)
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="event-feed")
        try:
            yield changed
        finally:
            self._streams.discard(changed)
            if not self._streams and self._following is not None:
                self._following.cancel()
                self._following = None
                self._forget()

    def _forget(self) -> None:
        self._recent.clear()
        self._recent_bytes, self._last = 0, None

    async def _follow(self) -> None:
        """Listen and read for as long as there are streams; trouble with the database is waited out."""
        while True:
            try:
                async with listening(self._db, CHANNEL, self._woken.set) as alive:
                    while alive():
                        self._woken.clear()
                        await self._read()
                        await wait_for_event(self._woken, POLL_SECONDS)
            except (TransientError, *TRANSIENT) as error:
                _log.warning("feed.interrupted", error=str(error))
                self._forget()  # streams read the index themselves, and say that it is away
                await asyncio.sleep(1.0)

    async def _read(self) -> None:
        """Read what is new, and wake the streams."""
        while True:
            async with self._db.snapshot() as tx:
                if self._last is None:
                    self._last = self._covered_from = await store.newest_number(tx)
                found = await store.following(tx, self._last, PAGE)
            for event in found:
                self._recent.append(event)
                self._recent_bytes += event.size
                self._last = event.number
            while self._recent and (len(self._recent) > KEPT or self._recent_bytes > KEPT_BYTES):
                dropped = self._recent.popleft()
                self._recent_bytes -= dropped.size
                self._covered_from = dropped.number
            for changed in self._streams:
                changed.set()
            if len(found) < PAGE:
                return
