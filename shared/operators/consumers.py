"""The state of a service's consumers in its tables: reports of members, pauses, resets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from shared.ids import new_id
from shared.operators.control import LAPSE_HOURS
from shared.operators.drain import unpacked
from shared.postgres import Tx, load_queries

__all__ = ["ConsumerState", "ResetPlan", "pause", "reset", "resume", "states"]

_SQL = load_queries(__file__)

LIVE_SECONDS = 15.0
"""A member that has said nothing for so long counts as gone."""


class MemberState(NamedTuple):
    """A process of a group."""

    member: UUID
    started_at: datetime
    seen_at: datetime
    live: bool


class PartitionState(NamedTuple):
    """A partition as the member that owned it last saw it; ``lags`` are its samples, the newest last."""

    topic: str
    partition: int
    position: int
    end: int
    member: UUID
    lags: Sequence[int]


class PauseState(NamedTuple):
    """A pause that has not lapsed."""

    by: UUID
    at: datetime
    until: datetime


@dataclass(slots=True)
class ConsumerState:
    """The known state of one group."""

    members: list[MemberState] = field(default_factory=list)
    partitions: list[PartitionState] = field(default_factory=list)
    last_progress_at: datetime | None = None
    pause: PauseState | None = None
    resets_waiting: int = 0


@dataclass(frozen=True, slots=True)
class ResetPlan:
    """A partition and the offsets between which its records are read again."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int

    @property
    def records(self) -> int:
        """How many offsets are read again."""
        return self.from_offset - self.to_offset

    def as_dict(self) -> dict[str, Any]:
        """All of it, by name."""
        return {**asdict(self), "records": self.records}


async def states(tx: Tx) -> dict[str, ConsumerState]:
    """Load the state of each group that ever reported, was paused, or waits for a reset."""
    found: defaultdict[str, ConsumerState] = defaultdict(ConsumerState)
    seen: set[tuple[str, str, int]] = set()
    for row in await tx.fetch(_SQL["members"], LIVE_SECONDS):
        state = found[row["consumer_group"]]
        state.members.append(MemberState(row["member"], row["started_at"], row["seen_at"], row["live"]))
        state.last_progress_at = max(filter(None, (state.last_progress_at, row["last_progress_at"])), default=None)
        # A process of the version before reports no samples.
        for topic, partition, position, end, *lags in orjson.loads(row["partitions"]):
            if (place := (row["consumer_group"], topic, partition)) not in seen:
                seen.add(place)
                samples = unpacked(lags[0]) if lags else []
                state.partitions.append(PartitionState(topic, partition, position, end, row["member"], samples))
    for row in await tx.fetch(_SQL["pauses"]):
        found[row["consumer_group"]].pause = PauseState(row["paused_by"], row["paused_at"], row["paused_until"])
    for row in await tx.fetch(_SQL["resets_waiting"], LAPSE_HOURS):
        found[row["consumer_group"]].resets_waiting = row["partitions"]
    for state in found.values():
        state.partitions.sort(key=lambda one: (one.topic, one.partition))
    return dict(found)


async def pause(tx: Tx, group: str, by: UUID, hours: int) -> datetime:
    """Pause a group; returns until when."""
    until: datetime = await tx.fetchval(_SQL["pause"], group, by, hours)
    return until


async def resume(tx: Tx, group: str) -> bool:
    """End a pause; False if there was none."""
    return bool(await tx.fetchval(_SQL["resume"], group))


async def reset(tx: Tx, group: str, plan: Sequence[ResetPlan]) -> UUID:
    """Store a reset for the owners of the partitions; returns its id."""
    reset_id = new_id()
    columns = zip(*((one.topic, one.partition, one.from_offset, one.to_offset) for one in plan), strict=True)
    await tx.execute(_SQL["add_resets"], reset_id, group, *map(list, columns))
    return reset_id
