"""Bursts: any ten minutes of a recorder, in any order, beside a count of each window there is."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.integrity.bursts.domain import BURST_SECONDS
from services.points.integrity.documents import BurstDocument, BurstPerClass
from services.points.integrity.domain import Act, ThresholdsInForce
from services.points.integrity.terms.domain import day_of, day_span
from tests.support.depth import examples
from tests.unit.points.windowing import HERE, RECORDER, SHIPPED, Windows, entries

MIDNIGHT = day_span(date(2026, 3, 5)).start


def limited(limit: int | None, version: int = 1, since: date = date(2000, 1, 1)) -> Any:
    burst = None if limit is None else BurstDocument(records=limit, by="posted")
    document = SHIPPED.model_copy(
        update={
            "version": version,
            "effective_from": since,
            "burst": BurstPerClass(others=burst, kiosk=None, leader=None),
        }
    )
    return document.thresholds()


def entered(at: int, number: int) -> Act:
    person = UUID(int=0x9000 + number % 50)
    when = datetime.fromtimestamp(at, UTC)
    return Act("burst", str(RECORDER), "backfilled", UUID(int=number), person, HERE, when)


def flagged(thresholds: ThresholdsInForce, acts: Iterable[Act]) -> dict[str, set[UUID]]:
    """Day → the records that were flagged."""
    windows = Windows(thresholds)
    for act in acts:
        windows.enter(act)
    return {about.partition("|")[0]: records for (_, _, about), records in windows.cases.items()}


def counted(thresholds: ThresholdsInForce, acts: Iterable[Act]) -> dict[str, set[UUID]]:
    """The same from the words: every window of ten minutes that begins with a second."""
    known = {(int(act.at.timestamp()), act.record_id) for act in acts}
    starts = {at - ago for at, _ in known for ago in range(BURST_SECONDS)}
    found: dict[str, set[UUID]] = {}
    for start in starts:
        burst = thresholds.at(day_of(start)).burst["others"]
        held = {record_id for at, record_id in known if start <= at < start + BURST_SECONDS}
        if burst is not None and len(held) >= burst.records:
            found.setdefault(day_of(start).isoformat(), set()).update(held)
    return found


@pytest.mark.parametrize("begin", range(0, 600, 50))
def test_any_ten_minutes_are_ten_minutes(begin: int) -> None:
    apart = timedelta(seconds=20)
    posted = [
        one._replace(emitted_at=one.emitted_at + timedelta(seconds=begin)) for one in entries(30, "backfilled", apart)
    ]
    windows = Windows().take(posted)
    assert windows.kinds == ["burst"], "the last comes 580 seconds after the first"
    (flag,) = windows.flags
    assert (flag.evidence["measured"], flag.evidence["limit"], len(flag.records)) == (30, 30, 30)
    assert datetime.fromisoformat(flag.evidence["from"]) == posted[0].emitted_at
    assert datetime.fromisoformat(flag.evidence["to"]) == posted[0].emitted_at + timedelta(minutes=10)
    late = posted[-1]._replace(emitted_at=posted[0].emitted_at + timedelta(minutes=10))
    assert Windows().take([*posted[:-1], late]).kinds == [], "ten minutes are half open"


def test_a_record_counts_once_however_often_it_is_entered_anew() -> None:
    posted = entries(29, "backfilled", timedelta(seconds=2))
    anew = [one._replace(revision=2, closed_by="correction", site_id=UUID(int=0xB)) for one in posted]
    assert Windows().take([*posted, *anew]).kinds == []


def test_a_burst_over_midnight_is_of_the_day_on_which_its_windows_begin() -> None:
    thresholds = ThresholdsInForce([limited(30)])
    acts = [entered(MIDNIGHT - 100 + 5 * number, number) for number in range(40)]
    assert {day: len(records) for day, records in flagged(thresholds, acts).items()} == {"2026-03-04": 40}


spread = st.lists(
    st.tuples(st.one_of(st.integers(-1300, 1300), st.integers(-40, 40), st.just(7)), st.integers(0, 60)),
    min_size=1,
    max_size=90,
)


@settings(max_examples=examples(150, 8), deadline=None)
@given(spread, st.integers(2, 9), st.sampled_from([None, 2, 3, 12]), st.randoms(use_true_random=False))
def test_what_lies_in_a_full_window_is_flagged_in_any_order(
    found: list[tuple[int, int]], limit: int, then: int | None, random: Any
) -> None:
    """A version with another limit may hold from midnight on; some records are entered more than once."""
    thresholds = ThresholdsInForce([limited(limit), limited(then, 2, date(2026, 3, 5))])
    acts = [entered(MIDNIGHT + place, number) for place, number in found]
    expected = counted(thresholds, acts)
    assert flagged(thresholds, acts) == expected
    again = acts + acts[::2]
    random.shuffle(again)
    assert flagged(thresholds, again) == expected


def test_what_is_entered_at_once_is_judged_at_once() -> None:
    windows = Windows(ThresholdsInForce([limited(30)]))
    windows.enter(*(entered(MIDNIGHT + 3600 + number // 4, number) for number in range(2400)))
    ((_, records),) = windows.cases.items()
    assert (len(windows.flags), len(records)) == (1, 2400)
