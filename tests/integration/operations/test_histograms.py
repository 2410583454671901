"""Histograms: the events of a search by time and type, within the caller's bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from services.operations.events.stream import IndexStream
from services.operations.histograms.domain import MOST_TYPES, BucketCount, histogram_of
from shared.auth.tokens import Role
from shared.ids import new_id
from tests.integration.operations.indexing import Indexed, held, message_of, posted, signup

POSTED, HELD = "volunteering.points.posted.v1", "volunteering.redemption.held.v1"


async def test_events_are_counted_by_time_and_type(index: Indexed) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    minutes = (0, 0, 4, 7, 59)
    who, site = new_id(), new_id()
    await index.stream.handle(
        [message_of(posted(who), at, sent_at=hour + timedelta(minutes=late)) for at, late in enumerate(minutes)]
        + [message_of(held(site), 0, sent_at=hour + timedelta(minutes=7))]
    )
    found = (await index.get("/events/histogram")).json()
    assert (found["seconds"], found["total"], found["complete"], found["others"]) == (60, 6, True, None)
    assert datetime.fromisoformat(found["buckets"][0]) == hour
    assert len(found["buckets"]) == 60
    by_type = {one["type"]: {at: n for at, n in enumerate(one["events"]) if n} for one in found["by_type"]}
    assert by_type == {POSTED: {0: 2, 4: 1, 7: 1, 59: 1}, HELD: {7: 1}}
    assert [one["type"] for one in found["by_type"]] == [POSTED, HELD], "the most frequent one first"

    narrow = {"since": (hour + timedelta(minutes=4)).isoformat(), "until": (hour + timedelta(minutes=8)).isoformat()}
    assert (await index.get("/events/histogram", **narrow)).json()["total"] == 3
    assert (await index.get("/events/histogram", key=str(who), type=HELD)).json()["buckets"] == []
    assert (await index.get("/events/histogram", topic="points", partition=0, offset=3)).json()["total"] == 2
    assert (await index.get("/events/histogram", text="保温杯")).json()["total"] == 1
    refused = await index.get("/events/histogram", topic="points", partition=0, offset=6)
    assert (refused.status_code, refused.json()["type"]) == (422, "offset-past-end")


async def test_a_histogram_counts_the_newest_events_and_says_so(
    index: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await index.stream.handle([message_of(held(new_id()), 0)])
    await index.stream.handle([message_of(posted(), offset) for offset in range(3)])
    monkeypatch.setattr("services.operations.histograms.store.COUNTED", 3)
    monkeypatch.setattr("services.operations.histograms.store.SCANNED", 3)
    found = (await index.get("/events/histogram")).json()
    assert (found["total"], found["complete"]) == (3, False)
    unseen = (await index.get("/events/histogram", text="保温杯")).json()
    assert (unseen["total"], unseen["buckets"], unseen["complete"]) == (0, [], False)


async def test_operators_count_their_sites_only(index: Indexed) -> None:
    here = new_id()
    await index.stream.handle([message_of(signup(here), 0), message_of(signup(new_id()), 1), message_of(posted(), 0)])
    assert (await index.get("/events/histogram")).json()["total"] == 3
    assert (await index.get("/events/histogram", index.token(Role.OPERATOR, [here]))).json()["total"] == 1
    assert (await index.get("/events/histogram", index.token(Role.STATION))).status_code == 403


async def test_records_ages_apart_make_few_buckets(index: Indexed) -> None:
    now = datetime.now(UTC)
    await IndexStream(index.db, "first", 3650).handle(
        [message_of(posted(), 0, sent_at=now - timedelta(days=3000)), message_of(posted(), 1)]
    )
    found = (await index.get("/events/histogram")).json()
    assert len(found["buckets"]) <= 61
    assert found["total"] == 2


def test_the_least_frequent_types_are_counted_together() -> None:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    step = timedelta(minutes=5)
    counts = [BucketCount(at + step * place, f"type-{place}", 9 - place) for place in range(MOST_TYPES + 2)]
    found = histogram_of(counts, step)
    assert len(found.buckets) == MOST_TYPES + 2, "without gaps"
    assert [name for name, _ in found.by_type] == [f"type-{place}" for place in range(MOST_TYPES)]
    assert found.others == (*(0 for _ in range(MOST_TYPES)), 9 - MOST_TYPES, 8 - MOST_TYPES)
    assert found.total == sum(one.events for one in counts)
