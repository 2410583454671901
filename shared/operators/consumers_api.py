"""Routes of a service's consumers: lag and progress, pause and resume, and going back to earlier offsets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from aiokafka import TopicPartition
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field, model_validator

from shared.clock import real_now
from shared.errors import Conflict, Invalid, NotFound
from shared.http.app import Db, Input, Output
from shared.http.idempotency import once
from shared.kafka.positions import places_of
from shared.kafka.topics import READERS, TopicReader, topic_name
from shared.operators import consumers
from shared.operators.acts import OperatorAct
from shared.operators.common import ActSourceDep, Engineer, ReasonText, Watcher
from shared.operators.consumers import ConsumerState, ResetPlan
from shared.operators.control import LAPSE_HOURS
from shared.operators.drain import SAMPLE_SECONDS, drain_of, total
from shared.postgres import Tx
from shared.settings import Settings

__all__ = ["consumers_router"]

Group = Annotated[str, Path(max_length=100)]


class ConsumerPartitionOut(Output):
    """A partition as a group last saw it: the first offset not applied, the first that does not exist, and between.

    ``lags`` are samples of the last minutes, the newest last; empty where there was no lag.
    """

    topic: str
    partition: int
    position: int
    end: int
    lag: int
    lags: list[int]
    member: UUID


class ConsumerMemberOut(Output):
    """A process of a group; not ``live`` if it has said nothing for a while."""

    member: UUID
    started_at: datetime
    seen_at: datetime
    live: bool


class ConsumerPauseOut(Output):
    """A pause; it lapses by itself."""

    by: UUID
    at: datetime
    until: datetime


class ConsumerDrainOut(Output):
    """How fast the lag shrinks net of what arrives, and the time until none is left; null: never at this rate."""

    per_second: float
    seconds: int | None


class ConsumerOut(Output):
    """A consumer group. Agents with tables are not ``controlled``: they have no pauses or resets here.

    ``lags`` are samples of the whole group's lag, ``lag_seconds`` apart, the newest last.
    """

    group: str
    topics: list[str]
    controlled: bool
    running: bool
    paused: ConsumerPauseOut | None
    lag: int
    lags: list[int]
    lag_seconds: float
    drain: ConsumerDrainOut
    last_progress_at: datetime | None
    resets_waiting: int
    members: list[ConsumerMemberOut]
    partitions: list[ConsumerPartitionOut]


class ConsumersOut(Output):
    """The consumer groups of this service."""

    items: list[ConsumerOut]


class ConsumerActIn(Input):
    """Why a consumer is paused or resumed."""

    reason: ReasonText
    dry_run: bool = False


class PauseOut(Output):
    """Until when the consumer is paused; null where it is not."""

    dry_run: bool
    group: str
    paused_until: datetime | None


class OffsetResetIn(Input):
    """Where to go back to: a moment, one offset of one partition, or the beginning of the log; and why.

    ``topic`` and ``partition`` narrow it.
    """

    since: datetime | None = None
    offset: Annotated[int, Field(ge=0)] | None = None
    beginning: bool = False
    topic: Annotated[str, Field(max_length=100)] | None = None
    partition: Annotated[int, Field(ge=0, le=10_000)] | None = None
    reason: ReasonText
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.since is not None) + (self.offset is not None) + self.beginning != 1:
            raise ValueError("give one of since, offset and beginning")
        if self.offset is not None and (self.topic is None or self.partition is None):
            raise ValueError("an offset needs topic and partition")
        return self


class ResetPartitionOut(Output):
    """A partition that goes back, and how many records are read again."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    records: int


class OffsetResetOut(Output):
    """A reset, or what it would do."""

    dry_run: bool
    reset_id: UUID | None
    records: int
    partitions: list[ResetPartitionOut]


def consumers_router(service: str) -> APIRouter:
    """The routes of one service."""
    router = APIRouter(prefix=f"/api/{service}/v1", tags=["operation"])
    readers = {reader.group: reader for reader in READERS if reader.service == service and reader.group is not None}

    @router.get("/consumers")
    async def list_consumers(db: Db, caller: Watcher) -> ConsumersOut:
        """The groups of this service: members, lag by partition, last progress and pauses."""
        async with db.snapshot() as tx:
            states = await consumers.states(tx)
        return ConsumersOut(items=[_out(reader, states.get(group)) for group, reader in sorted(readers.items())])

    _switching(router, readers)
    _resetting(router, readers)
    return router


def _controlled(readers: Mapping[str, TopicReader], group: str) -> TopicReader:
    reader = readers.get(group)
    if reader is None:
        raise NotFound("consumer-unknown", "This service has no such consumer group.")
    if reader.tables:
        raise Conflict("consumer-not-controlled", "Agents with tables cannot be paused or set back.")
    return reader


