"""Bounds on connections: how many, how slow, and how large the head of a request may be.

uvicorn's protocol waits for ever for the rest of a head or body and for a peer that does not read. Every wait here has
an end, and everything that is collected before a handler runs has a size.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http.address import Networks, grouped, networks, within
from shared.settings import Settings
from shared.telemetry.metrics import CONNECTIONS, CONNECTIONS_REFUSED

__all__ = ["Admission", "BoundedProtocol", "ConnectionLimits", "bounded_by", "limits_of"]

MAX_URL_BYTES = 16 * 1024
"""The application refuses addresses over 8 KiB itself, by a page where a browser asks."""
MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_PIPELINED = 16
"""Requests that one connection may send before the first is answered."""
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Raw bytes after a head, with chunk extensions and trailers; bodies themselves are bounded by `Guard`."""
CHECK_SECONDS = 5.0
"""How often the rate of a body is checked."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one server; times in seconds.

    ``trusted`` peers (proxies, other services) are not counted by address. A body must arrive at ``body_rate`` bytes
    per second after ``body_grace``, and whole within ``body_seconds``. A peer that reads nothing of an answer for
    ``write_seconds`` is cut off.
    """

    connections: int = 1024
    per_address: int = 256
    header_seconds: float = 10.0
    idle_seconds: float = 30.0
    body_grace: float = 10.0
    body_rate: int = 1024
    body_seconds: float = 60.0
    write_seconds: float = 30.0
    trusted: Networks = ()


def limits_of(settings: Settings) -> ConnectionLimits:
    """The limits that the settings name."""
    return ConnectionLimits(
        connections=settings.http_connections,
        per_address=settings.http_connections_per_address,
        header_seconds=settings.http_header_seconds,
        idle_seconds=settings.http_idle_seconds,
        trusted=networks(tuple(settings.trusted_proxies)),
    )


