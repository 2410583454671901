"""Use cases of the leaders' board: to agree, to take that back, to look."""

from __future__ import annotations

from uuid import UUID

from services.points.leaders import store
from shared.auth.tokens import Caller
from shared.errors import Conflict, NotFound
from shared.postgres import Tx

__all__ = ["is_shown", "show"]


async def show(tx: Tx, caller: Caller, volunteer_id: UUID, shown: bool) -> bool:
    """The volunteer agrees to be shown by number, or takes that back; at once.

    Raises:
        Refusal: it is not their own account, or their session does not name their number.
    """
    _own(caller, volunteer_id)
    if not 1 <= len(caller.name) <= 64:
        raise Conflict("number-unknown", "The session does not name a volunteer number. Sign in again.")
    await store.put_visibility(tx, volunteer_id, caller.name, shown, await tx.now())
    return shown


async def is_shown(tx: Tx, caller: Caller, volunteer_id: UUID) -> bool:
    """Whether the volunteer agreed.

    Raises:
        NotFound: it is not their own account.
    """
    _own(caller, volunteer_id)
    return await store.shown(tx, volunteer_id)


def _own(caller: Caller, volunteer_id: UUID) -> None:
    if caller.volunteer_id != volunteer_id:
        raise NotFound("account-unknown", "There is no such account.")