def _switching(router: APIRouter, readers: Mapping[str, TopicReader]) -> None:
    @router.post("/consumers/{group}/pause")
    async def pause(
        request: Request, db: Db, caller: Engineer, source: ActSourceDep, group: Group, body: ConsumerActIn
    ) -> Response:
        """Pause a consumer for four hours at most: it stays in its group, applies nothing, and survives restarts so."""

        async def work(tx: Tx) -> PauseOut:
            _controlled(readers, group)
            until = None if body.dry_run else await consumers.pause(tx, group, caller.subject, LAPSE_HOURS)
            await source.note(tx, caller, OperatorAct("pause", body.dry_run, group, None, body.reason))
            return PauseOut(dry_run=body.dry_run, group=group, paused_until=until)

        return await once(request, db, caller, work, status=200)

    @router.post("/consumers/{group}/resume")
    async def resume(
        request: Request, db: Db, caller: Engineer, source: ActSourceDep, group: Group, body: ConsumerActIn
    ) -> Response:
        """End a pause."""

        async def work(tx: Tx) -> PauseOut:
            _controlled(readers, group)
            if not body.dry_run and not await consumers.resume(tx, group):
                raise Conflict("consumer-not-paused", f"The consumer {group} is not paused.")
            await source.note(tx, caller, OperatorAct("resume", body.dry_run, group, None, body.reason))
            return PauseOut(dry_run=body.dry_run, group=group, paused_until=None)

        return await once(request, db, caller, work, status=200)


def _resetting(router: APIRouter, readers: Mapping[str, TopicReader]) -> None:
    @router.post("/consumers/{group}/reset")
    async def reset(
        request: Request, db: Db, caller: Engineer, source: ActSourceDep, group: Group, body: OffsetResetIn
    ) -> Response:
        """Read records again, from earlier offsets on; it never goes forwards, and what is applied stays as it is."""
        reader = _controlled(readers, group)
        if body.topic is not None and body.topic not in reader.topics:
            raise Invalid("topic-not-read", f"The consumer {group} reads {', '.join(reader.topics)} only.")
        if body.since is not None and body.since > real_now():
            raise Invalid("time-ahead", "That moment has not come yet. Give an earlier one.")
        async with db.snapshot() as tx:
            state = (await consumers.states(tx)).get(group)
        plan = await _plan(request.app.state.settings, state, body)

        async def work(tx: Tx) -> OffsetResetOut:
            reset_id = None if body.dry_run else await consumers.reset(tx, group, plan)
            records = sum(one.records for one in plan)
            places = [ResetPartitionOut(**one.as_dict()) for one in plan]
            subject = None if reset_id is None else str(reset_id)
            target = body.model_dump(mode="json", exclude={"reason", "dry_run"}, exclude_none=True)
            act = OperatorAct("reset", body.dry_run, group, subject, body.reason, records, target)
            await source.note(tx, caller, act)
            return OffsetResetOut(dry_run=body.dry_run, reset_id=reset_id, records=records, partitions=places)

        return await once(request, db, caller, work, status=200 if body.dry_run else 202)


async def _plan(settings: Settings, state: ConsumerState | None, body: OffsetResetIn) -> Sequence[ResetPlan]:
    """Where each partition would go back to.

    Raises:
        Conflict: no partition is known, or none would go back.
        TransientError: the broker does not answer.
    """
    places = [
        one
        for one in (state.partitions if state is not None else ())
        if body.topic in (None, one.topic) and body.partition in (None, one.partition)
    ]
    if not places:
        raise Conflict("positions-unknown", "No running consumer has reported a position of these partitions yet.")
    names = {TopicPartition(topic_name(settings, one.topic), one.partition): one for one in places}
    found = await places_of(settings, names, body.since)
    plan = []
    for name, one in names.items():
        place = found[name]
        wanted = place.at if body.since is not None else body.offset if body.offset is not None else place.beginning
        target = None if wanted is None else max(place.beginning, wanted)
        if target is not None and target < one.position:
            plan.append(ResetPlan(one.topic, one.partition, one.position, target))
    if not plan:
        raise Conflict("nothing-to-reset", "No partition would go back: a reset never goes forwards.")
    return plan


def _out(reader: TopicReader, state: ConsumerState | None) -> ConsumerOut:
    assert reader.group is not None
    state = state or ConsumerState()
    lag = sum(one.end - one.position for one in state.partitions)
    lags = total(one.lags for one in state.partitions)
    drain = drain_of(lags, lag)
    return ConsumerOut(
        group=reader.group,
        topics=list(reader.topics),
        controlled=not reader.tables,
        running=any(one.live for one in state.members),
        paused=None if state.pause is None else ConsumerPauseOut(**state.pause._asdict()),
        lag=lag,
        lags=lags,
        lag_seconds=SAMPLE_SECONDS,
        drain=ConsumerDrainOut(per_second=drain.per_second, seconds=drain.seconds),
        last_progress_at=state.last_progress_at,
        resets_waiting=state.resets_waiting,
        members=[ConsumerMemberOut(**one._asdict()) for one in state.members],
        partitions=[
            ConsumerPartitionOut(**(one._asdict() | {"lags": list(one.lags)}), lag=one.end - one.position)
            for one in state.partitions
        ],
    )
