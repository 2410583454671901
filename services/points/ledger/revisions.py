"""One revision of a service record, as the ledger sees it. Pure."""

from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.points.rules.domain import Facts

__all__ = ["RecordRevision", "facts"]

_NO_FLAGS: Final[frozenset[str]] = frozenset()


class RecordRevision(NamedTuple):
    """The members of AttendanceRecorded, the day it belongs to, and where it came from.

    ``content_hash`` is the first 16 bytes of the SHA-256 of the message's value;
    ``emitted_at`` is when it was published.
    """

    record_id: UUID
    revision: int
    content_hash: bytes
    volunteer_id: UUID
    day: date
    status: str
    provenance: str
    kind: str
    theme: str
    closed_by: str | None
    approval_level: str
    started_at: datetime
    ended_at: datetime | None
    minutes: int
    planned_minutes: int
    activity_id: UUID | None
    shift_id: UUID | None
    site_id: UUID | None
    team_id: UUID | None
    drive_id: UUID | None
    recorded_by: UUID | None
    recorder_site_id: UUID | None
    device_ref: str | None
    distance_m: int | None
    event_id: UUID
    correlation_id: str
    emitted_at: datetime | None = None
    traceparent: str | None = None

    @property
    def complained(self) -> bool:
        """No revision comes with a complaint about it."""
        return False

    @property
    def flags(self) -> frozenset[str]:
        """Nor with cases of integrity."""
        return _NO_FLAGS

    @property
    def storable(self) -> bool:
        """Whether the database can store it: its texts hold no U+0000."""
        texts = (self.theme, self.kind, self.device_ref or "", self.correlation_id)
        return not any("\x00" in text for text in texts)

    def says_the_same(self, other: "RecordRevision") -> bool:
        """Whether the content is equal, whatever its bytes and its envelope."""
        return self[:2] + self[3:24] == other[:2] + other[3:24]


def facts(revision: RecordRevision) -> Facts:
    """The facts that a rule may read."""
    return Facts(
        revision.record_id,
        revision.revision,
        revision.day,
        revision.status,
        revision.provenance,
        revision.started_at,
        revision.minutes,
        revision.planned_minutes,
        revision.kind,
        revision.theme,
        revision.activity_id,
        revision.approval_level,
    )
