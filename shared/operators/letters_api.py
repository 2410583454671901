"""Routes of a service's dead letters: groups of those that failed alike, replay of the bytes unchanged, discard."""

import base64
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from asyncpg import Record
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, model_validator

from shared.auth.tokens import Caller
from shared.deadletters import decisions, reading
from shared.deadletters.decisions import LetterSelection
from shared.deadletters.reading import LetterFilter
from shared.errors import Conflict, NotFound
from shared.http import cursors
from shared.http.app import Db, Input, Limit, Output
from shared.http.cursors import Page, page_of
from shared.http.guard import MAX_INTEGER
from shared.http.idempotency import once
from shared.kafka.topics import READERS
from shared.operators.acts import OperatorAct
from shared.operators.common import ActSourceDep, Engineer, ReasonText, Watcher
from shared.operators.fates import FateLookup
from shared.postgres import Tx
from shared.telemetry.logging import mask

__all__ = ["letters_router"]

Status = Literal["open", "replayed", "discarded"]
LetterId = Annotated[int, Path(ge=1, le=MAX_INTEGER)]
GroupId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


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
    status: Status
    at: datetime
    event_id: str | None
    event_type: str | None
    group_id: str
    seen: int
    last_seen_at: datetime
    replay_id: UUID | None
    decided_by: str | None
    decided_at: datetime | None


class LetterContentOut(DeadLetterOut):
    """A letter with what it holds: text where the bytes are UTF-8, else base64; a hash once the bytes are gone."""

    headers: dict[str, str]
    key: str | None
    value: str | None
    encoding: Literal["text", "base64"] | None
    size: int
    value_sha256: str | None
    traceparent: str | None


class LetterGroupOut(Output):
    """Records of one consumer and type that failed for the same reason.

    ``records`` are different ones; ``seen`` counts repeats too, and ``most_seen`` those of the most frequent record, so
    that a loop shows.
    """

    group_id: str
    group: str
    topic: str
    event_type: str | None
    kind: str
    reason_class: str
    records: int
    seen: int
    most_seen: int
    replaying: int
    first_seen_at: datetime
    last_seen_at: datetime
    newest_reason: str
    newest_id: int
    replayable: bool


class LetterGroupsOut(Output):
    """The largest groups."""

    items: list[LetterGroupOut]


class LetterActIn(Input):
    """Which letters, by id or as a whole group, and why; with ``dry_run`` nothing but the audit trail changes."""

    ids: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=1000)] | None = None
    group_id: GroupId | None = None
    reason: ReasonText
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.ids is None) == (self.group_id is None):
            raise ValueError("give either ids or group_id")
        return self

    def selection(self) -> LetterSelection:
        """The choice."""
        return LetterSelection(tuple(self.ids or ()), self.group_id)

    def target(self) -> dict[str, Any]:
        """The choice, for the audit trail."""
        return {"ids": self.ids[:100], "chosen": len(self.ids)} if self.ids else {"group_id": self.group_id}


class ReplayStartedOut(Output):
    """A replay, or what it would do: the counts of a dry run, else the id to follow it by."""

    dry_run: bool
    replay_id: UUID | None
    selected: int
    would_apply: int | None = None
    already_applied: int | None = None
    unreadable: int | None = None


class LetterActOut(Output):
    """How many letters an act changed, or would change."""

    dry_run: bool
    changed: int


class ReplayOut(Output):
    """The progress of a replay; ``stopped`` by ``failed_letter``, for the reason in ``failure``."""

    replay_id: UUID
    group: str
    state: Literal["waiting", "running", "done", "stopped"]
    selected: int
    applied: int
    failed: int
    failed_letter: int | None
    failure: str | None
    requested_by: UUID
    requested_at: datetime
    progressed_at: datetime | None
    ended_at: datetime | None


class ReplaysOut(Output):
    """The newest replays."""

    items: list[ReplayOut]


def letters_router(service: str, fates: FateLookup) -> APIRouter:
    """The routes of one service."""
    router = APIRouter(prefix=f"/api/{service}/v1", tags=["operation"])
    _replaying(router, fates)
    _deciding(router)
    _reading(router)  # last: its path with a letter's id would match the others
    return router


def _reading(router: APIRouter) -> None:
    @router.get("/dead-letters")
    async def list_dead_letters(
        db: Db,
        caller: Watcher,
        status: Status = "open",
        group: Annotated[str | None, Query(max_length=100)] = None,
        event_type: Annotated[str | None, Query(max_length=200)] = None,
        group_id: Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$")] = None,
        event_id: Annotated[str | None, Query(max_length=200)] = None,
        cursor: str | None = None,
        limit: Limit = 50,
    ) -> Page[DeadLetterOut]:
        """Dead letters of all consumer groups of this service, newest first."""
        before = None if cursor is None else cursors.decode(cursor, (int,))[0]
        wanted = LetterFilter(status, group, event_type, group_id, event_id)
        async with db.snapshot() as tx:
            rows = await reading.list_letters(tx, wanted, before, limit + 1)
        return page_of(rows, limit, lambda row: DeadLetterOut(**_columns(row)), lambda row: (row["id"],))

    @router.get("/dead-letters/groups")
    async def list_groups(db: Db, caller: Watcher, status: Status = "open", limit: Limit = 50) -> LetterGroupsOut:
        """Dead letters by consumer, type and reason, the most first; numbers and ids in a reason do not count."""
        async with db.snapshot() as tx:
            rows = await reading.list_groups(tx, status, limit)
        return LetterGroupsOut(items=[_group(row) for row in rows])

    @router.get("/dead-letters/{letter_id}")
    async def look(db: Db, caller: Watcher, source: ActSourceDep, letter_id: LetterId) -> LetterContentOut:
        """One dead letter with its bytes; the look is in the audit trail."""
        async with db.transaction() as tx:
            row = await reading.find_letter(tx, letter_id)
            if row is None:
                raise NotFound("dead-letter-unknown", "There is no such dead letter in this service.")
            act = OperatorAct("look", consumer_group=row["consumer_group"], subject=str(letter_id), records=1)
            await source.note(tx, caller, act)
        return _content(row)


