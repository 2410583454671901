"""Kafka in: records of attendance, points and dead letters as what they add to the live view."""

from services.operations.events.domain import is_dead_letters
from services.operations.live.domain import DEAD_LETTER, UNREADABLE, LivePlace, Sighting, is_new_service
from shared.cloudevents import decode
from shared.contracts import AttendanceRecorded, PointsPosted
from shared.errors import PermanentError
from shared.kafka.messages import Message
from shared.kafka.topics import LIVE, LIVE_DEAD_LETTERS

__all__ = ["BEATS", "DEAD_LETTER_TOPICS", "EVENT_TOPICS", "GROUP", "TOPICS", "sighting_of"]

GROUP = "operations-live"
EVENT_TOPICS = LIVE
DEAD_LETTER_TOPICS = LIVE_DEAD_LETTERS
BEATS = "beats"
TOPICS = (*EVENT_TOPICS, *DEAD_LETTER_TOPICS, BEATS)


def sighting_of(message: Message) -> Sighting:
    """The counts that a record adds; an unreadable one counts as unreadable, and the index holds its bytes."""
    if is_dead_letters(message.entity):
        return Sighting(LivePlace(DEAD_LETTER))
    try:
        event = decode(message.headers, message.value)
    except PermanentError:
        return Sighting(LivePlace(UNREADABLE))
    data = event.data
    if isinstance(data, AttendanceRecorded):
        ended = data.ended_at is not None
        new = is_new_service(data.status, data.provenance, data.closed_by, ended=ended)
        return Sighting(LivePlace(data.type, data.site_id, data.drive_id), records=int(new))
    if isinstance(data, PointsPosted):
        counts = data.reason in ("award", "reversal")
        return Sighting(LivePlace(data.type, data.site_id, data.drive_id), points=data.amount if counts else 0)
    return Sighting(LivePlace(UNREADABLE))
