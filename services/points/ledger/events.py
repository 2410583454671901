"""Events of the ledger: rows for the outbox, written by hand because there is one for every changed bucket.

A test holds them to the contracts.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any, Final
from uuid import UUID

import orjson

from shared.contracts import PointsPosted
from shared.ids import derived_id

__all__ = ["SOURCE", "OutboxRow", "envelope", "points_posted", "posting_id"]

SOURCE: Final = "weiguang/points"
OutboxRow = tuple[UUID, str, str, str, bytes]
"""Event id, topic, key, headers as JSON, value."""


def posting_id(volunteer_id: UUID, what: object, version: object) -> UUID:
    """Doing it again gives the same id."""
    return derived_id(f"posting|{volunteer_id}|{what}|{version}")  # the parts joined: it is made for every bucket


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
    cause_id, correlation, parent = cause
    trace = "" if parent is None else f',"traceparent":{quoted(parent)}'
    return (
        f'{{"ce_specversion":"1.0","ce_id":"{event_id}","ce_type":"{event_type}","ce_source":"{SOURCE}",'
        f'"ce_subject":"{subject}","ce_time":"{_instant(at)}","ce_aggregateid":"{aggregate[0]}",'
        f'"ce_aggregateversion":"{aggregate[1]}","ce_correlationid":{quoted(correlation)},'
        f'"content-type":"application/json","ce_causationid":"{cause_id}"{trace}}}'
    )


@lru_cache(maxsize=16)
def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def points_posted(
    posting: UUID, data: Mapping[str, Any], version: int, at: datetime, cause: tuple[str, str, str | None]
) -> OutboxRow:
    """A PointsPosted event; ``data`` holds the contract's members, ids as text. Its id is the posting's."""
    subject = data["volunteer_id"]
    headers = envelope(PointsPosted.type, data["posting_id"], subject, (subject, version), at, cause)
    return posting, PointsPosted.topic, subject, headers, orjson.dumps(data)
