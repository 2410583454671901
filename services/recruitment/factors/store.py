"""Rows of second factors and of sign-ins that wait for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres import Tx, load_queries

__all__ = [
    "Factor",
    "add_recovery_codes",
    "add_step",
    "confirm_factor",
    "factor_locked",
    "is_set",
    "purge_steps",
    "put_factor",
    "recovery_codes_left",
    "remove_factor",
    "spend_step",
    "use_recovery_code",
    "use_step",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Factor:
    """A sealed secret; ``confirmed`` once a first code proved it."""

    wrapped_key: bytes
    sealed: bytes
    confirmed: bool
    last_step: int


async def factor_locked(tx: Tx, staff_id: UUID) -> Factor | None:
    row = await tx.fetchrow(_SQL["factor"], staff_id)
    return None if row is None else Factor(**row)


async def is_set(tx: Tx, staff_id: UUID) -> bool:
    return bool(await tx.fetchval(_SQL["is_set"], staff_id))


async def put_factor(tx: Tx, staff_id: UUID, wrapped_key: bytes, sealed: bytes, now: datetime) -> bool:
    """Store a secret to be confirmed; false when there is a confirmed one."""
    return await tx.fetchval(_SQL["put_factor"], staff_id, wrapped_key, sealed, now) is not None


async def confirm_factor(tx: Tx, staff_id: UUID, now: datetime, step: int) -> None:
    await tx.execute(_SQL["confirm_factor"], staff_id, now, step)


async def remove_factor(tx: Tx, staff_id: UUID) -> None:
    await tx.execute(_SQL["remove_factor"], staff_id)


async def add_recovery_codes(tx: Tx, staff_id: UUID, hashes: Sequence[bytes]) -> None:
    """Replace the recovery codes."""
    await tx.execute(_SQL["forget_recovery_codes"], staff_id)
    await tx.execute(_SQL["add_recovery_codes"], staff_id, list(hashes))


async def use_recovery_code(tx: Tx, staff_id: UUID, code_hash: bytes, now: datetime) -> bool:
    return await tx.fetchval(_SQL["use_recovery_code"], staff_id, code_hash, now) is not None


async def recovery_codes_left(tx: Tx, staff_id: UUID) -> int:
    left: int = await tx.fetchval(_SQL["recovery_codes_left"], staff_id)
    return left


async def add_step(
    tx: Tx, step_id: UUID, staff_id: UUID, binding: bytes | None, now: datetime, expires_at: datetime
) -> None:
    await tx.execute(_SQL["add_step"], step_id, staff_id, binding, now, expires_at)


async def spend_step(tx: Tx, step_id: UUID, now: datetime) -> UUID | None:
    """Count a try; the account that the step is of, none when it has ended."""
    staff_id: UUID | None = await tx.fetchval(_SQL["spend_step"], step_id, now)
    return staff_id


async def use_step(tx: Tx, step_id: UUID, binding: bytes | None, now: datetime, most_attempts: int) -> UUID | None:
    """Take the step; none when it has ended, is another browser's, or was tried too often."""
    staff_id: UUID | None = await tx.fetchval(_SQL["use_step"], step_id, binding, now, most_attempts)
    return staff_id


async def purge_steps(tx: Tx, before: datetime) -> None:
    await tx.execute(_SQL["purge_steps"], before)
