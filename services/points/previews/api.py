"""HTTP of previews: what a shift will be worth, for everybody, before they sign up."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from services.points.previews.domain import MOST_MINUTES, Plan, worth
from services.points.rules.domain import NEVER, REASONS
from services.points.rules.handlers import rulebook
from shared.auth.access import public
from shared.clock import district_day
from shared.errors import Invalid
from shared.http.app import Db, Instant, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rules"])

Word = Annotated[str, Query(max_length=200)]


class WorthOut(Output):
    """The worth of all of the planned time, and how long it takes to earn the first point (none: nothing is earned).

    ``expires_on``: the last day on which the points will be good; none for ever. ``reason_text`` is for people.
    """

    rule_version: int
    minutes: int
    counted_minutes: int
    points: int
    from_minutes: int | None
    reason: str
    reason_text: str
    expires_on: date | None


@router.get("/worth", dependencies=[public()])
async def read_worth(db: Db, starts_at: Instant, ends_at: Instant, kind: Word = "", theme: Word = "") -> WorthOut:
    """Preview scanned, confirmed service of this time by the rule of its day, if it is all of that day's."""
    minutes = (ends_at - starts_at) // timedelta(minutes=1)
    if not 0 < minutes <= MOST_MINUTES:
        raise Invalid("time-reversed", f"Service ends after it starts, and lasts at most {MOST_MINUTES} minutes.")
    day = district_day(starts_at)
    async with db.snapshot() as tx:
        rule = (await rulebook(tx)).at(day)
    found = worth(rule, Plan(day, starts_at, minutes, kind, theme))
    return WorthOut(
        rule_version=found.rule_version,
        minutes=found.minutes,
        counted_minutes=found.counted_minutes,
        points=found.points,
        from_minutes=found.from_minutes,
        reason=found.reason,
        reason_text=REASONS[found.reason],
        expires_on=None if found.expires_on == NEVER else found.expires_on,
    )
