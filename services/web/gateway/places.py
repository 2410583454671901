"""Places by address, for requests under way and for event streams: one caller cannot hold them all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Places"]


class Places:
    """Counts what is under way. Holds one number per address with any, and none for others."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str | None) -> Iterator[bool]:
        """A place while the block runs, for one request or stream; False if the address has none left."""
        if address is None:
            yield True
            return
        if self._taken[address] >= self._limit:
            yield False
            return
        self._taken[address] += 1
        try:
            yield True
        finally:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]
