"""Events of the teams' consumer: rows for the outbox."""

from datetime import datetime
from uuid import UUID

from services.points.ledger.events import OutboxRow, envelope
from shared.contracts import TeamBadgeAwarded, TeamBadgeRevoked
from shared.ids import derived_id

__all__ = ["awarded", "revoked"]

_Cause = tuple[str, str, str | None]


def awarded(data: TeamBadgeAwarded, at: datetime, cause: _Cause) -> OutboxRow:
    """A TeamBadgeAwarded event: the first of its award. ``cause`` is (event id, correlation id, traceparent)."""
    return _row(data, derived_id("team-badge-awarded", data.award_id), 1, at, cause)


def revoked(data: TeamBadgeRevoked, at: datetime, cause: _Cause) -> OutboxRow:
    """A TeamBadgeRevoked event: the second and last of its award."""
    return _row(data, derived_id("team-badge-revoked", data.award_id), 2, at, cause)


def _row(
    data: TeamBadgeAwarded | TeamBadgeRevoked, event_id: UUID, version: int, at: datetime, cause: _Cause
) -> OutboxRow:
    key = str(data.team_id)
    headers = envelope(data.type, str(event_id), key, (str(data.award_id), version), at, cause)
    return event_id, data.topic, key, headers, data.model_dump_json().encode()
