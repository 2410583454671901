"""Review of patterns: the month that is over, shifts, pickups and drives, each set as it stands."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import structlog

from services.points.ingest.handlers import Policy
from services.points.integrity import handlers
from services.points.integrity.domain import Flag, ThresholdsInForce
from services.points.integrity.patterns import store
from services.points.integrity.patterns.domain import filled_at_once, idle_drive, never_signed_up, shared_pickups
from services.points.integrity.reviews.domain import month_before, months_end
from services.points.integrity.terms.domain import day_of, day_span, seconds
from shared.clock import district_day
from shared.postgres import Database, Tx

__all__ = ["review_patterns"]

GRACE = timedelta(days=2)
"""How long after a month it is judged: sign-ups and records come by different ways."""
LOOK_BACK = timedelta(days=45)
"""Shifts and drives are judged for so long; later uploads are no older than 30 days."""
_log = structlog.get_logger(__name__)


async def review_patterns(
    db: Database, thresholds: ThresholdsInForce, policy: Policy, caught_up: Callable[[], bool]
) -> int:
    """Judge what is over; returns 0, as the next time is soon enough.

    Finding again finds the same cases. What sign-ups are missing from is judged once their consumer has ``caught_up``.
    """
    async with db.transaction() as tx:
        now = await tx.now()
        flags = [*await _shifts(tx, thresholds, now), *await _pickups(tx, thresholds, now)]
        if caught_up():
            flags += [*await _unsigned(tx, thresholds, now), *await _drives(tx, thresholds, now)]
        opened = await handlers.report(tx, flags, policy) if flags else 0
    if opened:
        _log.info("integrity.opened", cases=opened, kinds=sorted({flag.kind for flag in flags}))
    return 0


async def _shifts(tx: Tx, thresholds: ThresholdsInForce, now: datetime) -> list[Flag]:
    limits = thresholds.at(district_day(now)).filled_at_once
    if limits is None:
        return []
    found = []
    for shift in await store.quick_shifts(tx, now - LOOK_BACK, now, limits.minutes, limits.people):
        terms = thresholds.at(day_of(seconds(shift.starts_at)))
        found.append(filled_at_once(terms, shift, await store.served(tx, shift)))
    return [flag for flag in found if flag is not None]


async def _unsigned(tx: Tx, thresholds: ThresholdsInForce, now: datetime) -> list[Flag]:
    first = month_before(district_day(now - GRACE))
    terms = thresholds.at(first)
    if not any(terms.never_signed_up.values()):
        return []
    return never_signed_up(terms, first, await store.unsigned(tx, *_month(first)))


async def _pickups(tx: Tx, thresholds: ThresholdsInForce, now: datetime) -> list[Flag]:
    this = district_day(now).replace(day=1)
    flags = []
    for first in (month_before(this), this):
        terms = thresholds.at(first)
        if terms.shared_pickups is not None:
            flags += shared_pickups(terms, first, await store.pickups(tx, *_month(first)))
    return flags


async def _drives(tx: Tx, thresholds: ThresholdsInForce, now: datetime) -> list[Flag]:
    limits = thresholds.at(district_day(now)).idle_drives
    if limits is None:
        return []
    over = now - timedelta(days=limits.days)
    found = [
        idle_drive(thresholds.at(day_of(seconds(drive.ends_at))), drive, registered)
        for drive, registered in (await store.drives_over(tx, over - LOOK_BACK, over)).items()
    ]
    return [flag for flag in found if flag is not None]


def _month(first: date) -> tuple[datetime, datetime]:
    since, until = (datetime.fromtimestamp(day_span(day).start, UTC) for day in (first, months_end(first)))
    return since, until
