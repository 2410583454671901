"""Counts of events by bucket and type."""

from services.operations.events.domain import EventFilter
from services.operations.events.store import SCANNED, SearchWindow, plan_for_values
from services.operations.histograms.domain import MOST_BUCKETS, STEPS, BucketCount, Histogram, histogram_of
from shared.postgres import Tx, load_queries

__all__ = ["COUNTED", "histogram"]

_SQL = load_queries(__file__)
COUNTED = 50_000
"""Events that a histogram counts at most, the newest; of a search for text it reads no more than one of its pages."""


async def histogram(tx: Tx, wanted: EventFilter, window: SearchWindow) -> tuple[Histogram, bool]:
    """The newest events that a search finds, by time and type; and whether these are all of them."""
    await plan_for_values(tx)
    limit = COUNTED if wanted.text is None else SCANNED
    rows = await tx.fetch(
        _SQL["histogram"],
        None if wanted.sites is None else sorted(wanted.sites),
        wanted.topic, wanted.type, wanted.key, wanted.aggregate_id, wanted.correlation_id, wanted.site_id,
        window.since, window.until, window.partition, window.offset, wanted.text, limit, list(STEPS), MOST_BUCKETS,
    )  # fmt: skip
    counts = [BucketCount(row["bucket"], row["type"], row["events"]) for row in rows if row["bucket"] is not None]
    return histogram_of(counts, rows[0]["step"] or STEPS[0]), rows[0]["read"] < limit
