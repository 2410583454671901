"""The change that ending an activity or a shift brings, and the name of the state that it was read in. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.recruitment.activities.domain import Shift
from services.recruitment.attendance.domain import RecordStatus
from services.recruitment.attendance.terms.domain import counted_minutes

__all__ = ["EndingPreview", "EndingRecord", "preview", "still_to_hold"]


@dataclass(frozen=True, slots=True)
class EndingRecord:
    """A record of a shift that ends, which is not void; open while it has no end."""

    record_id: UUID
    revision: int
    shift_id: UUID
    status: RecordStatus
    started_at: datetime
    ended_at: datetime | None
    minutes: int


@dataclass(frozen=True, slots=True)
class EndingPreview:
    """The change that ending the shifts brings by now; minutes are whole.

    ``absent``: sign-ups without a record; ``waiting``: places in waitlists; ``open_minutes``: of open records, were
    they closed now; ``confirmed_minutes`` stay as they are; ``digest`` names the state, whatever the time is.
    """

    shifts: int
    absent: int
    waiting: int
    open_records: int
    open_minutes: int
    confirmed: int
    confirmed_minutes: int
    unconfirmed: int
    digest: str


def still_to_hold(shifts: Iterable[Shift], now: datetime) -> list[Shift]:
    """The shifts that can still be called off."""
    return [shift for shift in shifts if shift.cancelled_at is None and now < shift.ends_at]


def preview(
    shifts: Sequence[Shift],
    signups: Sequence[UUID],
    entries: Sequence[UUID],
    records: Sequence[EndingRecord],
    now: datetime,
) -> EndingPreview:
    """Sum up the sign-ups without a record, places in waitlists and records of the shifts that end."""
    by_id: Mapping[UUID, Shift] = {shift.shift_id: shift for shift in shifts}
    running = [record for record in records if record.ended_at is None]
    confirmed = [record for record in records if record.status is RecordStatus.CONFIRMED]
    named = [
        *(f"shift {shift.shift_id} {shift.ends_at.isoformat()}" for shift in shifts),
        *(f"signup {one}" for one in signups),
        *(f"entry {one}" for one in entries),
        *(f"record {record.record_id} {record.revision}" for record in records),
    ]
    return EndingPreview(
        shifts=len(shifts),
        absent=len(signups),
        waiting=len(entries),
        open_records=len(running),
        open_minutes=sum(counted_minutes(one.started_at, now, by_id[one.shift_id]) for one in running),
        confirmed=len(confirmed),
        confirmed_minutes=sum(record.minutes for record in confirmed),
        unconfirmed=len(records) - len(running) - len(confirmed),
        digest=hashlib.sha256("\n".join(sorted(named)).encode()).hexdigest(),
    )
