"""How many wrong pickup codes a member of staff may type. Pure, in real time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["GUESSES_ALLOWED", "GUESS_WINDOW", "Guesses", "spend", "waits"]

GUESSES_ALLOWED = 20
"""Wrong codes of one caller within `GUESS_WINDOW`. Codes are 31^8 and no site has more than some hundred open, so this
is far from finding one; it is plenty for misread ones."""
GUESS_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Guesses:
    """Guesses since the first one of a window."""

    since: datetime
    number: int


def spend(guesses: Guesses, real: datetime) -> Guesses | None:
    """The count with one more guess in it; None when no more are heard for now. A window that is over begins anew."""
    if real - guesses.since >= GUESS_WINDOW:
        return Guesses(real, 1)
    return Guesses(guesses.since, guesses.number + 1) if guesses.number < GUESSES_ALLOWED else None


def waits(guesses: Guesses, real: datetime) -> int:
    """Seconds until guesses are heard again, rounded up."""
    return max(1, int((guesses.since + GUESS_WINDOW - real).total_seconds()) + 1)
