"""Use case of automatic closes: the volunteer says when they left."""

from datetime import datetime
from uuid import UUID

from services.recruitment.activities.guards import unwrap
from services.recruitment.attendance import handlers as attendance
from services.recruitment.attendance import store as records
from services.recruitment.closings import domain, store
from services.recruitment.closings.domain import ClosingAnswer, WhenLeft
from shared.auth.tokens import Caller
from shared.postgres import Tx

__all__ = ["answer"]


async def answer(tx: Tx, caller: Caller, record_id: UUID, said: WhenLeft, left_at: datetime | None) -> ClosingAnswer:
    """Keep what the calling volunteer says about a record that was closed automatically; a later answer replaces it.

    Raises:
        NotFound: no such record, or not the caller's to see.
        Refusal: ``not-your-record``, ``nothing-to-answer``, ``time-missing``, ``left-outside``.
    """
    who = caller.require_volunteer()
    await records.lock_volunteer(tx, who)
    record = attendance.visible(caller, record_id, await records.find_record(tx, record_id))
    kept = unwrap(domain.answer(record, who, said, left_at, await tx.now()))
    await store.save_answer(tx, kept)
    return kept
