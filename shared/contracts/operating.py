"""The audit trail of operators as events, without the words of their reasons."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Contract, Instant

__all__ = ["OperatorActed"]


class OperatorActed(Contract):
    """A member of staff read a dead letter, acted on dead letters, a consumer or a threshold, or asked for an audit.

    ``subject`` is the id of the dead letter, replay, reset or audit; ``records`` counts what the act is about. The
    reason stays in the service's audit trail.
    """

    topic: ClassVar[str] = "audit"
    type: ClassVar[str] = "volunteering.audit.operator-acted.v1"
    key: ClassVar[str] = "service"
    aggregate: ClassVar[str] = "act_id"

    act_id: UUID
    service: Annotated[str, Field(max_length=40)]
    actor_id: UUID
    role: Annotated[str, Field(max_length=40)]
    act: Literal["look", "replay", "discard", "restore", "pause", "resume", "reset", "threshold", "audit"]
    dry_run: bool
    consumer_group: Annotated[str, Field(max_length=100)] | None = None
    subject: Annotated[str, Field(max_length=100)] | None = None
    records: Annotated[int, Field(ge=0)]
    at: Instant
