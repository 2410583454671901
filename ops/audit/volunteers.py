"""A4, A5: one walk over a range of volunteers, in which every record is read once for both."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ops.audit.badges import BadgeProof
from ops.audit.model import Check
from ops.audit.sql import SQL, VolunteerRange, by_volunteer
from ops.audit.worth import Proof
from shared.postgres import Tx

__all__ = ["Walked", "ranges", "walk"]

_STREAMS = (
    "accounts_by_volunteer",
    "records_by_volunteer",
    "buckets_by_volunteer",
    "awards_by_volunteer",
    "adjustments_by_volunteer",
    "referrals_by_volunteer",
)


@dataclass(frozen=True, slots=True)
class Walked:
    """The findings about a range of volunteers; ``older``: how many were last judged under earlier criteria."""

    awards: Check
    badges: Check
    older: int


async def walk(tx: Tx, chosen: VolunteerRange) -> Walked:
    """Prove the worth, then the figures and badges, of each volunteer of the range.

    The time to read belongs to A4.
    """
    worth, earned = await Proof.begin(tx), await BadgeProof.begin(tx)
    started, judging = time.monotonic(), 0.0
    async for volunteer_id, (accounts, records, *others) in by_volunteer(tx, chosen, *_STREAMS):
        account = accounts[0] if accounts else None
        worth.prove(volunteer_id, account, records, *others)
        if records or accounts:
            began = time.monotonic()
            earned.prove(volunteer_id, account, records)
            judging += time.monotonic() - began
    worth.check.seconds = time.monotonic() - started - judging
    earned.check.seconds = judging
    return Walked(worth.check, earned.check, earned.older)


async def ranges(tx: Tx, count: int) -> list[VolunteerRange]:
    """Split all volunteers into ranges with equally many accounts; fewer where there are fewer accounts."""
    firsts = [row["first"] for row in await tx.fetch(SQL["range_bounds"], count)]
    return VolunteerRange.between(firsts[1:])
