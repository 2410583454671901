"""Exports of one volunteer's data: the sections, and the limit on making them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

__all__ = ["MOST", "SECTIONS", "WINDOW", "Export"]

MOST = 3
"""Exports of a volunteer within the window."""
WINDOW = timedelta(days=1)
SECTIONS = ("consents", "memberships", "facts", "signups", "records", "requests", "looks")


@dataclass(frozen=True, slots=True)
class Export:
    """All that recruitment holds about one volunteer, the sections as rows of plain values."""

    made_at: datetime
    person: Mapping[str, Any]
    sections: Mapping[str, Sequence[Mapping[str, Any]]]
