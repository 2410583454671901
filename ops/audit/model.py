"""The report of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.points.invariants.domain import OFFENDERS_KEPT, Check, Offender

__all__ = ["OFFENDERS_KEPT", "Check", "Offender", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one snapshot, in order."""

    checks: tuple[Check, ...]
    settled: bool
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every invariant holds."""
        return all(check.ok for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data: `{ok, checks: [{code, ok, …}], …}`."""
        return {
            "ok": self.ok,
            "settled": self.settled,
            "seconds": round(self.seconds, 3),
            "checks": [check.as_json() for check in self.checks],
        }
