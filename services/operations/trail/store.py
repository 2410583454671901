"""Acts from rows of the index."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from shared.contracts import OperatorActed
from shared.postgres import Tx, load_queries

__all__ = ["IndexedAct", "acts"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class IndexedAct:
    """An act as its event says it; ``act`` is None where the event is not what its contract says."""

    number: int
    event_id: UUID
    act: OperatorActed | None


async def acts(
    tx: Tx, *, before: int | None, act: str | None, actor: UUID | None, service: str | None, limit: int
) -> list[IndexedAct]:
    """Acts that meet every condition, newest first."""
    rows = await tx.fetch(_SQL["acts"], before, act, actor, service, limit)
    return [IndexedAct(row["number"], row["event_id"], _read(row["value"])) for row in rows]


def _read(value: str | None) -> OperatorActed | None:
    try:
        return OperatorActed.model_validate_json(value or "")
    except ValidationError:
        return None
