"""Review of findings that show only across many records: recorders' months against their peers', and referrals."""

from datetime import UTC, datetime, timedelta

import structlog

from services.points.ingest.handlers import Policy
from services.points.integrity import handlers, store
from services.points.integrity.domain import Flag, ThresholdsInForce
from services.points.integrity.reviews.domain import (
    above_peers,
    flag_of_recorder,
    month_before,
    months_end,
    one_time_referrals,
)
from services.points.integrity.terms.domain import day_span
from shared.clock import district_day
from shared.postgres import Database, Tx

__all__ = ["review"]

_log = structlog.get_logger(__name__)


async def review(db: Database, thresholds: ThresholdsInForce, policy: Policy) -> int:
    """Judge the month that is over, and referrals; returns 0, as the next time is soon enough.

    Finding again finds the same cases, so any number of processes may review.
    """
    async with db.transaction() as tx:
        flags = [*await _recorders(tx, thresholds), *await _referrals(tx, thresholds)]
        opened = await handlers.report(tx, flags, policy) if flags else 0
    if opened:
        _log.info("integrity.opened", cases=opened, kinds=sorted({flag.kind for flag in flags}))
    return 0


async def _recorders(tx: Tx, thresholds: ThresholdsInForce) -> list[Flag]:
    first = month_before(district_day(await tx.now()))
    found = thresholds.at(first)
    since, until = (datetime.fromtimestamp(day_span(day).start, UTC) for day in (first, months_end(first)))
    flags = []
    for one, limit in above_peers(found, await store.recorder_hours(tx, since, until)):
        place = f"burst|{one.device_class}|{one.recorder}"
        about = await store.records_asserted(tx, place, since, until)
        flags.append(flag_of_recorder(found, first, one, limit, about))
    return flags


async def _referrals(tx: Tx, thresholds: ThresholdsInForce) -> list[Flag]:
    today = district_day(await tx.now())
    found = thresholds.at(today)
    if found.one_time_referrals is None:
        return []
    last = today - timedelta(days=found.one_time_referrals.silent_days)
    served = await store.one_time_referrals(tx, last)
    flags = (one_time_referrals(found, last, referrer_id, about) for referrer_id, about in served.items())
    return [flag for flag in flags if flag is not None]
