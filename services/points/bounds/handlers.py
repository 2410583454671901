"""Use cases of bounds: require that a caller may read a volunteer's account."""

from __future__ import annotations

from uuid import UUID

from services.points.bounds import store
from shared.auth.tokens import Caller, Role
from shared.errors import NotFound
from shared.postgres import Tx

__all__ = ["in_bounds", "require_reader", "unknown"]

STAFF = (Role.STATION, Role.OPERATOR)


async def require_reader(tx: Tx, caller: Caller, volunteer_id: UUID) -> None:
    """Require that the caller may read this volunteer's account: their own, or as `in_bounds`.

    Raises:
        NotFound: otherwise; that the account exists is not revealed.
    """
    if not caller.acts_as(volunteer_id) and not await in_bounds(tx, caller, volunteer_id):
        raise unknown()


async def in_bounds(tx: Tx, caller: Caller, volunteer_id: UUID) -> bool:
    """Whether the volunteer is one of the caller's.

    The centre has all, staff of sites those who served or redeemed something there.
    """
    if not caller.has(*STAFF):
        return False
    return caller.site_ids is None or await store.was_at(tx, volunteer_id, caller.site_ids)


def unknown() -> NotFound:
    """The refusal that does not reveal whether an account exists."""
    return NotFound("account-unknown", "There is no such account.")
