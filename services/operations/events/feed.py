"""The events as they arrive, for streams: one LISTEN per process, recent rows in memory, the rest from the index.

A stream stands at a row number. Rows commit in the order of their numbers, so what follows a number is complete. A
stream that is too far behind is sent a mark of the gap, with the numbers between which it lies, and goes on behind it.
A row becomes bytes once for all streams, and streams that select the same share those of what has just arrived.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

import structlog

from services.operations.events import store
from services.operations.events.domain import EventFilter, IndexRow
from services.operations.events.output import dumped, summary_of
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


@dataclass(slots=True)
class _Framed:
    """A row with its bytes on a stream, made when the first stream wants them."""

    row: IndexRow
    bytes_: bytes | None = None

    def frame(self) -> bytes:
        if self.bytes_ is None:
            data = dumped(summary_of(self.row))
            self.bytes_ = b"id: %d\nevent: event\ndata: %b\n\n" % (self.row.number, data)
        return self.bytes_


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
        self._recent: deque[_Framed] = deque()
        self._recent_bytes = 0
        self._covered_from = 0
        self._last: int | None = None
        self._arrived_behind: int | None = None
        self._shared: dict[EventFilter, bytes] = {}
        self._streams: set[asyncio.Event] = set()
        self._woken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether as many streams are open as are allowed."""
        return len(self._streams) >= self._limit

    async def stream(
        self, wanted: EventFilter, after: int | None, *, beats: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield server-sent events: the rows behind a number that are selected, or behind the newest if None.

        An id alone is a heartbeat, and moves a reader behind rows that are not for it; with ``beats`` it is an event,
        because scripts see no other.
        """
        deadline = time.monotonic() + self._seconds
        with self._watch() as changed:
            async with self._db.snapshot() as tx:
                newest = await store.newest_number(tx)
            if after is not None and after > newest:  # a number of another index
                yield _gap(Gap(0, newest + 1))
                after = newest
            after = newest if after is None else after
            yield _at(after)
            beat = time.monotonic() + HEARTBEAT_SECONDS
            while (now := time.monotonic()) < deadline:
                changed.clear()
                reached, chunk = await self._after(after, wanted)
                if reached == after:
                    await wait_for_event(changed, max(0.0, min(beat, deadline) - now))
                after = reached
                if not chunk and time.monotonic() >= beat:  # also where all that arrives is for others
                    chunk = _beat(after) if beats else _at(after)
                if chunk:
                    beat = time.monotonic() + HEARTBEAT_SECONDS
                    yield chunk

    async def _after(self, number: int, wanted: EventFilter) -> tuple[int, bytes]:
        """The next number, and the bytes of the rows up to it, from memory where it holds all of them."""
        if self._last is not None and self._covered_from <= number:
            return max(number, self._last), self._from_memory(number, wanted)
        async with self._db.snapshot() as tx:
            rows, first = await store.waiting(tx, number, CATCH_UP + 1)
            if rows > CATCH_UP and first is not None:
                return first, _gap(Gap(number, first + 1))
            oldest = await store.oldest_number(tx) if number else 0
            found = await store.following(tx, number, PAGE)
        if not found:
            return number, b""
        lost = _gap(Gap(number, oldest)) if 0 < number < oldest - 1 else b""
        return found[-1].number, lost + _chunk(map(_Framed, found), wanted, found[-1].number)

    def _from_memory(self, number: int, wanted: EventFilter) -> bytes:
        if number == self._arrived_behind and wanted in self._shared:
            return self._shared[wanted]
        found = list(takewhile(lambda one: one.row.number > number, reversed(self._recent)))
        chunk = _chunk(reversed(found), wanted, self._last or number)
        if number == self._arrived_behind:
            self._shared[wanted] = chunk
        return chunk

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
        self._shared.clear()
        self._recent_bytes, self._last, self._arrived_behind = 0, None, None

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
            if found:
                self._keep(found)
            for changed in self._streams:
                changed.set()
            if len(found) < PAGE:
                return

    def _keep(self, found: Sequence[IndexRow]) -> None:
        """Hold new rows, and drop the oldest of what is too much."""
        self._shared.clear()
        self._arrived_behind, self._last = self._last, found[-1].number
        for event in found:
            self._recent.append(_Framed(event))
            self._recent_bytes += event.size
        while self._recent and (len(self._recent) > KEPT or self._recent_bytes > KEPT_BYTES):
            dropped = self._recent.popleft().row
            self._recent_bytes -= dropped.size
            self._covered_from = dropped.number


def _chunk(found: Iterable[_Framed], wanted: EventFilter, reached: int) -> bytes:
    """The bytes of the rows that are selected; where the last one is not, the number reached as an id alone."""
    last = 0
    frames = []
    for one in found:
        if wanted.matches(one.row):
            last = one.row.number
            frames.append(one.frame())
    if frames and last != reached:
        frames.append(_at(reached))
    return b"".join(frames)


def _at(number: int) -> bytes:
    return b"id: %d\n\n" % number


def _beat(number: int) -> bytes:
    return b"id: %d\nevent: beat\ndata: {}\n\n" % number


def _gap(gap: Gap) -> bytes:
    data = dumped({"after": gap.after, "before": gap.before})
    return b"id: %d\nevent: gap\ndata: %b\n\n" % (gap.before - 1, data)
