"""Hands each tick to every browser that watches; a slow one misses ticks and slows no other."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

__all__ = ["Hub"]

HEARTBEAT_SECONDS = 15.0
"""Proxies close a silent connection after 30 to 60 s; a comment keeps it open."""
WAITING_TICKS = 4
"""Ticks kept for a slow browser; each tick carries whole figures, so the older ones may go."""


class Hub:
    """The present tick and those who watch."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._watchers: set[asyncio.Queue[bytes | None]] = set()
        self._last: bytes | None = None
        self._closed = False

    def publish(self, tick: bytes) -> None:
        """Give a tick (JSON on one line) to everyone, and keep it for those who come later."""
        self._last = b"event: tick\ndata: " + tick.replace(b"\r", b"").replace(b"\n", b"") + b"\n\n"
        for queue in self._watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(self._last)

    def close(self) -> None:
        """End every stream, so that the process can stop."""
        self._closed = True
        for queue in self._watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    @contextmanager
    def _watch(self) -> Iterator[asyncio.Queue[bytes | None]]:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_TICKS)
        self._watchers.add(queue)
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    @property
    def full(self) -> bool:
        """Whether as many browsers are watching as are allowed."""
        return len(self._watchers) >= self._limit

    async def stream(self, heartbeat: float = HEARTBEAT_SECONDS) -> AsyncGenerator[bytes, None]:
        """The bytes of one browser's event stream, until the hub closes."""
        with self._watch() as queue:
            yield b"retry: 3000\n: Weiguang pulse\n\n"
            if self._last is not None:
                yield self._last
            while not self._closed:
                try:
                    tick = await asyncio.wait_for(queue.get(), heartbeat)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if tick is None:
                    return
                yield tick
