"""Use case of proposals: a person decides about flags whose records another site did not void."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

from services.points.ingest import store as known_facts
from services.points.ingest.handlers import Policy
from services.points.integrity import handlers as cases
from services.points.integrity.domain import Case, CaseStatus
from services.points.integrity.proposals import store
from shared import outbox
from shared.contracts import CaseFlagsDecided
from shared.errors import Conflict
from shared.ids import derived_id
from shared.postgres import Tx

if TYPE_CHECKING:  # as in `services.points.integrity.handlers`
    from shared.auth.tokens import Caller

__all__ = ["FlagOutcome", "decide_flags"]

FlagOutcome = Literal["kept", "cleared"]


async def decide_flags(
    tx: Tx, caller: Caller, case_id: UUID, outcome: FlagOutcome, reason: str, policy: Policy
) -> Case:
    """Keep or clear the flags of a confirmed case's records that another site did not void.

    Clearing posts what the flags held back.

    Raises:
        NotFound: ``case-unknown``.
        Forbidden: ``own-case``, ``case-at-other-sites``, as for settling.
        Conflict: ``flags-decided``: none of the case's flags waits for a decision.
        TransientError: a record changed hands meanwhile; nothing was written.
    """
    case, records, volunteer_ids = await cases.locked_case(tx, caller, case_id)
    waiting = {record_id for record_id, _ in await store.undecided(tx, case_id)}
    if case.status is not CaseStatus.CONFIRMED or not waiting:
        raise Conflict("flags-decided", "None of this case's flags waits for a decision.")
    now = await tx.now()
    await store.decide(tx, case_id, sorted(waiting), outcome, caller.subject, now, reason)
    first = min(waiting)
    data = CaseFlagsDecided(
        case_id=case_id,
        kind=case.kind,
        subject_kind=case.subject_kind,
        subject=case.subject,
        outcome=outcome,
        record_ids=tuple(sorted(waiting)),
        decided_by=caller.subject,
        decided_at=now,
    )
    event_id = derived_id("case", case_id, "flags", first)
    await outbox.append(tx, outbox.event(data, source=cases.SOURCE, aggregate_version=3, id=event_id))
    if outcome == "cleared":
        decided = [row for row in records if row["record_id"] in waiting]
        rows = [(row["record_id"], row["volunteer_id"], case_id, case.kind) for row in decided]
        await known_facts.count_flags(tx, volunteer_ids)
        await cases.reconsider_flagged(tx, rows, f"flags/{first}", policy)
    return case