def _replaying(router: APIRouter, fates: FateLookup) -> None:
    @router.post("/dead-letters/replay")
    async def replay(request: Request, db: Db, caller: Engineer, source: ActSourceDep, body: LetterActIn) -> Response:
        """Apply dead letters again, their bytes unchanged, through the consumer that refused them.

        They go in batches that grow to 100, and stop at the first that fails again. Of two replays of the same letters
        the second finds them claimed.
        """

        async def work(tx: Tx) -> ReplayStartedOut:
            group = await decisions.group_of(tx, body.selection())
            if not _replayable(group):
                detail = (
                    f"The consumer {group} rebuilds its tables from the topic, so its dead letters are not replayed."
                )
                raise Conflict("replay-unsupported", detail)
            answer = await _replay(tx, body, group, caller, fates)
            result = answer.model_dump(mode="json", exclude_none=True)
            subject = None if answer.replay_id is None else str(answer.replay_id)
            act = OperatorAct(
                "replay", body.dry_run, group, subject, body.reason, answer.selected, body.target(), result
            )
            await source.note(tx, caller, act)
            return answer

        return await once(request, db, caller, work, status=200 if body.dry_run else 202)

    @router.get("/dead-letters/replays")
    async def list_replays(db: Db, caller: Watcher, limit: Limit = 50) -> ReplaysOut:
        """The newest replays of this service."""
        async with db.snapshot() as tx:
            return ReplaysOut(items=[_replay_out(row) for row in await reading.list_replays(tx, limit)])

    @router.get("/dead-letters/replays/{replay_id}")
    async def progress(db: Db, caller: Watcher, replay_id: UUID) -> ReplayOut:
        """How far a replay has come."""
        async with db.snapshot() as tx:
            row = await reading.find_replay(tx, replay_id)
        if row is None:
            raise NotFound("replay-unknown", "There is no such replay in this service.")
        return _replay_out(row)


async def _replay(tx: Tx, body: LetterActIn, group: str, caller: Caller, fates: FateLookup) -> ReplayStartedOut:
    if body.dry_run:
        found = await decisions.forecast(tx, body.selection(), group, fates.applied)
        return ReplayStartedOut(dry_run=True, replay_id=None, **asdict(found))
    replay_id, selected = await decisions.start_replay(tx, body.selection(), group, caller.subject)
    return ReplayStartedOut(dry_run=False, replay_id=replay_id, selected=selected)


def _deciding(router: APIRouter) -> None:
    @router.post("/dead-letters/discard")
    async def discard(request: Request, db: Db, caller: Engineer, source: ActSourceDep, body: LetterActIn) -> Response:
        """Close dead letters that are not wanted; for 30 days this can be taken back."""

        async def work(tx: Tx) -> LetterActOut:
            group = await decisions.group_of(tx, body.selection())
            changed = await decisions.discard(tx, body.selection(), caller.subject, dry_run=body.dry_run)
            act = OperatorAct("discard", body.dry_run, group, None, body.reason, changed, body.target())
            await source.note(tx, caller, act)
            return LetterActOut(dry_run=body.dry_run, changed=changed)

        return await once(request, db, caller, work, status=200)

    @router.post("/dead-letters/restore")
    async def restore(request: Request, db: Db, caller: Engineer, source: ActSourceDep, body: LetterActIn) -> Response:
        """Open dead letters again that were discarded in the last 30 days."""

        async def work(tx: Tx) -> LetterActOut:
            group = await decisions.group_of(tx, body.selection())
            changed = await decisions.restore(tx, body.selection(), dry_run=body.dry_run)
            act = OperatorAct("restore", body.dry_run, group, None, body.reason, changed, body.target())
            await source.note(tx, caller, act)
            return LetterActOut(dry_run=body.dry_run, changed=changed)

        return await once(request, db, caller, work, status=200)


def _replayable(group: str) -> bool:
    """Whether a consumer of this group replays: agents with tables rebuild them instead."""
    return not any(reader.group == group and reader.tables for reader in READERS)


def _columns(row: Record) -> dict[str, Any]:
    found = dict(row)
    return {
        "group": found.pop("consumer_group"),
        "at": found.pop("first_seen_at"),
        "reason": mask(found.pop("reason")),
        **found,
    }


def _group(row: Record) -> LetterGroupOut:
    found = dict(row)
    group = found.pop("consumer_group")
    reasons = {name: mask(found.pop(name)) for name in ("reason_class", "newest_reason")}
    return LetterGroupOut(group=group, replayable=_replayable(group), **reasons, **found)


def _content(row: Record) -> LetterContentOut:
    found = _columns(row)
    key, value, digest = found.pop("key"), found.pop("value"), found.pop("value_sha256")
    shown, encoding = _shown(value)
    return LetterContentOut(
        headers=orjson.loads(found.pop("headers")),
        key=_shown(key)[0],
        value=shown,
        encoding=encoding,
        size=len(value or b""),
        value_sha256=None if digest is None else bytes(digest).hex(),
        **found,
    )


def _shown(data: bytes | None) -> tuple[str | None, Literal["text", "base64"] | None]:
    if data is None:
        return None, None
    try:
        return data.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


def _replay_out(row: Record) -> ReplayOut:
    found = dict(row)
    return ReplayOut(group=found.pop("consumer_group"), **found)
