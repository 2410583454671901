"""The operators' routes that every service mounts: dead letters, consumers, the fate of an event, the audit trail."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from shared.clock import real_now
from shared.deadletters.reading import letters_of_event
from shared.heartbeats.lives import role_lives
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, decode, page_of
from shared.operators.acts import OperatorActName, StoredAct, list_acts
from shared.operators.common import Watcher
from shared.operators.consumers_api import consumers_router
from shared.operators.fates import EventAsked, FateLookup, NoFates
from shared.operators.letters_api import letters_router

__all__ = ["router_of"]

FateState = Literal["applied", "duplicate", "superseded", "dead-lettered", "unknown"]


class EffectOut(Output):
    """Something that an event led to."""

    kind: Literal["event", "transfer", "badge", "message"]
    id: str


class EventFateOut(Output):
    """The fate of an event at one consumer; ``dead_letter`` is the id and ``status`` the state of its dead letter."""

    group: str
    state: FateState
    at: datetime | None
    led_to: list[EffectOut]
    dead_letter: int | None = None
    status: Literal["open", "replayed", "discarded"] | None = None
    reason_class: str | None = None


class EventFatesOut(Output):
    """The fate of an event in a service: ``state`` is the gravest of its consumers'."""

    event_id: UUID
    state: FateState
    fates: list[EventFateOut]


class ServiceProcessOut(Output):
    """The processes of one role: how many run, since when the newest does, and how many crashed within a day."""

    role: str
    running: int
    started_at: datetime | None
    crashes: int


class ServiceProcessesOut(Output):
    """The processes of this service, by role."""

    items: list[ServiceProcessOut]


class OperatorActOut(Output):
    """An act of an operator; ``result`` says how many ``records`` it is about."""

    act_id: UUID
    at: datetime
    service: str
    actor: UUID
    actor_name: str
    role: str
    address: str
    act: str
    dry_run: bool
    group: str | None
    target: dict[str, Any]
    reason: str | None
    result: dict[str, Any]


def router_of(service: str, fates: FateLookup | None = None) -> APIRouter:
    """The routes of one service; ``fates`` answers for its consumers."""
    lookup = fates or NoFates()
    router = APIRouter()
    router.include_router(letters_router(service, lookup))
    router.include_router(consumers_router(service))
    router.include_router(_watching(service, lookup))
    return router


def _watching(service: str, lookup: FateLookup) -> APIRouter:
    router = APIRouter(prefix=f"/api/{service}/v1", tags=["operation"])

    @router.get(_EVENT_PATH.get(service, "/events/{event_id}"))
    async def event_fate(
        db: Db,
        caller: Watcher,
        event_id: UUID,
        aggregate_id: Annotated[str | None, Query(max_length=200)] = None,
        aggregate_version: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    ) -> EventFatesOut:
        """The fate of an event in this service: applied, duplicate, superseded, dead-lettered or unknown.

        The event's aggregate and version make the answer cheap, and let a duplicate be known.
        """
        asked = EventAsked(event_id, aggregate_id, aggregate_version)
        async with db.snapshot() as tx:
            known = await lookup.fates(tx, asked)
            letters = await letters_of_event(tx, str(event_id))
        found = [
            EventFateOut(
                group=one.consumer_group,
                state=one.state,
                at=one.at,
                led_to=[EffectOut(kind=effect.kind, id=effect.id) for effect in one.led_to],
            )
            for one in known
        ]
        found += [
            EventFateOut(
                group=row["consumer_group"],
                state="dead-lettered",
                at=row["first_seen_at"],
                led_to=[],
                dead_letter=row["id"],
                status=row["status"],
                reason_class=row["reason_class"],
            )
            for row in letters
        ]
        return EventFatesOut(event_id=event_id, state=_gravest(found), fates=found)

    @router.get("/processes")
    async def processes(db: Db, caller: Watcher) -> ServiceProcessesOut:
        """The processes of this service by their heartbeats: which run, and which crashed lately."""
        async with db.snapshot() as tx:
            found = await role_lives(tx, real_now())
        return ServiceProcessesOut(items=[ServiceProcessOut(**asdict(one)) for one in found])

    @router.get(_AUDIT_PATH.get(service, "/audit"))
    async def audit(
        db: Db,
        caller: Watcher,
        act: OperatorActName | None = None,
        actor: UUID | None = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[OperatorActOut]:
        """Acts of operators on this service's streams, newest first, dry runs and looks included."""
        place = None if cursor is None else decode(cursor, (datetime, UUID))
        before = None if place is None else (place[0], place[1])
        async with db.snapshot() as tx:
            rows = await list_acts(tx, act=act, actor=actor, before=before, limit=limit + 1)
        return page_of(rows, limit, lambda row: _act_out(service, row), lambda row: (row.at, row.act_id))

    return router


_EVENT_PATH = {"operations": "/fates/{event_id}"}
"""Operations shows the events themselves at the usual path."""
_AUDIT_PATH = {"operations": "/audit/own"}
"""The usual path of operations is the trail of all services."""


def _gravest(found: list[EventFateOut]) -> FateState:
    states = {one.state for one in found if one.status in (None, "open")}
    order: tuple[FateState, ...] = ("dead-lettered", "applied", "superseded", "duplicate")
    first: FateState = next((state for state in order if state in states), "unknown")
    return "dead-lettered" if first == "unknown" and found else first


def _act_out(service: str, row: StoredAct) -> OperatorActOut:
    return OperatorActOut(
        act_id=row.act_id,
        at=row.at,
        service=service,
        actor=row.actor,
        actor_name=row.actor_name,
        role=row.role,
        address=row.address,
        act=row.act,
        dry_run=row.dry_run,
        group=row.consumer_group,
        target=row.target,
        reason=row.reason,
        result=row.result,
    )
