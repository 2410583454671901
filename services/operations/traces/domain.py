"""The hops of events: when each was made, committed, indexed and applied, and how long it waited between. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.operations.events.domain import IndexRow

__all__ = ["Applied", "Hops", "hops_of", "made_at"]

_VERSION_7 = 7


@dataclass(frozen=True, slots=True)
class Applied:
    """A service whose effect of the event was committed first at ``at``."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Hops:
    """The times of one event, by the machines' clocks.

    ``made_at`` is when a handler made its id, of ids that hold their time; ``committed_at`` when it was written to the
    outbox; ``indexed_at`` when it had passed relay and broker. ``applied`` names the services that published effects.
    """

    made_at: datetime | None
    committed_at: datetime | None
    indexed_at: datetime
    applied: tuple[Applied, ...]

    @property
    def to_index_ms(self) -> int | None:
        """Milliseconds from the commit over relay and broker to the index."""
        return None if self.committed_at is None else _ms(self.committed_at, self.indexed_at)

    @property
    def to_effect_ms(self) -> int | None:
        """Milliseconds from the commit to the commit of the last service's first effect."""
        if self.committed_at is None or not self.applied:
            return None
        return _ms(self.committed_at, max(one.at for one in self.applied))


def hops_of(events: Sequence[IndexRow], owners: Mapping[str, str]) -> dict[UUID, Hops]:
    """The hops of each event of a trace.

    Args:
        owners: topic → the service that writes it.
    """
    effects: dict[str, dict[str, datetime]] = {}
    for event in events:
        owner = owners.get(event.topic)
        if event.causation_id is None or event.broker_time is None or owner is None:
            continue
        first = effects.setdefault(event.causation_id, {})
        first[owner] = min(first.get(owner, event.broker_time), event.broker_time)
    return {
        event.event_id: Hops(
            made_at(event.event_id),
            event.broker_time,
            event.arrived_at,
            tuple(Applied(by, at) for by, at in sorted(effects.get(str(event.event_id), {}).items())),
        )
        for event in events
    }


def made_at(event_id: UUID) -> datetime | None:
    """The time that a UUIDv7 holds, to the millisecond; None for other ids."""
    if event_id.version != _VERSION_7:
        return None
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)


def _ms(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))
