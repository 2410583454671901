"""Hours by the way they were recorded: credit, honour, and those of the registry. Pure."""

from typing import Final, NamedTuple

__all__ = ["PROVENANCE_GROUPS", "Lifetime"]

PROVENANCE_GROUPS: Final[dict[str, int]] = {"scanned": 0, "kiosk": 0, "leader": 0, "backfilled": 1, "imported": 2}
"""Provenance → index of its group among credit (信用时数), honour (荣誉时数) and imported."""


class Lifetime(NamedTuple):
    """Confirmed service of a whole life, by group of provenance; minutes are whole minutes."""

    credit_minutes: int = 0
    honour_minutes: int = 0
    imported_minutes: int = 0
    credit_records: int = 0
    honour_records: int = 0
    imported_records: int = 0

    @property
    def minutes(self) -> int:
        """All confirmed minutes: the legal record of service."""
        return self.credit_minutes + self.honour_minutes + self.imported_minutes
