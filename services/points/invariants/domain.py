"""The findings of a check of the data: what was examined, and what breaks an invariant. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OFFENDERS_KEPT", "Check", "Offender", "transfers_named"]

OFFENDERS_KEPT = 100
"""Offenders beyond these are counted, not listed: a broken ledger must not fill the memory of the auditor."""


@dataclass(frozen=True, slots=True)
class Offender:
    """One thing that breaks an invariant: what it is, and expected against found in words."""

    subject: str
    detail: str


@dataclass(slots=True)
class Check:
    """One invariant and what was found. `notes` are worth reading and break nothing."""

    code: str
    title: str
    examined: int = 0
    breaches: int = 0
    offenders: list[Offender] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the invariant holds."""
        return self.breaches == 0

    def add_violation(self, subject: object, detail: str) -> None:
        """Note a breach."""
        self.breaches += 1
        if len(self.offenders) < OFFENDERS_KEPT:
            self.offenders.append(Offender(str(subject), detail))

    def differ(self, subject: object, pairs: Iterable[tuple[str, Any, Any]]) -> None:
        """Note a breach when any (name, kept, computed) differs."""
        wrong = [f"{name} is {kept}, should be {computed}" for name, kept, computed in pairs if kept != computed]
        if wrong:
            self.add_violation(subject, "; ".join(wrong))

    def as_json(self) -> dict[str, Any]:
        """The check as plain data."""
        return {
            "code": self.code,
            "title": self.title,
            "ok": self.ok,
            "examined": self.examined,
            "breaches": self.breaches,
            "offenders": [{"subject": offender.subject, "detail": offender.detail} for offender in self.offenders],
            "notes": self.notes,
            "seconds": round(self.seconds, 3),
        }


def transfers_named(ids: Sequence[int]) -> str:
    """The transfers among which the wrong one is, or their absence, in words."""
    return f"transfers {', '.join(map(str, ids))}" if ids else "no transfers"
