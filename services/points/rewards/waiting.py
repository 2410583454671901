"""Use cases that time brings about while something is held: reminders, and bare holds that run out."""

from __future__ import annotations

from dataclasses import replace

from services.points.ledger import handlers as ledger
from services.points.rewards import events, store
from services.points.rewards.domain import REMIND_BEFORE, RedemptionStatus
from shared import outbox
from shared.ids import derived_id
from shared.postgres import Database

__all__ = ["remind", "time_out_bare_holds"]


async def remind(db: Database, limit: int = 100) -> int:
    """Remind of redemptions whose time is over in `REMIND_BEFORE`, each once; returns how many; call until 0."""
    async with db.transaction() as tx:
        at = await tx.now()
        due = await store.unreminded(tx, at, REMIND_BEFORE, limit)
        if not due:
            return 0
        await ledger.lock(tx, sorted({redemption.volunteer_id for redemption in due}))
        reminders = []
        for redemption in await store.redemptions_by_id(tx, [redemption.redemption_id for redemption in due]):
            if redemption.status is RedemptionStatus.HELD and await store.note_reminder(tx, redemption, at):
                reminders.append(events.reminded(replace(redemption, version=redemption.version + 1), at))
        await outbox.append(tx, *reminders)
        return len(reminders)


async def time_out_bare_holds(db: Database, limit: int = 100) -> int:
    """Void holds whose time is over and that have no redemption (those end with it); returns how many.

    Call again until it is 0.
    """
    async with db.transaction() as tx:
        due = await store.bare_holds_due(tx, await tx.now(), limit)
        if not due:
            return 0
        await ledger.lock(tx, sorted({volunteer_id for _, volunteer_id in due}))
        done = 0
        for hold_id, _ in due:
            standing = await ledger.find_hold(tx, hold_id)
            if standing is not None and standing.status == "open":
                cause = derived_id("hold-timed-out", hold_id)
                await ledger.void(tx, hold_id, cause, correlation_id=str(cause))
                done += 1
        return done
