"""Proposed voids of confirmed cases, as events: when they are proposed, and when another site decided or none did."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.recruitment.approvals import store
from services.recruitment.approvals.domain import Reason
from shared import outbox
from shared.contracts import VoidsDecided, VoidsProposed
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["VoidOutcome", "decided", "proposed"]

_SOURCE = "weiguang/recruitment"
VoidOutcome = Literal["voided", "kept", "lapsed"]


async def proposed(tx: Tx, case_id: UUID, record_ids: Collection[UUID], settled_by: UUID, now: datetime) -> None:
    """Append one event per nearest deciding site; the records wait, and the settling account does not decide."""
    for site_id, found, staff_ids in await store.nearest_deciders(tx, record_ids):
        data = VoidsProposed(
            case_id=case_id,
            record_ids=tuple(found),
            site_id=site_id,
            staff_ids=tuple(one for one in staff_ids if one != settled_by),
            settled_by=settled_by,
            proposed_at=now,
        )
        event_id = derived_id("voids-proposed", case_id, site_id or "", found[0])
        await outbox.append(tx, outbox.event(data, source=_SOURCE, aggregate_version=1, id=event_id, time=now))


async def decided(
    tx: Tx,
    reasons: Mapping[UUID, Collection[str]],
    outcome: VoidOutcome,
    now: datetime,
    *,
    by: UUID | None = None,
    site_id: UUID | None = None,
) -> None:
    """Append one event per case that had proposed to void some of these records, which waited for their reasons."""
    suspected = [record_id for record_id, why in reasons.items() if Reason.SUSPECTED in why]
    for case_id, settled_by, found in await store.cases_of(tx, suspected) if suspected else ():
        data = VoidsDecided(
            case_id=case_id,
            record_ids=tuple(found),
            outcome=outcome,
            decided_by=by,
            site_id=site_id,
            settled_by=settled_by,
            decided_at=now,
        )
        event_id = derived_id("voids-decided", case_id, found[0])
        await outbox.append(tx, outbox.event(data, source=_SOURCE, aggregate_version=2, id=event_id, time=now))
