"""Events of the ledger: rows for the outbox, written by hand because there is one for every changed bucket.

A test holds them to the contracts.
"""

from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Final
from uuid import UUID

from services.points.ledger.buckets import Movement, PostingCause, Reason, VolunteerRow
from shared.contracts import PointsPosted
from shared.ids import derived_id_of

__all__ = ["SOURCE", "OutboxRow", "envelope", "instant", "points_posted", "posted_event", "posting_id"]

SOURCE: Final = "weiguang/points"
OutboxRow = tuple[UUID, str, str, str, bytes]
"""Event id, topic, key, headers as JSON, value."""


def posting_id(volunteer_id: UUID, what: object, version: object) -> UUID:
    """Doing it again gives the same id."""
    return derived_id_of(f"posting|{volunteer_id}|{what}|{version}")  # the parts joined: it is made for every bucket


def envelope(
    event_type: str,
    event_id: str,
    subject: str,
    aggregate: tuple[str, int],
    at: datetime,
    cause: tuple[str, str, str | None],
) -> str:
    """The headers of an event, as JSON; ``cause`` is (event id, correlation id, traceparent).

    Only the last two come from outside and may hold anything; the rest are ids, numbers and names of our own.
    """
    return _headers(event_type, event_id, subject, aggregate, _instant(at), cause)


def _headers(
    event_type: str,
    event_id: str,
    subject: str,
    aggregate: tuple[str, int],
    at: str,
    cause: tuple[str, str, str | None],
) -> str:
    cause_id, correlation, parent = cause
    trace = "" if parent is None else f',"traceparent":{quoted(parent)}'
    return (
        f'{{"ce_specversion":"1.0","ce_id":"{event_id}","ce_type":"{event_type}","ce_source":"{SOURCE}",'
        f'"ce_subject":"{subject}","ce_time":"{at}","ce_aggregateid":"{aggregate[0]}",'
        f'"ce_aggregateversion":"{aggregate[1]}","ce_correlationid":{quoted(correlation)},'
        f'"content-type":"application/json","ce_causationid":"{cause_id}"{trace}}}'
    )


@lru_cache(maxsize=16)
def _instant(at: datetime) -> str:
    return instant(at)


def instant(at: datetime) -> str:
    """A moment as text, in UTC."""
    return at.astimezone(UTC).isoformat()


def points_posted(posting: UUID, volunteer: VolunteerRow, movement: Movement, posted_at: str, at: str) -> OutboxRow:
    """A PointsPosted event, whose id is the posting's; the volunteer's row is as it is after the posting.

    Written as text, because every value is a number, an id or a name of our own, and there is one for each bucket.
    """
    reason, amount, _, cause, award = movement
    return posted_event(posting, volunteer, (reason, amount), cause, award, posted_at, at)


def posted_event(
    posting: UUID,
    volunteer: VolunteerRow,
    moved: tuple[Reason, int],
    cause: PostingCause,
    award: tuple[str, int, int] | None,
    posted_at: str,
    at: str,
) -> OutboxRow:
    """A PointsPosted event as `points_posted` makes it of a movement: why and by how many points, and the award."""
    reason, amount = moved
    figures = volunteer.figures
    subject, posting_text = str(volunteer.volunteer_id), str(posting)
    about = ""
    if award is not None:
        record = cause.record_id
        records = "[]" if record is None else f'["{record}"]'
        about = (
            f'"bucket":"{award[0]}","rule_version":"{award[2]}","record_ids":{records},"site_id":{_id(cause.site_id)},'
            f'"drive_id":{_id(cause.drive_id)},"activity_id":{_id(cause.activity_id)},'
        )
    value = (
        f'{{"posting_id":"{posting_text}","volunteer_id":"{subject}","reason":"{reason}","amount":{amount},'
        f'"available":{figures[0]},"held":{figures[1]},"debt":{figures[2]},{about}"posted_at":"{posted_at}"}}'
    )
    headers = _headers(
        PointsPosted.type,
        posting_text,
        subject,
        (subject, volunteer.version),
        at,
        (str(cause.event_id), cause.correlation_id, cause.traceparent),
    )
    return posting, PointsPosted.topic, subject, headers, value.encode()


def _id(value: UUID | None) -> str:
    return "null" if value is None else f'"{value}"'
