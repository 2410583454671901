"""Beats of the services: processes, consumers and outboxes as figures, for the monitors of operations."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import Contract, Instant

__all__ = ["ConsumerBeat", "ProcessBeat", "ServiceBeat", "TopicBeat"]

Offset = Annotated[int, Field(ge=0)]
BeatName = Annotated[str, Field(max_length=100)]


class ProcessBeat(BaseModel):
    """One start of a process; one that was not seen lately has crashed, as an orderly end leaves no row."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    start_id: UUID
    role: BeatName
    started_at: Instant
    seen_at: Instant


class TopicBeat(BaseModel):
    """A topic as a group has read it: its first offsets that are not applied, and its ends, summed over partitions."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: BeatName
    position: Offset
    end: Offset


class ConsumerBeat(BaseModel):
    """A consumer group; ``running`` says that a member reported within the last seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    group: BeatName
    paused: bool
    running: bool
    topics: tuple[TopicBeat, ...] = ()


class ServiceBeat(Contract):
    """A service as its relay sees it, every few seconds. The next one replaces it; none is ever sent again."""

    topic: ClassVar[str] = "beats"
    type: ClassVar[str] = "volunteering.service.beat.v1"
    key: ClassVar[str] = "service"
    aggregate: ClassVar[str] = "service"

    service: BeatName
    at: Instant
    outbox_depth: Offset
    outbox_age_seconds: Annotated[float, Field(ge=0)]
    processes: tuple[ProcessBeat, ...] = ()
    consumers: tuple[ConsumerBeat, ...] = ()
