"""The audit trail of all services over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.operations.trail import store
from services.operations.trail.store import IndexedAct
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, decode, encode
from shared.operators.acts import OperatorActName
from shared.operators.common import Watcher

__all__ = ["router"]

router = APIRouter(prefix="/api/operations/v1", tags=["audit"])


class TrailActOut(Output):
    """An act of an operator in any service, as its event says it.

    The reason, the account's name and the address stay with the service: `GET /audit` of each has them.
    """

    act_id: UUID
    event_id: UUID
    at: datetime
    service: str
    actor: UUID
    role: str
    act: str
    dry_run: bool
    group: str | None
    subject: str | None
    records: int


@router.get("/audit")
async def list_acts(
    db: Db,
    _: Watcher,
    act: OperatorActName | None = None,
    actor: UUID | None = None,
    service: Annotated[str | None, Query(max_length=40)] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Page[TrailActOut]:
    """Acts of operators on the streams of all services, newest first, dry runs and looks included."""
    before: int | None = None if cursor is None else decode(cursor, (int,))[0]
    async with db.snapshot() as tx:
        found = await store.acts(tx, before=before, act=act, actor=actor, service=service, limit=limit + 1)
    shown = found[:limit]
    following = encode(shown[-1].number) if len(found) > limit else None
    return Page(items=[line for one in shown if (line := _line(one)) is not None], next_cursor=following)


def _line(one: IndexedAct) -> TrailActOut | None:
    if one.act is None:
        return None
    return TrailActOut(
        act_id=one.act.act_id,
        event_id=one.event_id,
        at=one.act.at,
        service=one.act.service,
        actor=one.act.actor_id,
        role=one.act.role,
        act=one.act.act,
        dry_run=one.act.dry_run,
        group=one.act.consumer_group,
        subject=one.act.subject,
        records=one.act.records,
    )
