"""Preferences: changed field by field."""

from uuid import UUID

from services.notify.preferences import store
from services.notify.preferences.domain import Preferences, PreferencesChange, changed
from shared.errors import Invalid
from shared.postgres import Tx

__all__ = ["change"]


async def change(tx: Tx, volunteer_id: UUID, wanted: PreferencesChange) -> Preferences:
    """Change some of a volunteer's preferences; the others keep their value.

    Raises:
        Invalid: only one end of the quiet hours would be left.
    """
    if not wanted:
        return await store.get(tx, volunteer_id)
    now = await tx.now()
    await store.lock(tx, volunteer_id, now)
    try:
        result = changed(await store.get(tx, volunteer_id), wanted)
    except ValueError as error:
        raise Invalid("quiet-hours-incomplete", str(error)) from None
    await store.put(tx, volunteer_id, result, now)
    return result
