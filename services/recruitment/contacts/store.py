"""Rows of changed phones."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = ["PhoneChange", "add_change", "end_sessions", "keep_guardian", "list_changes", "person_of"]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class PhoneChange:
    """One change of a volunteer's phone; ``by_staff`` with sealed evidence, else by codes to both phones."""

    change_id: UUID
    volunteer_id: UUID
    changed_at: datetime
    changed_by: UUID
    by_staff: bool


async def person_of(tx: Tx, volunteer_id: UUID) -> tuple[UUID, UUID | None] | None:
    """Lock the volunteer; (person, site), or None where there is no such volunteer who has logged in."""
    row = await tx.fetchrow(_SQL["person_of"], volunteer_id)
    return None if row is None else (row["person_id"], row["site_id"])


async def keep_guardian(tx: Tx, volunteer_id: UUID) -> None:
    """Keep that a guardian agreed; the volunteer is locked."""
    await tx.execute(_SQL["keep_guardian"], volunteer_id)


async def add_change(tx: Tx, change: PhoneChange, wrapped_key: bytes | None, sealed: bytes | None) -> None:
    """Keep a change, with its evidence if there is one."""
    await tx.execute(
        _SQL["add_change"],
        change.change_id,
        change.volunteer_id,
        change.changed_at,
        change.changed_by,
        change.by_staff,
        wrapped_key,
        sealed,
    )


async def list_changes(tx: Tx, volunteer_id: UUID) -> list[PhoneChange]:
    """The changes of a volunteer's phone, newest first."""
    return [PhoneChange(**dict(row)) for row in await tx.fetch(_SQL["list_changes"], volunteer_id)]


async def end_sessions(tx: Tx, person_id: UUID, spared: UUID | None, now: datetime) -> None:
    """End the sessions of a person, but the one spared."""
    await tx.execute(_SQL["end_sessions"], person_id, spared, now)
