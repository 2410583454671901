"""What the ledger tells the world: rows for the outbox, written by hand because there is one for every changed bucket.

A test holds them to the contracts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from shared.contracts import BadgeAwarded, BadgeRevoked, PointsPosted
from shared.ids import derived_id

__all__ = ["SOURCE", "OutboxRow", "badge_awarded", "badge_revoked", "envelope", "points_posted", "posting_id"]

SOURCE: Final = "weiguang/points"
OutboxRow = tuple[UUID, str, str, Mapping[str, str], bytes]


def posting_id(volunteer_id: UUID, what: object, version: object) -> UUID:
    """Doing it again gives the same id."""
    return derived_id("posting", volunteer_id, what, version)


def envelope(
    event_type: str,
    event_id: str,
    subject: str,
    aggregate: tuple[str, int],
    at: datetime,
    cause: tuple[str, str, str | None],
) -> dict[str, str]:
    """The headers of an event; ``cause`` is (event id, correlation id, traceparent)."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": event_type,
        "ce_source": SOURCE,
        "ce_subject": subject,
        "ce_time": at.astimezone(UTC).isoformat(),
        "ce_aggregateid": aggregate[0],
        "ce_aggregateversion": str(aggregate[1]),
        "ce_correlationid": cause[1],
        "content-type": "application/json",
        "ce_causationid": cause[0],
    }
    if cause[2] is not None:
        headers["traceparent"] = cause[2]
    return headers


def points_posted(
    posting: UUID, data: Mapping[str, Any], version: int, at: datetime, cause: tuple[str, str, str | None]
) -> OutboxRow:
    """A PointsPosted event; ``data`` holds the contract's members, ids as text. Its id is the posting's."""
    subject = data["volunteer_id"]
    headers = envelope(PointsPosted.type, data["posting_id"], subject, (subject, version), at, cause)
    return posting, PointsPosted.topic, subject, headers, orjson.dumps(data)


def badge_awarded(data: Mapping[str, Any], at: datetime, cause: tuple[str, str, str | None]) -> OutboxRow:
    """A BadgeAwarded event: the first of its award."""
    event_id = derived_id("badge-awarded", data["award_id"])
    headers = envelope(BadgeAwarded.type, str(event_id), data["volunteer_id"], (data["award_id"], 1), at, cause)
    return event_id, BadgeAwarded.topic, data["volunteer_id"], headers, orjson.dumps(data)


def badge_revoked(data: Mapping[str, Any], at: datetime, cause: tuple[str, str, str | None]) -> OutboxRow:
    """A BadgeRevoked event: the second and last of its award."""
    event_id = derived_id("badge-revoked", data["award_id"])
    headers = envelope(BadgeRevoked.type, str(event_id), data["volunteer_id"], (data["award_id"], 2), at, cause)
    return event_id, BadgeRevoked.topic, data["volunteer_id"], headers, orjson.dumps(data)
