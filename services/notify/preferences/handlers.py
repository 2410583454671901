"""Preferences: read and replaced whole."""

from uuid import UUID

from services.notify.preferences import store
from services.notify.preferences.domain import Preferences
from shared.errors import Invalid
from shared.postgres import Tx

__all__ = ["choose"]


async def choose(tx: Tx, volunteer_id: UUID, preferences: Preferences) -> Preferences:
    """Replace a volunteer's choice.

    Raises:
        Invalid: only one end of the quiet hours is given.
    """
    if (preferences.quiet_from is None) != (preferences.quiet_to is None):
        raise Invalid("quiet-hours-incomplete", "Quiet hours need both quiet_from and quiet_to, or neither.")
    await store.put(tx, volunteer_id, preferences, await tx.now())
    return preferences
