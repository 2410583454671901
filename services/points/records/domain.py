"""One revision of a service record, and which of several revisions stands. Pure."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

__all__ = ["RecordRevision", "RevisionResolution", "resolve"]

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
        device = self.device_ref
        return not (
            "\0" in self.theme
            or "\0" in self.kind
            or "\0" in self.correlation_id
            or (device is not None and "\0" in device)
        )

    def says_the_same(self, other: "RecordRevision") -> bool:
        """Whether the content is equal, whatever its bytes and its envelope."""
        return self[:2] + self[3:24] == other[:2] + other[3:24]


@dataclass(slots=True)
class RevisionResolution:
    """Which revisions stand.

    ``applied``: the new state of each changed record, with the stored one it replaces (None if new). ``superseded``:
    revisions of this batch that are kept but don't count. ``conflicts``: places in the batch that contradict what is
    known.
    """

    applied: dict[UUID, tuple[RecordRevision, RecordRevision | None]] = field(default_factory=dict)
    superseded: list[RecordRevision] = field(default_factory=list)
    conflicts: list[int] = field(default_factory=list)
    duplicates: int = 0


def resolve(
    batch: Sequence[RecordRevision],
    stored: Mapping[UUID, RecordRevision],
    superseded: Mapping[tuple[UUID, int], bytes],
    without: Container[int] = (),
) -> RevisionResolution:
    """Decide for each revision whether it is news, a repetition, late, or a contradiction.

    The highest revision stands; of two contents of one revision the first. ``without``: places of the batch that are
    left out.
    """
    outcome = RevisionResolution()
    applied = outcome.applied
    late: dict[tuple[UUID, int], bytes] = {}
    for place, revision in enumerate(batch):
        if place in without:
            continue
        record_id = revision.record_id
        entry = applied.get(record_id)
        before = stored.get(record_id)
        present = entry[0] if entry is not None else before
        if present is None:
            applied[record_id] = (revision, None)
        elif revision.revision > present.revision:
            if entry is not None:
                outcome.superseded.append(present)
                late[record_id, present.revision] = present.content_hash
            applied[record_id] = (revision, before)
        else:
            known = present if revision.revision == present.revision else None
            if known is None and before is not None and before.revision == revision.revision:
                known = before
            key = (record_id, revision.revision)
            known_hash = known.content_hash if known is not None else superseded.get(key) or late.get(key)
            if known_hash is None:
                outcome.superseded.append(revision)
                late[key] = revision.content_hash
            elif known_hash == revision.content_hash or (known is not None and known.says_the_same(revision)):
                outcome.duplicates += 1
            else:
                outcome.conflicts.append(place)
    return outcome
