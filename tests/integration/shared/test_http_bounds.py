"""Bounds on connections, over real sockets: whatever a peer sends or leaves out, its connection ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from starlette.types import Receive, Scope, Send

from shared.http import connections
from shared.http.address import networks
from shared.http.connections import ConnectionLimits
from shared.http.server import running
from tests.support.waiting import WAIT_LIMIT

QUICK = ConnectionLimits(header_seconds=0.3, idle_seconds=0.3, body_grace=0.2, body_seconds=5.0, write_seconds=0.3)
"""Times of a third of a second, so that every end comes soon."""
_WRITERS: list[asyncio.StreamWriter] = []


@dataclass
class App:
    """Answers, waits, reads a body, or answers without end."""

    asked: list[str] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        if scope["path"] == "/wait":
            await self.release.wait()
        while scope["method"] == "POST":
            message = await receive()
            if message["type"] == "http.disconnect":
                self.ended.set()
                return
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        if scope["path"] == "/endless":
            leaving = asyncio.ensure_future(_left(receive))
            while not leaving.done():
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                await asyncio.sleep(0)
            self.ended.set()
            return
        await send({"type": "http.response.body", "body": b"ok"})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def serving(limits: ConnectionLimits) -> AsyncIterator[tuple[App, int]]:
    app = App()
    async with running(app, "127.0.0.1", 0, lifespan=False, limits=limits) as port:
        try:
            yield app, port
        finally:
            app.release.set()


async def opened(port: int, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose data, if it is little, is there before the server accepts it and begins to count its time."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    sent = sock.send(data)
    reader, writer = await asyncio.open_connection(sock=sock)
    _WRITERS.append(writer)
    writer.write(data[sent:])
    return reader, writer


@pytest.fixture(autouse=True)
async def closing() -> AsyncIterator[None]:
    """Close what a test has opened."""
    yield
    while _WRITERS:
        writer = _WRITERS.pop()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What the server sends until it closes."""
    received = bytearray()
    async with asyncio.timeout(WAIT_LIMIT):
        try:
            while chunk := await reader.read(65536):
                received += chunk
        except ConnectionResetError:
            pass
    return bytes(received)


async def test_a_head_that_never_ends_is_refused() -> None:
    async with serving(QUICK) as (app, port):
        reader, _ = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\n")
        answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"type":"request-too-slow"' in answer
    assert app.asked == []


async def test_a_head_that_trickles_is_refused_all_the_same() -> None:
    async with serving(QUICK) as (app, port):
        reader, writer = await opened(port, b"GET / HTTP/1.1\r\n")
        reading = asyncio.create_task(everything(reader))
        while not reading.done():
            writer.write(b"X-A: 1\r\n")
            await asyncio.wait({reading}, timeout=0.05)
    assert reading.result().startswith(b"HTTP/1.1 408 ")
    assert app.asked == []


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_connection_that_asks_nothing_is_closed(sent: bytes) -> None:
    async with serving(QUICK) as (_, port):
        reader, writer = await opened(port, sent)
        reading = asyncio.create_task(everything(reader))
        while not reading.done():  # blank lines between requests are allowed, and keep nothing open
            await asyncio.wait({reading}, timeout=0.05)
            writer.write(b"\r\n")
    assert reading.result().count(b"HTTP/1.1") == (1 if sent else 0)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % number for number in range(101)) + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 400_000, b"431"),  # a header without an end
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /" + b"a" * 400_000, b"431"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
async def test_heads_have_a_size(head: bytes, status: bytes) -> None:
    async with serving(ConnectionLimits()) as (app, port):
        reader, _ = await opened(port, head)
        answer = await everything(reader)
    assert answer[9:12] == status or answer == b"", answer  # empty: reset while more was on its way
    assert app.asked == []


async def test_a_body_that_trickles_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "CHECK_SECONDS", 0.1)
    async with serving(QUICK) as (app, port):
        reader, writer = await opened(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        reading = asyncio.create_task(everything(reader))
        while not reading.done():
            writer.write(b"x")
            await asyncio.wait({reading}, timeout=0.05)
        await asyncio.wait_for(app.ended.wait(), WAIT_LIMIT)
    assert reading.result() == b""


async def test_chunk_extensions_and_trailers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_MESSAGE_BYTES", 100_000)
    async with serving(ConnectionLimits()) as (_, port):
        reader, writer = await opened(port, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        writer.write(b"X-Trailer: " + b"a" * 1_000_000)
        assert await everything(reader) == b""


async def test_an_answer_that_is_not_read_is_given_up() -> None:
    async with serving(QUICK) as (app, port):
        _, writer = await opened(port, b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(app.ended.wait(), WAIT_LIMIT)


async def test_requests_sent_ahead_are_few() -> None:
    async with serving(ConnectionLimits()) as (app, port):
        reader, _ = await opened(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        assert await everything(reader) == b""
    assert len(app.asked) == 1


async def test_some_requests_sent_ahead_are_answered() -> None:
    async with serving(QUICK) as (app, port):
        reader, _ = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
        answer = await everything(reader)
    assert answer.count(b"HTTP/1.1 200 ") == len(app.asked) == 10


async def test_one_address_has_so_many_connections() -> None:
    async with serving(ConnectionLimits(per_address=2)) as (_, port):
        for _ in range(2):
            await opened(port, b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        reader, _ = await opened(port)
        answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert b"retry-after" in answer


async def test_a_trusted_proxy_is_not_counted_by_address() -> None:
    trusting = ConnectionLimits(per_address=1, trusted=networks(("127.0.0.0/8",)))
    async with serving(trusting) as (app, port):
        pairs = [await opened(port, b"GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") for _ in range(5)]
        app.release.set()
        answers = [await everything(reader) for reader, _ in pairs]
    assert [answer[9:12] for answer in answers] == [b"200"] * 5


async def test_idle_connections_make_room_and_busy_ones_do_not() -> None:
    async with serving(ConnectionLimits(connections=2)) as (app, port):
        idle, _ = await opened(port)
        pairs = []
        for number in range(2):
            pairs.append(await opened(port, b"GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
            while len(app.asked) <= number:
                await asyncio.sleep(0.01)
        assert await everything(idle) == b""
        late, _ = await opened(port)
        assert (await everything(late)).startswith(b"HTTP/1.1 503 ")
        app.release.set()
        assert all([(await everything(reader)).startswith(b"HTTP/1.1 200 ") for reader, _ in pairs])
        freed, _ = await opened(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await everything(freed)).startswith(b"HTTP/1.1 200 ")
