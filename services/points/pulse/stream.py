"""Kafka in: attendance and points as beats of the pulse."""

from services.points.pulse.domain import Beat, counts_as_record
from shared.cloudevents import decode
from shared.contracts import AttendanceRecorded, PointsPosted
from shared.errors import PermanentError
from shared.kafka.consumer import Message

__all__ = ["GROUP", "TOPICS", "beat_of"]

GROUP = "points-pulse"
TOPICS = ("attendance", "points")


def beat_of(message: Message) -> Beat | None:
    """The increments by a record; None when it is nothing that just happened.

    Raises:
        PermanentError: the record cannot be read, or is of a type that these topics don't carry.
    """
    event = decode(message.headers, message.value)
    data = event.data
    if isinstance(data, AttendanceRecorded):
        ended = data.ended_at is not None
        if not counts_as_record(data.status, data.provenance, data.closed_by, ended=ended):
            return None
        return Beat(1, 0, data.site_id, data.drive_id)
    if isinstance(data, PointsPosted):
        if data.reason not in ("award", "reversal"):
            return None
        return Beat(0, data.amount, data.site_id, data.drive_id)
    raise PermanentError(f"{event.type} is not for this consumer")
