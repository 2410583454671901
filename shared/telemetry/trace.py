"""W3C trace context and the correlation id, carried through HTTP, outbox and Kafka headers.

The trace belongs to one request or one record; the correlation id belongs to everything that a person's act causes, and
is what an operator searches for. Both live in a context variable, so that concurrent requests don't see each other's.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass

__all__ = [
    "Trace",
    "begin",
    "bind",
    "current",
    "format_traceparent",
    "leave",
    "parse_traceparent",
    "traceparent",
    "valid_correlation_id",
]

# Version ff is forbidden; versions after 00 may append fields, which we ignore, as the recommendation says.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_CORRELATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


@dataclass(frozen=True, slots=True)
class Trace:
    """Where we are: the trace, this process's span in it, and the correlation id."""

    trace_id: str
    span_id: str
    correlation_id: str
    flags: str = "01"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace | None:
    """The trace that this task works under, if any."""
    return _current.get()


def parse_traceparent(value: str | None) -> tuple[str, str, str] | None:
    """Trace id, parent span id and flags of a ``traceparent``; None where the value is not a valid one."""
    match = _TRACEPARENT.fullmatch(value) if value and len(value) <= 512 else None
    if match is None or (match[1] == "00" and match[5] is not None):
        return None
    if match[2] == _NO_TRACE or match[3] == _NO_SPAN:
        return None
    return match[2], match[3], match[4]


def format_traceparent(trace: Trace) -> str:
    """The header that a callee continues from."""
    return f"00-{trace.trace_id}-{trace.span_id}-{trace.flags}"


def valid_correlation_id(value: str | None) -> str | None:
    """The value if it may serve as a correlation id (1 to 128 letters, digits and ``._:-``), else None."""
    return value if value is not None and _CORRELATION_ID.fullmatch(value) else None


def begin(traceparent: str | None, correlation_id: str | None) -> tuple[Trace, Token[Trace | None]]:
    """Continue the caller's trace, or start one if it has none; end it by `leave`.

    Values that are not valid are treated as absent: a stranger's header must not break a request. Without a correlation
    id the trace id stands in, so that there always is one.
    """
    parent = parse_traceparent(traceparent)
    trace_id, flags = (parent[0], parent[2]) if parent else (os.urandom(16).hex(), "01")
    trace = Trace(trace_id, os.urandom(8).hex(), valid_correlation_id(correlation_id) or trace_id, flags)
    return trace, _current.set(trace)


def leave(token: Token[Trace | None]) -> None:
    """Go back to what was current before `begin`."""
    _current.reset(token)


@contextmanager
def bind(traceparent: str | None, correlation_id: str | None) -> Iterator[Trace]:
    """Work under the given trace (see `begin`) for the length of a block."""
    trace, token = begin(traceparent, correlation_id)
    try:
        yield trace
    finally:
        leave(token)


def traceparent() -> str:
    """The ``traceparent`` to hand on; a new trace's where none is current."""
    trace = _current.get() or Trace(os.urandom(16).hex(), os.urandom(8).hex(), "")
    return format_traceparent(trace)
