"""The report of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.points.invariants.domain import OFFENDERS_KEPT, Check, Offender

__all__ = ["OFFENDERS_KEPT", "Check", "Offender", "Report", "could_not_be_checked", "merged"]


def could_not_be_checked(code: str, error: Exception) -> Check:
    """A breach: not being able to read is no proof that all is well."""
    check = Check(code, "could not be checked")
    check.add_violation("the audit", str(error))
    return check


def merged(parts: Sequence[Check]) -> Check:
    """The parts of one check as one, their offenders in order as far as they are kept."""
    whole = Check(parts[0].code, parts[0].title)
    for part in parts:
        whole.examined += part.examined
        whole.breaches += part.breaches
        whole.offenders += part.offenders[: OFFENDERS_KEPT - len(whole.offenders)]
        whole.notes += part.notes
        whole.seconds += part.seconds
    return whole


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
