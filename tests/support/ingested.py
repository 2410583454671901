"""Attendance as the ingest receives it, and the events that it emits."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.contracts import AttendanceRecorded
from shared.ids import new_id
from shared.postgres import Database
from tests.integration.points.histories import attendance
from tests.reference.points import Record

__all__ = ["DAY", "outbox_events", "record"]

DAY = datetime(2026, 3, 4, 1, tzinfo=UTC)


def record(volunteer_id: UUID, minutes: int = 60, **changes: Any) -> AttendanceRecorded:
    """An hour on 4 March, worth 15 points; anything may be said otherwise."""
    record_id = changes.pop("record_id", None) or new_id()
    started_at = changes.pop("started_at", DAY)
    plain = Record(
        str(record_id), changes.pop("revision", 1), str(volunteer_id), "confirmed", "scanned", started_at, minutes
    )
    return attendance(plain, **changes)


async def outbox_events(database: Database, topic: str) -> list[dict[str, Any]]:
    """The events of a topic, in the order of the outbox."""
    async with database.transaction() as tx:
        rows = await tx.fetch("select value from outbox where topic = $1 order by id", topic)
    return [orjson.loads(row["value"]) for row in rows]
