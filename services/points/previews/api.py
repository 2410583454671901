"""HTTP of previews: what a shift will be worth, for everybody, before they sign up."""

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.points.complaints.handlers import require_sites
from services.points.dependencies import PolicyInForce
from services.points.previews import ending, voiding
from services.points.previews.domain import MOST_MINUTES, Plan, served_part, worth
from services.points.rules.domain import NEVER, REASONS, Rule
from services.points.rules.handlers import rulebook
from shared.auth.access import allow, public
from shared.auth.tokens import Caller, Role
from shared.clock import district_day
from shared.errors import Invalid
from shared.http.app import Db, Instant, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/points/v1", tags=["rules"])

Word = Annotated[str, Query(max_length=200)]
Served = Annotated[int | None, Query(ge=0, le=MOST_MINUTES)]


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
    served: "ServedOut | None" = None
    """What the minutes of `served_minutes` alone are worth; none unless they were asked for."""


class ServedOut(Output):
    """Points of a part of the planned time, for a volunteer who checks out after it."""

    minutes: int
    points: int
    reason: str
    reason_text: str


@router.get("/worth", dependencies=[public()])
async def read_worth(
    db: Db, starts_at: Instant, ends_at: Instant, kind: Word = "", theme: Word = "", served_minutes: Served = None
) -> WorthOut:
    """Preview scanned, confirmed service of this time by the rule of its day, if it is all of that day's."""
    minutes = (ends_at - starts_at) // timedelta(minutes=1)
    if not 0 < minutes <= MOST_MINUTES:
        raise Invalid("time-reversed", f"Service ends after it starts, and lasts at most {MOST_MINUTES} minutes.")
    day = district_day(starts_at)
    async with db.snapshot() as tx:
        rule = (await rulebook(tx)).at(day)
    plan = Plan(day, starts_at, minutes, kind, theme)
    found = worth(rule, plan)
    return WorthOut(
        rule_version=found.rule_version,
        minutes=found.minutes,
        counted_minutes=found.counted_minutes,
        points=found.points,
        from_minutes=found.from_minutes,
        reason=found.reason,
        reason_text=REASONS[found.reason],
        expires_on=None if found.expires_on == NEVER else found.expires_on,
        served=None if served_minutes is None else _served(rule, plan, min(served_minutes, minutes)),
    )


def _served(rule: Rule, plan: Plan, minutes: int) -> ServedOut:
    points, reason = served_part(rule, plan, minutes)
    return ServedOut(minutes=minutes, points=points, reason=reason, reason_text=REASONS[reason])


class VoidedWorthOut(Output):
    """Points that voiding an activity's records would reverse, ``debt`` of them spent already; badges by code."""

    records: int
    people: int
    points: int
    debt: int
    badges: dict[str, int]
    digest: str


@router.get("/activities/{activity_id}/void-preview")
async def preview_void(
    db: Db,
    policy: PolicyInForce,
    caller: Annotated[Caller, allow(Role.STATION, Role.OPERATOR)],
    activity_id: UUID,
) -> VoidedWorthOut:
    """Preview the change of accounts, badges and stars that voiding all records of an activity brings."""
    async with db.transaction() as tx:
        await require_sites(tx, caller, activity_id, None)
        found = await voiding.preview_void(tx, activity_id, policy)
    return VoidedWorthOut(
        **{**{name: getattr(found, name) for name in VoidedWorthOut.model_fields}, "badges": dict(found.badges)}
    )


class EndedWorthOut(Output):
    """Points that the records of a shift or activity brought and keep, and those that the waiting ones may bring.

    ``badges``: by code, those that confirming the waiting ones may award.
    """

    records: int
    waiting: int
    points: int
    expected: int
    badges: dict[str, int]
    digest: str


@router.get("/activities/{activity_id}/ending-preview")
async def preview_ending(
    db: Db,
    policy: PolicyInForce,
    caller: Annotated[Caller, allow(Role.LEADER, Role.STATION, Role.OPERATOR)],
    activity_id: UUID,
    shift_id: UUID | None = None,
) -> EndedWorthOut:
    """Preview the points of an activity or a shift that is closed or called off now."""
    async with db.transaction() as tx:
        found = await ending.preview_ending(tx, caller, activity_id, shift_id, await tx.now(), policy)
    values = {name: getattr(found, name) for name in EndedWorthOut.model_fields}
    return EndedWorthOut(**{**values, "badges": dict(found.badges)})
