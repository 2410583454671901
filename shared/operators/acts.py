"""The audit trail: each act of an operator is a row, and an event without its reason, in the act's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from shared import outbox
from shared.auth.tokens import Caller, Role
from shared.clock import real_now
from shared.contracts import OperatorActed
from shared.ids import new_id
from shared.postgres import Tx, load_queries

__all__ = ["OperatorAct", "OperatorActName", "StoredAct", "list_acts", "record_act"]

_SQL = load_queries(__file__)

OperatorActName = Literal["look", "replay", "discard", "restore", "pause", "resume", "reset", "threshold", "audit"]


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """An act of an operator, for real or as a dry run.

    ``subject`` is the id of the letter, replay or reset; ``records`` is how many records the act is about; ``target``
    says what was chosen, ``result`` what came of it.
    """

    name: OperatorActName
    dry_run: bool = False
    consumer_group: str | None = None
    subject: str | None = None
    reason: str | None = None
    records: int = 0
    target: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredAct:
    """An act as the audit trail has it."""

    act_id: UUID
    at: datetime
    actor: UUID
    actor_name: str
    role: str
    address: str
    act: str
    dry_run: bool
    consumer_group: str | None
    target: dict[str, Any]
    reason: str | None
    result: dict[str, Any]


def _role(caller: Caller) -> str:
    for role in (Role.ENGINEER, Role.OPERATOR, Role.AUDITOR):
        if caller.has(role):
            return role.value
    return min(caller.roles).value


async def record_act(tx: Tx, service: str, caller: Caller, address: str, act: OperatorAct) -> UUID:
    """Write an act to the trail and to the outbox; returns its id."""
    act_id, role = new_id(), _role(caller)
    await tx.execute(
        _SQL["add_act"],
        act_id,
        caller.subject,
        caller.name,
        role,
        address,
        act.name,
        act.dry_run,
        act.consumer_group,
        orjson.dumps({"subject": act.subject, **act.target}).decode(),
        act.reason,
        orjson.dumps({"records": act.records, **act.result}).decode(),
    )
    said = OperatorActed(
        act_id=act_id,
        service=service,
        actor_id=caller.subject,
        role=role,
        act=act.name,
        dry_run=act.dry_run,
        consumer_group=act.consumer_group,
        subject=act.subject,
        records=act.records,
        at=real_now(),
    )
    await outbox.append(tx, outbox.event(said, source=f"weiguang/{service}", aggregate_version=1))
    return act_id


async def list_acts(
    tx: Tx, *, act: OperatorActName | None, actor: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[StoredAct]:
    """A page of the trail, newest first."""
    at, act_id = before or (None, None)
    rows = await tx.fetch(_SQL["list_acts"], act, actor, at, act_id, limit)
    return [
        StoredAct(**{**row, "target": orjson.loads(row["target"]), "result": orjson.loads(row["result"])})
        for row in rows
    ]
