"""Use case of reminders: publish those that are due, once each."""

from collections.abc import Sequence

from services.recruitment.signups.events import SOURCE
from services.recruitment.signups.reminders import store
from shared import outbox
from shared.contracts import ShiftReminder
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["HOURS", "remind"]

HOURS = (24, 2)
"""Hours before the start of a shift at which its volunteers are reminded; a sign-up made later gets none."""


async def remind(tx: Tx, limit: int, hours: Sequence[int] = HOURS) -> int:
    """Publish up to ``limit`` reminders that are due; returns how many."""
    now = await tx.now()
    due = await store.remind(tx, now, hours, limit)
    events = [
        outbox.event(
            ShiftReminder(
                signup_id=each.signup_id,
                volunteer_id=each.volunteer_id,
                shift_id=each.shift_id,
                activity_id=each.activity_id,
                activity_title=each.title,
                site_id=each.site_id,
                starts_at=each.starts_at,
                hours=each.hours,
                reminded_at=now,
            ),
            source=SOURCE,
            aggregate_version=each.version,
            id=derived_id("shift-reminder", each.signup_id, each.hours),
            time=now,
        )
        for each in due
    ]
    await outbox.append(tx, *events)
    return len(due)
