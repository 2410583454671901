"""Histograms over HTTP."""

from datetime import datetime

from fastapi import APIRouter

from services.operations.events.api import Selected, Watcher, Window, require_place
from services.operations.histograms import store
from services.operations.histograms.domain import Histogram
from shared.http.app import Db, Output

__all__ = ["router"]

router = APIRouter(prefix="/api/operations/v1", tags=["events"])


class TypeCountsOut(Output):
    """Events of one type per bucket; of records that are no event of ours ``type`` is their kind."""

    type: str
    events: list[int]


class HistogramOut(Output):
    """Events of a search by time; every list has one figure for each of ``buckets``, which are ``seconds`` long.

    The most frequent types are apart, ``others`` counts the remaining ones. Unless ``complete``, older events that
    the search finds too are not counted.
    """

    seconds: float
    buckets: list[datetime]
    by_type: list[TypeCountsOut]
    others: list[int] | None
    total: int
    complete: bool


@router.get("/events/histogram")
async def count_events(db: Db, _: Watcher, wanted: Selected, window: Window) -> HistogramOut:
    """The newest events of a search, counted by their time of publication and their type.

    50,000 events are counted at most; a search for ``text`` looks into the newest 20,000 that meet the other
    conditions.
    """
    async with db.snapshot() as tx:
        await require_place(tx, wanted.topic, window)
        found, complete = await store.histogram(tx, wanted, window)
    return _out(found, complete)


def _out(found: Histogram, complete: bool) -> HistogramOut:
    return HistogramOut(
        seconds=found.step.total_seconds(),
        buckets=list(found.buckets),
        by_type=[TypeCountsOut(type=type, events=list(events)) for type, events in found.by_type],
        others=None if found.others is None else list(found.others),
        total=found.total,
        complete=complete,
    )
