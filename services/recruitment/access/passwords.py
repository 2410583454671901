"""Staff passwords: argon2id, verified in a thread so that the event loop keeps serving."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["Passwords"]


class Passwords:
    """Hashes and verifies; at most two at a time, since each takes 64 MiB and a core."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=64 * 1024, parallelism=1)
        self._gate = asyncio.Semaphore(2)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """An argon2id hash with its parameters and salt."""
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one hashed. Without a hash the answer is no, after as long a time."""
        if password_hash is None:
            self._nobody = self._nobody or await self.hash("nobody has this password")
        async with self._gate:
            right = await asyncio.to_thread(self._matches, password_hash or self._nobody or "", password)
        return right and password_hash is not None

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
