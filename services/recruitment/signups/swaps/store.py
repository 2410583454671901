"""Rows of swaps, to the domain and back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.signups.swaps.domain import ShiftSwap, SwapState
from shared.postgres import Tx, load_queries

__all__ = [
    "ListedSwap",
    "find_swap",
    "has_open",
    "insert_swap",
    "list_swaps",
    "lock",
    "proposed_since",
    "update_swap",
    "volunteer_of_number",
]

_SQL = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class ListedSwap:
    """An open swap with its shift and the numbers of both volunteers."""

    swap_id: UUID
    signup_id: UUID
    shift_id: UUID
    from_id: UUID
    to_id: UUID | None
    from_number: str
    to_number: str
    state: str
    proposed_at: datetime
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime


async def volunteer_of_number(tx: Tx, number: str) -> UUID | None:
    """The volunteer of the number, or none."""
    found: UUID | None = await tx.fetchval(_SQL["volunteer_of_number"], number)
    return found


async def lock(tx: Tx, volunteer_ids: tuple[UUID, UUID | None], shift_id: UUID) -> None:
    """Lock the volunteers, then the shift; read in later statements."""
    await tx.fetch(_SQL["lock_volunteers"], sorted(one for one in volunteer_ids if one is not None))
    await tx.fetchval(_SQL["lock_shift"], shift_id)


async def has_open(tx: Tx, signup_id: UUID) -> bool:
    """Whether there is an open swap of the place."""
    return bool(await tx.fetchval(_SQL["has_open"], signup_id))


async def proposed_since(tx: Tx, volunteer_id: UUID, since: datetime) -> int:
    """How many places a volunteer, who is locked, proposed since an instant."""
    return int(await tx.fetchval(_SQL["proposed_since"], volunteer_id, since))


async def insert_swap(tx: Tx, swap: ShiftSwap, number: str) -> None:
    """Write a new proposal; the number is kept where no volunteer has it."""
    await tx.execute(
        _SQL["insert_swap"],
        swap.swap_id,
        swap.signup_id,
        swap.shift_id,
        swap.from_id,
        swap.to_id,
        swap.proposed_at,
        number if swap.to_id is None else None,
    )


async def find_swap(tx: Tx, swap_id: UUID) -> ShiftSwap | None:
    """One swap, or none."""
    row = await tx.fetchrow(_SQL["find_swap"], swap_id)
    return None if row is None else ShiftSwap(**{**dict(row), "state": SwapState(row["state"])})


async def update_swap(tx: Tx, swap: ShiftSwap) -> bool:
    """Write the next version; false when a concurrent transaction wrote it."""
    row = await tx.fetchval(
        _SQL["update_swap"], swap.swap_id, swap.state, swap.decided_by, swap.decided_at, swap.version
    )
    return row is not None


async def list_swaps(tx: Tx, now: datetime, *, volunteer_id: UUID | None, shift_id: UUID | None) -> list[ListedSwap]:
    """Open swaps of a volunteer or of a shift, newest first."""
    return [ListedSwap(**dict(row)) for row in await tx.fetch(_SQL["list_swaps"], volunteer_id, shift_id, now)]
