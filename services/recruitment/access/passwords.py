"""Staff passwords: argon2id, verified in a thread so that the event loop keeps serving."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import TooMany

__all__ = ["Passwords"]

Result = TypeVar("Result")

PASSES, MEMORY_KIB = 3, 12 * 1024
"""With one lane, one of the equal choices of OWASP's Password Storage Cheat Sheet for argon2id: 30 ms of a core."""
QUEUE = 64
"""Two seconds of work of the one thread."""
RETRY_SECONDS = 3


class Passwords:
    """Hashes and verifies, one at a time: its thread keeps the memory that it once used.

    Args:
        queue: operations under way and waiting; one more is refused by `TooMany`.
    """

    def __init__(self, queue: int = QUEUE) -> None:
        self._limit = queue
        self._queued = 0
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self._unmatchable: str | None = None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._queued >= self._limit:
            detail = "Too many people are signing in at the moment; try again in a few seconds."
            raise TooMany("sign-ins-busy", detail, retry_after=RETRY_SECONDS)
        self._queued += 1
        try:
            yield
        finally:
            self._queued -= 1

    async def hash(self, password: str) -> str:
        """An argon2id hash with its parameters and salt."""
        async with self._place():
            return await self._run(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one hashed. Without a hash the answer is no, after as long a time."""
        if password_hash is not None and not password_hash.startswith("$argon2"):
            password_hash = None  # ended by a reset: no hash either
        if password_hash is None:
            self._unmatchable = self._unmatchable or await self.hash("no account has this password")
        async with self._place():
            right = await self._run(self._matches, password_hash or self._unmatchable or "", password)
        return right and password_hash is not None

    async def _run(self, work: Callable[..., Result], *given: str) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
