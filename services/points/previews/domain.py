"""The preview of a stretch of service under a rule. Pure; whole points, whole minutes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.points.rules.domain import Facts, Rule
from services.points.rules.valuation.domain import value

__all__ = ["MOST_MINUTES", "Plan", "Worth", "served_part", "worth"]

MOST_MINUTES = 1440
"""No shift is longer than a day."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Service that is planned: by scan and confirmed, of the planned time, with nothing else on that day."""

    day: date
    starts_at: datetime
    minutes: int
    kind: str
    theme: str


@dataclass(frozen=True, slots=True)
class Worth:
    """``points`` for all of the planned time; ``from_minutes``: how long it takes to earn the first, if any is earned.

    ``reason`` is a key of `REASONS`, of all of the planned time.
    """

    rule_version: int
    minutes: int
    counted_minutes: int
    points: int
    from_minutes: int | None
    reason: str
    expires_on: date | None


def worth(rule: Rule, plan: Plan) -> Worth:
    """The worth of the plan by the rule's own function: the preview is what is posted after."""
    award = value(rule, [_served(plan, plan.minutes)])
    [line] = award.lines
    earns = line.points > 0
    # Longer service is never worth less: rules cut, and never take away.
    least = bisect_left(range(plan.minutes + 1), True, key=lambda minutes: _points(rule, plan, minutes) > 0)
    return Worth(
        rule_version=rule.version,
        minutes=plan.minutes,
        counted_minutes=line.counted,
        points=line.points,
        from_minutes=least if earns else None,
        reason=line.reason,
        expires_on=max(award.points) if earns else None,
    )


def served_part(rule: Rule, plan: Plan, minutes: int) -> tuple[int, str]:
    """Points for the first minutes of a plan alone, as after an early check-out, and the key of the reason."""
    [line] = value(rule, [_served(plan, minutes)]).lines
    return line.points, line.reason


def _points(rule: Rule, plan: Plan, minutes: int) -> int:
    return value(rule, [_served(plan, minutes)]).lines[0].points


def _served(plan: Plan, minutes: int) -> Facts:
    return Facts(
        record_id=UUID(int=0),
        revision=1,
        day=plan.day,
        status="confirmed",
        provenance="scanned",
        started_at=plan.starts_at,
        minutes=minutes,
        planned_minutes=plan.minutes,
        kind=plan.kind,
        theme=plan.theme,
        activity_id=None,
    )
