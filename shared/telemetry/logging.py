"""JSON logs on standard output, one object per line, with trace ids and without personal data.

Every library's log goes through the same processors. Two guards stand before the output: values under keys known to
hold personal data or secrets are dropped, and what looks like a mobile number, an identity number or an e-mail address
is masked wherever it stands, tracebacks included.
"""

import logging
import logging.config
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Protocol

import orjson
import structlog

from shared.telemetry import trace

__all__ = ["configure", "mask", "scrub"]

_DROPPED = "[dropped]"
_SENSITIVE = frozenset(
    {
        "access_token", "address", "authorization", "beneficiary", "birth_date", "body", "code", "cookie", "distance",
        "email", "full_name", "guardian", "id_card", "id_number", "identity_number", "idempotency_key", "latitude",
        "longitude", "mobile", "name", "password", "phone", "pickup_code", "real_name", "refresh_token", "secret",
        "signature", "ticket", "token", "username", "vault_key", "wechat",
    }
)  # fmt: skip
_MASKS = (
    # not inside a longer word: hexadecimal ids are full of digits
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"), "[phone]"),
    (re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"), "[id-number]"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[email]"),
    # PostgreSQL quotes the offending row, pydantic the offending input
    (re.compile(r"(?m)^(\s*DETAIL:).*$"), r"\1 [dropped]"),
    (re.compile(r"input_value=.*?, input_type="), "input_value=[dropped], input_type="),
)


class LogSettings(Protocol):
    """The part of the settings that logging needs."""

    @property
    def service(self) -> str: ...
    @property
    def log_level(self) -> str: ...


def mask(text: str) -> str:
    """The text with mobile numbers, identity numbers, e-mail addresses and quoted rows masked."""
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


def _without_personal_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key.lower() in _SENSITIVE:
            event[key] = _DROPPED
        elif isinstance(value, str | dict | list | tuple | set | frozenset):
            event[key] = scrub(value)
    return event


def _with_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    here = trace.current()
    if here is not None:
        event.setdefault("trace_id", here.trace_id)
        event.setdefault("span_id", here.span_id)
        event.setdefault("correlation_id", here.correlation_id)
    return event


def _render(event: MutableMapping[str, Any], **_: Any) -> str:
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    try:
        return orjson.dumps(event, default=repr, option=options).decode()
    except orjson.JSONEncodeError:  # lone surrogates, integers past 64 bits
        return orjson.dumps({key: repr(value) for key, value in event.items()}).decode("utf-8", "replace")


def configure(settings: LogSettings) -> None:
    """Send all logs of this process, structlog's and the standard library's, to standard output as JSON lines."""

    def with_service(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = settings.service
        return event

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _with_trace,
        with_service,
        structlog.processors.format_exc_info,
        _without_personal_data,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(serializer=_render),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("uvicorn", "uvicorn.error", "uvicorn.access", "aiokafka", "asyncio", "faust", "mode"):
        library = logging.getLogger(noisy)
        library.handlers[:] = []
        library.propagate = True
        library.setLevel(max(logging.WARNING, root.level) if noisy != "asyncio" else logging.ERROR)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
