"""What every peer does with a record, and how it tells that it is done."""

from __future__ import annotations

import argparse
import time
from collections.abc import MutableMapping

import msgspec

from dev.bench.telling import tell

__all__ = ["Counting", "arguments"]


def arguments(about: str | None) -> argparse.Namespace:
    """What the bench tells a peer."""
    parser = argparse.ArgumentParser(description=about)
    for name in ("bootstrap", "topic", "group", "broker", "directory"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--partitions", type=int, required=True)
    return parser.parse_args()


class _Served(msgspec.Struct, gc=False):
    volunteer_id: str
    minutes: int


_DECODER = msgspec.json.Decoder(_Served)


class Counting:
    """Counts records; the clock starts when the first is in hand, which spares a peer its joining and recovery.

    A record that cannot be read is counted and left out: none of the peers goes on by itself after an error in a body
    without losing what is around it, and that is not what is measured here.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self.total = 0

    def read(self, value: bytes) -> tuple[str, int] | None:
        """Whose minutes, and how many."""
        if not self.seen:
            tell("consumer.started", at=time.time())
        self.seen += 1
        try:
            data = _DECODER.decode(value)
        except msgspec.MsgspecError:
            return None
        found = (data.volunteer_id, data.minutes)
        self.total += found[1]
        return found

    def add(self, value: bytes, sums: MutableMapping[str, int]) -> None:
        """Read and add, where the sums are a mapping."""
        found = self.read(value)
        if found is not None:
            sums[found[0]] = sums.get(found[0], 0) + found[1]
        self.check()

    def check(self) -> None:
        """Tell when the last record has been added."""
        if self.seen == self.count:
            tell("done", at=time.time(), seen=self.seen, total=self.total)
