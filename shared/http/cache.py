"""Answers shared by all callers for a moment: a crowd that asks the same costs one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from shared.errors import TransientError

__all__ = ["Cache"]


class Cache:
    """A few named answers, each with its age; at most one question at a time is under way for each.

    Only what does not depend on the caller belongs here.
    """

    def __init__(self, limit: int = 256, *, at_once: int | None = None, wait_seconds: float = 5.0) -> None:
        """Args: at_once: questions under way at a time; others wait for ``wait_seconds`` at most."""
        self._limit = limit
        self._gate = asyncio.Semaphore(at_once or limit)
        self._wait_seconds = wait_seconds
        self._kept: dict[str, tuple[float, Any]] = {}
        self._asking: dict[str, asyncio.Task[Any]] = {}

    async def get(self, name: str, seconds: float, load: Callable[[], Awaitable[Any]]) -> Any:
        """The answer, at most ``seconds`` old; raises what ``load`` raises.

        Raises:
            TransientError: as many other questions as are kept are under way.
            TimeoutError: other questions took too long.
        """
        kept = self._kept.get(name)
        if kept is not None and monotonic() - kept[0] < seconds:
            return kept[1]
        task = self._asking.get(name)
        if task is None:
            if len(self._asking) >= self._limit:
                raise TransientError("too many different questions are under way")
            task = asyncio.ensure_future(self._load(name, load))
            self._asking[name] = task
            task.add_done_callback(lambda _: self._asking.pop(name, None))
        # Shielded: a caller who leaves must not cancel the question of the others.
        return await asyncio.shield(task)

    async def _load(self, name: str, load: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(self._wait_seconds):
            await self._gate.acquire()
        try:
            answer = await load()
        finally:
            self._gate.release()
        while len(self._kept) >= self._limit:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = (monotonic(), answer)
        return answer
