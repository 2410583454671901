"""Consents by version: which one is in force, and who still has to give it. Pure.

The texts of the versions stand on the pages; a new text gets the next number here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from services.recruitment.activities.domain import DomainRefusal
from services.recruitment.vault.domain import needs_guardian

__all__ = ["CURRENT", "Consent", "accept", "refuse_outdated"]

CURRENT = 2
"""The version in force: 2 names distances at check-in and messages of leaders."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A version that a volunteer accepted, with the guardian's consent where one was given."""

    version: int
    accepted_at: datetime
    guardian: bool


def accept(version: int, *, guardian: bool, born: date | None, today: date, now: datetime) -> Consent | DomainRefusal:
    """The consent, or why it is not one."""
    if version != CURRENT:
        return DomainRefusal(
            "consent-outdated",
            f"The version in force is {CURRENT}; read it and decide anew.",
            extra={"version": CURRENT},
        )
    if needs_guardian(born, today) and not guardian:
        return DomainRefusal(
            "guardian-missing", "Under 14 years a guardian has to agree (guardian_consent: true).", 422
        )
    return Consent(version, now, guardian)


def refuse_outdated(accepted: int | None) -> DomainRefusal | None:
    """The refusal of an own act that needs the version in force; None when the accepted version is that one.

    A volunteer who accepted none is refused as well: no session is opened without a consent, so it must have been lost.
    """
    if accepted is not None and accepted >= CURRENT:
        return None
    return DomainRefusal(
        "consent-due",
        f"The terms in force are version {CURRENT}: read and accept it, then go on.",
        403,
        extra={"version": CURRENT, "accepted": accepted},
    )