class Admission:
    """The open connections of one server, in all and by address.

    At the limit the connection that has waited longest for a request makes room; with none waiting, the new one is
    refused.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[BoundedProtocol, str | None] = {}
        self._of: dict[str, dict[BoundedProtocol, None]] = {}
        self._waiting: dict[BoundedProtocol, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: "BoundedProtocol", peer: str | None) -> str | None:
        """Count a new connection; returns why it is refused, if it is: ``address`` or ``all``."""
        trusted = peer is None or within(peer, self.limits.trusted)
        address = None if trusted or peer is None else grouped(peer)
        mine = self._of.get(address, {}) if address is not None else {}
        if len(mine) >= self.limits.per_address and not self._make_room(mine):
            return "address"
        if len(self._open) >= self.limits.connections and not self._make_room(self._waiting):
            return "all"
        self._open[connection] = address
        if address is not None:
            self._of.setdefault(address, {})[connection] = None
        CONNECTIONS.set(len(self._open))
        return None

    def waits(self, connection: "BoundedProtocol") -> None:
        """The connection has no request under way; it was the last to begin waiting."""
        if connection in self._open:
            self._waiting[connection] = None

    def works(self, connection: "BoundedProtocol") -> None:
        """A request of the connection is under way."""
        self._waiting.pop(connection, None)

    def release(self, connection: "BoundedProtocol") -> None:
        """The connection is gone; a second call does nothing."""
        self._waiting.pop(connection, None)
        address = self._open.pop(connection, None)
        if address is not None:
            mine = self._of[address]
            mine.pop(connection, None)
            if not mine:
                del self._of[address]
        CONNECTIONS.set(len(self._open))

    def _make_room(self, among: "dict[BoundedProtocol, None]") -> bool:
        oldest = next((connection for connection in among if connection in self._waiting), None)
        if oldest is None:
            return False
        CONNECTIONS_REFUSED.labels("evicted").inc()
        self.release(oldest)
        oldest.transport.abort()
        return True


def bounded_by(limits: ConnectionLimits) -> type["BoundedProtocol"]:
    """A protocol class for one server, with an admission of its own."""
    return type("BoundedProtocol", (BoundedProtocol,), {"admission": Admission(limits)})


class BoundedProtocol(HttpToolsProtocol):
    """One connection within the limits of its server's `Admission`."""

    admission: Admission

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._in_body = False
        self._refused = False
        self._fed = 0
        self._body_bytes = 0
        self._body_began = 0.0

    # Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection, or answer it at once and close it."""
        super().connection_made(transport)
        why = self.admission.admit(self, self.client[0] if self.client else None)
        if why is not None:
            status = "429 Too Many Requests" if why == "address" else "503 Service Unavailable"
            self._refuse(why, status, "too-many-connections", "Too many connections at once; try again in a moment.")
            return
        self.admission.waits(self)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up the place and all timers."""
        for timer in (self._head_timer, self._body_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self.admission.release(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def pause_writing(self) -> None:
        """The peer does not read as fast as it is answered: it may take so long and no longer."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.admission.limits.write_seconds, self._cut, "write")

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; one whose last answer was not read is cut off."""
        self._close()

    # Bytes in

    def data_received(self, data: bytes) -> None:
        """Feed the parser, within the sizes of heads and messages."""
        if self._refused or self.transport.is_closing():
            return
        self._fed += len(data)
        if not self._in_body:
            self._expect_head()
        super().data_received(data)
        if self._in_head and self._fed > MAX_HEAD_BYTES:
            self._refuse_head()
        elif self._in_body and self._fed > MAX_MESSAGE_BYTES:
            self._cut("size")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True
        if len(self.pipeline) >= MAX_PIPELINED:
            self._cut("pipeline")
        self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers after a body are dropped."""
        if self._in_head and len(self.headers) <= MAX_HEADERS:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, unless its head is too large or the connection is refused."""
        self._in_head = False
        self._forget_head()
        if self._refused or self.transport.is_closing():
            self._refused = True
            return
        size = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > MAX_URL_BYTES:
            detail = f"The address is longer than {MAX_URL_BYTES} characters."
            self._refuse("head", "414 URI Too Long", "address-too-long", detail)
        elif size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refuse_head()
        else:
            self.admission.works(self)
            self._in_body, self._fed, self._body_bytes, self._body_began = True, 0, 0, self.loop.time()
            super().on_headers_complete()
            if self._in_body:
                self._body_timer = self.loop.call_later(CHECK_SECONDS, self._check_body)

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body."""
        self._body_bytes += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here as a whole."""
        self._in_body, self._fed = False, 0
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None
        if self._refused:
            return
        super().on_message_complete()
        if self.cycle.response_complete:  # refused early, and the rest of the body has been read since
            self.admission.waits(self)
            self._expect_head()

    def on_response_complete(self) -> None:
        """Wait for the next request; a peer that does not read the last answer is cut off in time."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._close()
        elif self.cycle.response_complete and not self._in_body:
            self.admission.waits(self)

    # Ends

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.admission.limits.header_seconds, self._head_late)

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        if cycle is not None and not cycle.response_complete:
            return  # blanks after a request that is still being answered
        if not self._in_head:
            self._close()  # nothing was asked: an answer would be taken for that to the next request
            return
        detail = "The head of the request did not arrive in time."
        self._refuse("head", "408 Request Timeout", "request-too-slow", detail)

    def _check_body(self) -> None:
        self._body_timer = None
        if not self._in_body:
            return
        limits, elapsed = self.admission.limits, self.loop.time() - self._body_began
        expected = (elapsed - limits.body_grace) * limits.body_rate
        if elapsed > limits.body_seconds or (self._body_bytes < expected and not self.flow.read_paused):
            self._cut("body")
            return
        self._body_timer = self.loop.call_later(CHECK_SECONDS, self._check_body)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser cannot read."""
        self._refuse("malformed", "400 Bad Request", "malformed-request", "The request is not valid HTTP.")

    def _refuse_head(self) -> None:
        detail = f"The head of the request is over {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} headers."
        self._refuse("head", "431 Request Header Fields Too Large", "head-too-large", detail)

    def _refuse(self, why: str, status: str, type: str, detail: str) -> None:
        """Answer by a problem without asking the application, and close."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._forget_head()
        CONNECTIONS_REFUSED.labels(why).inc()
        title = type.replace("-", " ").capitalize()
        body = f'{{"type":"{type}","title":"{title}","status":{status[:3]},"detail":"{detail}"}}'
        retry = "retry-after: 2\r\n" if status.startswith(("429", "503")) else ""
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}{retry}connection: close\r\n\r\n{body}".encode())
        self._close()

    def _cut(self, why: str) -> None:
        """Break the connection: its peer would not hear an answer."""
        self._refused = True
        CONNECTIONS_REFUSED.labels(why).inc()
        self.transport.abort()

    def _close(self) -> None:
        """Close when what is written has been read, or cut off after ``write_seconds``."""
        if not self.transport.is_closing():
            self.transport.close()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.admission.limits.write_seconds, self.transport.abort)
