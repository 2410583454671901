"""A rule, and facts of a service that it judges."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.points.rules import documents
from services.points.rules.domain import Facts
from shared.clock import district_day

__all__ = ["RULE", "facts"]

RULE = documents.shipped()[0].rule()


def facts(number: int = 1, minutes: int = 60, start: str = "2026-01-10T09:00", **changes: Any) -> Facts:
    """A confirmed, scanned record; times are the district's."""
    started_at = datetime.fromisoformat(start + "+08:00").astimezone(UTC)
    day = district_day(started_at)
    found = Facts(
        UUID(int=number), 1, day, "confirmed", "scanned", started_at, minutes, minutes, "visit", "夕阳别样红", None
    )
    return found._replace(**changes)
