"""Events of badges: rows for the outbox. A test holds them to the contracts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from services.points.ledger.events import OutboxRow, envelope
from shared.contracts import BadgeAwarded, BadgeRevoked
from shared.ids import derived_id

__all__ = ["badge_awarded", "badge_revoked"]


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
