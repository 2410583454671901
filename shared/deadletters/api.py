"""The route by which the centre sees a service's dead letters: places and reasons, never what a record held."""

from datetime import datetime
from typing import Annotated, Literal

from asyncpg import Record
from fastapi import APIRouter

from shared.auth.access import allow
from shared.auth.tokens import Caller, Role
from shared.http import cursors
from shared.http.app import Db, Limit, Output
from shared.http.cursors import Page, page_of
from shared.postgres import load_queries
from shared.telemetry.logging import mask

__all__ = ["router_of"]

_SQL = load_queries(__file__)


class DeadLetterOut(Output):
    """A record that could not be applied; ``last_offset`` where a whole range of the log could not be read."""

    id: int
    group: str
    topic: str
    partition: int
    offset: int
    last_offset: int | None
    kind: str
    reason: str
    attempts: int
    status: Literal["open", "replayed", "discarded"]
    at: datetime


def router_of(service: str) -> APIRouter:
    """The routes of one service."""
    router = APIRouter(prefix=f"/api/{service}/v1", tags=["operation"])

    @router.get("/dead-letters")
    async def list_dead_letters(
        db: Db,
        caller: Annotated[Caller, allow(Role.ENGINEER, Role.OPERATOR, Role.AUDITOR, centre=True)],
        status: Literal["open", "replayed", "discarded"] = "open",
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[DeadLetterOut]:
        """Dead letters of all consumer groups of this service, newest first."""
        before = None if cursor is None else cursors.decode(cursor, (int,))[0]
        async with db.snapshot() as tx:
            rows = await tx.fetch(_SQL["list_dead_letters"], status, before, limit + 1)
        return page_of(rows, limit, _out, lambda row: (row["id"],))

    return router


def _out(row: Record) -> DeadLetterOut:
    found = dict(row)
    return DeadLetterOut(
        group=found.pop("consumer_group"),
        at=found.pop("first_seen_at"),
        reason=mask(found.pop("reason")),
        **found,
    )
