"""Referrals, as people read them. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

__all__ = ["MOST_A_DAY", "RecordedReferral"]

MOST_A_DAY = 20
"""Referrals that one account records on a day, withdrawn ones too: each may be worth points on its word alone."""


@dataclass(frozen=True, slots=True)
class RecordedReferral:
    """A referral as it is stored; ``day`` is when it was recorded, in the district."""

    referral_id: UUID
    referrer_id: UUID
    referred_id: UUID
    day: date
    recorded_by: UUID
    recorded_at: datetime
    withdrawn_by: UUID | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str | None = None
