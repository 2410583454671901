"""Assertions about volunteers as events: in the transaction that writes them, one per record and act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.approvals.domain import DENIABLE
from services.recruitment.attendance.domain import RecordStatus, ServiceRecord
from shared import outbox
from shared.contracts import AssertionNoted
from shared.contracts.attendance import AssertionAct
from shared.ids import derived_id
from shared.postgres import Tx

__all__ = ["Note", "publish"]

_SOURCE = "weiguang/recruitment"


@dataclass(frozen=True, slots=True)
class Note:
    """A record as an act left it. ``overtime_minutes``: those that the act is about; ``by``: the account that acted.

    ``decided_by``: the account of another site that decided.
    """

    record: ServiceRecord
    act: AssertionAct
    waits_for: Sequence[str] = ()
    overtime_minutes: int = 0
    by: UUID | None = None
    decided_by: UUID | None = None


async def publish(tx: Tx, notes: Sequence[Note], at: datetime) -> None:
    """Append one ``AssertionNoted`` per note; its id follows from record, revision and act."""
    events = []
    for note in notes:
        record = note.record
        data = AssertionNoted(
            record_id=record.record_id,
            revision=record.revision,
            volunteer_id=record.volunteer_id,
            act=note.act,
            activity_id=record.activity_id,
            site_id=record.site_id,
            provenance=record.provenance.value,
            status=record.status.value,
            minutes=record.minutes,
            overtime_minutes=note.overtime_minutes,
            waits_for=tuple(str(reason) for reason in note.waits_for),
            recorded_by=note.by or record.recorded_by,
            recorder_site_id=record.recorder_site_id,
            started_at=record.started_at,
            deniable_until=None if record.status is RecordStatus.VOID else at + DENIABLE,
            decided_by=note.decided_by,
        )
        event_id = derived_id("assertion-noted", record.record_id, record.revision, note.act)
        events.append(outbox.event(data, source=_SOURCE, aggregate_version=record.revision, id=event_id, time=at))
    await outbox.append(tx, *events)
