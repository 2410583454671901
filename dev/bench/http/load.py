"""Sends requests that are due at fixed times.

The connections are kept alive and parse by httptools: a cheap client leaves the cores to what is measured.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from httptools import HttpResponseParser

__all__ = ["Answer", "Call", "Load", "Wire", "at_rate"]

Answer = tuple[int, bytes]
"""Status and body."""
Call = Callable[[], tuple[str, Mapping[str, str], bytes]]
"""Makes a request when it is due: path, headers, body."""
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """Latencies in milliseconds, the answers other than 201 with the first of them, and this process's CPU seconds."""

    latencies: list[float]
    failed: int
    first_failure: str
    cpu: float


class _Connection(asyncio.Protocol):
    """One connection to the server, with one request under way at most."""

    def __init__(self) -> None:
        self.usable = True
        self._parser = HttpResponseParser(self)
        self._body = b""
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class is none

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status, self.usable = self._parser.get_status_code(), self._parser.should_keep_alive()
        answer, body = self._answer, self._body
        self._parser, self._body, self._answer = HttpResponseParser(self), b"", None
        if answer is not None and not answer.done():
            answer.set_result((status, body))

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request; returns its answer to come."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """End the connection."""
        self.usable = False
        if self._transport is not None:
            self._transport.close()


class Wire:
    """The connections to one address, as many as requests are under way at once."""

    def __init__(self, base: str) -> None:
        parts = urlsplit(base)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or 80
        self._idle: list[_Connection] = []

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a request.

        Raises:
            OSError: the connection broke, or the answer took longer than `TIMEOUT_SECONDS`.
        """
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{lines}\r\n"
        )
        connection = await self._connection()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await connection.ask(head.encode() + body)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    async def _connection(self) -> _Connection:
        while self._idle:
            if (connection := self._idle.pop()).usable:
                return connection
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(_Connection, self._host, self._port)
        return made

    def close(self) -> None:
        """End all connections."""
        for connection in self._idle:
            connection.close()


async def at_rate(base: str, rate: float, calls: Sequence[Call]) -> Load:
    """Send each call at its time, whatever became of those before it; latencies count from when it was due."""
    wire = Wire(base)
    latencies: list[float] = []
    failures: list[str] = []

    async def one(call: Call, due: float) -> None:
        try:
            status, body = await wire.post(*call())
            failure = "" if status == 201 else f"{status} {body[:300].decode(errors='replace')}"
        except OSError as error:
            failure = repr(error)
        latencies.append((time.perf_counter() - due) * 1000)
        if failure:
            failures.append(failure)

    used, began = time.process_time(), time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as tasks:
        for number, call in enumerate(calls):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(one(call, due))
    used = time.process_time() - used
    wire.close()
    return Load(latencies, len(failures), failures[0] if failures else "", used)
