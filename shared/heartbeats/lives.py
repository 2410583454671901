"""The processes of a service by their heartbeats: which run, and how often each role crashed lately."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.heartbeats.process import HEARTBEAT_SECONDS
from shared.postgres import Tx, load_queries

__all__ = ["DAY_SECONDS", "RoleLives", "role_lives", "stored_lives"]

_SQL = load_queries(__file__)
DAY_SECONDS = 86_400.0
SILENT = timedelta(seconds=3 * HEARTBEAT_SECONDS)
"""A process that has not beaten for so long does not run; at an orderly end it leaves no row."""
MOST_LIVES = 1000


@dataclass(frozen=True, slots=True)
class RoleLives:
    """The processes of one role: how many run, since when the newest does, and how many crashed within a day."""

    role: str
    running: int
    started_at: datetime | None
    crashes: int


async def stored_lives(tx: Tx, seconds: float, most: int) -> list[Any]:
    """Rows of the processes of this service that beat within so many seconds, at most so many."""
    found: list[Any] = await tx.fetch(_SQL["lives"], seconds, most)
    return found


async def role_lives(tx: Tx, now: datetime) -> list[RoleLives]:
    """The roles of this service that ran within the last day, by name."""
    started: defaultdict[str, list[datetime]] = defaultdict(list)
    crashes: defaultdict[str, int] = defaultdict(int)
    for life in await stored_lives(tx, DAY_SECONDS, MOST_LIVES):
        if now - life["seen_at"] < SILENT:
            started[life["role"]].append(life["started_at"])
        else:
            crashes[life["role"]] += 1
    return [
        RoleLives(role, len(started[role]), max(started[role], default=None), crashes[role])
        for role in sorted({*started, *crashes})
    ]
