"""JSON logs on standard output, one object per line, with trace ids and without personal data.

Every library's log goes through the same processors. Two guards stand before the output: values under keys known to
hold personal data or secrets are dropped, and what looks like a mobile number, an identity number or an e-mail address
is masked wherever it stands, tracebacks included.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import structlog

from shared.telemetry import trace

__all__ = ["configure", "mask", "scrub"]

_DROPPED = "[dropped]"
_SENSITIVE = frozenset(
    {
        "access_token", "address", "authorization", "beneficiary", "birth_date", "body", "code", "cookie", "distance",
        "email", "evidence", "evidence_key", "full_name", "guardian", "id_card", "id_number", "identity_number",
        "idempotency_key", "latitude", "longitude", "mobile", "name", "password", "phone", "pickup_code",
        "real_name", "refresh_token", "secret", "signature", "ticket", "token", "username", "vault_key", "wechat",
    }
)  # fmt: skip
_MASKS = (
    # not inside a longer word: hexadecimal ids are full of digits
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"), "[phone]"),
    (re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"), "[id-number]"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[email]"),
    # PostgreSQL quotes the offending row, pydantic the offending input
    (re.compile(r"(?m)^(\s*DETAIL:).*$"), r"\1 [dropped]"),
    (re.compile(r"(?s)input_value=.*?, input_type="), "input_value=[dropped], input_type="),
)
_SUSPECT = re.compile(r"\d[\d -]{9}|@|DETAIL:|input_value=")
"""What any of the masks needs: most texts have none of it, and are done with one search."""

Event = MutableMapping[str, Any]
Processor = Callable[[Any, str, Event], Any]


class LogSettings(Protocol):
    """The part of the settings that logging needs."""

    @property
    def service(self) -> str: ...
    @property
    def log_level(self) -> str: ...


def mask(text: str) -> str:
    """The text with mobile numbers, identity numbers, e-mail addresses and quoted rows masked."""
    if _SUSPECT.search(text) is None:
        return text
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def scrub(value: Any) -> Any:
    """The value without what is known to be personal, at any depth."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _DROPPED if str(key).lower() in _SENSITIVE else scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item) for item in value]
    return value


def _without_personal_data(_: Any, __: str, event: Event) -> Event:
    for key, value in event.items():
        if key in _SENSITIVE or key.lower() in _SENSITIVE:
            event[key] = _DROPPED
        elif isinstance(value, str | dict | list | tuple | set | frozenset):
            event[key] = scrub(value)
        elif isinstance(value, BaseException):
            event[key] = mask(repr(value))
    return event


def _with_origin(service: str) -> Processor:
    def add(logger: Any, method: str, event: Event) -> Event:
        event["at"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event["service"] = service
        here = trace.current()
        if here is not None:
            event.setdefault("trace_id", here.trace_id)
            event.setdefault("span_id", here.span_id)
            event.setdefault("correlation_id", here.correlation_id)
        return event

    return add


def _render(event: Event, **_: Any) -> str:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    try:
        return orjson.dumps(event, default=str, option=options).decode()
    except orjson.JSONEncodeError:  # lone surrogates, integers past 64 bits
        return json.dumps(event, default=str)


class _Lines:
    """Where structlog's loggers write: one line each, at once, so that nothing is lost when the process is killed."""

    __slots__ = ("name",)

    def __init__(self, name: str = "weiguang", *_: Any) -> None:
        self.name = name

    def write(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    msg = debug = info = warning = warn = error = critical = fatal = exception = failure = log = write


class _Handler(logging.Handler):
    """Writes the standard library's records the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _Lines().write(self.format(record))
        except Exception:  # noqa: BLE001  a log line never breaks the work it reports
            self.handleError(record)


def configure(settings: LogSettings) -> None:
    """Send all logs of this process, structlog's and the standard library's, to standard output as JSON lines.

    structlog's own go straight to the output: an access log line costs a sixth of what a detour through the standard
    library's records costs.
    """
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    processors: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.format_exc_info,
        _without_personal_data,
        _with_origin(settings.service),
    ]
    renderer = structlog.processors.JSONRenderer(serializer=_render)
    structlog.configure(
        processors=[*processors, renderer],
        logger_factory=_Lines,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *processors],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "aiokafka", "asyncio", "faust", "mode"):
        library = logging.getLogger(noisy)
        library.handlers[:] = []
        library.propagate = True
        library.setLevel(max(logging.WARNING, level))
