"""The lock-out of pickup codes: of a hold after wrong codes in a row, of a caller after wrong codes in a window. Pure.

In real time, not business time: it slows guessing, whatever the district's clock says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["GUESSES_ALLOWED", "LOCKED_FOR", "WRONG_CODES_ALLOWED", "CodeLock", "Guesses", "spend", "waits"]

WRONG_CODES_ALLOWED = 5
"""Wrong pickup codes in a row before a hold is locked."""
GUESSES_ALLOWED = 20
"""Wrong codes of one caller within `LOCKED_FOR`. Codes are 31^8 and no site has more than some hundred open, so this is
far from finding one; it is plenty for misread ones."""
LOCKED_FOR = timedelta(minutes=15)
"""How long a hold stays locked, and how long the window of a caller's guesses is."""


@dataclass(frozen=True, slots=True)
class CodeLock:
    """The wrong codes in a row for a hold, and until when no code is heard for it."""

    wrong_codes: int
    locked_until: datetime | None

    def holds(self, real: datetime) -> bool:
        """Whether no code is heard now."""
        return self.locked_until is not None and real < self.locked_until

    def after_wrong(self, real: datetime) -> CodeLock:
        """The lock after one more wrong code; the count begins anew with each lock."""
        wrong = self.wrong_codes + 1
        return CodeLock(0, real + LOCKED_FOR) if wrong >= WRONG_CODES_ALLOWED else CodeLock(wrong, None)


@dataclass(frozen=True, slots=True)
class Guesses:
    """A caller's guesses since the first one of a window."""

    since: datetime
    number: int


def spend(guesses: Guesses, real: datetime) -> Guesses | None:
    """The count with one more guess in it; None when no more are heard for now. A window that is over begins anew."""
    if real - guesses.since >= LOCKED_FOR:
        return Guesses(real, 1)
    return Guesses(guesses.since, guesses.number + 1) if guesses.number < GUESSES_ALLOWED else None


def waits(guesses: Guesses, real: datetime) -> int:
    """Seconds until guesses are heard again, rounded up."""
    return max(1, int((guesses.since + LOCKED_FOR - real).total_seconds()) + 1)
