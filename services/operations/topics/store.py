"""Positions and rates to values."""

from dataclasses import dataclass
from datetime import datetime

from shared.postgres import Tx, load_queries

__all__ = ["MinuteCount", "Position", "ends", "rates"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a partition as far as it is indexed; ``records`` and ``size`` (bytes) are of its events, each once."""

    topic: str
    partition: int
    incarnation: str
    next_offset: int
    records: int
    size: int
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class MinuteCount:
    """The new events of a topic in one minute; ``size`` in bytes."""

    topic: str
    minute: datetime
    records: int
    size: int


async def ends(tx: Tx) -> list[Position]:
    """All partitions of which anything is indexed."""
    return [Position(*row) for row in await tx.fetch(_SQL["ends"])]


async def rates(tx: Tx, since: datetime) -> list[MinuteCount]:
    """The minutes since a time in which anything was new."""
    return [MinuteCount(*row) for row in await tx.fetch(_SQL["rates"], since)]
