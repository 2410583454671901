"""Search, one event, traces, topics and the stream, over HTTP."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
import pytest

from services.operations.events import feed as feeds
from services.operations.events.domain import EventFilter, IndexRow
from services.operations.events.feed import EventFeed
from services.operations.events.output import summary_of
from shared.auth.tokens import Role
from shared.http.server import running
from shared.ids import new_id
from tests.integration.operations.indexing import API, Indexed, cancelled, held, indexing, message_of, posted, signup


async def test_a_search_combines_conditions_and_pages(index: Indexed) -> None:
    who, site = new_id(), new_id()
    batch = [message_of(posted(who), offset, correlation_id="c-1") for offset in range(7)]
    await index.stream.handle([*batch, message_of(posted(), 7), message_of(held(site), 0, correlation_id="c-1")])
    assert len(await index.items(limit=3)) == 9
    assert len(await index.items(key=str(who), limit=2)) == 7
    assert [item["topic"] for item in await index.items(correlation_id="c-1", site_id=str(site))] == ["redemptions"]
    assert len(await index.items(aggregate_id=str(who), type="volunteering.points.posted.v1", topic="points")) == 7
    assert len(await index.items(topic="points", partition=0, offset=5)) == 3
    assert len(await index.items(text="保温杯")) == 1
    now = datetime.now(UTC)
    assert len(await index.items(since=(now - timedelta(hours=1)).isoformat())) == 9
    assert await index.items(until=(now - timedelta(hours=1)).isoformat()) == []


async def test_a_search_for_text_reads_on_where_a_page_ended(index: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.operations.events.store.SCANNED", 4)
    await index.stream.handle([message_of(held(new_id()), 0)])
    await index.stream.handle([message_of(posted(), offset) for offset in range(11)])
    assert [item["topic"] for item in await index.items(text="保温杯")] == ["redemptions"]


@pytest.mark.parametrize(
    ("query", "status", "type"),
    [
        ({"topic": "points", "partition": 0, "offset": 1}, 422, "offset-past-end"),
        ({"topic": "badges", "partition": 0, "offset": 0}, 422, "offset-past-end"),
        ({"offset": 1}, 422, "offset-without-partition"),
        ({"since": "2199-01-01T00:00:00Z"}, 422, "time-ahead"),
        ({"topic": "control"}, 422, "invalid-input"),
        ({"cursor": "xyz"}, 400, "cursor-invalid"),
        ({"text": "\0"}, 400, "invalid-text"),
        ({"nonsense": "1"}, 422, "parameter-unknown"),
    ],
)
async def test_what_cannot_be_found_is_a_clear_problem(
    index: Indexed, query: dict[str, Any], status: int, type: str
) -> None:
    await index.stream.handle([message_of(posted(), 0)])
    answer = await index.get("/events", **query)
    assert (answer.status_code, answer.json()["type"]) == (status, type), answer.text


async def test_operators_see_their_sites_and_events_without_one_are_the_centres(index: Indexed) -> None:
    here, elsewhere = new_id(), new_id()
    placed = signup(here)
    await index.stream.handle(
        [message_of(placed, 0, correlation_id="c"), message_of(held(elsewhere), 0, correlation_id="c")]
    )
    await index.stream.handle([message_of(posted(), 0, correlation_id="c"), message_of(cancelled(placed), 1)])
    everything = await index.items()
    assert len(everything) == 4
    bound = index.token(Role.OPERATOR, [here])
    assert {item["site_id"] for item in await index.items(bound)} == {str(here)}
    for item in everything:
        answer = await index.get(f"/events/{item['event_id']}", bound)
        assert answer.status_code == (200 if item["site_id"] == str(here) else 404)
    assert len((await index.get("/traces/c")).json()["events"]) == 3
    assert len((await index.get("/traces/c", bound)).json()["events"]) == 1
    assert (await index.get("/traces/c", index.token(Role.OPERATOR, [new_id()]))).status_code == 404
    assert len(await index.items(index.token(Role.OPERATOR))) == 4
    for role in (Role.STATION, Role.VOLUNTEER, Role.LEADER):
        assert (await index.get("/events", index.token(role))).status_code == 403


async def test_an_event_names_its_effects_and_a_trace_its_hops(index: Indexed) -> None:
    now = datetime.now(UTC)
    cause = message_of(signup(new_id()), 0, correlation_id="c-9", sent_at=now - timedelta(seconds=4))
    cause_id = dict(cause.headers)["ce_id"].decode()
    later = now - timedelta(seconds=1)
    effect = message_of(posted(), 0, correlation_id="c-9", causation_id=cause_id, sent_at=later)
    await index.stream.handle([effect])
    await index.stream.handle([cause])
    detail = (await index.get(f"/events/{cause_id}")).json()
    assert [one["topic"] for one in detail["effects"]] == ["points"]
    assert {"name": "ce_correlationid", "value": "c-9"} in detail["headers"]
    trace = (await index.get("/traces/c-9")).json()
    assert [event["topic"] for event in trace["events"]] == ["signups", "points"]
    hops = trace["events"][0]["hops"]
    assert hops["applied"] == [{"by": "points", "at": trace["events"][1]["published_at"]}]
    assert hops["to_effect_ms"] == pytest.approx(3000, abs=2)
    assert hops["made_at"] is not None
    assert (await index.get("/traces/none")).json()["type"] == "trace-not-found"


async def test_topics_have_rates_sizes_and_ends(index: Indexed) -> None:
    await index.stream.handle([message_of(posted(), offset, partition=2) for offset in range(3)])
    topics = {topic["topic"]: topic for topic in (await index.get("/topics")).json()["items"]}
    points = topics["points"]
    assert (points["owner"], points["events"], len(points["per_minute"])) == ("points", 3, 60)
    assert sum(points["per_minute"]) == 3
    assert points["bytes"] == sum(points["bytes_per_minute"]) > 0
    assert [(one["partition"], one["end_offset"]) for one in points["partitions"]] == [(2, 3)]
    assert {"service": "notify", "group": "notify"} in points["readers"]
    assert topics["points.notify.dlq"]["events"] == 0


# -- the stream


class Stream:
    """The events of a stream as they are read."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.id = ""

    async def next(self) -> tuple[str, Any]:
        """The next message that has data, and its kind."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(30):
            async for line in self.response.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                self.id = fields.get("id", self.id)
                if "data" in fields:
                    return fields["event"], orjson.loads(fields["data"])
                fields = {}
        raise AssertionError("the stream ended")


@asynccontextmanager
async def streaming(index: Indexed, token: str | None = None, last: str = "", **query: Any) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token or index.token()}"} | ({"Last-Event-ID": last} if last else {})
    async with running(index.app, "127.0.0.1", 0, lifespan=False) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}{API}/events/stream"
        async with session.get(url, params=query, headers=headers) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            stream = Stream(response)
            async for line in response.content:  # it stands at the present once it names a number
                if line.startswith(b"id: "):
                    stream.id = line.decode().strip()[4:]
                    break
            yield stream


@pytest.fixture
async def open_index(index: Indexed) -> AsyncIterator[Indexed]:
    async with indexing(index.db, index.settings_for, stream_seconds=60) as found:
        yield found


async def test_a_stream_sends_what_arrives_and_resumes_without_a_gap(open_index: Indexed) -> None:
    index, seen = open_index, []
    await index.stream.handle([message_of(posted(), 0)])
    async with streaming(index) as stream:
        for offset in range(1, 4):
            await index.stream.handle([message_of(posted(), offset)])
            kind, item = await stream.next()
            assert kind == "event"
            seen.append(item["offset"])
        last = stream.id
    await index.stream.handle([message_of(posted(), offset) for offset in range(4, 30)])
    async with streaming(index, last=last) as stream:
        await index.stream.handle([message_of(posted(), 30)])
        while not seen or seen[-1] != 30:
            seen.append((await stream.next())[1]["offset"])
    assert seen == list(range(1, 31))


async def test_a_stream_keeps_to_filter_and_bounds(open_index: Indexed) -> None:
    index, here = open_index, new_id()
    async with streaming(index, index.token(Role.OPERATOR, [here]), topic="redemptions") as stream:
        await index.stream.handle([message_of(signup(here), 0), message_of(held(new_id()), 0), message_of(posted(), 0)])
        await index.stream.handle([message_of(held(here), 1)])
        kind, item = await stream.next()
        assert (kind, item["topic"], item["site_id"]) == ("event", "redemptions", str(here))


async def _until(feed: EventFeed, after: int | None, enough: int) -> list[tuple[str, Any]]:
    """The kind and the data of so many frames."""
    found: list[tuple[str, Any]] = []
    async with asyncio.timeout(30), contextlib.aclosing(feed.stream(EventFilter(), after)) as stream:
        async for chunk in stream:
            for frame in chunk.decode().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in frame.split("\n") if line)
                if "data" in lines:
                    found.append((lines["event"], json.loads(lines["data"])))
            if len(found) >= enough:
                break
    return found


async def test_a_stream_too_far_behind_gets_a_mark_of_the_gap(index: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "CATCH_UP", 10)
    await index.stream.handle([message_of(posted(), offset) for offset in range(50)])
    [(kind, gap), *rest] = await _until(EventFeed(index.db, 1, 60), 1, 11)
    assert kind == "gap"
    numbers = [one["number"] for _, one in rest]
    assert gap == {"after": 1, "before": numbers[0]}
    assert numbers == list(range(41, 51))
    [gap_of_another_index, *rest] = await _until(EventFeed(index.db, 1, 60), 99_999, 1)
    assert gap_of_another_index == ("gap", {"after": 0, "before": 51})


async def test_a_stream_behind_what_memory_keeps_reads_the_index(
    index: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "KEPT", 3)
    monkeypatch.setattr(feeds, "PAGE", 4)
    feed = EventFeed(index.db, 2, 60)
    reading = asyncio.create_task(_until(feed, 0, 40))
    for start in range(0, 40, 10):
        await index.stream.handle([message_of(posted(), start + offset) for offset in range(10)])
    assert [one["number"] for _, one in await reading] == list(range(1, 41))


async def test_viewers_share_the_bytes_of_what_arrives(index: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Counter[int]()

    def counted(event: IndexRow) -> dict[str, Any]:
        written[event.number] += 1
        return summary_of(event)

    monkeypatch.setattr(feeds, "summary_of", counted)
    feed = EventFeed(index.db, 20, 60)
    everything, others = EventFilter(), EventFilter(topic="redemptions")
    async with contextlib.AsyncExitStack() as opened, asyncio.timeout(30):
        streams = [
            await opened.enter_async_context(contextlib.aclosing(feed.stream(wanted, None)))
            for wanted in (everything, everything, everything, others)
        ]
        for stream in streams:
            assert (await anext(stream)).startswith(b"id: ")
        for offset in range(5):  # the feed may begin to follow behind the first ones
            written.clear()
            waiting = [asyncio.create_task(anext(stream)) for stream in streams]
            await index.stream.handle([message_of(posted(), offset), message_of(held(new_id()), offset)])
            first, second, third, other = await asyncio.gather(*waiting)
            if first is second:
                break
    assert first is second is third
    assert first.endswith(other)
    assert sorted(written.values()) == [1, 1]


async def test_a_stream_of_which_nothing_is_selected_moves_on_and_beats(
    index: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "HEARTBEAT_SECONDS", 0.3)
    feed, stop = EventFeed(index.db, 2, 60), asyncio.Event()

    async def busy() -> None:
        offset = 0
        while not stop.is_set():
            await index.stream.handle([message_of(posted(), offset)])
            offset += 1

    working = asyncio.create_task(busy())
    async with asyncio.timeout(30), contextlib.aclosing(feed.stream(EventFilter(topic="redemptions"), None)) as stream:
        reached = [int((await anext(stream)).split()[1]) for _ in range(3)]
    stop.set()
    await working
    assert reached[0] < reached[1] < reached[2]


async def test_no_more_streams_are_open_than_are_allowed(index: Indexed) -> None:
    async with indexing(index.db, index.settings_for, stream_clients=1, stream_seconds=60) as small:
        async with streaming(small):
            answer = await small.get("/events/stream")
            assert (answer.status_code, answer.json()["type"]) == (503, "streams-full")
